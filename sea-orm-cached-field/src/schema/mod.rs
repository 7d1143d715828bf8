//! What stands in the database: install and uninstall.

mod backlog;
mod inspect;
mod install;
mod report;
mod uninstall;
mod versions;

pub(crate) use install::install;
pub use report::{Change, Changes};
pub(crate) use uninstall::uninstall;
