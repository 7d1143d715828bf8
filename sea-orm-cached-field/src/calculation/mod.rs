//! Running the user's code: the only room that does. Panics are caught, time is bounded, readers share.

mod batch;
mod flight;
mod run;

pub(crate) use batch::{Calculated, Limits, Outcome, calculate};
pub(crate) use flight::Flights;
pub(crate) use run::{Subject, message, run};
