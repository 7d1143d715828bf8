//! Rows that are stale when the fields are installed: flagged already, or about to be. No mark, and
//! no row of the queue, is made for each of them: a mark stands for a chunk of them.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseExecutor, DbErr, Statement};

use super::{Change, Changes};
use crate::{
    Error,
    backend::{self, Dialect},
    declaration::Chunk,
    engine::Engine,
    layout::Owner,
    queue::Mark,
    registry::Model,
    transaction,
};

/// How many rows a chunk has.
const CHUNK: u64 = 10_000;

/// How many marks are appended in one statement.
const MARKS: usize = 1000;

/// Marks all flagged rows of a model that are in no queue.
pub(crate) async fn mark_flagged(db: &DatabaseExecutor<'_>, model: &Model) -> Result<(), Error> {
    mark_unqueued(
        db,
        backend::of(db.get_database_backend())?,
        model,
        &model.owner,
        &mut Changes::default(),
    )
    .await
}

/// Marks all flagged rows that are neither marked nor in the queue, chunk after chunk, so that no
/// statement lasts long. If it is cut off, the next `install` goes on. Mostly there is none, which
/// one statement tells sooner.
pub(super) async fn mark_unqueued(
    db: &DatabaseExecutor<'_>,
    dialect: &dyn Dialect,
    model: &Model,
    owner: &Owner,
    changes: &mut Changes,
) -> Result<(), Error> {
    let mut marked: BTreeMap<usize, u64> = BTreeMap::new();
    for field in eager(db, model)? {
        let flagged = db.query_one_raw(dialect.is_any_flagged(owner, field)).await?;
        if flagged.map_or(Ok(false), |row| row.try_get("", "flagged"))? {
            marked.insert(field, 0);
        }
    }
    if marked.is_empty() {
        return Ok(());
    }
    let mut last = None;
    while let Some(chunk) = next_chunk(db, dialect, model, owner, last).await? {
        for (field, rows) in &mut marked {
            let found = count_unqueued(db, dialect, model, owner, *field, &chunk).await?;
            if found > 0 {
                let statements = std::iter::once(dialect.mark_chunk(owner, *field, &chunk))
                    .chain(dialect.wake());
                within(db, dialect, async |db| Ok(execute_all(db, statements).await?)).await?;
                *rows += found;
            }
        }
        last = Some(chunk);
    }
    for (field, rows) in marked.into_iter().filter(|(_, rows)| *rows > 0) {
        let table = owner.table.name.clone();
        let field = owner.fields[field].name;
        changes.0.push(Change::Queued { table, field, rows });
    }
    Ok(())
}

/// The fields that workers recalculate.
fn eager(db: &DatabaseExecutor<'_>, model: &Model) -> Result<Vec<usize>, Error> {
    let lazy = Engine::at(db)?.lazy(model);
    Ok((0..model.owner.fields.len()).filter(|field| !lazy.contains(field)).collect())
}

/// Of a chunk that is marked already, no rows.
async fn count_unqueued(
    db: &DatabaseExecutor<'_>,
    dialect: &dyn Dialect,
    model: &Model,
    owner: &Owner,
    field: usize,
    chunk: &Chunk,
) -> Result<u64, Error> {
    let marked = db.query_all_raw(dialect.marked_chunks(owner, field, chunk)).await?;
    let marked =
        marked.iter().map(|row| model.read_chunk(row)).collect::<Result<Vec<Chunk>, _>>()?;
    if marked.contains(chunk) {
        return Ok(0);
    }
    count(db, dialect.unqueued_in(owner, field, chunk, &marked)).await
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
    let eager = eager(db, model)?;
    let mut found = 0;
    let mut last = None;
    while let Some(chunk) = next_chunk(db, dialect, model, owner, last).await? {
        for field in fields {
            let is_eager = eager.contains(field);
            within(db, dialect, async |db| {
                flag_chunk(db, dialect, model, owner, (*field, is_eager), &chunk).await
            })
            .await?;
        }
        found += match &chunk.to {
            Some(_) => CHUNK,
            None => count(db, dialect.count_rest(owner, chunk.after.as_ref())).await?,
        };
        last = Some(chunk);
    }
    Ok(found)
}

/// The mark is there when the flags are: who sees the one sees the others.
async fn flag_chunk(
    db: &impl ConnectionTrait,
    dialect: &dyn Dialect,
    model: &Model,
    owner: &Owner,
    (field, is_eager): (usize, bool),
    chunk: &Chunk,
) -> Result<(), Error> {
    execute_all(db, dialect.flag_chunk(owner, field, chunk)).await?;
    if let Some(passed_over) = dialect.passed_over(owner, field, chunk) {
        let mut marks = Vec::new();
        for row in db.query_all_raw(passed_over).await? {
            let field = owner.fields[field].name.to_owned();
            marks.push(Mark {
                key: model.read_key(&row)?,
                field,
                marked_at: row.try_get("", "marked_at")?,
            });
        }
        for marks in marks.chunks(MARKS) {
            execute_all(db, dialect.append_marks(owner, marks)).await?;
        }
    }
    if is_eager {
        execute_all(db, [dialect.mark_chunk(owner, field, chunk)]).await?;
    }
    Ok(execute_all(db, dialect.wake()).await?)
}

async fn count(db: &DatabaseExecutor<'_>, statement: Statement) -> Result<u64, Error> {
    let counted = db.query_one_raw(statement).await?;
    let found: i64 = counted.map_or(Ok(0), |row| row.try_get("", "found"))?;
    Ok(u64::try_from(found).unwrap_or_default())
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

/// In a worker's kind of transaction: with another isolation MySQL would lock the user's rows that
/// are read. Then workers are woken.
async fn within(
    db: &DatabaseExecutor<'_>,
    dialect: &dyn Dialect,
    work: impl AsyncFnOnce(&DatabaseExecutor<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let DatabaseExecutor::Connection(connection) = db else { return work(db).await };
    let transaction = transaction::begin(connection, dialect.transaction(true)).await?;
    let done = work(&DatabaseExecutor::Transaction(&transaction)).await;
    transaction::end(transaction, done).await?;
    Engine::of(connection)?.wake.send_replace(());
    Ok(())
}

async fn execute_all(
    db: &impl ConnectionTrait,
    statements: impl IntoIterator<Item = Statement>,
) -> Result<(), DbErr> {
    for statement in statements {
        db.execute_raw(statement).await?;
    }
    Ok(())
}
