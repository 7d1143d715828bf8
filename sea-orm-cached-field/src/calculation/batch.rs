//! A batch of claims, calculated.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{Stream, StreamExt, future::join_all, stream};
use sea_orm::{DatabaseExecutor, DbErr, Value};
use tokio::sync::Semaphore;

use super::{Subject, run};
use crate::{
    Error,
    dialect::Claim,
    engine::Engine,
    event::Event,
    field::Key,
    registry::{Model, Row},
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

/// The rows that there are, or why one cannot be read.
type Loaded<'a> = HashMap<Key, Result<Arc<dyn Row + 'a>, DbErr>>;

/// Loads the rows of these claims and calculates their fields; all fields of a row come out together, when the last of
/// them is done. The claims must have been committed before: rows loaded earlier could miss the very changes that the
/// claims stand for.
pub(crate) fn calculate<'a>(
    engine: &'a Engine,
    db: &'a DatabaseExecutor<'a>,
    model: &'a Model,
    claims: Vec<Claim>,
    limits: &'a Limits,
) -> impl Stream<Item = Result<Vec<Calculated>, Error>> + Send + 'a {
    let claims = by_row(claims);
    let loaded = async move {
        match load(db, model, claims.keys().cloned().collect()).await {
            Ok(rows) => {
                let jobs = claims.into_iter().map(move |(key, claims)| Ok((rows.get(&key).cloned(), claims)));
                jobs.collect::<Vec<Result<_, Error>>>()
            }
            Err(error) => vec![Err(error.into())],
        }
    };
    let jobs = stream::once(loaded).flat_map(stream::iter);
    jobs.map(move |job| async move {
        let (row, claims) = job?;
        let fields = claims.into_iter().map(|claim| async {
            let outcome = match &row {
                Some(Ok(row)) => calculate_one(engine, db, model, &**row, &claim, limits).await,
                Some(Err(error)) => Outcome::Failed(error.clone().into()),
                None => Outcome::Gone,
            };
            Calculated { claim, outcome }
        });
        Ok(join_all(fields).await)
    })
    .buffer_unordered(limits.concurrency)
}

/// Calculates one field of one row, for as long as it takes.
pub(crate) async fn calculate_claim(
    engine: &Engine,
    db: &DatabaseExecutor<'_>,
    model: &Model,
    claim: &Claim,
) -> Result<Outcome, Error> {
    let limits = Limits { timeout: Duration::MAX, concurrency: 1, permits: Arc::new(Semaphore::new(1)) };
    let loaded = load(db, model, vec![claim.key.clone()]).await?;
    Ok(match loaded.get(&claim.key) {
        Some(Ok(row)) => calculate_one(engine, db, model, &**row, claim, &limits).await,
        Some(Err(error)) => Outcome::Failed(error.clone().into()),
        None => Outcome::Gone,
    })
}

fn by_row(claims: Vec<Claim>) -> HashMap<Key, Vec<Claim>> {
    let mut rows: HashMap<Key, Vec<Claim>> = HashMap::new();
    for claim in claims {
        rows.entry(claim.key.clone()).or_default().push(claim);
    }
    rows
}

/// Loads rows together. If that fails, one by one: a row that holds something unreadable is a failure of its own.
async fn load<'a>(db: &'a DatabaseExecutor<'a>, model: &'a Model, keys: Vec<Key>) -> Result<Loaded<'a>, DbErr> {
    match model.rows.load(db, keys.clone()).await {
        Ok(rows) => return Ok(rows.into_iter().map(|row| (row.key(), Ok(Arc::from(row)))).collect()),
        Err(unreachable @ (DbErr::Conn(_) | DbErr::ConnectionAcquire(_))) => return Err(unreachable),
        Err(_) => {}
    }
    let mut loaded = Loaded::new();
    for key in keys {
        match model.rows.load(db, vec![key.clone()]).await {
            Ok(rows) => loaded.extend(rows.into_iter().map(|row| (row.key(), Ok(Arc::from(row))))),
            Err(unreachable @ (DbErr::Conn(_) | DbErr::ConnectionAcquire(_))) => return Err(unreachable),
            Err(error) => drop(loaded.insert(key, Err(error))),
        }
    }
    Ok(loaded)
}

async fn calculate_one<'a>(
    engine: &Engine,
    db: &'a DatabaseExecutor<'a>,
    model: &Model,
    row: &'a (dyn Row + 'a),
    claim: &Claim,
    limits: &Limits,
) -> Outcome {
    let permit = limits.permits.acquire().await;
    let started = Instant::now();
    let (table, field) = (model.owner.table.name.clone(), model.owner.fields[claim.field].name);
    let subject = Subject { table: table.clone(), field, key: claim.key.clone() };
    let ended = run(subject, Some(limits.timeout), row.calculate(claim.field, db)).await;
    drop(permit);
    match ended {
        Ok(value) => {
            engine.tell(Event::Calculated { table, field, key: claim.key.clone(), took: started.elapsed() });
            let changed = row.stored(claim.field) != value;
            Outcome::Value { value, changed }
        }
        Err(error) => Outcome::Failed(error),
    }
}
