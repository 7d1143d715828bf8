//! Fuse: pauses a field of which one transaction marks more rows than a worker allows.

use chrono::{DateTime, Utc};
use sea_orm::DatabaseTransaction;

use super::{Connections, explained};
use crate::{
    Error,
    engine::{Engine, TooMany},
    error::counted,
    event::Event,
    queue::Collected,
    registry::Model,
};

/// What a worker allows.
pub(crate) struct Fuse {
    /// The greatest number of rows that one transaction may mark.
    pub(crate) rows: u64,
    /// Who pauses a field.
    pub(crate) by: String,
}

/// Counts what was collected, and pauses fields of which one transaction has marked too many rows.
/// What is claimed already is calculated all the same.
pub(super) async fn pause_too_many(
    engine: &Engine,
    connections: Connections<'_>,
    model: &Model,
    fuse: &Fuse,
    collected: &Collected,
) {
    let owner = &model.owner;
    for too_many in engine.marked.count(&owner.table, &collected.last_marks, fuse.rows) {
        let TooMany { field, marked_at, rows } = too_many;
        let reason = reason(fuse.rows, marked_at);
        let pause = async |transaction: &DatabaseTransaction| {
            let Fuse { by, .. } = fuse;
            let backend = engine.backend;
            let paused =
                backend.pause_unless_resumed(transaction, owner, field, by, &reason, marked_at);
            Ok(paused.await?)
        };

        match connections.within(engine, false, pause).await {
            Ok(true) => tell(engine, model, fuse, &too_many, &reason),
            // An operator has paused it, or has resumed it since.
            Ok(false) => {}
            Err(error) => {
                let is_in_vain = matches!(
                    &error,
                    Error::Database(error)
                        if engine.backend.lacks_right(error)
                            || engine.backend.missing_object(owner, error).is_some()
                );
                let error = explained(engine.backend, [owner], error);
                tracing::warn!(
                    table = owner.table.name,
                    field = owner.fields[field].name,
                    rows,
                    error = engine.without_values(&error),
                    "the fuse cannot pause the field, although {reason}"
                );
                if !is_in_vain {
                    continue;
                }
            }
        }
        engine.marked.judged(&owner.table, field, marked_at);
    }
}

fn reason(limit: u64, marked_at: i64) -> String {
    let rows = counted(limit, "row");
    let at = DateTime::<Utc>::from_timestamp_millis(marked_at).unwrap_or_default();
    let at = at.format("%Y-%m-%d %H:%M:%S UTC");
    format!("one transaction marked more than {rows} at {at}")
}

fn tell(engine: &Engine, model: &Model, fuse: &Fuse, too_many: &TooMany, reason: &str) {
    let owner = &model.owner;
    let field = owner.fields[too_many.field].name;
    engine.paused.forget(&owner.table);
    tracing::warn!(
        table = owner.table.name,
        field,
        rows = too_many.rows,
        by = fuse.by,
        "the field is paused: {reason}; undo the change if it was a mistake, then call \
         `CachedFields::resume`"
    );
    let table = owner.table.name.clone();
    engine.publish(Event::PausedByFuse { table, field, rows: too_many.rows });
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn the_reason_says_how_many_and_when() {
        let expected = "one transaction marked more than 10000 rows at 2026-12-01 05:00:00 UTC";
        assert_eq!(reason(10_000, 1_796_101_200_999), expected);
    }
}
