//! Complete, where the database itself calculates: a field that is one query, of many rows at a time.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction};

use super::{
    begin,
    complete::{Verdict, event, judge, release_superseded, settle, with},
};
use crate::{Error, dialect::Claim, engine::Engine, event::Event, field::Key, registry::Model};

/// How long the query may take while its rows are locked. One that takes longer is run without, and its values are stored
/// when they are there.
const WITHIN: Duration = Duration::from_secs(1);

/// What was written, and whether it has changed anything.
type Written = HashMap<Key, bool>;

/// Calculates a field of rows of which nothing else is claimed, and stores it, in one short transaction. Whether it could:
/// not, and then nothing is done, if a row has no value or several.
///
/// The rows are locked and judged first. The query's snapshot is not older than that of the verdict: it shows all changes
/// whose marks were seen, and maybe later ones, whose marks are then collected once more.
pub(crate) async fn complete_by_query(
    engine: &Engine,
    db: &DatabaseConnection,
    model: &Model,
    claims: &[Claim],
    timeout: Duration,
) -> Result<bool, Error> {
    if !engine.dialect.stores_queries() {
        return Ok(false);
    }
    let started = Instant::now();
    let transaction = begin(engine, db, true).await?;
    let (verdicts, written) = match store(engine, &transaction, model, claims, timeout.min(WITHIN)).await {
        Ok(Some(stored)) => stored,
        refused => {
            transaction.rollback().await?;
            return refused.map(|_| false);
        }
    };
    transaction.commit().await?;
    if model.owner.fields.iter().any(|field| field.expires_after.is_some()) {
        // A worker that fell asleep while the row was flagged knows nothing of its expiry.
        engine.wake.send_replace(());
    }
    release_superseded(engine, db, model, claims, &verdicts).await;
    let took = started.elapsed();
    let calculated = claims.iter().filter(|claim| written.contains_key(&claim.key)).map(|claim| Event::Calculated {
        table: model.owner.table.name.clone(),
        field: model.owner.fields[claim.field].name,
        key: claim.key.clone(),
        took,
    });
    engine.tell_all(calculated);
    let changed = |claim: &Claim| written.get(&claim.key).copied().unwrap_or_default();
    let ended = claims.iter().zip(verdicts);
    engine.tell_all(ended.map(|(claim, verdict)| event(model, claim, verdict, changed(claim))));
    Ok(true)
}

async fn store(
    engine: &Engine,
    transaction: &DatabaseTransaction,
    model: &Model,
    claims: &[Claim],
    within: Duration,
) -> Result<Option<(Vec<Verdict>, Written)>, Error> {
    let verdicts = judge(engine, transaction, model, claims).await?;
    if let Some(settings) = engine.dialect.query_settings(within) {
        transaction.execute_unprepared(&settings).await?;
    }
    let mut written = Written::new();
    let done = with(claims, &verdicts, Verdict::Done);
    let published = with(claims, &verdicts, Verdict::Publish);
    let write = async {
        written.extend(write(engine, transaction, model, &done, true).await?);
        written.extend(write(engine, transaction, model, &published, false).await?);
        Ok(())
    };
    settle(engine, transaction, model, claims, &verdicts, write).await?;
    let is_written = |claim: &Claim| written.contains_key(&claim.key);
    Ok(done.iter().all(is_written).then_some((verdicts, written)))
}

async fn write(
    engine: &Engine,
    db: &impl ConnectionTrait,
    model: &Model,
    claims: &[Claim],
    done: bool,
) -> Result<Written, Error> {
    let Some(first) = claims.first() else { return Ok(Written::new()) };
    // Of the earliest claim: an expiry after it is kept, and at worst flags a row once more.
    let claimed_at = claims.iter().map(|claim| claim.claimed_at).min().unwrap_or_default();
    let keys: Vec<Key> = claims.iter().map(|claim| claim.key.clone()).collect();
    let rows = match engine.dialect.write_query(&model.owner, first.field, &keys, claimed_at, done) {
        Some(write) => db.query_all_raw(write).await?,
        None => Vec::new(),
    };
    rows.iter().map(|row| Ok((model.read_key(row)?, row.try_get("", "changed")?))).collect()
}
