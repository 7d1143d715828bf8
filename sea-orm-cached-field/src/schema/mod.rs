//! What stands in the database: install and uninstall.

mod backlog;
mod inspect;
mod install;
#[cfg(feature = "migration")]
mod migration;
mod report;
mod uninstall;

pub(crate) use install::install;
#[cfg(feature = "migration")]
pub use migration::InstallCachedFields;
pub use report::{Change, Changes};
pub(crate) use uninstall::uninstall;
