//! Backlog: of the rows that an installation has flagged, chunk after chunk becomes rows of the
//! queue.

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::{execute_all, read_field};
use crate::{
    Error, declaration::Chunk, engine::Engine, event::Event, layout::Upstream, registry::Model,
};

/// Queues the flagged rows of the oldest chunk that is marked, for all fields of which it is. What
/// becomes flagged later is marked by itself.
pub(super) async fn queue_chunk(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    upstream: &[Upstream],
) -> Result<Option<Event>, Error> {
    let dialect = engine.dialect;
    let owner = &model.owner;
    let lazy = engine.lazy(model);
    let taken =
        db.query_all_raw(dialect.take_chunks(owner, upstream, owner.fields.len() as u64)).await?;
    if !taken.is_empty() {
        // Rows that a policy hides would be lost with the mark.
        execute_all(db, dialect.see_all()).await?;
    }
    let mut oldest: Option<Chunk> = None;
    let mut marks = 0;
    let mut rows = 0;
    for row in &taken {
        let chunk = model.read_chunk(row)?;
        if *oldest.get_or_insert_with(|| chunk.clone()) != chunk {
            continue;
        }
        let field = read_field(model, row)?;
        if !lazy.contains(&field) {
            rows +=
                db.execute_raw(dialect.enqueue_chunk(owner, field, &chunk)).await?.rows_affected();
        }
        execute_all(db, [dialect.delete_mark(owner, row.try_get("", "id")?)]).await?;
        marks += 1;
    }
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    Ok((marks > 0).then(|| Event::Collected { table: owner.table.name.clone(), marks, rows }))
}
