//! Operations that PostgreSQL does in statements of its own.

use std::{collections::HashMap, time::Duration};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult, Value};

use super::{claim, collect, complete, mark, query as by_query};
use crate::{
    backend::{
        Backend,
        operations::{LockedClaims, by_key, claims, execute, keys, query, queued_at_once},
        sizes::claims_in_parts,
    },
    declaration::{Chunk, Key},
    layout::{Owner, Source},
    queue::{Claim, Collect, Collected, LeaseDue, Locked},
};

pub(crate) async fn expand_marks(
    db: &DatabaseTransaction,
    owner: &Owner,
    source: &Source,
    limit: u64,
    key: Option<&Key>,
) -> Result<bool, DbErr> {
    execute(db, collect::expand_marks(owner, source, limit, key)).await?;
    Ok(false)
}

pub(crate) async fn collect(
    db: &DatabaseTransaction,
    owner: &Owner,
    request: &Collect<'_>,
) -> Result<Collected, DbErr> {
    let found = query(db, collect::collect(owner, request)).await?;
    let mut collected = queued_at_once(Backend::Postgres, db, owner, request, &found).await?;
    if let Some(row) = found.first() {
        let marks: i64 = row.try_get("", "marks")?;
        collected.marks = marks.try_into().unwrap_or_default();
    }
    Ok(collected)
}

pub(crate) async fn flag_missing(
    db: &DatabaseTransaction,
    owner: &Owner,
    field: usize,
    unflagged: Vec<Key>,
) -> Result<(), DbErr> {
    let locked = keys(db, owner, collect::lock_unflagged(owner, field, &unflagged)).await?;
    if !locked.is_empty() {
        execute(db, collect::flag_locked(owner, field, &locked)).await?;
    }
    Ok(())
}

pub(crate) async fn flag_chunk(
    db: &impl ConnectionTrait,
    owner: &Owner,
    field: usize,
    chunk: &Chunk,
) -> Result<(), DbErr> {
    execute(db, mark::flag_chunk(owner, field, chunk)).await?;
    Ok(())
}

pub(crate) async fn lease_due(
    db: &DatabaseTransaction,
    owner: &Owner,
    request: &LeaseDue<'_>,
) -> Result<Vec<Claim>, DbErr> {
    let LeaseDue { fields, upstream, rows, lease, patience } = *request;
    if !upstream.is_empty() {
        db.execute_unprepared(claim::PLAN_ANEW).await?;
    }
    claims(db, owner, claim::lease_due(owner, fields, upstream, rows, lease, patience)).await
}

pub(crate) async fn lock(
    db: &impl ConnectionTrait,
    owner: &Owner,
    claims: &[Claim],
) -> Result<Vec<Locked>, DbErr> {
    let mut locked = LockedClaims::default();
    for claims in claims_in_parts(owner, claims) {
        locked.add(db, owner, complete::lock_claimed(owner, claims)).await?;
    }
    Ok(claims.iter().map(|claim| locked.of(claim)).collect())
}

/// By one statement. Returns what it has found of each claim.
pub(crate) async fn store_at_once(
    db: &impl ConnectionTrait,
    owner: &Owner,
    values: &[(&Claim, &Value)],
) -> Result<Vec<Locked>, DbErr> {
    let Some((first, _)) = values.first() else { return Ok(Vec::new()) };
    let found = query(db, complete::complete(owner, first.field, values)).await?;
    let found = by_key(owner, &found, read_locked)?;
    // The statement returns the keys that it was given.
    Ok(values.iter().map(|(claim, _)| of_claim(&found, claim).unwrap_or_default()).collect())
}

pub(crate) async fn store_by_query(
    db: &DatabaseTransaction,
    owner: &Owner,
    claims: &[Claim],
    within: Duration,
) -> Result<Option<Vec<(Locked, bool)>>, DbErr> {
    db.execute_unprepared(&by_query::settings(within)).await?;
    let found = query(db, by_query::complete(owner, claims)).await?;
    let read = |row: &QueryResult| Ok((read_locked(row)?, row.try_get("", "changed")?));
    let found = by_key(owner, &found, read)?;
    Ok(claims.iter().map(|claim| of_claim(&found, claim)).collect())
}

/// Reads `held` (whether the row is locked), `generation` (null if the place in the queue is not)
/// and `done` (whether nothing was marked).
fn read_locked(row: &QueryResult) -> Result<Locked, DbErr> {
    let generation: Option<i64> = row.try_get("", "generation")?;
    let unchanged = match generation {
        Some(_) => Some(row.try_get("", "done")?),
        None => None,
    };
    Ok(Locked { row: row.try_get("", "held")?, unchanged })
}

fn of_claim<T: Copy>(found: &HashMap<Key, T>, claim: &Claim) -> Option<T> {
    found.get(&claim.key).copied()
}
