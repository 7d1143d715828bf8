//! Draining: working until nothing is due any more.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{backend::BATCHES_IN_FLIGHT, batch::Batch, context::Context, next::Next};
use crate::{
    Error, declaration::Key, layout::Table, protocol::Work, queue::Claim, registry::Model,
};

/// The time that it waits for rows that were handed back a moment ago.
const MOMENT: Duration = Duration::from_millis(100);

/// The pause where there is work that is locked.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// The number of errors of the database in a row that count as temporary. A transaction of the
/// library waits for a lock only for a moment.
const PASSING_ERRORS: u32 = 5;

/// The shortest time for which a failed field is put off.
const PUT_OFF: Duration = Duration::from_secs(1);

/// The failures since draining began. They are not retried. Otherwise rows that fail slowly would
/// be due again and again.
pub(super) struct Failures {
    since: Instant,
    failed: Mutex<HashSet<Failure>>,
}

/// The model's table, the row, the field, and the generation. So a row that is marked again is
/// retried.
type Failure = (Table, Key, usize, i64);

fn failure(model: &Model, claim: &Claim) -> Failure {
    (model.owner.table.clone(), claim.key.clone(), claim.field, claim.generation)
}

impl Failures {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), failed: Mutex::default() }
    }

    pub(super) fn remember(&self, model: &Model, claim: &Claim, error: &Error) {
        // The next calculation may break a circle.
        if !matches!(error, Error::DataCycle { .. }) {
            self.failed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(failure(model, claim));
        }
    }

    /// Returns those of these claims that have failed before, and the others.
    pub(super) fn partition(&self, model: &Model, claims: Vec<Claim>) -> (Vec<Claim>, Vec<Claim>) {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        claims.into_iter().partition(|claim| failed.contains(&failure(model, claim)))
    }

    /// Returns the time for which a failed field is put off. It grows, so that a moment comes when
    /// nothing else is due.
    pub(super) fn put_off_for(&self) -> Duration {
        self.since.elapsed().max(PUT_OFF)
    }
}

/// Works until nothing is due any more. Returns the number of fields of rows that were calculated,
/// dropped or failed.
pub(super) async fn drain(context: &Arc<Context>) -> Result<usize, Error> {
    let _heartbeat = context.start_heartbeat();
    let mut under_way = JoinSet::new();
    let mut worked = 0;
    let mut errors = 0;

    loop {
        let handing_back = context.engine.is_handing_back();
        // While one batch is calculated and stored, the next one is claimed.
        let work = match context.next_to_the_end().await {
            Ok(Next::Batch(batch)) => {
                under_way.spawn(work_on(batch));
                if under_way.len() < BATCHES_IN_FLIGHT {
                    continue;
                }
                Work::Now
            }
            Ok(Next::Nothing(work)) => work,
            Err(error @ Error::NotInstalled { .. }) => return Err(error),
            Err(error) if errors == PASSING_ERRORS => {
                while under_way.join_next().await.is_some() {}
                return Err(error);
            }
            Err(error) => {
                tracing::debug!("could not claim, trying again: {}", error.with_sources());
                errors += 1;
                Work::Now
            }
        };

        match (under_way.join_next().await, work) {
            (Some(Ok(Ok(rows))), _) => {
                worked += rows;
                errors = 0;
            }
            (Some(Ok(Err(error))), _) if errors == PASSING_ERRORS => return Err(error),
            (Some(Ok(Err(error))), _) => {
                tracing::debug!("a batch has failed, trying again: {}", error.with_sources());
                errors += 1;
            }
            (Some(Err(stopped)), _) => return Err(Error::Stopped(stopped.to_string())),
            (None, _) if handing_back => context.engine.handed_back().await,
            // Another transaction holds the work locked.
            (None, Work::Now) => tokio::time::sleep(BETWEEN_LOOKS).await,
            (None, Work::In(wait)) if wait <= MOMENT => tokio::time::sleep(wait).await,
            (None, _) => return Ok(worked),
        }
    }
}

pub(super) async fn work_on(batch: Batch) -> Result<usize, Error> {
    let rows = batch.len();
    let ended = super::batch::recalculate(batch.clone()).await;
    batch.hand_back().await?;
    ended.map(|()| rows)
}
