//! Complete: a calculated value is stored, or a claim ends otherwise.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use sea_orm::{ConnectionTrait, DatabaseExecutor, DatabaseTransaction, DbErr, QueryResult, Value};

use super::{Connections, execute_all, read_field};
use crate::{
    Error, dialect,
    dialect::{Claim, Shape, ShapedField, Written},
    engine::Engine,
    event::Event,
    field::Key,
    registry::Model,
};

/// When a row that somebody holds locked is tried again.
const LOCKED_DELAY: i64 = 20;

/// A calculated value on its way to the row.
pub(crate) struct Calculation {
    pub(crate) claim: Claim,
    pub(crate) value: Value,
    pub(crate) changed: bool,
}

/// What becomes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing was marked since the claim: the value is right.
    Done,
    /// Marked again: the value is newer than what stood there, but not right.
    Publish,
    /// Somebody else has completed the row, or is about to look at it again.
    Superseded,
    /// The row is locked by somebody, or gone.
    HandBack,
}

/// Stores values in one short transaction that waits for nobody. Order of locks: rows, then the queue.
pub(crate) async fn complete(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    calculations: &[Calculation],
) -> Result<(), Error> {
    let connections = connections.into();
    let verdicts = match store_alone(engine, connections, model, calculations).await? {
        Some(verdicts) => verdicts,
        None => store(engine, connections, model, calculations).await?,
    };
    stored(engine, connections, model, with_verdict(claims(calculations), &verdicts, Verdict::Superseded)).await;
    let judged = calculations.iter().zip(verdicts);
    engine
        .tell_all(judged.map(|(calculation, verdict)| event(model, &calculation.claim, verdict, calculation.changed)));
    Ok(())
}

/// What is left to be done after the commit.
pub(super) async fn stored(engine: &Engine, connections: Connections<'_>, model: &Model, superseded: Vec<Claim>) {
    if model.owner.fields.iter().any(|field| field.expires_after.is_some()) {
        // A worker that fell asleep while the row was flagged knows nothing of its expiry.
        engine.wake.send_replace(());
    }
    if !superseded.is_empty() {
        release(engine, connections, model, &superseded).await;
    }
}

fn claims(calculations: &[Calculation]) -> impl Iterator<Item = &Claim> + Clone {
    calculations.iter().map(|calculation| &calculation.claim)
}

/// How often a lease is tried to be ended, each time for as long as a lock is waited for.
const RELEASES: u32 = 5;

/// A queue row that cannot be seen is gone, or somebody else has just marked it again and holds it locked. Then it has
/// kept our lease, which nobody would end before its time. In a transaction of its own: this one may wait for that lock.
async fn release(engine: &Engine, connections: Connections<'_>, model: &Model, claims: &[Claim]) {
    let release = async || -> Result<(), Error> {
        let transaction = connections.begin(engine, false).await?;
        execute_all(&transaction, engine.dialect.hand_back(&model.owner, claims, 0)).await?;
        Ok(transaction.commit().await?)
    };
    for _ in 0..RELEASES {
        if release().await.is_ok() {
            return;
        }
    }
}

/// By one statement that is a transaction of its own. `None` where it cannot be, and then nothing is done.
async fn store_alone(
    engine: &Engine,
    connections: Connections<'_>,
    model: &Model,
    calculations: &[Calculation],
) -> Result<Option<Vec<Verdict>>, Error> {
    let Some(writer) = connections.writer().filter(|_| !model.owner.repeats()) else { return Ok(None) };
    let Some(verdicts) = store_at_once(engine, writer, model, calculations).await? else { return Ok(None) };
    if verdicts.iter().any(|verdict| matches!(verdict, Verdict::Publish | Verdict::HandBack)) {
        let transaction = connections.begin(engine, true).await?;
        end(engine, &transaction, model, claims(calculations), &verdicts).await?;
        transaction.commit().await?;
    }
    Ok(Some(verdicts))
}

async fn store(
    engine: &Engine,
    connections: Connections<'_>,
    model: &Model,
    calculations: &[Calculation],
) -> Result<Vec<Verdict>, Error> {
    let transaction = connections.begin(engine, true).await?;
    let stored = async {
        let verdicts = match store_at_once(engine, &transaction, model, calculations).await? {
            Some(verdicts) => verdicts,
            None => store_in_steps(engine, &transaction, model, calculations).await?,
        };
        end(engine, &transaction, model, claims(calculations), &verdicts).await?;
        Ok(verdicts)
    };
    match stored.await {
        Ok(verdicts) => {
            transaction.commit().await?;
            Ok(verdicts)
        }
        Err(error) => {
            // Awaited, so that the rows are free when the next completion looks for them.
            transaction.rollback().await?;
            Err(error)
        }
    }
}

/// What else there is to do for the claims, once the values are written.
pub(super) async fn end(
    engine: &Engine,
    transaction: &DatabaseTransaction,
    model: &Model,
    claims: impl Iterator<Item = &Claim> + Clone,
    verdicts: &[Verdict],
) -> Result<(), Error> {
    let done = with_verdict(claims.clone(), verdicts, Verdict::Done);
    for field in 0..model.owner.fields.len() {
        let keys: Vec<Key> = done.iter().filter(|claim| claim.field == field).map(|claim| claim.key.clone()).collect();
        for source in model.owner.recursions(field).filter(|_| !keys.is_empty()) {
            transaction.execute_raw(engine.dialect.retry_readers(&model.owner, field, source, &keys)).await?;
        }
    }
    for (verdict, delay) in [(Verdict::Publish, 0), (Verdict::HandBack, LOCKED_DELAY)] {
        let claims = with_verdict(claims.clone(), verdicts, verdict);
        if !claims.is_empty() {
            execute_all(transaction, engine.dialect.hand_back(&model.owner, &claims, delay)).await?;
        }
    }
    Ok(())
}

pub(super) fn with_verdict<'c>(
    claims: impl Iterator<Item = &'c Claim>,
    verdicts: &[Verdict],
    wanted: Verdict,
) -> Vec<Claim> {
    let judged = claims.zip(verdicts).filter(|(_, verdict)| **verdict == wanted);
    judged.map(|(claim, _)| claim.clone()).collect()
}

/// Where one statement can lock, judge and write the values: those of one field. `None` where it cannot.
async fn store_at_once(
    engine: &Engine,
    db: &impl ConnectionTrait,
    model: &Model,
    calculations: &[Calculation],
) -> Result<Option<Vec<Verdict>>, Error> {
    let Some(field) = calculations.first().map(|calculation| calculation.claim.field) else { return Ok(None) };
    if calculations.iter().any(|calculation| calculation.claim.field != field) {
        return Ok(None);
    }
    let values: Vec<_> = calculations.iter().map(|calculation| (&calculation.claim, &calculation.value)).collect();
    let Some(complete) = engine.dialect.complete(&model.owner, field, &values) else { return Ok(None) };
    let mut verdicts = HashMap::new();
    for row in db.query_all_raw(complete).await? {
        verdicts.insert(model.read_key(&row)?, read_verdict(&row)?);
    }
    let verdict = |calculation: &Calculation| verdicts.get(&calculation.claim.key).copied();
    // The statement returns the keys that it was given.
    Ok(Some(calculations.iter().map(|calculation| verdict(calculation).unwrap_or(Verdict::HandBack)).collect()))
}

/// Reads what [`Dialect::complete`](crate::dialect::Dialect::complete) says of a claim.
pub(super) fn read_verdict(row: &QueryResult) -> Result<Verdict, DbErr> {
    let queued: Option<i64> = row.try_get("", "generation")?;
    Ok(match queued {
        _ if !row.try_get::<bool>("", "held")? => Verdict::HandBack,
        None => Verdict::Superseded,
        Some(_) if row.try_get("", "done")? => Verdict::Done,
        Some(_) => Verdict::Publish,
    })
}

async fn store_in_steps(
    engine: &Engine,
    transaction: &DatabaseTransaction,
    model: &Model,
    calculations: &[Calculation],
) -> Result<Vec<Verdict>, Error> {
    let claims: Vec<Claim> = claims(calculations).cloned().collect();
    let verdicts = judge(engine, transaction, model, &claims).await?;
    let done = with_verdict(claims.iter(), &verdicts, Verdict::Done);
    let (before, after) = if done.is_empty() { Default::default() } else { engine.dialect.settle(&model.owner, &done) };
    execute_all(transaction, before).await?;
    for (shape, rows) in by_shape(calculations, &verdicts) {
        execute_all(transaction, engine.dialect.write(&model.owner, &shape, &rows)).await?;
    }
    execute_all(transaction, after).await?;
    Ok(verdicts)
}

/// What has become of the claims' rows and of their places in the queue, all of them locked if they could be had.
#[derive(Default)]
struct Locked {
    rows: HashSet<Key>,
    /// The generation, and whether a mark is visible.
    queued: HashMap<(Key, usize), (i64, bool)>,
}

async fn lock(engine: &Engine, db: &impl ConnectionTrait, model: &Model, claims: &[Claim]) -> Result<Locked, Error> {
    let mut locked = Locked::default();
    let queued = match engine.dialect.lock_claimed(&model.owner, claims) {
        Some(lock) => db.query_all_raw(lock).await?,
        None => {
            let keys: HashSet<&Key> = claims.iter().map(|claim| &claim.key).collect();
            let keys: Vec<Key> = keys.into_iter().cloned().collect();
            for row in db.query_all_raw(engine.dialect.lock_rows(&model.owner, &keys)).await? {
                locked.rows.insert(model.read_key(&row)?);
            }
            let held: Vec<Claim> = claims.iter().filter(|claim| locked.rows.contains(&claim.key)).cloned().collect();
            let lock = engine.dialect.lock_queued(&model.owner, &held).filter(|_| !held.is_empty());
            match lock {
                Some(lock) => db.query_all_raw(lock).await?,
                None => Vec::new(),
            }
        }
    };
    for row in queued {
        let key = model.read_key(&row)?;
        if let Some(generation) = row.try_get("", "generation")? {
            let place = (key.clone(), read_field(model, &row)?);
            locked.queued.insert(place, (generation, row.try_get("", "marked")?));
        }
        if row.try_get("", "held")? {
            locked.rows.insert(key);
        }
    }
    Ok(locked)
}

pub(super) async fn judge(
    engine: &Engine,
    db: &impl ConnectionTrait,
    model: &Model,
    claims: &[Claim],
) -> Result<Vec<Verdict>, Error> {
    let mut announced = HashSet::new();
    if let Some(announce) = engine.dialect.announce(&model.owner, claims) {
        for row in db.query_all_raw(announce).await? {
            announced.insert((model.read_key(&row)?, read_field(model, &row)?));
        }
    }
    let left = claims.iter().filter(|claim| !announced.contains(&(claim.key.clone(), claim.field)));
    let left: Vec<Claim> = left.cloned().collect();
    let locked = if left.is_empty() { Locked::default() } else { lock(engine, db, model, &left).await? };
    let verdict = |claim: &Claim| {
        let place = (claim.key.clone(), claim.field);
        match locked.queued.get(&place) {
            _ if announced.contains(&place) => Verdict::Done,
            _ if !locked.rows.contains(&claim.key) => Verdict::HandBack,
            None => Verdict::Superseded,
            Some((generation, false)) if *generation == claim.generation => Verdict::Done,
            Some(_) => Verdict::Publish,
        }
    };
    Ok(claims.iter().map(verdict).collect())
}

/// What is written of a row, and when the first of it was claimed.
type Fields = (i64, Vec<(ShapedField, Value)>);

/// The values to write, by what is written of a row: all fields of a row go into one UPDATE.
fn by_shape(calculations: &[Calculation], verdicts: &[Verdict]) -> BTreeMap<Shape, Vec<Written>> {
    let mut rows: HashMap<&Key, Fields> = HashMap::new();
    for (calculation, verdict) in calculations.iter().zip(verdicts) {
        if let Verdict::Done | Verdict::Publish = verdict {
            let shaped = ShapedField { field: calculation.claim.field, done: *verdict == Verdict::Done };
            let (claimed_at, fields) = rows.entry(&calculation.claim.key).or_insert((i64::MAX, Vec::new()));
            *claimed_at = calculation.claim.claimed_at.min(*claimed_at);
            fields.push((shaped, calculation.value.clone()));
        }
    }
    let mut shapes: BTreeMap<Shape, Vec<Written>> = BTreeMap::new();
    for (key, (claimed_at, mut fields)) in rows {
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        let (shape, values) = fields.into_iter().unzip();
        shapes.entry(Shape(shape)).or_default().push(Written { key: key.clone(), claimed_at, values });
    }
    shapes
}

pub(super) fn event(model: &Model, claim: &Claim, verdict: Verdict, changed: bool) -> Event {
    let (table, field) = (model.owner.table.name.clone(), model.owner.fields[claim.field].name);
    let key = claim.key.clone();
    match verdict {
        Verdict::Done => Event::Completed { table, field, key, changed },
        Verdict::Publish => Event::Published { table, field, key },
        Verdict::Superseded => Event::Superseded { table, field, key },
        Verdict::HandBack => Event::HandedBack { table, field, key },
    }
}

/// Ends leases without a result; the rows are due again at once.
pub(crate) async fn hand_back(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    claims: &[Claim],
) -> Result<(), Error> {
    let transaction = connections.into().begin(engine, false).await?;
    execute_all(&transaction, engine.dialect.hand_back(&model.owner, claims, 0)).await?;
    transaction.commit().await?;
    for claim in claims {
        let (table, field) = (model.owner.table.name.clone(), model.owner.fields[claim.field].name);
        engine.tell(Event::HandedBack { table, field, key: claim.key.clone() });
    }
    Ok(())
}

/// Drops claims whose row is gone. If another row has come under its key meanwhile, that one's claim is handed back.
pub(crate) async fn drop_gone(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    claims: &[Claim],
) -> Result<(), Error> {
    let transaction = connections.into().begin(engine, false).await?;
    // A row that is hidden from this role is not gone.
    execute_all(&transaction, engine.dialect.see_all()).await?;
    execute_all(&transaction, engine.dialect.drop_gone(&model.owner, claims)).await?;
    execute_all(&transaction, engine.dialect.hand_back(&model.owner, claims, 0)).await?;
    transaction.commit().await?;
    let keys: HashSet<&Key> = claims.iter().map(|claim| &claim.key).collect();
    for key in keys {
        engine.tell(Event::Gone { table: model.owner.table.name.clone(), key: key.clone() });
    }
    Ok(())
}

/// How often, and after which times, a failed calculation is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) max_attempts: u32,
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { max_attempts: 20, first: Duration::from_secs(1), longest: Duration::from_secs(3600) }
    }
}

impl Retry {
    /// The time to the next attempt after this many; `None` after the last. Exponential, with "equal jitter": half of
    /// it is random, so that rows that failed together are not tried together.
    /// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>)
    fn after(self, attempts: i32) -> Option<Duration> {
        let attempts = u32::try_from(attempts).unwrap_or_default().max(1);
        if attempts >= self.max_attempts {
            return None;
        }
        let delay = self.first.saturating_mul(2_u32.saturating_pow(attempts - 1)).min(self.longest);
        Some(delay.mul_f64(0.5 + fastrand::f64() / 2.0))
    }
}

/// Keeps a failure: the row stays flagged and queued, and is due again later, or, after the last attempt, only when it
/// is marked again.
pub(crate) async fn fail(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    claim: &Claim,
    error: &Error,
    retry: Retry,
) -> Result<(), Error> {
    let (retry_in, error) = (retry.after(claim.attempts), error.with_sources());
    let delay = retry_in.map(|delay| i64::try_from(delay.as_millis()).unwrap_or(i64::MAX));
    let transaction = connections.into().begin(engine, false).await?;
    transaction.execute_raw(engine.dialect.record_failure(&model.owner, claim, &error, delay)).await?;
    transaction.commit().await?;
    let (table, field) = (model.owner.table.name.clone(), model.owner.fields[claim.field].name);
    engine.tell(Event::Failed { table, field, key: claim.key.clone(), error, attempts: claim.attempts, retry_in });
    Ok(())
}

/// The time by the database's clock, in milliseconds since 1970.
pub(crate) async fn clock(db: &DatabaseExecutor<'_>) -> Result<i64, Error> {
    let row = db.query_one_raw(dialect::of(db.get_database_backend())?.clock()).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("the database's time".to_owned()))?;
    Ok(row.try_get("", "now")?)
}

/// Stores a value inside a user's transaction, without waiting. Whether it could: not if somebody holds the row locked.
pub(crate) async fn store_in_transaction(
    db: &DatabaseExecutor<'_>,
    model: &Model,
    field: usize,
    written: &Written,
) -> Result<bool, Error> {
    let dialect = dialect::of(db.get_database_backend())?;
    let mut statements = dialect.store_in_transaction(&model.owner, field, written).into_iter();
    if let Some(lock) = statements.next()
        && db.query_one_raw(lock).await?.is_none()
    {
        return Ok(false);
    }
    execute_all(db, statements).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_come_later_and_later_until_they_end() {
        let retry = Retry { max_attempts: 4, first: Duration::from_secs(2), longest: Duration::from_secs(5) };
        for (attempts, longest) in [(1, 2.0), (2, 4.0), (3, 5.0)] {
            let delay = retry.after(attempts).unwrap().as_secs_f64();
            assert!((longest / 2.0..=longest).contains(&delay), "{delay} s after {attempts} attempts");
        }
        assert_eq!(retry.after(4), None);
    }
}
