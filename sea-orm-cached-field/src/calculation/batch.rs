//! The calculation of a batch of claims.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, join, join_all},
    stream::{self, FuturesUnordered},
};
use sea_orm::{DatabaseExecutor, Value};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

use super::{
    Pace, Subject, pace,
    run::{drive, run},
};
use crate::{
    Error,
    declaration::Key,
    engine::Engine,
    event::{Event, NOT_RECORDED},
    queue::Claim,
    registry::{Loaded, LoadedRows, Model},
};

/// The time that the calculated fields of a row wait for the others, to be stored together.
const TOGETHER: Duration = pace::SLOW;

/// The bounds of the user's code.
#[derive(Clone)]
pub(crate) struct Limits {
    /// The longest time that one calculation may take.
    pub(crate) timeout: Duration,
    /// The number of calculations that run at a time, of all batches together.
    pub(crate) concurrency: usize,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) pace: Arc<Pace>,
    /// The permits of slow fields, where other fields are not slow. They are fewer than all
    /// permits.
    pub(crate) slow_permits: Arc<Semaphore>,
    /// A callback, where slow fields have batches of their own. It is called when nothing but slow
    /// calculations is left of this batch.
    pub(crate) only_slow_left: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// The permission to run a calculation.
struct Permit<'a> {
    any: Option<SemaphorePermit<'a>>,
    slow: Option<SemaphorePermit<'a>>,
}

impl Limits {
    /// Returns the limits of a worker's calculations. A quarter of them can only be of fields that
    /// are not slow.
    pub(crate) fn of_worker(models: &[Arc<Model>], timeout: Duration, concurrency: usize) -> Self {
        let slow = (concurrency - concurrency.div_ceil(4)).max(1);
        Self {
            timeout,
            concurrency,
            permits: Arc::new(Semaphore::new(concurrency)),
            pace: Arc::new(Pace::of(models)),
            slow_permits: Arc::new(Semaphore::new(slow)),
            only_slow_left: None,
        }
    }

    /// Waits until a calculation of this field may run.
    async fn permit(&self, model: &Model, field: usize) -> Permit<'_> {
        let slow = if self.is_kept_apart(model, field) {
            self.slow_permits.acquire().await.ok()
        } else {
            None
        };
        Permit { any: self.permits.acquire().await.ok(), slow }
    }

    /// Drives a calculation, which holds its permit meanwhile. If it turns out to be slow, and
    /// enough slow ones run already, it gives up its permit and continues beside the others. They
    /// must not wait for its end.
    async fn observe<T>(
        &self,
        model: &Model,
        field: usize,
        calculation: impl Future<Output = T>,
    ) -> T {
        let mut permit = self.permit(model, field).await;
        let is_slow = || {
            if permit.slow.is_none() && self.pace.is_mixed() {
                permit.slow = self.slow_permits.try_acquire().ok();
                permit.any.take_if(|_| permit.slow.is_none());
            }
        };
        self.pace.observe(model, field, calculation, is_slow).await
    }

    fn is_kept_apart(&self, model: &Model, field: usize) -> bool {
        self.pace.is_slow(model, field) && self.pace.is_mixed()
    }

    /// Returns the limits of one calculation that its caller waits for.
    pub(crate) fn of_one() -> Self {
        Self::without_timeout(1)
    }

    /// Returns the limits of calculations of many rows that their caller waits for.
    pub(crate) fn of_many() -> Self {
        Self::without_timeout(8)
    }

    fn without_timeout(concurrency: usize) -> Self {
        Self::of_worker(&[], Duration::MAX, concurrency)
    }
}

/// A claim after its calculation.
#[derive(Debug)]
pub(crate) struct Calculated {
    pub(crate) claim: Claim,
    pub(crate) outcome: Outcome,
    /// The duration of the calculation; of one of many rows, only one row has it.
    pub(crate) took: Option<Duration>,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    /// The value, and whether it differs from the one that the row held when it was loaded.
    Value {
        value: Value,
        changed: bool,
    },
    Failed(Error),
    /// It was not calculated: its field is slow, and other fields must not wait for it.
    Postponed,
    /// The row does not exist any more.
    Gone,
}

/// Loads the rows of these claims and calculates their fields, row by row or many rows at a time.
/// All fields of a row are sent together, when the last of them is done. So are rows that are done
/// at the same moment. No field waits for one that is slow. The claims must have been committed
/// before: rows loaded earlier could miss the changes that the claims stand for.
pub(crate) async fn calculate(
    engine: &Engine,
    (rows_over, db): (&DatabaseExecutor<'_>, &DatabaseExecutor<'_>),
    model: &Model,
    claims: Vec<Claim>,
    limits: &Limits,
    calculated: mpsc::Sender<Vec<Calculated>>,
) -> Result<(), Error> {
    let claims = by_row(claims);
    let keys: Vec<Key> = claims.keys().cloned().collect();
    let LoadedRows { rows: loaded, places, unreadable } = model.load(rows_over, &keys).await?;
    let batch = Batch { engine, db, model, loaded: &*loaded, limits, calculated };

    let mut rows = Vec::new();
    let mut ended = Vec::new();
    for (key, claims) in claims {
        let outcome = || match unreadable.get(&key) {
            Some(error) => Outcome::Failed(error.clone().into()),
            None => Outcome::Gone,
        };
        match places.get(&key) {
            Some(place) => rows.push(Row { place: *place, left: claims, done: Vec::new() }),
            None => ended.extend(claims.into_iter().map(|claim| Calculated {
                claim,
                outcome: outcome(),
                took: None,
            })),
        }
    }

    batch.send(ended).await;
    let (together, alone) =
        rows.into_iter().partition(|row| row.left.iter().any(|claim| batch.is_batch(claim)));
    join(batch.row_by_row(alone), batch.many_at_a_time(together)).await;
    Ok(())
}

fn by_row(claims: Vec<Claim>) -> HashMap<Key, Vec<Claim>> {
    let mut rows: HashMap<Key, Vec<Claim>> = HashMap::new();
    for claim in claims {
        rows.entry(claim.key.clone()).or_default().push(claim);
    }
    rows
}

/// A loaded row with its calculated fields, and the fields that are still to be calculated.
struct Row {
    place: usize,
    left: Vec<Claim>,
    done: Vec<Calculated>,
}

/// A batch that is being calculated, and the channel for its results.
struct Batch<'a> {
    engine: &'a Engine,
    db: &'a DatabaseExecutor<'a>,
    model: &'a Model,
    loaded: &'a (dyn Loaded + 'a),
    limits: &'a Limits,
    calculated: mpsc::Sender<Vec<Calculated>>,
}

impl Batch<'_> {
    fn is_batch(&self, claim: &Claim) -> bool {
        self.model.rows.is_batch(claim.field)
    }

    async fn send(&self, calculated: Vec<Calculated>) {
        if !calculated.is_empty() {
            // It fails only if nothing is stored any more, which ends this calculation, too.
            let _ = self.calculated.send(calculated).await;
        }
    }

    /// Calculates the remaining fields of each row. Where other fields are not slow, a field that
    /// turns out to be slow keeps neither its row nor the other rows waiting.
    async fn row_by_row(&self, rows: Vec<Row>) {
        let (slow, mut left_running) = mpsc::unbounded_channel::<BoxFuture<'_, ()>>();

        let rows = async move {
            let is_left_running = AtomicBool::default();
            let row = |row: Row| {
                let slow = &slow;
                let is_left_running = &is_left_running;
                async move {
                    if let Some(running) = self.calculate_row(row).await {
                        is_left_running.store(true, Ordering::Relaxed);
                        // It fails only if nothing waits for it any more.
                        let _ = slow.send(running);
                    }
                }
            };
            stream::iter(rows).for_each_concurrent(self.limits.concurrency, row).await;
            if is_left_running.load(Ordering::Relaxed)
                && let Some(only_slow_left) = &self.limits.only_slow_left
            {
                only_slow_left();
            }
        };

        let left_running = async move {
            let mut running = FuturesUnordered::new();
            loop {
                tokio::select! {
                    Some(another) = left_running.recv() => running.push(another),
                    Some(()) = running.next() => {}
                    else => return,
                }
            }
        };

        join(rows, left_running).await;
    }

    /// Calculates the remaining fields of a row. Returns the calculations that still run although
    /// the row should not wait for them.
    async fn calculate_row<'a>(&'a self, row: Row) -> Option<BoxFuture<'a, ()>> {
        let Row { place, left, mut done } = row;
        let (postponed, mut left): (Vec<Claim>, Vec<Claim>) = left
            .into_iter()
            .partition(|claim| self.limits.only_slow_left.is_some() && self.is_kept_apart(claim));
        done.extend(postponed.into_iter().map(|claim| Calculated {
            claim,
            outcome: Outcome::Postponed,
            took: None,
        }));

        let calculation = |claim: Claim| {
            async move {
                let (outcome, took) = self.calculate_one(place, &claim).await;
                Calculated { claim, outcome, took: Some(took) }
            }
            .boxed()
        };

        let mut running: FuturesUnordered<BoxFuture<'a, Calculated>> =
            left.iter().cloned().map(calculation).collect();
        loop {
            match tokio::time::timeout(TOGETHER, running.next()).await {
                Ok(Some(calculated)) => {
                    left.retain(|claim| claim.field != calculated.claim.field);
                    done.push(calculated);
                }
                Ok(None) => break,
                Err(_) if left.iter().all(|claim| self.is_kept_apart(claim)) => break,
                Err(_) => {}
            }
        }

        self.send(done).await;
        if running.is_empty() {
            return None;
        }

        let end = async move {
            while let Some(calculated) = running.next().await {
                self.send(vec![calculated]).await;
            }
        };
        Some(end.boxed())
    }

    fn is_kept_apart(&self, claim: &Claim) -> bool {
        self.limits.is_kept_apart(self.model, claim.field)
    }

    /// Calculates first the fields that can be calculated for many rows at a time. Then it
    /// calculates the other fields, and those that have failed, row by row.
    async fn many_at_a_time(&self, mut rows: Vec<Row>) {
        rows.sort_by_key(|row| row.place);
        let mut fields: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for row in &rows {
            for claim in row.left.iter().filter(|claim| self.is_batch(claim)) {
                fields.entry(claim.field).or_default().push(row.place);
            }
        }

        let fields = fields.iter().map(|(field, places)| self.calculate_batch(*field, places));
        let mut outcomes: HashMap<(usize, usize), (Outcome, Option<Duration>)> =
            join_all(fields).await.into_iter().flatten().collect();

        for row in &mut rows {
            for claim in std::mem::take(&mut row.left) {
                match outcomes.remove(&(row.place, claim.field)) {
                    Some((outcome, took)) => row.done.push(Calculated { claim, outcome, took }),
                    None => row.left.push(claim),
                }
            }
        }

        let (done, left): (Vec<Row>, Vec<Row>) =
            rows.into_iter().partition(|row| row.left.is_empty());
        self.send(done.into_iter().flat_map(|row| row.done).collect()).await;
        self.row_by_row(left).await;
    }

    /// Returns the outcomes by place and field, the first with the duration of the calculation.
    /// They are empty if the calculation fails: then each row is tried by itself. A single row is
    /// tried by itself from the start.
    async fn calculate_batch(
        &self,
        field: usize,
        places: &[usize],
    ) -> Vec<((usize, usize), (Outcome, Option<Duration>))> {
        if places.len() == 1 {
            return Vec::new();
        }

        let calculation = async {
            let started = Instant::now();
            let values = drive(
                Some(self.limits.timeout),
                self.loaded.calculate_batch(places, field, self.db),
            )
            .await;
            values.map(|values| (values, started.elapsed()))
        };

        let ended = self.limits.observe(self.model, field, calculation).await;
        match ended {
            Ok((values, took)) => {
                let value = |(at, (place, value)): (usize, (&usize, Value))| {
                    let outcome = self.outcome(*place, field, value, took);
                    ((*place, field), (outcome, (at == 0).then_some(took)))
                };
                places.iter().zip(values).enumerate().map(value).collect()
            }
            Err(failure) => {
                let (table, field) = self.names(field);
                let error = failure.to_string();
                let failed = Event::BatchFailed { table, field, rows: places.len(), error };
                self.engine.warn(failed, failure.without_values(), NOT_RECORDED);
                Vec::new()
            }
        }
    }

    async fn calculate_one(&self, place: usize, claim: &Claim) -> (Outcome, Duration) {
        let (table, field) = self.names(claim.field);
        let subject = Subject { table, field, key: claim.key.clone() };
        let calculation = async {
            let started = Instant::now();
            let calculation = self.loaded.calculate(place, claim.field, self.db);
            let value = run(subject, Some(self.limits.timeout), calculation).await;
            let took = started.elapsed();
            let outcome = match value {
                Ok(value) => self.outcome(place, claim.field, value, took),
                Err(error) => Outcome::Failed(error),
            };
            (outcome, took)
        };
        self.limits.observe(self.model, claim.field, calculation).await
    }

    fn outcome(&self, place: usize, field: usize, value: Value, took: Duration) -> Outcome {
        let changed = self.loaded.stored(place, field) != value;
        let (table, field) = self.names(field);
        self.engine.publish(Event::Calculated { table, field, key: self.loaded.key(place), took });
        Outcome::Value { value, changed }
    }

    fn names(&self, field: usize) -> (String, &'static str) {
        (self.model.owner.table.name.clone(), self.model.owner.fields[field].name)
    }
}
