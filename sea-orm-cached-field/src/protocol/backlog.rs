//! Backlog: rows that an installation has flagged become rows of the queue, chunk after chunk.

use sea_orm::DatabaseTransaction;

use crate::{
    Error, declaration::Chunk, engine::Engine, event::Event, layout::Upstream, registry::Model,
};

/// Queues the flagged rows of the oldest chunk that is marked, for those of these fields that are
/// marked for it. Rows that are flagged later have marks of their own.
pub(super) async fn queue_chunk(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    fields: &[usize],
    upstream: &[Upstream],
) -> Result<Option<Event>, Error> {
    let backend = engine.backend;
    let owner = &model.owner;
    let lazy = engine.lazy(model);
    let taken = backend.take_chunks(db, owner, fields, upstream, owner.fields.len() as u64).await?;
    if !taken.is_empty() {
        // Otherwise rows that a policy hides would be lost with the mark.
        backend.see_all(db).await?;
    }

    let mut oldest: Option<Chunk> = None;
    let mut marks = 0;
    let mut rows = 0;
    for marked in taken {
        if *oldest.get_or_insert_with(|| marked.chunk.clone()) != marked.chunk {
            continue;
        }
        if !lazy.contains(&marked.field) {
            rows += backend.enqueue_chunk(db, owner, &marked).await?;
        }
        backend.delete_mark(db, owner, marked.id).await?;
        marks += 1;
    }

    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    Ok((marks > 0).then(|| Event::Collected { table: owner.table.name.clone(), marks, rows }))
}
