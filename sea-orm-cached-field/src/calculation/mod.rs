//! Running the user's code, which only this module does. Panics are caught, time is bounded.

mod batch;
mod blocking;
mod derived;
mod hook;
mod pace;
mod run;

pub(crate) use batch::{Calculated, Limits, Outcome, calculate};
pub use blocking::blocking;
pub use derived::calculate_one;
pub(crate) use hook::after_recalculation;
pub(crate) use pace::Pace;
pub(crate) use run::{Subject, message, run};
