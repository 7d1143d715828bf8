//! What the log says of a worker's life: how it was set when it started, and what it had done when
//! it stopped.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use super::context::Context;
use crate::{Error, error::seconds};

/// A worker that has started. When this is dropped, the log says that the worker has stopped.
pub(super) struct Life {
    context: Arc<Context>,
    since: Instant,
    /// Whether its caller waits for its end, as in a test or a script. Then the log has it at level
    /// `DEBUG` only.
    is_short: bool,
    error: Option<String>,
}

/// Logs at level `INFO`, or `DEBUG` for a short life.
macro_rules! say {
    ($is_short:expr, $($said:tt)*) => {
        if $is_short {
            tracing::debug!($($said)*)
        } else {
            tracing::info!($($said)*)
        }
    };
}

impl Life {
    pub(super) fn begin(context: &Arc<Context>) -> Self {
        Self::new(context, false)
    }

    pub(super) fn begin_short(context: &Arc<Context>) -> Self {
        Self::new(context, true)
    }

    fn new(context: &Arc<Context>, is_short: bool) -> Self {
        let settings = &context.settings;
        say!(
            is_short,
            database = context.engine.backend.address(&context.db),
            models = tables(context),
            cached_fields = context.owners().map(|owner| owner.fields.len()).sum::<usize>(),
            recalculates = context.engine.is_eager(),
            concurrency = settings.concurrency,
            batch_size = settings.batch_size,
            lease_seconds = seconds(settings.lease),
            calculation_timeout_seconds = seconds(settings.calculation_timeout),
            max_attempts = settings.retry.max_attempts,
            fuse_rows = settings.fuse,
            "the worker has started"
        );
        Self { context: Arc::clone(context), since: Instant::now(), is_short, error: None }
    }

    /// Ends the life with this result, and returns it.
    pub(super) fn end<T>(mut self, ended: Result<T, Error>) -> Result<T, Error> {
        self.error = ended.as_ref().err().map(|error| self.context.engine.without_values(error));
        ended
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let Self { context, since, is_short, error } = self;
        let Tally { recalculated, failed } = &context.tally;
        let recalculated = recalculated.load(Ordering::Relaxed);
        let failed = failed.load(Ordering::Relaxed);
        let seconds = seconds(since.elapsed());
        match error.take() {
            Some(error) if !*is_short => tracing::warn!(
                error,
                recalculated,
                failed,
                seconds,
                "the worker has stopped, because of an error that it returns to its caller"
            ),
            error => {
                say!(*is_short, error, recalculated, failed, seconds, "the worker has stopped");
            }
        }
    }
}

/// The tables of the models, upstream ones first.
fn tables(context: &Context) -> String {
    let tables = context.owners().map(|owner| owner.table.name.as_str());
    tables.collect::<Vec<_>>().join(", ")
}

/// The number of values that were stored, and of calculations that failed.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) recalculated: AtomicU64,
    pub(super) failed: AtomicU64,
}

impl Tally {
    pub(super) fn count_stored(&self) {
        self.recalculated.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }
}
