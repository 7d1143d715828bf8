//! Rows that are stale when the fields are installed: flagged already, or about to be. One mark, or
//! row of the queue, for each of them would be too many: a mark stands for a chunk of them.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseExecutor};

use super::{Change, Changes};
use crate::{
    Error, backend::Backend, declaration::Chunk, engine::Engine, layout::Owner, registry::Model,
    transaction,
};

/// The number of rows in a chunk.
const CHUNK: u64 = 10_000;

/// Marks all flagged rows of a model that are in no queue.
pub(crate) async fn mark_flagged(db: &DatabaseExecutor<'_>, model: &Model) -> Result<(), Error> {
    mark_unqueued(db, Backend::of(db)?, model, &model.owner, &mut Changes::default()).await
}

/// Marks all flagged rows that are neither marked nor in the queue, chunk after chunk, so that no
/// statement lasts long. If it is cut off, the next `install` continues. Usually there are no such
/// rows, which a single statement finds out faster.
pub(super) async fn mark_unqueued(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    model: &Model,
    owner: &Owner,
    changes: &mut Changes,
) -> Result<(), Error> {
    let mut marked: BTreeMap<usize, u64> = BTreeMap::new();
    for field in eager(db, model)? {
        if backend.is_any_flagged(db, owner, field).await? {
            marked.insert(field, 0);
        }
    }
    if marked.is_empty() {
        return Ok(());
    }

    let mut last = None;
    while let Some(chunk) = next_chunk(db, backend, owner, last).await? {
        for (field, rows) in &mut marked {
            let found = count_unqueued(db, backend, owner, *field, &chunk).await?;
            if found > 0 {
                within(db, backend, async |db| {
                    backend.mark_chunk(db, owner, *field, &chunk).await?;
                    Ok(backend.wake(db).await?)
                })
                .await?;
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

/// Returns the fields that workers recalculate.
fn eager(db: &DatabaseExecutor<'_>, model: &Model) -> Result<Vec<usize>, Error> {
    let lazy = Engine::at(db)?.lazy(model);
    Ok((0..model.owner.fields.len()).filter(|field| !lazy.contains(field)).collect())
}

/// Returns the number of flagged rows of a chunk that are neither marked nor in the queue. It is 0
/// for a chunk that is marked already.
async fn count_unqueued(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    owner: &Owner,
    field: usize,
    chunk: &Chunk,
) -> Result<u64, Error> {
    let marked = backend.marked_chunks(db, owner, field, chunk).await?;
    if marked.contains(chunk) {
        return Ok(0);
    }
    Ok(backend.count_unqueued_in(db, owner, field, chunk, &marked).await?)
}

/// Flags all rows for these fields, chunk after chunk, and returns the number of rows.
pub(super) async fn flag_all(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
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
    while let Some(chunk) = next_chunk(db, backend, owner, last).await? {
        for field in fields {
            let is_eager = eager.contains(field);
            within(db, backend, async |db| {
                flag_chunk(db, backend, owner, *field, is_eager, &chunk).await
            })
            .await?;
        }
        found += match &chunk.to {
            Some(_) => CHUNK,
            None => backend.count_rest(db, owner, chunk.after.as_ref()).await?,
        };
        last = Some(chunk);
    }
    Ok(found)
}

/// Flags all rows for a field, and returns their number.
pub(crate) async fn flag_field(
    db: &DatabaseExecutor<'_>,
    model: &Model,
    field: usize,
) -> Result<u64, Error> {
    flag_all(db, Backend::of(db)?, model, &model.owner, &[field]).await
}

/// Flags the rows of a chunk. The mark becomes visible together with the flags.
async fn flag_chunk(
    db: &impl ConnectionTrait,
    backend: Backend,
    owner: &Owner,
    field: usize,
    is_eager: bool,
    chunk: &Chunk,
) -> Result<(), Error> {
    backend.flag_chunk(db, owner, field, chunk).await?;
    if is_eager {
        backend.mark_chunk(db, owner, field, chunk).await?;
    }
    Ok(backend.wake(db).await?)
}

/// Returns the next chunk, in the order of the key.
async fn next_chunk(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    owner: &Owner,
    last: Option<Chunk>,
) -> Result<Option<Chunk>, Error> {
    let after = match last {
        Some(Chunk { to: None, .. }) => return Ok(None),
        Some(Chunk { to, .. }) => to,
        None => None,
    };
    let to = backend.chunk_end(db, owner, after.as_ref(), CHUNK).await?;
    Ok(Some(Chunk { after, to }))
}

/// Works in a transaction like a worker's. With another isolation level MySQL would lock the user's
/// rows that are read. Then workers are woken.
async fn within(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    work: impl AsyncFnOnce(&DatabaseExecutor<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let DatabaseExecutor::Connection(connection) = db else { return work(db).await };
    let transaction = transaction::begin(connection, backend.transaction(true)).await?;
    let done = work(&DatabaseExecutor::Transaction(&transaction)).await;
    transaction::end(transaction, done).await?;
    Engine::of(connection)?.wake.send_replace(());
    Ok(())
}
