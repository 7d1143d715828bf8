//! The worker: claims, calculates and completes until it is told to stop. No module outside of this
//! one knows apalis.

mod backend;
mod batch;
mod claiming;
#[cfg(feature = "sqlx-postgres")]
mod connections;
mod context;
mod drain;
mod hand_back;
mod lane;
mod ledger;
#[cfg(feature = "sqlx-postgres")]
mod listen;
mod next;
#[cfg(feature = "sqlx-postgres")]
mod pooler;
mod run;
mod schedule;
mod settings;
mod sleep;
#[cfg(feature = "sqlx-sqlite")]
mod watch;

pub use backend::Backend;
pub use batch::{Batch, recalculate};
pub use hand_back::{HandBack, HandBackLayer};
pub use run::Worker;
