//! Complete: a calculated value is stored, or a claim ends in another way.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use sea_orm::{DatabaseExecutor, DatabaseTransaction, Value};

use super::{
    Connections, explained,
    judge::{Verdict, with_verdict},
    own,
    unique::{Room, look_up, make_room, unique_of},
    wave,
};
use crate::{
    Error,
    backend::Backend,
    catalog::UniqueIndexes,
    declaration::Key,
    engine::Engine,
    event::Event,
    queue::{Claim, Shape, ShapedField, Written, by_shape},
    registry::Model,
};

/// The time in milliseconds after which a row that another transaction holds locked is retried.
const LOCKED_DELAY: i64 = 20;

/// A calculated value on its way to the row.
#[derive(Clone)]
pub(crate) struct Calculation {
    pub(crate) claim: Claim,
    pub(crate) value: Value,
    pub(crate) changed: bool,
}

/// Stores values in one short transaction, which waits for no lock, and returns the verdict on each
/// value. It locks rows first, then the queue.
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
        // An index may have been created since, or a column may have become NOT NULL.
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

/// Does the work that is left after the commit.
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
        // A worker that fell asleep meanwhile knows the leases, but not the expiries.
        engine.wake.send_replace(());
    }
}

fn claims(calculations: &[Calculation]) -> impl Iterator<Item = &Claim> + Clone {
    calculations.iter().map(|calculation| &calculation.claim)
}

fn values(calculations: &[Calculation]) -> Vec<(&Claim, &Value)> {
    calculations.iter().map(|calculation| (&calculation.claim, &calculation.value)).collect()
}

/// The number of attempts to end a lease. Each waits as long as a transaction waits for a lock.
const RELEASES: u32 = 5;

/// Ends the leases of the values that were not stored. Their row, or their row of the queue, is
/// gone or locked by another transaction. This transaction may wait for that lock, and so holds no
/// other.
async fn release(
    engine: &Engine,
    connections: Connections<'_>,
    model: &Model,
    claims: &[Claim],
    delay: i64,
) {
    let release = async || {
        let release = async |transaction: &DatabaseTransaction| {
            Ok(engine.backend.hand_back(transaction, &model.owner, claims, delay, 0).await?)
        };
        connections.within(engine, false, release).await
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

/// Returns whether a unique index may refuse some of the values.
fn are_unique(unique: &UniqueIndexes, model: &Model, calculations: &[Calculation]) -> bool {
    claims(calculations).any(|claim| unique.has(&model.owner, claim.field))
}

/// Stores values by one statement that is a transaction of its own. Returns `None`, and does
/// nothing, where that is impossible.
async fn store_alone(
    engine: &Engine,
    connections: Connections<'_>,
    model: &Model,
    calculations: &[Calculation],
) -> Result<Option<Vec<Verdict>>, Error> {
    let is_read_by_others = |claim: &Claim| model.owner.recursions(claim.field).next().is_some();
    let Some(writer) = connections.writer() else { return Ok(None) };
    let values = values(calculations);
    if claims(calculations).any(is_read_by_others) || !engine.backend.stores_at_once(&values) {
        return Ok(None);
    }

    let found = engine.backend.store(writer, &model.owner, &values).await?;
    let verdicts: Vec<Verdict> = found.into_iter().map(Verdict::on).collect();
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
            let all = values(calculations).into_iter().map(|(claim, value)| (claim, value, true));
            let rows = by_shape(all);
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

        let stored = engine.backend.store(transaction, &model.owner, &values(&free)).await;
        let found = stored.map_err(|error| match calculations {
            [Calculation { claim, .. }] => {
                room.explained(unique, model, claim.field, &claim.key, error.into())
            }
            _ => error.into(),
        })?;

        let mut verdicts = found.into_iter().map(Verdict::on);
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

/// Does the remaining work for the claims, once the values are written.
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
            engine.backend.retry_readers(transaction, &model.owner, field, source, &keys).await?;
        }
    }

    let mut delayed: BTreeMap<(i64, i32), Vec<Claim>> = BTreeMap::new();
    let published = own(&with_verdict(claims, verdicts, Verdict::Publish));
    for claim in published.into_iter().filter(|claim| !wave::is_held_back(claim)) {
        let delay = model.owner.fields[claim.field].debounce.unwrap_or_default();
        delayed.entry((delay, 1)).or_default().push(claim);
    }
    for ((delay, waves), claims) in delayed {
        engine.backend.hand_back(transaction, &model.owner, &claims, delay, waves).await?;
    }
    Ok(())
}

pub(super) fn event(model: &Model, claim: &Claim, verdict: Verdict, changed: bool) -> Event {
    let table = model.owner.table.name.clone();
    let field = model.owner.fields[claim.field].name;
    let key = claim.key.clone();
    match verdict {
        Verdict::Done => {
            Event::Completed { table, field, key, changed, stale_for: claim.stale_for() }
        }
        Verdict::Publish => Event::Published { table, field, key },
        Verdict::Superseded => Event::Superseded { table, field, key },
        Verdict::HandBack => Event::HandedBack { table, field, key },
    }
}

/// Ends leases without a result. The rows are due again after this time.
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
    let hand_back = async |transaction: &DatabaseTransaction| {
        Ok(engine.backend.hand_back(transaction, &model.owner, &claims, delay, 0).await?)
    };
    connections.into().within(engine, false, hand_back).await?;

    for claim in claims {
        let table = model.owner.table.name.clone();
        let field = model.owner.fields[claim.field].name;
        engine.publish(Event::HandedBack { table, field, key: claim.key.clone() });
    }
    Ok(())
}

/// Drops claims whose row is gone. If another row has got its key meanwhile, the claim of that row
/// is handed back.
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

    let drop_gone = async |transaction: &DatabaseTransaction| {
        // A row that is hidden from this role is not gone.
        engine.backend.see_all(transaction).await?;
        engine.backend.drop_gone(transaction, &model.owner, &claims).await?;
        Ok(engine.backend.hand_back(transaction, &model.owner, &claims, 0, 0).await?)
    };
    connections.into().within(engine, false, drop_gone).await?;

    let keys: HashSet<&Key> = claims.iter().map(|claim| &claim.key).collect();
    for key in keys {
        engine.publish(Event::Gone { table: model.owner.table.name.clone(), key: key.clone() });
    }
    Ok(())
}

/// Returns the time by the database's clock, in milliseconds since 1970.
pub(crate) async fn clock(db: &DatabaseExecutor<'_>) -> Result<i64, Error> {
    Ok(Backend::of(db)?.clock(db).await?)
}

/// Stores a value inside a user's transaction, without waiting, and returns whether it could. It
/// cannot if another transaction locks the row, or a row that has the value in a unique index.
pub(crate) async fn store_in_transaction(
    db: &DatabaseExecutor<'_>,
    model: &Model,
    field: usize,
    written: &Written,
) -> Result<bool, Error> {
    let backend = Backend::of(db)?;
    let key = &written.key;
    let stored = async {
        if !backend.lock_row(db, &model.owner, key).await? {
            return Ok(false);
        }

        let engine = Engine::at(db)?;
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

        // A value is not given back to a column whose values a unique index restricts.
        let fields: Vec<usize> = (0..model.owner.fields.len())
            .filter(|field| !unique.has(&model.owner, *field))
            .collect();
        backend.mark_stored_since(db, &model.owner, &fields, key).await?;
        let stored = backend.write_locked(db, &model.owner, field, written).await;
        stored.map_err(|error| room.explained(&unique, model, field, key, error.into()))?;
        Ok(true)
    };

    stored.await.map_err(|error| explained(backend, [&model.owner], error))
}
