use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sea_orm::DatabaseExecutor;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::{StreamExt, wrappers::ReceiverStream};

use super::core::Core;
use crate::{
    Error,
    calculation::{Calculated, Outcome, after_recalculation, calculate},
    dialect::Claim,
    field::Key,
    invalidation::{self, Calculation},
    registry::Model,
};

/// How long a value that is calculated may wait for others, to be stored together with them.
const STORED_WITHIN: Duration = Duration::from_millis(10);

/// How often, and how far apart, a completion is tried while the database refuses it.
const COMPLETIONS: u32 = 3;
const BETWEEN_COMPLETIONS: Duration = Duration::from_millis(50);

/// A task of the worker: claimed rows of one model. [`recalculate`] is the handler for it.
#[derive(Clone)]
pub struct Batch(Arc<Inner>);

struct Inner {
    core: Arc<Core>,
    id: u64,
    model: Arc<Model>,
    claims: Vec<Claim>,
    /// The place among the batches in flight; given up with the batch.
    permit: Mutex<Option<OwnedSemaphorePermit>>,
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch of {} claims of {}", self.0.claims.len(), self.0.model.owner.table.name)
    }
}

/// A batch that nobody will work on any more is not renewed: its leases end by themselves.
impl Drop for Inner {
    fn drop(&mut self) {
        self.core.take_held(self.id);
    }
}

impl Batch {
    pub(super) fn new(core: Arc<Core>, id: u64, model: Arc<Model>, claims: Vec<Claim>) -> Self {
        Self(Arc::new(Inner { core, id, model, claims, permit: Mutex::default() }))
    }

    pub(super) fn keep(&self, permit: OwnedSemaphorePermit) {
        *self.0.permit.lock().unwrap_or_else(PoisonError::into_inner) = Some(permit);
    }

    /// How many claims it was made with: one a field and row.
    pub(super) fn len(&self) -> usize {
        self.0.claims.len()
    }

    /// Hands back what is not settled.
    pub(super) async fn hand_back(&self) -> Result<(), Error> {
        let core = &self.0.core;
        core.hand_back(core.take_held(self.0.id)).await
    }
}

/// The handler of the worker's tasks, for those who run it in an apalis `Monitor` of their own: calculates the rows of a
/// batch and stores each value as soon as it is there.
///
/// # Errors
/// [`Error::Database`] if the rows cannot be loaded or the values cannot be stored; the layer that the [`Backend`]
/// brings along then hands the rows back. A calculation that fails is no error of the batch.
///
/// [`Backend`]: crate::Backend
pub async fn recalculate(batch: Batch) -> Result<(), Error> {
    let Inner { core, claims, .. } = &*batch.0;
    let given_up = i32::try_from(core.settings.retry.max_attempts).unwrap_or(i32::MAX);
    let claims = batch.without_circles(claims).await?;
    let (lost, claims): (Vec<Claim>, Vec<Claim>) = claims.into_iter().partition(|claim| claim.attempts > given_up);
    for claim in lost {
        // Failures are kept when they happen; more attempts than that mean that workers died of it.
        let error = Error::Worker("it ended each time while it calculated this row".to_owned());
        batch.fail(&claim, &error).await?;
    }
    let claims = batch.have_calculated(claims).await;
    let (calculated, settled) = mpsc::channel(claims.len().max(1));
    // Side by side: while a value waits for a connection to be stored with, the calculations go on and give theirs back.
    tokio::try_join!(batch.calculate(claims, calculated), batch.settle_all(settled))?;
    Ok(())
}

impl Batch {
    /// Fails what would be calculated from itself, and returns the rest.
    async fn without_circles(&self, claims: &[Claim]) -> Result<Vec<Claim>, Error> {
        let Inner { core, model, .. } = &*self.0;
        let db = DatabaseExecutor::Connection(&core.db);
        let mut left = Vec::new();
        for field in 0..model.owner.fields.len() {
            let claims: Vec<&Claim> = claims.iter().filter(|claim| claim.field == field).collect();
            let keys: Vec<Key> = claims.iter().map(|claim| claim.key.clone()).collect();
            let mut circles = invalidation::find_circles(&db, model, field, &keys).await?;
            for claim in claims {
                match circles.remove(&claim.key) {
                    Some(circle) => self.fail(claim, &circle).await?,
                    None => left.push(claim.clone()),
                }
            }
        }
        Ok(left)
    }

    /// Has the database calculate and store what it can by one query, and returns the rest: rows of which more is due, and
    /// what could not be stored so, for whatever reason.
    async fn have_calculated(&self, claims: Vec<Claim>) -> Vec<Claim> {
        let Inner { core, id, model, .. } = &*self.0;
        if model.owner.fields.iter().all(|field| field.query.is_none()) {
            return claims;
        }
        let mut due: HashMap<Key, usize> = HashMap::new();
        for claim in &claims {
            *due.entry(claim.key.clone()).or_default() += 1;
        }
        let (queried, mut rest): (Vec<Claim>, Vec<Claim>) = claims
            .into_iter()
            .partition(|claim| model.owner.fields[claim.field].query.is_some() && due[&claim.key] == 1);
        let mut fields: BTreeMap<usize, Vec<Claim>> = BTreeMap::new();
        for claim in queried {
            fields.entry(claim.field).or_default().push(claim);
        }
        for claims in fields.into_values() {
            let timeout = core.limits.timeout;
            match invalidation::complete_by_query(&core.engine, core.connections(), model, &claims, timeout).await {
                Ok(Some(stored)) => {
                    core.settled(*id, &claims);
                    self.call_hooks(&claims, &stored).await;
                }
                ended => {
                    if let Err(error) = ended {
                        tracing::debug!(target: "sea_orm_cached_field", "not stored by the query itself: {error}");
                    }
                    rest.extend(claims);
                }
            }
        }
        rest
    }

    async fn calculate(&self, claims: Vec<Claim>, calculated: mpsc::Sender<Vec<Calculated>>) -> Result<(), Error> {
        let Inner { core, model, .. } = &*self.0;
        let db = DatabaseExecutor::Connection(&core.db);
        let rows_over = core.connections().reader();
        calculate(&core.engine, (&rows_over, &db), model, claims, &core.limits, calculated).await
    }

    async fn settle_all(&self, calculated: mpsc::Receiver<Vec<Calculated>>) -> Result<(), Error> {
        let together = usize::try_from(self.0.core.settings.batch_size).unwrap_or(usize::MAX);
        let mut chunks = pin!(ReceiverStream::new(calculated).chunks_timeout(together, STORED_WITHIN));
        while let Some(chunk) = chunks.next().await {
            self.settle(chunk.into_iter().flatten().collect()).await?;
        }
        Ok(())
    }

    async fn settle(&self, calculated: Vec<Calculated>) -> Result<(), Error> {
        let Inner { core, id, model, .. } = &*self.0;
        let (mut values, mut gone) = (Vec::new(), Vec::new());
        for Calculated { claim, outcome } in calculated {
            match outcome {
                Outcome::Value { value, changed } => values.push(Calculation { claim, value, changed }),
                Outcome::Failed(error) => self.fail(&claim, &error).await?,
                Outcome::Gone => gone.push(claim),
            }
        }
        if !values.is_empty() {
            self.complete(&values).await?;
        }
        if !gone.is_empty() {
            invalidation::drop_gone(&core.engine, core.connections(), model, &gone).await?;
            core.settled(*id, &gone);
        }
        Ok(())
    }

    /// A completion waits for nobody, so the database may refuse it for a moment.
    async fn complete(&self, values: &[Calculation]) -> Result<(), Error> {
        let Inner { core, id, model, .. } = &*self.0;
        let mut tried = 1;
        let stored = loop {
            let error = match invalidation::complete(&core.engine, core.connections(), model, values).await {
                Ok(stored) => break stored,
                Err(error) => error,
            };
            if tried == COMPLETIONS || core.engine.refuses_value(&error) {
                return match values {
                    // If the database cannot be reached, neither can this be kept, and the batch fails.
                    [only] => self.fail(&only.claim, &error).await,
                    _ => self.complete_singly(values).await,
                };
            }
            tried += 1;
            tokio::time::sleep(BETWEEN_COMPLETIONS).await;
        };
        let ended: Vec<Claim> = values.iter().map(|value| value.claim.clone()).collect();
        core.settled(*id, &ended);
        self.call_hooks(&ended, &stored).await;
        Ok(())
    }

    async fn call_hooks(&self, claims: &[Claim], stored: &[bool]) {
        let Inner { core, model, .. } = &*self.0;
        let stored = claims.iter().zip(stored).filter(|(_, stored)| **stored);
        let stored = stored.map(|(claim, _)| (claim.key.clone(), claim.field)).collect();
        let db = DatabaseExecutor::Connection(&core.db);
        after_recalculation(&core.engine, &db, model, stored, &core.limits).await;
    }

    /// One of the values cannot be stored, for it does not fit its column, or a trigger objects: the others must not fail
    /// with it.
    async fn complete_singly(&self, values: &[Calculation]) -> Result<(), Error> {
        for value in values {
            Box::pin(self.complete(std::slice::from_ref(value))).await?;
        }
        Ok(())
    }

    async fn fail(&self, claim: &Claim, error: &Error) -> Result<(), Error> {
        let Inner { core, id, model, .. } = &*self.0;
        invalidation::fail(&core.engine, core.connections(), model, claim, error, core.settings.retry).await?;
        core.settled(*id, std::slice::from_ref(claim));
        Ok(())
    }
}
