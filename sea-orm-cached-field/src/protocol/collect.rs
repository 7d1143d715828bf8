//! Collect: marks become rows of the queue.

use std::collections::HashSet;

use sea_orm::DatabaseTransaction;

use crate::{
    Error,
    declaration::Key,
    engine::Engine,
    event::Event,
    queue::{Collect, Collected, Which},
    registry::Model,
};

/// How many marks of related rows are expanded for each that is then taken. An owner of many of
/// them should be calculated once, not once for each part of them that is collected.
const LINKS_PER_MARK: u64 = 50;

pub(super) fn event(collected: &Collected, model: &Model) -> Option<Event> {
    let rows = collected.queued.iter().map(|(key, _)| key).collect::<HashSet<_>>().len();
    (collected.marks > 0).then(|| Event::Collected {
        table: model.owner.table.name.clone(),
        marks: collected.marks,
        rows,
    })
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
    let lazy = engine.lazy(model);
    let request = Collect { which: Which::Oldest(limit), lease, leased: None, lazy: &lazy };
    Ok(engine.backend.collect(db, &model.owner, &request).await?)
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
    let lazy = engine.lazy(model);
    let request = Collect { which: Which::Of(keys), lease, leased: Some(field), lazy: &lazy };
    Ok(engine.backend.collect(db, &model.owner, &request).await?)
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
        has_more |= engine.backend.expand_marks(db, &model.owner, source, limit, key).await?;
    }
    Ok(has_more)
}

/// Sets the flags of what was collected that the triggers could not set.
pub(super) async fn flag_collected(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    collected: &Collected,
) -> Result<(), Error> {
    let unflagged = collected.unflagged.iter().map(|(key, field)| (key, *field));
    Ok(engine.backend.flag_missing(db, &model.owner, unflagged).await?)
}
