//! Collect: marks become rows of the queue.

use std::collections::{BTreeMap, HashMap, HashSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult, Statement};

use super::{execute_all, in_order, query_last, read_claim};
use crate::{
    Error,
    backend::claims_in_parts,
    declaration::Key,
    engine::Engine,
    event::Event,
    layout::Source,
    queue::{Claim, Enqueued, Mark, Which},
    registry::Model,
};

/// How many marks are bound in one statement, at most, where marks of related rows are expanded by
/// them.
const LINKS: usize = 1000;

/// How many marks are taken in one statement, for they are kept in memory, each for all of its
/// fields: a row that is written often while no worker runs may have millions.
const TAKEN: u64 = 10_000;

/// How many marks of owners are kept in memory.
const OWNERS: u64 = 20_000;

/// How many marks of related rows are expanded for each that is then taken. An owner of many of
/// them should be calculated once, not once for each part of them that is collected.
const LINKS_PER_MARK: u64 = 50;

/// What was collected.
#[derive(Default)]
pub(super) struct Collected {
    /// What was queued, leased or not.
    pub(super) queued: Vec<(Key, usize)>,
    /// Of it, what is perhaps not flagged.
    pub(super) unflagged: Vec<(Key, usize)>,
    /// What was leased to us.
    pub(super) claims: Vec<Claim>,
    marks: usize,
    /// Whether there may be more marks of the same rows, or of the same related rows. Then nothing
    /// is leased: they come first, in a transaction of their own.
    pub(super) has_more: bool,
}

impl Collected {
    pub(super) fn event(&self, model: &Model) -> Option<Event> {
        let rows = self.queued.iter().map(|(key, _)| key).collect::<HashSet<_>>().len();
        (self.marks > 0).then(|| Event::Collected {
            table: model.owner.table.name.clone(),
            marks: self.marks,
            rows,
        })
    }
}

/// All marks that were taken, by the field of the row that they are of.
#[derive(Default)]
struct Taken {
    fields: HashMap<(Key, usize), Marks>,
    marks: usize,
}

/// All marks of one field of one row.
struct Marks {
    newest: i64,
    eager: bool,
}

/// Collects the oldest marks, and with them all other marks of the same rows: otherwise a backlog
/// would keep rows that are written often flagged for ever.
pub(super) async fn collect(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    limit: u64,
    lease: i64,
) -> Result<Collected, Error> {
    if expand(engine, db, model, limit.saturating_mul(LINKS_PER_MARK), None).await? {
        return Ok(Collected { has_more: true, ..Collected::default() });
    }
    collect_marks(engine, db, model, Which::Oldest(limit), Lease { duration: lease, only: None })
        .await
}

/// Collects all marks of these rows; only the field that is asked for is leased.
pub(super) async fn collect_rows(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    field: usize,
    keys: &[Key],
    lease: i64,
) -> Result<Collected, Error> {
    for key in keys {
        if expand(engine, db, model, i64::MAX as u64, Some(key)).await? {
            return Ok(Collected { has_more: true, ..Collected::default() });
        }
    }
    collect_marks(engine, db, model, Which::Of(keys), Lease { duration: lease, only: Some(field) })
        .await
}

/// What is leased of that which is collected.
#[derive(Clone, Copy)]
struct Lease {
    /// In milliseconds; nothing is leased if it is 0.
    duration: i64,
    /// The one field that is; otherwise all are.
    only: Option<usize>,
}

impl Lease {
    fn of(self, field: usize) -> bool {
        self.duration > 0 && self.only.is_none_or(|only| only == field)
    }
}

async fn collect_marks(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    which: Which<'_>,
    lease: Lease,
) -> Result<Collected, Error> {
    let lazy = engine.lazy(model);
    let mut collect =
        engine.dialect.collect(&model.owner, which, lease.duration, lease.only, &lazy).into_iter();
    match collect.next() {
        Some(first) => collect_at_once(engine, db, model, (first, collect), lease).await,
        None => collect_in_steps(engine, db, model, which, lease).await,
    }
}

/// Where the database takes the marks and queues what they are of by itself.
async fn collect_at_once(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    (collect, rest): (Statement, impl Iterator<Item = Statement>),
    lease: Lease,
) -> Result<Collected, Error> {
    let mut collected = Collected::default();
    let mut lazy = Vec::new();
    let found = db.query_all_raw(collect).await?;
    for statement in rest {
        collected.marks =
            usize::try_from(db.execute_raw(statement).await?.rows_affected()).unwrap_or_default();
    }
    for row in found {
        let claim = read_claim(model, &row)?;
        collected.marks =
            collected.marks.max(row.try_get::<i64>("", "marks")?.try_into().unwrap_or_default());
        if row.try_get("", "eager")? {
            collected.queued.push((claim.key.clone(), claim.field));
            if !row.try_get::<bool>("", "flagged")? {
                collected.unflagged.push((claim.key.clone(), claim.field));
            }
            if lease.of(claim.field) && row.try_get("", "leased")? {
                collected.claims.push(claim);
            }
        } else {
            let Claim { key, field, generation, .. } = claim;
            lazy.push(Enqueued { key, field, generation, lease: lease.of(field) });
        }
    }
    let busy = flag_without_queueing(engine, db, model, lazy).await?;
    let queued: Vec<_> = busy.iter().map(|row| (row.key.clone(), row.field)).collect();
    collected.claims.extend(enqueue(engine, db, model, busy, lease.duration).await?);
    collected.unflagged.extend_from_slice(&queued);
    collected.queued.extend(queued);
    Ok(collected)
}

/// Turns marks of rows that do not hold the owner's key into marks of the owners; with a key, only
/// those of its row. Returns whether there may be more marks of the same related rows.
async fn expand(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    limit: u64,
    key: Option<&Key>,
) -> Result<bool, Error> {
    let mut has_more = false;
    for source in model.owner.looked_up() {
        execute_all(db, engine.dialect.expand_marks(&model.owner, source, limit, key)).await?;
        let Some(take) = engine.dialect.take_links(&model.owner, source, limit.min(TAKEN), key)
        else {
            continue;
        };
        let mut links = Links::default();
        let taken = take_links(engine, db, model, take, &mut links).await?;
        let mut others_are_left = false;
        if key.is_some() {
            has_more |= taken == TAKEN;
            others_are_left = taken == TAKEN && links.deleted > 0;
        } else if !links.hashes.is_empty() {
            let hashes: Vec<u32> = links.hashes.iter().copied().collect();
            for hashes in hashes.chunks(LINKS) {
                let limit = TAKEN + links.first.len() as u64;
                let deleted = links.deleted;
                let Some(take) =
                    engine.dialect.take_links_like(&model.owner, source, hashes, limit)
                else {
                    break;
                };
                let taken = take_links(engine, db, model, take, &mut links).await?;
                others_are_left |= taken == limit && links.deleted > deleted;
            }
        }
        if others_are_left {
            // The first ones stay, and stand for those that are left: the owners are looked up once
            // for all.
            has_more = true;
            continue;
        }
        let links: Vec<(i64, String)> =
            links.first.into_iter().map(|((_, link), id)| (id, link)).collect();
        for links in links.chunks(LINKS) {
            expand_links(engine, db, model, source, links).await?;
        }
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

/// Locks marks of related rows by this statement, and deletes those that say the same as another.
/// Returns how many it has locked.
async fn take_links(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    take: Statement,
    links: &mut Links,
) -> Result<u64, Error> {
    let taken = db.query_all_raw(take).await?;
    let mut others = Vec::new();
    for row in &taken {
        let id = row.try_get("", "id")?;
        let place = (row.try_get("", "field")?, row.try_get("", "link")?);
        if *links.first.entry(place).or_insert(id) != id {
            others.push(id);
        }
        links.hashes.extend(row.try_get::<Option<u32>>("", "link_hash")?);
    }
    if !others.is_empty() {
        execute_all(db, engine.dialect.delete_marks(&model.owner, &others)).await?;
    }
    links.deleted += others.len();
    Ok(taken.len() as u64)
}

/// Turns marks that name related rows into marks of the owners. If these are too many, fewer
/// related rows are taken at a time.
async fn expand_links(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    source: &Source,
    links: &[(i64, String)],
) -> Result<(), Error> {
    let dialect = engine.dialect;
    let owner = &model.owner;
    let mut parts = vec![links];
    while let Some(links) = parts.pop() {
        let all = dialect.marks_behind_links(owner, source, links, [None, None], Some(OWNERS));
        let marks = behind(db, model, all).await?;
        if (marks.len() as u64) < OWNERS {
            append(engine, db, model, &marks).await?;
        } else if links.len() > 1 {
            parts.extend(<[_; 2]>::from(links.split_at(links.len() / 2)));
        } else {
            expand_by_owners(engine, db, model, source, links).await?;
        }
    }
    let ids: Vec<i64> = links.iter().map(|(id, _)| *id).collect();
    Ok(execute_all(db, dialect.delete_marks(owner, &ids)).await?)
}

/// Appends the marks of all owners of one related row, chunk by chunk of the owner's table.
async fn expand_by_owners(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    source: &Source,
    link: &[(i64, String)],
) -> Result<(), Error> {
    let dialect = engine.dialect;
    let owner = &model.owner;
    let mut after: Option<Key> = None;
    loop {
        let boundary =
            db.query_one_raw(dialect.backlog_boundary(owner, after.as_ref(), OWNERS)).await?;
        let to = boundary.map(|row| model.read_key(&row)).transpose()?;
        let range = [after.as_ref(), to.as_ref()];
        let marks =
            behind(db, model, dialect.marks_behind_links(owner, source, link, range, None)).await?;
        append(engine, db, model, &marks).await?;
        if to.is_none() {
            return Ok(());
        }
        after = to;
    }
}

/// Marks of owners, from rows `field`, `key_1`, ..., `marked_at`.
async fn behind(
    db: &DatabaseTransaction,
    model: &Model,
    behind: Statement,
) -> Result<Vec<Mark>, Error> {
    let mut marks = Vec::new();
    for row in db.query_all_raw(behind).await? {
        let field = row.try_get("", "field")?;
        let marked_at = row.try_get("", "marked_at")?;
        marks.push(Mark { key: model.read_key(&row)?, field, marked_at });
    }
    Ok(marks)
}

async fn append(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    marks: &[Mark],
) -> Result<(), DbErr> {
    for marks in marks.chunks(LINKS) {
        execute_all(db, engine.dialect.append_marks(&model.owner, marks)).await?;
    }
    Ok(())
}

async fn collect_in_steps(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    which: Which<'_>,
    lease: Lease,
) -> Result<Collected, Error> {
    let mut taken = Taken::default();
    let keys = match which {
        Which::Of(keys) => keys.to_vec(),
        Which::Oldest(limit) => {
            take(engine, db, model, engine.dialect.take_marks(&model.owner, limit), &mut taken)
                .await?;
            taken
                .fields
                .keys()
                .map(|(key, _)| key)
                .collect::<HashSet<_>>()
                .into_iter()
                .cloned()
                .collect()
        }
    };
    if keys.is_empty() {
        return Ok(Collected::default());
    }
    let rest = engine.dialect.take_marks_of(&model.owner, &keys, TAKEN);
    let has_more = take(engine, db, model, rest, &mut taken).await? == TAKEN;
    // What is still marked would be calculated in vain.
    let lease = if has_more { Lease { duration: 0, only: None } } else { lease };
    let mut eager = Vec::new();
    let mut lazy = Vec::new();
    for ((key, field), marks) in taken.fields {
        let generation = engine.dialect.generation(marks.newest);
        let row = Enqueued { key, field, generation, lease: lease.of(field) };
        if marks.eager { eager.push(row) } else { lazy.push(row) }
    }
    eager.extend(flag_without_queueing(engine, db, model, lazy).await?);
    let queued: Vec<_> = eager.iter().map(|row| (row.key.clone(), row.field)).collect();
    let claims = enqueue(engine, db, model, eager, lease.duration).await?;
    Ok(Collected { unflagged: queued.clone(), queued, claims, marks: taken.marks, has_more })
}

/// Locks marks by this statement, and deletes them. Returns how many.
async fn take(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    take: Option<Statement>,
    taken: &mut Taken,
) -> Result<u64, Error> {
    let Some(take) = take else { return Ok(0) };
    let rows = db.query_all_raw(take).await?;
    let ids = rows.iter().map(|row| row.try_get("", "id")).collect::<Result<Vec<i64>, DbErr>>()?;
    if !ids.is_empty() {
        execute_all(db, engine.dialect.delete_marks(&model.owner, &ids)).await?;
    }
    let unknown = taken.add(model, &rows, &engine.lazy(model))?;
    append(engine, db, model, &unknown).await?;
    Ok(rows.len() as u64)
}

impl Taken {
    /// Returns marks of what they list beside the fields of this program.
    fn add(
        &mut self,
        model: &Model,
        rows: &[QueryResult],
        lazy: &[usize],
    ) -> Result<Vec<Mark>, Error> {
        let mut others = Vec::new();
        for row in rows {
            let id: i64 = row.try_get("", "id")?;
            let list: String = row.try_get("", "field")?;
            let key = model.read_key(row)?;
            let eager: Option<bool> = row.try_get("", "eager")?;
            let mut unknown = Vec::new();
            for name in list.split(',') {
                let Some(field) = model.owner.field_index(name) else {
                    unknown.push(name);
                    continue;
                };
                let first = Marks { newest: id, eager: false };
                let marks = self.fields.entry((key.clone(), field)).or_insert(first);
                // The highest of the ids collected now, never of an earlier generation: ids are not
                // committed in their order.
                marks.newest = marks.newest.max(id);
                marks.eager |= eager.unwrap_or(!lazy.contains(&field));
            }
            if !unknown.is_empty() {
                others.push(Mark {
                    key,
                    field: unknown.join(","),
                    marked_at: row.try_get("", "marked_at")?,
                });
            }
        }
        self.marks += rows.len();
        Ok(others)
    }
}

/// Rows that are only marked lazily are flagged but not queued; a calculation under way will miss.
/// What somebody holds locked cannot be flagged now: it is given back, to be queued like the
/// others.
async fn flag_without_queueing(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    rows: Vec<Enqueued>,
) -> Result<Vec<Enqueued>, Error> {
    if rows.is_empty() {
        return Ok(rows);
    }
    let keys: HashSet<&Key> = rows.iter().map(|row| &row.key).collect();
    let keys: Vec<Key> = keys.into_iter().cloned().collect();
    let mut locked = HashSet::new();
    for keys in claims_in_parts(&model.owner, &keys) {
        for row in db.query_all_raw(engine.dialect.lock_rows(&model.owner, keys)).await? {
            locked.insert(model.read_key(&row)?);
        }
    }
    let (held, busy): (Vec<Enqueued>, Vec<Enqueued>) =
        rows.into_iter().partition(|row| locked.contains(&row.key));
    let held = in_order(held, |row| (&row.key, row.field));
    if !held.is_empty() {
        flag_missing(engine, db, model, held.iter().map(|row| (&row.key, row.field))).await?;
        for rows in claims_in_parts(&model.owner, &held) {
            execute_all(db, engine.dialect.change_generation(&model.owner, rows)).await?;
        }
    }
    Ok(busy)
}

async fn enqueue(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    rows: Vec<Enqueued>,
    lease: i64,
) -> Result<Vec<Claim>, Error> {
    let rows = in_order(rows, |row| (&row.key, row.field));
    // By the field: the queue may spell the key in another way.
    let wanted: HashSet<usize> = rows.iter().filter(|row| row.lease).map(|row| row.field).collect();
    let mut claims = Vec::new();
    for rows in claims_in_parts(&model.owner, &rows) {
        for row in query_last(db, engine.dialect.enqueue(&model.owner, rows, lease)).await? {
            let leased: bool = row.try_get("", "leased")?;
            let claim = read_claim(model, &row)?;
            if leased && wanted.contains(&claim.field) {
                claims.push(claim);
            }
        }
    }
    Ok(claims)
}

/// Sets the flags that the triggers could not set.
pub(super) async fn flag_missing(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    rows: impl Iterator<Item = (&Key, usize)>,
) -> Result<(), Error> {
    let mut keys: BTreeMap<usize, Vec<Key>> = BTreeMap::new();
    for (key, field) in rows {
        keys.entry(field).or_default().push(key.clone());
    }
    for (field, mut keys) in keys {
        if let Some(lock) = engine.dialect.lock_unflagged(&model.owner, field, &keys) {
            let locked = db.query_all_raw(lock).await?;
            keys = locked.iter().map(|row| model.read_key(row)).collect::<Result<_, _>>()?;
        }
        if !keys.is_empty()
            && let Some(flag) = engine.dialect.flag_missing(&model.owner, field, &keys)
        {
            db.execute_raw(flag).await?;
        }
    }
    Ok(())
}
