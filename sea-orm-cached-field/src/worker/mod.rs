//! The worker: claims, calculates and completes until it is told to stop. No module outside of this
//! one knows apalis.

mod backend;
mod batch;
mod claiming;
mod context;
mod drain;
mod figures;
#[cfg(feature = "metrics")]
mod gauges;
mod hand_back;
mod lane;
mod ledger;
mod life;
mod next;
mod presence;
mod run;
mod schedule;
mod settings;
mod sleep;

pub use backend::Backend;
pub use batch::{Batch, recalculate};
pub use hand_back::{HandBack, HandBackLayer};
pub use run::Worker;
