//! A batch of claims, calculated.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{
    StreamExt,
    future::{join, join_all},
    stream,
};
use sea_orm::{DatabaseExecutor, Value};
use tokio::sync::{Semaphore, mpsc};

use super::{
    Subject,
    run::{drive, run},
};
use crate::{
    Error,
    dialect::Claim,
    engine::Engine,
    event::Event,
    field::Key,
    registry::{Loaded, Model},
};

/// What bounds the user's code.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// How long one calculation may take.
    pub(crate) timeout: Duration,
    /// How many calculations run at a time, of all batches together.
    pub(crate) concurrency: usize,
    pub(crate) permits: Arc<Semaphore>,
}

impl Limits {
    /// Of a calculation that somebody waits for.
    pub(crate) fn of_one() -> Self {
        Self::without_timeout(1)
    }

    /// Of calculations of many rows that somebody waits for.
    pub(crate) fn of_many() -> Self {
        Self::without_timeout(8)
    }

    fn without_timeout(concurrency: usize) -> Self {
        Self { timeout: Duration::MAX, concurrency, permits: Arc::new(Semaphore::new(concurrency)) }
    }
}

/// A claim after its calculation.
#[derive(Debug)]
pub(crate) struct Calculated {
    pub(crate) claim: Claim,
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    /// The value, and whether it is another one than the row held when it was loaded.
    Value {
        value: Value,
        changed: bool,
    },
    Failed(Error),
    /// There is no such row any more.
    Gone,
}

/// Loads the rows of these claims and calculates their fields, row by row or many rows at a time. All fields of a row
/// come out together, when the last of them is done, and rows that are done at the same moment, too. The claims must have
/// been committed before: rows loaded earlier could miss the very changes that the claims stand for.
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
    let (loaded, unreadable) = model.rows.load(rows_over, &keys).await?;
    let batch = Batch { engine, db, model, loaded: &*loaded, limits, calculated };
    let places: HashMap<Key, usize> = (0..loaded.len()).map(|place| (loaded.key(place), place)).collect();
    let (mut rows, mut ended) = (Vec::new(), Vec::new());
    for (key, claims) in claims {
        let outcome = || match unreadable.get(&key) {
            Some(error) => Outcome::Failed(error.clone().into()),
            None => Outcome::Gone,
        };
        match places.get(&key) {
            Some(place) => rows.push(Row { place: *place, left: claims, done: Vec::new() }),
            None => ended.extend(claims.into_iter().map(|claim| Calculated { claim, outcome: outcome() })),
        }
    }
    batch.send(ended).await;
    let (together, alone) = rows.into_iter().partition(|row| row.left.iter().any(|claim| batch.is_batch(claim)));
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

/// A loaded row: what is calculated of it, and what is still to be.
struct Row {
    place: usize,
    left: Vec<Claim>,
    done: Vec<Calculated>,
}

/// What is being calculated, and where it goes.
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
            // It fails only if nobody wants to store anything any more, which ends this, too.
            let _ = self.calculated.send(calculated).await;
        }
    }

    /// Calculates what is left of each row.
    async fn row_by_row(&self, rows: Vec<Row>) {
        let row = |Row { place, left, mut done }: Row| async move {
            let fields = left.into_iter().map(|claim| async move {
                let outcome = self.calculate_one(place, &claim).await;
                Calculated { claim, outcome }
            });
            done.extend(join_all(fields).await);
            self.send(done).await;
        };
        stream::iter(rows).for_each_concurrent(self.limits.concurrency, row).await;
    }

    /// Calculates first what can be of many rows at a time, then, row by row, the other fields and what has failed.
    async fn many_at_a_time(&self, mut rows: Vec<Row>) {
        rows.sort_by_key(|row| row.place);
        let mut fields: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for row in &rows {
            for claim in row.left.iter().filter(|claim| self.is_batch(claim)) {
                fields.entry(claim.field).or_default().push(row.place);
            }
        }
        let fields = fields.iter().map(|(field, places)| self.calculate_batch(*field, places));
        let mut outcomes: HashMap<(usize, usize), Outcome> = join_all(fields).await.into_iter().flatten().collect();
        for row in &mut rows {
            for claim in std::mem::take(&mut row.left) {
                match outcomes.remove(&(row.place, claim.field)) {
                    Some(outcome) => row.done.push(Calculated { claim, outcome }),
                    None => row.left.push(claim),
                }
            }
        }
        let (done, left): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.left.is_empty());
        self.send(done.into_iter().flat_map(|row| row.done).collect()).await;
        self.row_by_row(left).await;
    }

    /// The outcomes by place and field. None if the calculation fails: then each row is tried for itself, as one is from
    /// the start.
    async fn calculate_batch(&self, field: usize, places: &[usize]) -> Vec<((usize, usize), Outcome)> {
        if places.len() == 1 {
            return Vec::new();
        }
        let permit = self.limits.permits.acquire().await;
        let started = Instant::now();
        let calculation = self.loaded.calculate_batch(places, field, self.db);
        let ended = drive(Some(self.limits.timeout), calculation).await;
        drop(permit);
        match ended {
            Ok(values) => {
                let took = started.elapsed();
                let value =
                    |(place, value): (&usize, Value)| ((*place, field), self.outcome(*place, field, value, took));
                places.iter().zip(values).map(value).collect()
            }
            Err(failure) => {
                let (table, field) = self.names(field);
                let split = Event::Split { table, field, rows: places.len(), error: failure.to_string() };
                self.engine.warn(split, failure.without_values());
                Vec::new()
            }
        }
    }

    async fn calculate_one(&self, place: usize, claim: &Claim) -> Outcome {
        let permit = self.limits.permits.acquire().await;
        let started = Instant::now();
        let (table, field) = self.names(claim.field);
        let subject = Subject { table, field, key: claim.key.clone() };
        let calculation = self.loaded.calculate(place, claim.field, self.db);
        let ended = run(subject, Some(self.limits.timeout), calculation).await;
        drop(permit);
        match ended {
            Ok(value) => self.outcome(place, claim.field, value, started.elapsed()),
            Err(error) => Outcome::Failed(error),
        }
    }

    fn outcome(&self, place: usize, field: usize, value: Value, took: Duration) -> Outcome {
        let changed = self.loaded.stored(place, field) != value;
        let (table, field) = self.names(field);
        self.engine.tell(Event::Calculated { table, field, key: self.loaded.key(place), took });
        Outcome::Value { value, changed }
    }

    fn names(&self, field: usize) -> (String, &'static str) {
        (self.model.owner.table.name.clone(), self.model.owner.fields[field].name)
    }
}
