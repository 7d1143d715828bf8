use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use apalis_core::error::BoxDynError;
use tokio::sync::OwnedSemaphorePermit;
use tracing::{Instrument, field::Empty};

use super::{context::Context, lane::Lane, life::Tally};
use crate::{
    Error,
    calculation::Limits,
    error::seconds,
    protocol::Verdict,
    queue::Claim,
    recalculation::{Holder, Recalculation},
    registry::Model,
};

/// A task of the worker: claimed rows of one model. [`recalculate`] is the handler for it.
#[derive(Clone)]
pub struct Batch(Arc<Inner>);

struct Inner {
    context: Arc<Context>,
    id: u64,
    model: Arc<Model>,
    claims: Vec<Claim>,
    tally: Tally,
    /// The lane, if there are lanes.
    lane: Option<Lane>,
    /// The place among the batches in flight; given up with the batch.
    permit: Mutex<Option<OwnedSemaphorePermit>>,
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch of {} claims of {}", self.0.claims.len(), self.0.model.owner.table.name)
    }
}

impl Inner {
    fn place(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_up_place(&self) {
        *self.place() = None;
    }
}

/// Hands back a batch that is dropped before its end. If there is no runtime any more for that, its
/// leases end by themselves.
impl Drop for Inner {
    fn drop(&mut self) {
        self.context.hand_back_later(self.context.ledger.take(self.id));
    }
}

impl Batch {
    pub(super) fn new(
        context: &Arc<Context>,
        model: &Arc<Model>,
        claims: Vec<Claim>,
        lane: Option<Lane>,
    ) -> Self {
        let id = context.ledger.enter(model, &claims);
        let context = Arc::clone(context);
        let model = Arc::clone(model);
        let tally = Tally::default();
        let permit = Mutex::default();
        Self(Arc::new(Inner { context, id, model, claims, tally, lane, permit }))
    }

    pub(super) fn lane(&self) -> Option<Lane> {
        self.0.lane
    }

    pub(super) fn keep(&self, permit: OwnedSemaphorePermit) {
        *self.0.place() = Some(permit);
    }

    /// Returns the number of claims that it was made with: one for each field and row.
    pub(super) fn len(&self) -> usize {
        self.0.claims.len()
    }

    /// Logs that the batch has failed as a whole.
    pub(super) fn warn(&self, error: &BoxDynError) {
        let Inner { context, model, claims, .. } = &*self.0;
        let error = match error.downcast_ref::<Error>() {
            Some(error) => context.engine.without_values(error),
            // A layer of the user's, or a panic, may say anything.
            None => {
                tracing::debug!("a batch has failed: {error}");
                "not of this library; its text is logged at level DEBUG".to_owned()
            }
        };
        tracing::warn!(
            table = model.owner.table.name,
            claims = claims.len(),
            error,
            "a batch has failed; what it has not stored is calculated again"
        );
    }

    /// Hands back the claims that are not settled.
    pub(super) async fn hand_back(&self) -> Result<(), Error> {
        let context = &self.0.context;
        context.hand_back(context.ledger.take(self.0.id)).await
    }

    /// Hands back the claims that are not settled. If that fails, the log says so.
    pub(super) async fn hand_back_if_possible(&self) {
        if let Err(error) = self.hand_back().await {
            let Inner { context, model, claims, .. } = &*self.0;
            tracing::warn!(
                table = model.owner.table.name,
                claims = claims.len(),
                error = context.engine.without_values(&error),
                lease_seconds = seconds(context.settings.lease),
                "could not hand back rows yet; the worker tries again before it claims others"
            );
        }
    }
}

/// Calculates the rows of a batch and stores each value as soon as it is there. It is the handler
/// of the worker's tasks, for programs that run it in an apalis `Monitor` of their own.
///
/// All of it happens in a span of `tracing` at level `DEBUG`, which is called `recalculate`. It has
/// the fields `table` and `claims`. When it ends, it also has the number of values that were stored
/// (`recalculated`), of calculations that failed (`failed`), and its duration (`seconds`).
///
/// # Errors
/// [`Error::Database`] if the rows cannot be loaded or the values cannot be stored; the layer that
/// the [`Backend`] brings along then hands the rows back. A calculation that fails is no error of
/// the batch.
///
/// [`Backend`]: crate::apalis::Backend
pub async fn recalculate(batch: Batch) -> Result<(), Error> {
    let Inner { context, model, claims, tally, lane, .. } = &*batch.0;
    let give_up_place = || {
        let inner = Arc::clone(&batch.0);
        Arc::new(move || inner.give_up_place()) as Arc<dyn Fn() + Send + Sync>
    };
    let only_slow_left = (*lane == Some(Lane::Quick)).then(give_up_place);
    let limits = Limits { only_slow_left, ..context.limits.clone() };
    let recalculation = Recalculation {
        engine: &context.engine,
        connections: context.connections(),
        db: &context.db,
        model,
        limits: &limits,
        retry: Some(context.settings.retry),
        together: usize::try_from(context.settings.batch_size).unwrap_or(usize::MAX),
        holder: &batch,
    };

    let table = model.owner.table.name.as_str();
    let span = tracing::info_span!(
        "recalculate",
        table,
        claims = claims.len(),
        recalculated = Empty,
        failed = Empty,
        seconds = Empty,
    );
    let begun = Instant::now();
    let ended = recalculation.run(claims).instrument(span.clone()).await;
    span.record("recalculated", tally.recalculated.load(Ordering::Relaxed));
    span.record("failed", tally.failed.load(Ordering::Relaxed));
    span.record("seconds", seconds(begun.elapsed()));
    ended
}

impl Holder for Batch {
    fn settled(&self, claims: &[Claim]) {
        self.0.context.ledger.settle(self.0.id, claims);
    }

    fn took(&self, field: usize, took: Duration) {
        let Inner { context, model, .. } = &*self.0;
        context.figures.count_calculation(&model.owner, field, took);
    }

    fn judged(&self, claim: &Claim, verdict: Verdict, changed: bool) {
        let Inner { context, model, tally, .. } = &*self.0;
        context.figures.count_end(&model.owner, claim, verdict, changed);
        if verdict.is_stored() {
            tally.count_stored();
            context.tally.count_stored();
        }
    }

    fn failed(&self, claim: &Claim, error: Error, is_final: bool) {
        let Inner { context, model, tally, .. } = &*self.0;
        context.figures.count_failure(&model.owner, claim.field, is_final);
        tally.count_failed();
        context.tally.count_failed();
        if let Some(failures) = &context.failures {
            failures.remember(model, claim, &error);
        }
    }
}
