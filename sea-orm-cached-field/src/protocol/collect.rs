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

/// The number of marks of related rows that are expanded for each mark that is then taken. An owner
/// with many related rows should be calculated once, not once for each part of them that is
/// collected.
const LINKS_PER_MARK: u64 = 50;

/// Tells that marks were collected.
pub(super) fn tell(engine: &Engine, model: &Model, collected: &Collected) {
    #[cfg(feature = "metrics")]
    crate::metrics::collected(&model.owner, collected.marks);
    engine.publish_all(std::iter::once_with(|| event(collected, model)).flatten());
}

fn event(collected: &Collected, model: &Model) -> Option<Event> {
    let rows = collected.queued.iter().map(|(key, _)| key).collect::<HashSet<_>>().len();
    (collected.marks > 0).then(|| Event::Collected {
        table: model.owner.table.name.clone(),
        marks: collected.marks,
        rows,
    })
}

/// Collects the oldest marks, and all other marks of the same rows. Otherwise a backlog would keep
/// rows that are written often flagged for ever. `with_last_marks`: when each row was last marked.
pub(super) async fn collect(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    limit: u64,
    lease: i64,
    with_last_marks: bool,
) -> Result<Collected, Error> {
    if expand(engine, db, model, limit.saturating_mul(LINKS_PER_MARK), None).await? {
        return Ok(Collected { has_more: true, ..Collected::default() });
    }
    let lazy = engine.lazy(model);
    let which = Which::Oldest(limit);
    let request = Collect { which, lease, leased: None, lazy: &lazy, with_last_marks };
    Ok(engine.backend.collect(db, &model.owner, &request).await?)
}

/// Collects all marks of these rows. Only the requested field is leased.
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
    let which = Which::Of(keys);
    let request =
        Collect { which, lease, leased: Some(field), lazy: &lazy, with_last_marks: false };
    Ok(engine.backend.collect(db, &model.owner, &request).await?)
}

/// Turns marks of rows that do not hold the owner's key into marks of the owners. With a key, only
/// those of its row are turned. Returns whether there may be more marks of the same related rows.
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

/// Sets the flags of the collected rows that the triggers could not set.
pub(super) async fn flag_collected(
    engine: &Engine,
    db: &DatabaseTransaction,
    model: &Model,
    collected: &Collected,
) -> Result<(), Error> {
    let unflagged = collected.unflagged.iter().map(|(key, field)| (key, *field));
    Ok(engine.backend.flag_missing(db, &model.owner, unflagged).await?)
}
