//! Complete: a calculated value is stored, or a claim ends otherwise.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use sea_orm::{ConnectionTrait, DatabaseExecutor, DatabaseTransaction, DbErr, Statement, Value};

use super::{
    Connections, execute_all, explained,
    judge::{Verdict, judge, read_verdict, with_verdict},
    own,
    unique::{Room, look_up, make_room, unique_of},
    wave,
};
use crate::{
    Error,
    backend::{self, claims_in_parts, written_in_parts},
    catalog::UniqueIndexes,
    declaration::Key,
    engine::Engine,
    event::Event,
    queue::{Claim, Shape, ShapedField, Written},
    registry::Model,
};

/// When a row that somebody holds locked is tried again.
const LOCKED_DELAY: i64 = 20;

/// A calculated value on its way to the row.
#[derive(Clone)]
pub(crate) struct Calculation {
    pub(crate) claim: Claim,
    pub(crate) value: Value,
    pub(crate) changed: bool,
}

/// Stores values in one short transaction, which waits for no lock, and returns the verdict on
/// each. It locks rows first, then the queue.
pub(crate) async fn complete(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    calculations: &[Calculation],
) -> Result<Vec<Verdict>, Error> {
    let connections = connections.into();
    let mut unique = unique_of(engine, &connections.reader(), model).await?;
    let mut stored = try_to_store(engine, connections, model, &unique, calculations).await;
    if let Err(error) = &stored
        && engine.refuses_value(error)
    {
        // An index may have been made since, or a column may not be NULL any more.
        let found = look_up(engine, &connections.reader(), model).await?;
        if found != unique {
            unique = found;
            stored = try_to_store(engine, connections, model, &unique, calculations).await;
        }
    }
    let verdicts = stored.map_err(|error| match calculations {
        [Calculation { claim, .. }] => {
            Room::default().explained(&unique, model, claim.field, &claim.key, error)
        }
        _ => error,
    })?;
    let judged = calculations.iter().zip(&verdicts);
    engine.publish_all(judged.map(|(calculation, verdict)| {
        event(model, &calculation.claim, *verdict, calculation.changed)
    }));
    self::stored(engine, connections, model, claims(calculations), &verdicts).await;
    Ok(verdicts)
}

/// What is left to be done after the commit.
pub(super) async fn stored(
    engine: &Engine,
    connections: Connections<'_>,
    model: &Model,
    claims: impl Iterator<Item = &Claim> + Clone,
    verdicts: &[Verdict],
) {
    for (verdict, delay) in [(Verdict::Superseded, 0), (Verdict::HandBack, LOCKED_DELAY)] {
        let claims = own(&with_verdict(claims.clone(), verdicts, verdict));
        if !claims.is_empty() {
            release(engine, connections, model, &claims, delay).await;
        }
    }
    let mut published = own(&with_verdict(claims, verdicts, Verdict::Publish));
    published.retain(wave::is_held_back);
    wave::hold_back(engine, connections, model, &published).await;
    let expires = model.owner.fields.iter().any(|field| field.expires_after.is_some());
    if expires || verdicts.iter().any(|verdict| *verdict != Verdict::Done) {
        // A worker that fell asleep meanwhile knows only of the leases, and nothing of expiries.
        engine.wake.send_replace(());
    }
}

fn claims(calculations: &[Calculation]) -> impl Iterator<Item = &Claim> + Clone {
    calculations.iter().map(|calculation| &calculation.claim)
}

/// How often a lease is tried to be ended, each time for as long as a lock is waited for.
const RELEASES: u32 = 5;

/// Ends the leases of what was not stored. Its row, or its row of the queue, is gone or locked by
/// another transaction. This transaction may wait for that lock, and so holds no other.
async fn release(
    engine: &Engine,
    connections: Connections<'_>,
    model: &Model,
    claims: &[Claim],
    delay: i64,
) {
    let release = async || -> Result<(), Error> {
        let release = handed_back(engine, model, claims, delay, 0);
        connections
            .within(engine, false, async |transaction| Ok(execute_all(transaction, release).await?))
            .await
    };
    for _ in 0..RELEASES {
        if release().await.is_ok() {
            return;
        }
    }
}

async fn try_to_store(
    engine: &Engine,
    connections: Connections<'_>,
    model: &Model,
    unique: &UniqueIndexes,
    calculations: &[Calculation],
) -> Result<Vec<Verdict>, Error> {
    if !are_unique(unique, model, calculations)
        && let Some(verdicts) = store_alone(engine, connections, model, calculations).await?
    {
        return Ok(verdicts);
    }
    store(engine, connections, model, unique, calculations).await
}

/// Whether a unique index may refuse some of the values.
fn are_unique(unique: &UniqueIndexes, model: &Model, calculations: &[Calculation]) -> bool {
    claims(calculations).any(|claim| unique.has(&model.owner, claim.field))
}

/// By one statement that is a transaction of its own. `None` where it cannot be, and then nothing
/// is done.
async fn store_alone(
    engine: &Engine,
    connections: Connections<'_>,
    model: &Model,
    calculations: &[Calculation],
) -> Result<Option<Vec<Verdict>>, Error> {
    let is_read_by_others = |claim: &Claim| model.owner.recursions(claim.field).next().is_some();
    let Some(writer) = connections.writer() else { return Ok(None) };
    if claims(calculations).any(is_read_by_others) {
        return Ok(None);
    }
    let Some(verdicts) = store_at_once(engine, writer, model, calculations).await? else {
        return Ok(None);
    };
    if verdicts.contains(&Verdict::Publish) {
        let end = async |transaction: &_| {
            end(engine, transaction, model, claims(calculations), &verdicts).await
        };
        connections.within(engine, true, end).await?;
    }
    Ok(Some(verdicts))
}

async fn store(
    engine: &Engine,
    connections: Connections<'_>,
    model: &Model,
    unique: &UniqueIndexes,
    calculations: &[Calculation],
) -> Result<Vec<Verdict>, Error> {
    let store = async |transaction: &DatabaseTransaction| {
        let room = if are_unique(unique, model, calculations) {
            let rows = by_shape(calculations, &vec![Verdict::Done; calculations.len()]);
            make_room(engine, transaction, model, unique, &rows, true).await?
        } else {
            Room::default()
        };
        let is_blocked = |calculation: &Calculation| {
            unique.has(&model.owner, calculation.claim.field)
                && room.blocked.contains(&calculation.claim.key)
        };
        let free: Cow<'_, [Calculation]> = if room.blocked.is_empty() {
            calculations.into()
        } else {
            calculations.iter().filter(|calculation| !is_blocked(calculation)).cloned().collect()
        };
        let stored =
            store_within(engine, transaction, model, &free).await.map_err(
                |error| match calculations {
                    [Calculation { claim, .. }] => {
                        room.explained(unique, model, claim.field, &claim.key, error)
                    }
                    _ => error,
                },
            );
        let mut verdicts = stored?.into_iter();
        let verdict = |calculation| if is_blocked(calculation) { None } else { verdicts.next() };
        let verdicts: Vec<Verdict> = calculations
            .iter()
            .map(verdict)
            .map(|verdict| verdict.unwrap_or(Verdict::HandBack))
            .collect();
        end(engine, transaction, model, claims(calculations), &verdicts).await?;
        Ok(verdicts)
    };
    connections.within(engine, true, store).await
}

async fn store_within(
    engine: &Engine,
    transaction: &DatabaseTransaction,
    model: &Model,
    calculations: &[Calculation],
) -> Result<Vec<Verdict>, Error> {
    if calculations.is_empty() {
        return Ok(Vec::new());
    }
    match store_at_once(engine, transaction, model, calculations).await? {
        Some(verdicts) => Ok(verdicts),
        None => store_in_steps(engine, transaction, model, calculations).await,
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
        let keys: Vec<Key> = done
            .iter()
            .filter(|claim| claim.field == field)
            .map(|claim| claim.key.clone())
            .collect();
        for source in model.owner.recursions(field).filter(|_| !keys.is_empty()) {
            transaction
                .execute_raw(engine.dialect.retry_readers(&model.owner, field, source, &keys))
                .await?;
        }
    }
    let mut delayed: BTreeMap<(i64, i32), Vec<Claim>> = BTreeMap::new();
    let published = own(&with_verdict(claims, verdicts, Verdict::Publish));
    for claim in published.into_iter().filter(|claim| !wave::is_held_back(claim)) {
        let delay = model.owner.fields[claim.field].debounce.unwrap_or_default();
        delayed.entry((delay, 1)).or_default().push(claim);
    }
    for ((delay, waves), claims) in delayed {
        execute_all(transaction, handed_back(engine, model, &claims, delay, waves)).await?;
    }
    Ok(())
}

/// Where one statement can lock, judge and write the values: those of one field. `None` where it
/// cannot.
async fn store_at_once(
    engine: &Engine,
    db: &impl ConnectionTrait,
    model: &Model,
    calculations: &[Calculation],
) -> Result<Option<Vec<Verdict>>, Error> {
    let Some(field) = calculations.first().map(|calculation| calculation.claim.field) else {
        return Ok(None);
    };
    if calculations.iter().any(|calculation| calculation.claim.field != field) {
        return Ok(None);
    }
    let values: Vec<_> =
        calculations.iter().map(|calculation| (&calculation.claim, &calculation.value)).collect();
    let Some(complete) = engine.dialect.complete(&model.owner, field, &values) else {
        return Ok(None);
    };
    let mut verdicts = HashMap::new();
    for row in db.query_all_raw(complete).await? {
        verdicts.insert(model.read_key(&row)?, read_verdict(&row)?);
    }
    let verdict = |calculation: &Calculation| verdicts.get(&calculation.claim.key).copied();
    // The statement returns the keys that it was given.
    Ok(Some(
        calculations
            .iter()
            .map(|calculation| verdict(calculation).unwrap_or(Verdict::HandBack))
            .collect(),
    ))
}

async fn store_in_steps(
    engine: &Engine,
    transaction: &DatabaseTransaction,
    model: &Model,
    calculations: &[Calculation],
) -> Result<Vec<Verdict>, Error> {
    let claims: Vec<Claim> = claims(calculations).cloned().collect();
    let verdicts = judge(engine, transaction, model, &claims).await?;
    let (before, after) =
        settle(engine, model, &with_verdict(claims.iter(), &verdicts, Verdict::Done));
    execute_all(transaction, before).await?;
    for (shape, rows) in by_shape(calculations, &verdicts) {
        for rows in written_in_parts(&model.owner, &shape, &rows) {
            execute_all(transaction, engine.dialect.write(&model.owner, &shape, rows)).await?;
        }
    }
    execute_all(transaction, after).await?;
    Ok(verdicts)
}

/// What has to be done with the queue's rows of these claims, before and after their values are
/// written.
pub(super) fn settle(
    engine: &Engine,
    model: &Model,
    done: &[Claim],
) -> (Vec<Statement>, Vec<Statement>) {
    let parts =
        claims_in_parts(&model.owner, done).map(|done| engine.dialect.settle(&model.owner, done));
    let (before, after): (Vec<_>, Vec<_>) = parts.unzip();
    (before.concat(), after.concat())
}

/// What is written of a row, and when the first of it was claimed.
type Fields = (i64, Vec<(ShapedField, Value)>);

/// The values to write, by what is written of a row: all fields of a row go into one UPDATE.
fn by_shape(calculations: &[Calculation], verdicts: &[Verdict]) -> BTreeMap<Shape, Vec<Written>> {
    let mut rows: HashMap<&Key, Fields> = HashMap::new();
    for (calculation, verdict) in calculations.iter().zip(verdicts) {
        if let Verdict::Done | Verdict::Publish = verdict {
            let shaped =
                ShapedField { field: calculation.claim.field, done: *verdict == Verdict::Done };
            let (claimed_at, fields) =
                rows.entry(&calculation.claim.key).or_insert((i64::MAX, Vec::new()));
            *claimed_at = calculation.claim.claimed_at.min(*claimed_at);
            fields.push((shaped, calculation.value.clone()));
        }
    }
    let mut shapes: BTreeMap<Shape, Vec<Written>> = BTreeMap::new();
    for (key, (claimed_at, mut fields)) in rows {
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        let (shape, values) = fields.into_iter().unzip();
        shapes.entry(Shape(shape)).or_default().push(Written {
            key: key.clone(),
            claimed_at,
            values,
        });
    }
    shapes
}

pub(super) fn event(model: &Model, claim: &Claim, verdict: Verdict, changed: bool) -> Event {
    let table = model.owner.table.name.clone();
    let field = model.owner.fields[claim.field].name;
    let key = claim.key.clone();
    match verdict {
        Verdict::Done => Event::Completed { table, field, key, changed },
        Verdict::Publish => Event::Published { table, field, key },
        Verdict::Superseded => Event::Superseded { table, field, key },
        Verdict::HandBack => Event::HandedBack { table, field, key },
    }
}

fn handed_back(
    engine: &Engine,
    model: &Model,
    claims: &[Claim],
    delay: i64,
    waves: i32,
) -> Vec<Statement> {
    let parts = claims_in_parts(&model.owner, claims);
    parts.flat_map(|claims| engine.dialect.hand_back(&model.owner, claims, delay, waves)).collect()
}

/// Ends leases without a result; the rows are due again after this time.
pub(crate) async fn hand_back(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    claims: &[Claim],
    delay: Duration,
) -> Result<(), Error> {
    let claims = own(claims);
    if claims.is_empty() {
        return Ok(());
    }
    let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
    let hand_back = handed_back(engine, model, &claims, delay, 0);
    connections
        .into()
        .within(engine, false, async |transaction| Ok(execute_all(transaction, hand_back).await?))
        .await?;
    for claim in claims {
        let table = model.owner.table.name.clone();
        let field = model.owner.fields[claim.field].name;
        engine.publish(Event::HandedBack { table, field, key: claim.key.clone() });
    }
    Ok(())
}

/// Drops claims whose row is gone. If another row has come under its key meanwhile, that one's
/// claim is handed back.
pub(crate) async fn drop_gone(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    claims: &[Claim],
) -> Result<(), Error> {
    let claims = own(claims);
    if claims.is_empty() {
        return Ok(());
    }
    let drop_gone = async |transaction: &_| {
        // A row that is hidden from this role is not gone.
        execute_all(transaction, engine.dialect.see_all()).await?;
        for claims in claims_in_parts(&model.owner, &claims) {
            execute_all(transaction, engine.dialect.drop_gone(&model.owner, claims)).await?;
        }
        Ok(execute_all(transaction, handed_back(engine, model, &claims, 0, 0)).await?)
    };
    connections.into().within(engine, false, drop_gone).await?;
    let keys: HashSet<&Key> = claims.iter().map(|claim| &claim.key).collect();
    for key in keys {
        engine.publish(Event::Gone { table: model.owner.table.name.clone(), key: key.clone() });
    }
    Ok(())
}

/// The time by the database's clock, in milliseconds since 1970.
pub(crate) async fn clock(db: &DatabaseExecutor<'_>) -> Result<i64, Error> {
    let row = db.query_one_raw(backend::of(db.get_database_backend())?.clock()).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("the database's time".to_owned()))?;
    Ok(row.try_get("", "now")?)
}

/// Stores a value inside a user's transaction, without waiting, and returns whether it could. It
/// cannot if another transaction holds a lock on the row, or on one that has the value in a unique
/// index.
pub(crate) async fn store_in_transaction(
    db: &DatabaseExecutor<'_>,
    model: &Model,
    field: usize,
    written: &Written,
) -> Result<bool, Error> {
    let dialect = backend::of(db.get_database_backend())?;
    let mut statements = dialect.store_in_transaction(&model.owner, field, written).into_iter();
    let stored = async {
        if let Some(lock) = statements.next()
            && db.query_one_raw(lock).await?.is_none()
        {
            return Ok(false);
        }
        let engine = Engine::at(db)?;
        let key = &written.key;
        let unique = unique_of(&engine, db, model).await?;
        let rows = BTreeMap::from([(
            Shape(vec![ShapedField { field, done: true }]),
            vec![written.clone()],
        )]);
        // The transaction may read a snapshot that is older than the rows that it locks now.
        let room = make_room(&engine, db, model, &unique, &rows, false).await?;
        if !room.blocked.is_empty() {
            return Ok(false);
        }
        // No value is given back to a column that may not have the same as another row.
        let fields: Vec<usize> = (0..model.owner.fields.len())
            .filter(|field| !unique.has(&model.owner, *field))
            .collect();
        execute_all(db, dialect.mark_stored_since(&model.owner, &fields, key)).await?;
        let stored = execute_all(db, statements).await;
        stored.map_err(|error| room.explained(&unique, model, field, key, error.into()))?;
        Ok(true)
    };
    stored.await.map_err(|error| explained(dialect, [&model.owner], error))
}
