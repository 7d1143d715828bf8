//! Collecting: marks become rows of the queue.

use sea_orm::Statement;

use super::{NOW, statement};
use crate::{
    dialect::{
        Enqueued, shared,
        sql::{Sql, equal, key_columns, known_fields, marks, owner_key, prefixed, quote, recalculations},
    },
    field::{Key, layout::Owner},
};

/// What is read of a mark that is taken away.
fn returned(owner: &Owner) -> String {
    format!("{}, id, field, 1 AS eager, marked_at", key_columns(owner).join(", "))
}

pub(super) fn take_marks(owner: &Owner, limit: u64) -> Statement {
    let mut sql = Sql::sqlite();
    let (marks, limit, known) = (quote(&marks(owner).name), sql.bind(limit as i64), known_fields(owner));
    let text = format!(
        "DELETE FROM {marks} WHERE id IN (SELECT id FROM {marks} WHERE {known} ORDER BY id LIMIT {limit}) RETURNING {}",
        returned(owner),
    );
    statement(sql, text)
}

pub(super) fn take_marks_of(owner: &Owner, of: &[Key]) -> Statement {
    let mut sql = Sql::sqlite();
    let (marks, keys) = (quote(&marks(owner).name), key_columns(owner).join(", "));
    let tuples = sql.tuples(owner, of, |key| key, |_, _| Vec::new());
    statement(
        sql,
        format!(
            "DELETE FROM {marks} WHERE ({keys}) IN (VALUES {tuples}) AND {} RETURNING {}",
            known_fields(owner),
            returned(owner)
        ),
    )
}

/// A row that is leased keeps its lease; its holder notices the new generation when it completes.
pub(super) fn enqueue(owner: &Owner, rows: &[Enqueued], lease: i64) -> Statement {
    let mut sql = Sql::sqlite();
    let keys = key_columns(owner);
    let queued = shared::queued(&mut sql, owner, rows, lease);
    let lease = sql.bind(lease);
    let text = format!(
        "WITH {queued}
         INSERT INTO {queue} AS q ({columns}, field, generation, due_at, leased_until, attempts, first_marked_at)
         SELECT {selected}, v.field, v.generation, {NOW},
                CASE WHEN v.lease > 0 THEN {NOW} + v.lease ELSE 0 END, v.lease > 0, v.marked_at
           FROM v WHERE true
         ON CONFLICT ({columns}, field) DO UPDATE SET
                generation = excluded.generation, due_at = excluded.due_at, last_error = NULL,
                attempts = CASE WHEN q.leased_until > {NOW} THEN q.attempts ELSE excluded.attempts END,
                leased_until = CASE WHEN q.leased_until > {NOW} THEN q.leased_until ELSE excluded.leased_until END
         RETURNING {columns}, field, generation, attempts, {NOW} AS claimed_at, leased_until = {NOW} + {lease} AS leased",
        queue = quote(&recalculations(owner).name),
        columns = keys.join(", "),
        selected = prefixed("v", &keys),
    );
    statement(sql, text)
}

pub(super) fn enqueue_backlog(owner: &Owner, field: usize, after: Option<&Key>, to: Option<&Key>) -> Statement {
    let mut sql = Sql::sqlite();
    let (marks, queue, keys) = (quote(&marks(owner).name), quote(&recalculations(owner).name), key_columns(owner));
    let range = shared::key_range(&mut sql, owner, after, to);
    let flag = quote(&owner.fields[field].recalculation_needed);
    let name = sql.bind(owner.fields[field].name);
    let text = format!(
        "INSERT INTO {queue} ({columns}, field, generation)
         SELECT {selected}, {name}, abs(random() / 2) + 1
           FROM {table} t
          WHERE t.{flag} AND {range}
            AND NOT EXISTS (SELECT 1 FROM {marks} m WHERE {marked} AND m.field = {name})
         ON CONFLICT DO NOTHING",
        columns = keys.join(", "),
        selected = prefixed("t", &owner_key(owner)),
        table = quote(&owner.table.name),
        marked = equal("m", &keys, "t", &owner_key(owner)),
    );
    statement(sql, text)
}
