//! Rows that are stale when the fields are installed: flagged already, or about to be.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseExecutor, DbErr, Statement};

use super::{Change, Changes};
use crate::{
    Error,
    dialect::{Dialect, Mark},
    engine::Engine,
    field::{Key, layout::Owner},
    registry::Model,
    transaction,
};

/// How many rows are taken in one statement.
const CHUNK: u64 = 10_000;

/// How many marks are appended in one statement.
const MARKS: usize = 1000;

/// Queues all flagged rows that are in no queue, chunk after chunk, so that no statement lasts long. If it is cut off, the
/// next `install` goes on.
pub(super) async fn enqueue(
    db: &DatabaseExecutor<'_>,
    dialect: &dyn Dialect,
    model: &Model,
    owner: &Owner,
    changes: &mut Changes,
) -> Result<(), Error> {
    let lazy = Engine::at(db)?.lazy(model);
    let eager = (0..owner.fields.len()).filter(|field| !lazy.contains(field));
    let mut queued: BTreeMap<usize, u64> = eager.map(|field| (field, 0)).collect();
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

/// Flags all rows, chunk after chunk: how many there are.
pub(super) async fn flag_all(
    db: &DatabaseExecutor<'_>,
    dialect: &dyn Dialect,
    model: &Model,
    owner: &Owner,
    field: usize,
) -> Result<u64, Error> {
    let (mut found, mut last) = (0, None);
    while let Some(chunk) = next_chunk(db, dialect, model, owner, last).await? {
        let (after, to) = (chunk.after.as_ref(), chunk.to.as_ref());
        execute(db, dialect, dialect.flag_chunk(owner, field, after, to)).await?;
        if let Some(passed_over) = dialect.passed_over(owner, field, after, to) {
            let mut marks = Vec::new();
            for row in db.query_all_raw(passed_over).await? {
                let field = owner.fields[field].name.to_owned();
                marks.push(Mark { key: model.read_key(&row)?, field, marked_at: row.try_get("", "marked_at")? });
            }
            for marks in marks.chunks(MARKS) {
                execute(db, dialect, dialect.append_marks(owner, marks).into_iter().collect()).await?;
            }
        }
        for row in db.query_all_raw(dialect.count_chunk(owner, after, to)).await? {
            found += u64::try_from(row.try_get::<i64>("", "found")?).unwrap_or_default();
        }
        last = Some(chunk);
    }
    Ok(found)
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
    let transaction = transaction::begin(connection, dialect.transaction()).await?;
    let rows = execute_all(&transaction, statements).await?;
    transaction.commit().await?;
    Ok(rows)
}

async fn execute_all(db: &impl ConnectionTrait, statements: Vec<Statement>) -> Result<u64, DbErr> {
    let mut rows = 0;
    for statement in statements {
        rows += db.execute_raw(statement).await?.rows_affected();
    }
    Ok(rows)
}
