//! Rows that are stale when the fields are installed: flagged already, or about to be.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseExecutor, DbErr, Statement};

use super::{Change, Changes};
use crate::{
    Error,
    dialect::{self, Dialect, Mark},
    engine::Engine,
    field::{Key, layout::Owner},
    registry::Model,
    transaction,
};

/// How many rows are taken in one statement.
const CHUNK: u64 = 10_000;

/// How many marks are appended in one statement.
const MARKS: usize = 1000;

/// Queues all flagged rows of a model that are in no queue.
pub(crate) async fn queue_flagged(db: &DatabaseExecutor<'_>, model: &Model) -> Result<(), Error> {
    enqueue(db, dialect::of(db.get_database_backend())?, model, &model.owner, &mut Changes::default()).await
}

/// Queues all flagged rows that are in no queue, chunk after chunk, so that no statement lasts long. If it is cut off, the
/// next `install` goes on. Mostly there is none, which one statement tells sooner.
pub(super) async fn enqueue(
    db: &DatabaseExecutor<'_>,
    dialect: &dyn Dialect,
    model: &Model,
    owner: &Owner,
    changes: &mut Changes,
) -> Result<(), Error> {
    let lazy = Engine::at(db)?.lazy(model);
    let eager = (0..owner.fields.len()).filter(|field| !lazy.contains(field));
    let mut queued: BTreeMap<usize, u64> = BTreeMap::new();
    for field in eager {
        let flagged = db.query_one_raw(dialect.is_any_flagged(owner, field)).await?;
        if flagged.map_or(Ok(false), |row| row.try_get("", "flagged"))? {
            queued.insert(field, 0);
        }
    }
    if queued.is_empty() {
        return Ok(());
    }
    let mut last = None;
    while let Some(chunk) = next_chunk(db, dialect, model, owner, last).await? {
        for (field, rows) in &mut queued {
            let statement = dialect.enqueue_backlog(owner, *field, chunk.after.as_ref(), chunk.to.as_ref());
            *rows += execute(db, dialect, vec![statement]).await?;
        }
        last = Some(chunk);
    }
    for (field, rows) in queued.into_iter().filter(|(_, rows)| *rows > 0) {
        let (table, field) = (owner.table.name.clone(), owner.fields[field].name);
        changes.0.push(Change::Queued { table, field, rows });
    }
    Ok(())
}

/// Flags all rows for these fields, chunk after chunk: how many rows there are.
pub(super) async fn flag_all(
    db: &DatabaseExecutor<'_>,
    dialect: &dyn Dialect,
    model: &Model,
    owner: &Owner,
    fields: &[usize],
) -> Result<u64, Error> {
    if fields.is_empty() {
        return Ok(0);
    }
    let (mut found, mut last) = (0, None);
    while let Some(chunk) = next_chunk(db, dialect, model, owner, last).await? {
        for field in fields {
            flag_chunk(db, dialect, model, owner, *field, &chunk).await?;
        }
        found += match &chunk.to {
            Some(_) => CHUNK,
            None => count_rest(db, dialect, owner, chunk.after.as_ref()).await?,
        };
        last = Some(chunk);
    }
    Ok(found)
}

async fn flag_chunk(
    db: &DatabaseExecutor<'_>,
    dialect: &dyn Dialect,
    model: &Model,
    owner: &Owner,
    field: usize,
    Chunk { after, to }: &Chunk,
) -> Result<(), Error> {
    execute(db, dialect, dialect.flag_chunk(owner, field, after.as_ref(), to.as_ref())).await?;
    let Some(passed_over) = dialect.passed_over(owner, field, after.as_ref(), to.as_ref()) else { return Ok(()) };
    let mut marks = Vec::new();
    for row in db.query_all_raw(passed_over).await? {
        let field = owner.fields[field].name.to_owned();
        marks.push(Mark { key: model.read_key(&row)?, field, marked_at: row.try_get("", "marked_at")? });
    }
    for marks in marks.chunks(MARKS) {
        execute(db, dialect, dialect.append_marks(owner, marks)).await?;
    }
    Ok(())
}

async fn count_rest(
    db: &DatabaseExecutor<'_>,
    dialect: &dyn Dialect,
    owner: &Owner,
    after: Option<&Key>,
) -> Result<u64, Error> {
    let counted = db.query_one_raw(dialect.count_rest(owner, after)).await?;
    let found: i64 = counted.map_or(Ok(0), |row| row.try_get("", "found"))?;
    Ok(u64::try_from(found).unwrap_or_default())
}

/// The rows after one key, up to another.
struct Chunk {
    after: Option<Key>,
    to: Option<Key>,
}

/// In the order of the key.
async fn next_chunk(
    db: &DatabaseExecutor<'_>,
    dialect: &dyn Dialect,
    model: &Model,
    owner: &Owner,
    last: Option<Chunk>,
) -> Result<Option<Chunk>, Error> {
    let after = match last {
        Some(Chunk { to: None, .. }) => return Ok(None),
        Some(Chunk { to, .. }) => to,
        None => None,
    };
    let boundary = db.query_one_raw(dialect.backlog_boundary(owner, after.as_ref(), CHUNK)).await?;
    let to = boundary.map(|row| model.read_key(&row)).transpose()?;
    Ok(Some(Chunk { after, to }))
}

/// In a worker's kind of transaction: with another isolation MySQL would lock the user's rows that are read.
async fn execute(db: &DatabaseExecutor<'_>, dialect: &dyn Dialect, statements: Vec<Statement>) -> Result<u64, Error> {
    let DatabaseExecutor::Connection(connection) = db else { return Ok(execute_all(db, statements).await?) };
    let transaction = transaction::begin(connection, dialect.transaction(true)).await?;
    let done = execute_all(&transaction, statements).await;
    transaction::end(transaction, done.map_err(Error::from)).await
}

async fn execute_all(db: &impl ConnectionTrait, statements: Vec<Statement>) -> Result<u64, DbErr> {
    let mut rows = 0;
    for statement in statements {
        rows += db.execute_raw(statement).await?.rows_affected();
    }
    Ok(rows)
}
