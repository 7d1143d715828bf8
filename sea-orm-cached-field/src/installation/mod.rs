//! The objects in the database: install and uninstall, suspend, doctor and repair.

mod abandoned;
mod backlog;
mod diagnosis;
mod doctor;
mod inspect;
mod install;
mod report;
mod rights;
mod summary;
mod suspend;
mod tagged;
mod uninstall;
mod versions;

pub(crate) use abandoned::remove_abandoned;
pub(crate) use backlog::mark_flagged;
pub use diagnosis::{Diagnosis, Finding};
pub(crate) use doctor::{doctor, repair};
pub(crate) use install::install;
pub use report::{Change, Changes};
pub(crate) use suspend::suspend;
pub(crate) use uninstall::uninstall;
