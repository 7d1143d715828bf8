//! The worker: claims, calculates and completes until it is told to stop. Nothing below this room
//! knows apalis.

mod backend;
mod batch;
mod claiming;
#[cfg(feature = "sqlx-postgres")]
mod connections;
mod core;
mod drain;
mod hand_back;
mod lane;
#[cfg(feature = "sqlx-postgres")]
mod listen;
#[cfg(feature = "sqlx-postgres")]
mod pooler;
mod run;
mod settings;
mod sleep;
#[cfg(feature = "sqlx-sqlite")]
mod watch;

pub use backend::Backend;
pub use batch::{Batch, recalculate};
pub use run::Worker;
