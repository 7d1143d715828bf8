//! What stands in the database: install and uninstall, doctor and repair.

mod backlog;
mod diagnosis;
mod doctor;
mod inspect;
mod install;
mod report;
mod uninstall;
mod versions;

pub use diagnosis::{Diagnosis, Finding};
pub(crate) use doctor::{doctor, repair};
pub(crate) use install::install;
pub use report::{Change, Changes};
pub(crate) use uninstall::uninstall;
