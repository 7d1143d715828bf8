use std::time::Duration;

use super::backend::BATCHES_IN_FLIGHT;
use crate::protocol::Retry;

/// The settings of a worker.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// The number of rows that are claimed at a time.
    pub(super) batch_size: u64,
    /// The number of calculations that run at a time.
    pub(super) concurrency: usize,
    /// The greatest number of connections of its own.
    pub(super) connections: u32,
    /// The server to listen on, if it is not that of the pool.
    #[cfg(feature = "sqlx-postgres")]
    pub(super) listen_on: Option<String>,
    pub(super) calculation_timeout: Duration,
    pub(super) lease: Duration,
    pub(super) shutdown_timeout: Duration,
    pub(super) retry: Retry,
    /// The greatest number of rows of a field that one transaction may mark.
    pub(super) fuse: Option<u64>,
    /// Whether it sets the gauges of what waits.
    #[cfg(feature = "metrics")]
    pub(super) gauges: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch_size: 200,
            concurrency: 8,
            // One connection claims while each batch in flight is stored.
            connections: BATCHES_IN_FLIGHT as u32 + 1,
            #[cfg(feature = "sqlx-postgres")]
            listen_on: None,
            calculation_timeout: Duration::from_secs(30),
            lease: Duration::from_secs(60),
            shutdown_timeout: Duration::from_secs(10),
            retry: Retry::default(),
            fuse: None,
            #[cfg(feature = "metrics")]
            gauges: true,
        }
    }
}
