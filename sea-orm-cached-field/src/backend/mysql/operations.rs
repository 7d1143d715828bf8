//! Operations that MySQL and MariaDB do in statements of their own: they return no rows of what
//! they write. So rows are selected and locked first, and then deleted or updated by their keys.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult, Statement};

use super::{claim, collect, complete, mark};
use crate::{
    backend::{
        Backend,
        operations::{
            LockedClaims, claims, enqueue, execute, flag_without_queueing, keys, query, read_key,
        },
        sizes::{self, claims_in_parts},
    },
    declaration::{Chunk, Key},
    layout::{Owner, Source},
    queue::{Claim, Collect, Collected, Enqueued, LastMark, LeaseDue, Locked, Mark, Which},
};

/// How many marks are bound in one statement, at most, where marks of related rows are expanded by
/// them, or appended.
const MARKS: usize = 1000;

/// How many marks are taken in one statement, for they are kept in memory, each for all of its
/// fields. A row that is written often while no worker runs may have millions.
const TAKEN: u64 = 10_000;

/// How many marks of owners are kept in memory.
const OWNERS: u64 = 20_000;

pub(crate) async fn expand_marks(
    db: &DatabaseTransaction,
    owner: &Owner,
    source: &Source,
    limit: u64,
    key: Option<&Key>,
) -> Result<bool, DbErr> {
    let mut has_more = false;
    let mut links = Links::default();
    let take = collect::take_links(owner, source, limit.min(TAKEN), key);
    let taken = links.take(db, owner, take).await?;
    let mut others_are_left = false;
    if key.is_some() {
        has_more = taken == TAKEN;
        others_are_left = taken == TAKEN && links.deleted > 0;
    } else if !links.hashes.is_empty() {
        let hashes: Vec<u32> = links.hashes.iter().copied().collect();
        for hashes in hashes.chunks(MARKS) {
            let limit = TAKEN + links.first.len() as u64;
            let deleted = links.deleted;
            let take = collect::take_links_like(owner, source, hashes, limit);
            let taken = links.take(db, owner, take).await?;
            others_are_left |= taken == limit && links.deleted > deleted;
        }
    }
    if others_are_left {
        // The first ones stay, and stand for those that are left: the owners are looked up once
        // for all.
        return Ok(true);
    }

    let links: Vec<(i64, String)> =
        links.first.into_iter().map(|((_, link), id)| (id, link)).collect();
    for links in links.chunks(MARKS) {
        expand_links(db, owner, source, links).await?;
    }
    Ok(has_more)
}

/// Marks of related rows that were taken.
#[derive(Default)]
struct Links {
    /// The first mark of each field and link. The others stand for the same owners, and are
    /// deleted.
    first: HashMap<(String, String), i64>,
    deleted: usize,
    hashes: HashSet<u32>,
}

impl Links {
    /// Locks marks of related rows by this statement, and deletes those that say the same as
    /// another. Returns how many it has locked.
    async fn take(
        &mut self,
        db: &DatabaseTransaction,
        owner: &Owner,
        take: Statement,
    ) -> Result<u64, DbErr> {
        let taken = query(db, take).await?;

        let mut others = Vec::new();
        for row in &taken {
            let id = row.try_get("", "id")?;
            let place = (row.try_get("", "field")?, row.try_get("", "link")?);
            if *self.first.entry(place).or_insert(id) != id {
                others.push(id);
            }
            self.hashes.extend(row.try_get::<Option<u32>>("", "link_hash")?);
        }
        delete_marks(db, owner, &others).await?;
        self.deleted += others.len();

        Ok(taken.len() as u64)
    }
}

/// Turns marks that name related rows into marks of the owners. If these are too many, fewer
/// related rows are taken at a time.
async fn expand_links(
    db: &DatabaseTransaction,
    owner: &Owner,
    source: &Source,
    links: &[(i64, String)],
) -> Result<(), DbErr> {
    let mut parts = vec![links];
    while let Some(links) = parts.pop() {
        let all = collect::marks_behind_links(owner, source, links, [None, None], Some(OWNERS));
        let marks = behind(db, owner, all).await?;
        if (marks.len() as u64) < OWNERS {
            append(db, owner, &marks).await?;
        } else if links.len() > 1 {
            parts.extend(<[_; 2]>::from(links.split_at(links.len() / 2)));
        } else {
            expand_by_owners(db, owner, source, links).await?;
        }
    }

    let ids: Vec<i64> = links.iter().map(|(id, _)| *id).collect();
    delete_marks(db, owner, &ids).await
}

/// Appends the marks of all owners of one related row, chunk by chunk of the owner's table.
async fn expand_by_owners(
    db: &DatabaseTransaction,
    owner: &Owner,
    source: &Source,
    link: &[(i64, String)],
) -> Result<(), DbErr> {
    let mut after: Option<Key> = None;

    loop {
        // By keys of the owner's table. A page in the query's own order would compute all owners
        // for each page.
        let to = Backend::MySql.chunk_end(db, owner, after.as_ref(), OWNERS).await?;
        let range = [after.as_ref(), to.as_ref()];
        let marks = collect::marks_behind_links(owner, source, link, range, None);
        append(db, owner, &behind(db, owner, marks).await?).await?;
        if to.is_none() {
            return Ok(());
        }
        after = to;
    }
}

/// Marks of owners, from rows `field`, `key_1`, ..., `marked_at`.
async fn behind(
    db: &DatabaseTransaction,
    owner: &Owner,
    behind: Statement,
) -> Result<Vec<Mark>, DbErr> {
    let read = |row: &QueryResult| {
        Ok(Mark {
            key: read_key(owner, row)?,
            field: row.try_get("", "field")?,
            marked_at: row.try_get("", "marked_at")?,
        })
    };
    query(db, behind).await?.iter().map(read).collect()
}

async fn append(db: &impl ConnectionTrait, owner: &Owner, marks: &[Mark]) -> Result<(), DbErr> {
    for marks in marks.chunks(MARKS) {
        for part in sizes::parts(marks) {
            execute(db, collect::append_marks(owner, part)).await?;
        }
    }
    Ok(())
}

async fn delete_marks(db: &DatabaseTransaction, owner: &Owner, ids: &[i64]) -> Result<(), DbErr> {
    for ids in ids.chunks(sizes::LARGEST) {
        execute(db, collect::delete_marks(owner, ids)).await?;
    }
    Ok(())
}

pub(crate) async fn collect(
    db: &DatabaseTransaction,
    owner: &Owner,
    request: &Collect<'_>,
) -> Result<Collected, DbErr> {
    let mut taken = Taken::default();
    let keys = match request.which {
        Which::Of(keys) => keys.to_vec(),
        Which::Oldest(limit) => {
            taken.take(db, owner, collect::take_marks(owner, limit), request.lazy).await?;
            let keys: HashSet<&Key> = taken.fields.keys().map(|(key, _)| key).collect();
            keys.into_iter().cloned().collect()
        }
    };
    if keys.is_empty() {
        return Ok(Collected::default());
    }
    let rest = collect::take_marks_of(owner, &keys, TAKEN);
    let has_more = taken.take(db, owner, rest, request.lazy).await? == TAKEN;

    // What is still marked would be calculated in vain.
    let lease = if has_more { 0 } else { request.lease };
    let request = Collect { lease, ..*request };
    let mut eager = Vec::new();
    let mut lazy = Vec::new();
    let mut last_marks = Vec::new();
    for ((key, field), Marked { is_eager, marked_at, last_marked_at }) in taken.fields {
        if is_eager && request.with_last_marks {
            last_marks.push(LastMark { key: key.clone(), field, marked_at: last_marked_at });
        }
        // A random number: an id, as of a mark, cannot be had without making one.
        let generation = fastrand::i64(1..);
        let row = Enqueued { key, field, generation, marked_at, lease: request.leases(field) };
        if is_eager { eager.push(row) } else { lazy.push(row) }
    }
    eager.extend(flag_without_queueing(Backend::MySql, db, owner, lazy).await?);
    let queued: Vec<_> = eager.iter().map(|row| (row.key.clone(), row.field)).collect();
    let claims = enqueue(Backend::MySql, db, owner, eager, lease).await?;
    let unflagged = queued.clone();
    Ok(Collected { queued, unflagged, claims, last_marks, marks: taken.marks, has_more })
}

/// All marks that were taken.
#[derive(Default)]
struct Taken {
    /// The fields of rows that they are of.
    fields: HashMap<(Key, usize), Marked>,
    marks: usize,
}

/// What the marks of a field of a row say together.
struct Marked {
    /// Whether a worker is to recalculate it.
    is_eager: bool,
    /// The time of the first of them, in milliseconds since 1970.
    marked_at: i64,
    /// The time of the last of them.
    last_marked_at: i64,
}

impl Taken {
    /// Locks marks by this statement, and deletes them. Names of fields that this program does not
    /// know stay behind in new marks. Returns how many marks it has locked.
    async fn take(
        &mut self,
        db: &DatabaseTransaction,
        owner: &Owner,
        take: Statement,
        lazy: &[usize],
    ) -> Result<u64, DbErr> {
        let rows = query(db, take).await?;
        let ids = rows.iter().map(|row| row.try_get("", "id")).collect::<Result<Vec<i64>, _>>()?;
        delete_marks(db, owner, &ids).await?;

        let mut unknown = Vec::new();
        for row in &rows {
            unknown.extend(self.add(owner, row, lazy)?);
        }
        append(db, owner, &unknown).await?;
        self.marks += rows.len();
        Ok(rows.len() as u64)
    }

    /// Returns a mark of what this one lists beside the fields of this program.
    fn add(
        &mut self,
        owner: &Owner,
        row: &QueryResult,
        lazy: &[usize],
    ) -> Result<Option<Mark>, DbErr> {
        let list: String = row.try_get("", "field")?;
        let key = read_key(owner, row)?;
        let eager: Option<bool> = row.try_get("", "eager")?;
        let marked_at = row.try_get("", "marked_at")?;

        let mut unknown = Vec::new();
        for name in list.split(',') {
            let Some(field) = owner.field_index(name) else {
                unknown.push(name);
                continue;
            };
            let first = Marked { is_eager: false, marked_at, last_marked_at: marked_at };
            let marked = self.fields.entry((key.clone(), field)).or_insert(first);
            marked.is_eager |= eager.unwrap_or(!lazy.contains(&field));
            marked.marked_at = marked.marked_at.min(marked_at);
            marked.last_marked_at = marked.last_marked_at.max(marked_at);
        }
        if unknown.is_empty() {
            return Ok(None);
        }

        Ok(Some(Mark { key, field: unknown.join(","), marked_at }))
    }
}

pub(crate) async fn flag_missing(
    db: &DatabaseTransaction,
    owner: &Owner,
    field: usize,
    unflagged: Vec<Key>,
) -> Result<(), DbErr> {
    execute(db, collect::flag_missing(owner, field, &unflagged)).await?;
    Ok(())
}

/// Rows that another transaction holds locked are passed over, and marked.
pub(crate) async fn flag_chunk(
    db: &impl ConnectionTrait,
    owner: &Owner,
    field: usize,
    chunk: &Chunk,
) -> Result<(), DbErr> {
    execute(db, mark::flag_chunk(owner, field, chunk)).await?;
    let read = |row: &QueryResult| {
        Ok(Mark {
            key: read_key(owner, row)?,
            field: owner.fields[field].name.to_owned(),
            marked_at: row.try_get("", "marked_at")?,
        })
    };

    let passed_over = query(db, mark::passed_over(owner, field, chunk)).await?;
    let marks = passed_over.iter().map(read).collect::<Result<Vec<Mark>, DbErr>>()?;
    append(db, owner, &marks).await
}

pub(crate) async fn lease_due(
    db: &DatabaseTransaction,
    owner: &Owner,
    request: &LeaseDue<'_>,
) -> Result<Vec<Claim>, DbErr> {
    let LeaseDue { fields, upstream, rows, lease, patience } = *request;
    let due = claims(db, owner, claim::lease_due(owner, fields, upstream, rows, patience)).await?;
    for claims in claims_in_parts(owner, &due) {
        execute(db, claim::lease(owner, claims, lease)).await?;
    }
    Ok(due)
}

pub(crate) async fn lock(
    db: &impl ConnectionTrait,
    owner: &Owner,
    claims: &[Claim],
) -> Result<Vec<Locked>, DbErr> {
    let mut locked = LockedClaims::default();
    for claims in claims_in_parts(owner, claims) {
        let rows: HashSet<&Key> = claims.iter().map(|claim| &claim.key).collect();
        let rows: Vec<Key> = rows.into_iter().cloned().collect();
        locked.add_rows(keys(db, owner, complete::lock_rows(owner, &rows)).await?);

        let is_held = |claim: &&Claim| locked.of(claim).row;
        let held: Vec<Claim> = claims.iter().filter(is_held).cloned().collect();
        if !held.is_empty() {
            locked.add(db, owner, complete::lock_queued(owner, &held)).await?;
        }
    }
    Ok(claims.iter().map(|claim| locked.of(claim)).collect())
}

pub(crate) async fn store_by_query(
    _: &DatabaseTransaction,
    _: &Owner,
    _: &[Claim],
    _: Duration,
) -> Result<Option<Vec<(Locked, bool)>>, DbErr> {
    // Such an UPDATE would lock what it reads.
    Ok(None)
}
