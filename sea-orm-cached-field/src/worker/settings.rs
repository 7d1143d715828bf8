use std::time::Duration;

use super::backend::BATCHES_IN_FLIGHT;
use crate::protocol::Retry;

/// What a worker is set to.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// How many rows are claimed at a time.
    pub(super) batch_size: u64,
    /// How many calculations run at a time.
    pub(super) concurrency: usize,
    /// How many connections of its own it opens at most.
    pub(super) connections: u32,
    /// Where it listens, if not as its pool connects.
    #[cfg(feature = "sqlx-postgres")]
    pub(super) listen_on: Option<String>,
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
            // One claims while each batch in flight is stored.
            connections: BATCHES_IN_FLIGHT as u32 + 1,
            #[cfg(feature = "sqlx-postgres")]
            listen_on: None,
            calculation_timeout: Duration::from_secs(30),
            lease: Duration::from_secs(60),
            shutdown_timeout: Duration::from_secs(10),
            retry: Retry::default(),
        }
    }
}
