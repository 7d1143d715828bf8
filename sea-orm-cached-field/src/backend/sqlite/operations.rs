//! Operations that SQLite does in statements of its own.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult};

use super::{claim, collect, complete, mark, query as by_query};
use crate::{
    backend::{
        Backend,
        operations::{
            LockedClaims, by_key, claims, done, execute, query, queued_at_once, read_field,
            read_key,
        },
        sizes::claims_in_parts,
    },
    declaration::{Chunk, Key},
    layout::{Owner, Source},
    queue::{Claim, Collect, Collected, LastMark, LeaseDue, Locked},
};

/// The triggers look the owners up: they hold up no other writer, for there is none.
pub(crate) async fn expand_marks(
    _: &DatabaseTransaction,
    _: &Owner,
    _: &Source,
    _: u64,
    _: Option<&Key>,
) -> Result<bool, DbErr> {
    Ok(false)
}

pub(crate) async fn collect(
    db: &DatabaseTransaction,
    owner: &Owner,
    request: &Collect<'_>,
) -> Result<Collected, DbErr> {
    let read = |row: &QueryResult| {
        Ok(LastMark {
            key: read_key(owner, row)?,
            field: read_field(owner, row)?,
            marked_at: row.try_get("", "marked_at")?,
        })
    };
    let last_marks = if request.with_last_marks {
        let last_marks = query(db, collect::last_marks(owner, request)).await?;
        last_marks.iter().map(read).collect::<Result<Vec<LastMark>, DbErr>>()?
    } else {
        Vec::new()
    };

    let (queue, delete) = collect::collect(owner, request);
    let found = query(db, queue).await?;
    let marks = execute(db, delete).await?;
    let collected = queued_at_once(Backend::Sqlite, db, owner, request, &found).await?;
    Ok(Collected { marks: marks.try_into().unwrap_or_default(), last_marks, ..collected })
}

/// The triggers set all flags.
pub(crate) async fn flag_missing(
    _: &DatabaseTransaction,
    _: &Owner,
    _: usize,
    _: Vec<Key>,
) -> Result<(), DbErr> {
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
    claims(db, owner, claim::lease_due(owner, fields, upstream, rows, lease, patience)).await
}

/// A claim since which nothing was marked is announced to the triggers.
pub(crate) async fn lock(
    db: &impl ConnectionTrait,
    owner: &Owner,
    claims: &[Claim],
) -> Result<Vec<Locked>, DbErr> {
    let mut announced = HashSet::new();
    for claims in claims_in_parts(owner, claims) {
        for row in query(db, complete::announce(owner, claims)).await? {
            announced.insert((read_key(owner, &row)?, read_field(owner, &row)?));
        }
    }
    let is_announced = |claim: &Claim| announced.contains(&(claim.key.clone(), claim.field));

    let left: Vec<Claim> = claims.iter().filter(|claim| !is_announced(claim)).cloned().collect();
    let mut locked = LockedClaims::default();
    for claims in claims_in_parts(owner, &left) {
        locked.add(db, owner, complete::lock_claimed(owner, claims)).await?;
    }
    let of_claim = |claim| {
        if is_announced(claim) {
            Locked { row: true, unchanged: Some(true) }
        } else {
            locked.of(claim)
        }
    };
    Ok(claims.iter().map(of_claim).collect())
}

pub(crate) async fn store_by_query(
    db: &DatabaseTransaction,
    owner: &Owner,
    claims: &[Claim],
    _: Duration,
) -> Result<Option<Vec<(Locked, bool)>>, DbErr> {
    let backend = Backend::Sqlite;
    let locked = backend.lock(db, owner, claims).await?;
    if locked.iter().any(|locked| !locked.row) {
        // Such a row may be gone, which is found out when it is loaded.
        return Ok(None);
    }

    let ended = done(claims, &locked);
    backend.begin_writing(db, owner, &ended).await?;
    let value = |row: &QueryResult| row.try_get::<String>("", "value");
    let before = query(db, by_query::stored(owner, claims)).await?;
    let before = by_key(owner, &before, value)?;
    let mut written = HashMap::new();
    for ends in [true, false] {
        let wanted = claims.iter().zip(&locked);
        let wanted: Vec<Claim> = wanted
            .filter(|(_, locked)| locked.writes() == Some(ends))
            .map(|(claim, _)| claim.clone())
            .collect();
        if !wanted.is_empty() {
            let rows = query(db, by_query::write(owner, &wanted, ends)).await?;
            written.extend(by_key(owner, &rows, value)?);
        }
    }
    backend.end_writing(db, owner, &ended).await?;

    let stored = claims.iter().zip(locked).map(|(claim, locked)| match locked.writes() {
        Some(_) => Some((locked, before.get(&claim.key) != Some(written.get(&claim.key)?))),
        None => Some((locked, false)),
    });
    Ok(stored.collect())
}
