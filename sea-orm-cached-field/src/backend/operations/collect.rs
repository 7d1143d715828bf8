//! From marks to rows of the queue.

use std::collections::{BTreeMap, HashSet};

use sea_orm::{DatabaseTransaction, DbErr, QueryResult};

use super::{execute, keys, query, read_chunk, read_claim, read_field};
use crate::{
    backend::{Backend, shared, sizes::claims_in_parts},
    declaration::Key,
    layout::{Owner, Source, Upstream},
    queue::{Claim, Collect, Collected, Enqueued, LastMark, MarkedChunk, in_order},
};

impl Backend {
    /// Turns marks of a source whose rows do not hold the owner's key into marks of the owners, at
    /// most so many. With a key, only those that concern its row. Returns whether there may be more
    /// marks of the same related rows.
    pub(crate) async fn expand_marks(
        self,
        db: &DatabaseTransaction,
        owner: &Owner,
        source: &Source,
        limit: u64,
        key: Option<&Key>,
    ) -> Result<bool, DbErr> {
        of_database!(self, operations::expand_marks(db, owner, source, limit, key).await)
    }

    /// Takes marks away, and queues what they are of. Of rows that are only lazily marked the flag
    /// is set, and a calculation under way will miss.
    pub(crate) async fn collect(
        self,
        db: &DatabaseTransaction,
        owner: &Owner,
        request: &Collect<'_>,
    ) -> Result<Collected, DbErr> {
        of_database!(self, operations::collect(db, owner, request).await)
    }

    /// Sets the flags that the triggers could not set, where another transaction does not hold the
    /// row.
    pub(crate) async fn flag_missing(
        self,
        db: &DatabaseTransaction,
        owner: &Owner,
        rows: impl IntoIterator<Item = (&Key, usize)>,
    ) -> Result<(), DbErr> {
        let mut keys: BTreeMap<usize, Vec<Key>> = BTreeMap::new();
        for (key, field) in rows {
            keys.entry(field).or_default().push(key.clone());
        }

        for (field, keys) in keys {
            let flagged: Result<(), DbErr> =
                of_database!(self, operations::flag_missing(db, owner, field, keys).await);
            flagged?;
        }
        Ok(())
    }

    /// Locks the oldest marks of chunks of these fields, at most so many, but none of a field that
    /// is calculated from others of which chunks are marked.
    pub(crate) async fn take_chunks(
        self,
        db: &DatabaseTransaction,
        owner: &Owner,
        fields: &[usize],
        upstream: &[Upstream],
        marks: u64,
    ) -> Result<Vec<MarkedChunk>, DbErr> {
        let taken =
            query(db, statements!(self, collect::take_chunks(owner, fields, upstream, marks)))
                .await?;
        let read = |row: &QueryResult| {
            Ok(MarkedChunk {
                id: row.try_get("", "id")?,
                marked_at: row.try_get("", "marked_at")?,
                field: read_field(owner, row)?,
                chunk: read_chunk(owner, row)?,
            })
        };

        taken.iter().map(read).collect()
    }

    /// Queues the flagged rows of a chunk that stand in no queue yet. Returns how many.
    pub(crate) async fn enqueue_chunk(
        self,
        db: &DatabaseTransaction,
        owner: &Owner,
        marked: &MarkedChunk,
    ) -> Result<u64, DbErr> {
        execute(db, statements!(self, collect::enqueue_chunk(owner, marked))).await
    }

    /// Deletes a mark of a chunk.
    pub(crate) async fn delete_mark(
        self,
        db: &DatabaseTransaction,
        owner: &Owner,
        id: i64,
    ) -> Result<(), DbErr> {
        execute(db, shared::chunks::delete_mark(self.sql(), owner, id)).await?;
        Ok(())
    }
}

/// What was collected where the database takes the marks and queues what they are of by itself. The
/// rows have `key_1`, ..., `field`, `generation`, `attempts`, `waves`, `claimed_at`, `stale_since`,
/// `leased` (by this statement), `eager`, `flagged`. What is only lazily marked it does not queue.
/// A row without `eager` says of one that is queued when it was last marked, as `stale_since`.
pub(in crate::backend) async fn queued_at_once(
    backend: Backend,
    db: &DatabaseTransaction,
    owner: &Owner,
    request: &Collect<'_>,
    rows: &[QueryResult],
) -> Result<Collected, DbErr> {
    let mut collected = Collected::default();
    let mut lazy = Vec::new();
    for row in rows {
        let claim = read_claim(owner, row)?;
        let Some(is_eager) = row.try_get::<Option<bool>>("", "eager")? else {
            let Claim { key, field, stale_since, claimed_at, .. } = claim;
            let marked_at = stale_since.unwrap_or(claimed_at);
            collected.last_marks.push(LastMark { key, field, marked_at });
            continue;
        };
        if is_eager {
            collected.queued.push((claim.key.clone(), claim.field));
            if !row.try_get::<bool>("", "flagged")? {
                collected.unflagged.push((claim.key.clone(), claim.field));
            }
            if request.leases(claim.field) && row.try_get("", "leased")? {
                collected.claims.push(claim);
            }
        } else {
            let Claim { key, field, generation, stale_since, claimed_at, .. } = claim;
            let marked_at = stale_since.unwrap_or(claimed_at);
            let lease = request.leases(field);
            lazy.push(Enqueued { key, field, generation, marked_at, lease });
        }
    }

    let busy = flag_without_queueing(backend, db, owner, lazy).await?;
    let queued: Vec<_> = busy.iter().map(|row| (row.key.clone(), row.field)).collect();
    collected.claims.extend(enqueue(backend, db, owner, busy, request.lease).await?);
    collected.unflagged.extend_from_slice(&queued);
    collected.queued.extend(queued);
    Ok(collected)
}

/// Rows that are only marked lazily are flagged but not queued; a calculation under way will miss.
/// A row that another transaction holds locked cannot be flagged now: it is returned, to be queued
/// like the others.
pub(in crate::backend) async fn flag_without_queueing(
    backend: Backend,
    db: &DatabaseTransaction,
    owner: &Owner,
    rows: Vec<Enqueued>,
) -> Result<Vec<Enqueued>, DbErr> {
    if rows.is_empty() {
        return Ok(rows);
    }

    let wanted: HashSet<&Key> = rows.iter().map(|row| &row.key).collect();
    let wanted: Vec<Key> = wanted.into_iter().cloned().collect();
    let mut locked = HashSet::new();
    for wanted in claims_in_parts(owner, &wanted) {
        let lock = statements!(backend, complete::lock_rows(owner, wanted));
        locked.extend(keys(db, owner, lock).await?);
    }

    let (held, busy): (Vec<Enqueued>, Vec<Enqueued>) =
        rows.into_iter().partition(|row| locked.contains(&row.key));
    let held = in_order(held, |row| (&row.key, row.field));
    backend.flag_missing(db, owner, held.iter().map(|row| (&row.key, row.field))).await?;
    for rows in claims_in_parts(owner, &held) {
        execute(db, statements!(backend, collect::change_generation(owner, rows))).await?;
    }
    Ok(busy)
}

/// Queues rows, and leases those that say so.
pub(in crate::backend) async fn enqueue(
    backend: Backend,
    db: &DatabaseTransaction,
    owner: &Owner,
    rows: Vec<Enqueued>,
    lease: i64,
) -> Result<Vec<Claim>, DbErr> {
    let rows = in_order(rows, |row| (&row.key, row.field));
    // By the field: the queue may spell the key in another way.
    let wanted: HashSet<usize> = rows.iter().filter(|row| row.lease).map(|row| row.field).collect();

    let mut claims = Vec::new();
    for rows in claims_in_parts(owner, &rows) {
        for row in query(db, statements!(backend, collect::enqueue(owner, rows, lease))).await? {
            let leased: bool = row.try_get("", "leased")?;
            let claim = read_claim(owner, &row)?;
            if leased && wanted.contains(&claim.field) {
                claims.push(claim);
            }
        }
    }

    Ok(claims)
}
