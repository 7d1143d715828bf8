//! The objects in the database: install and uninstall, plan, suspend, doctor and repair.

mod abandoned;
mod backlog;
mod diagnosis;
mod doctor;
mod inspect;
mod install;
mod plan;
mod report;
mod rights;
mod summary;
mod suspend;
mod tagged;
mod uninstall;
mod versions;

pub(crate) use abandoned::remove_abandoned;
pub(crate) use backlog::{flag_field, mark_flagged};
pub use diagnosis::{Diagnosis, Finding};
pub(crate) use doctor::{doctor, repair};
pub(crate) use install::install;
pub use plan::Plan;
pub(crate) use plan::plan;
pub use report::{Change, Changes};
pub(crate) use suspend::suspend;
pub(crate) use uninstall::uninstall;
