use std::time::Duration;

use crate::invalidation::Retry;

/// What a worker is set to.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// How many rows are claimed at a time.
    pub(super) batch_size: u64,
    /// How many calculations run at a time.
    pub(super) concurrency: usize,
    pub(super) calculation_timeout: Duration,
    pub(super) lease: Duration,
    pub(super) shutdown_timeout: Duration,
    pub(super) retry: Retry,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch_size: 200,
            concurrency: 8,
            calculation_timeout: Duration::from_secs(30),
            lease: Duration::from_secs(60),
            shutdown_timeout: Duration::from_secs(10),
            retry: Retry::default(),
        }
    }
}
