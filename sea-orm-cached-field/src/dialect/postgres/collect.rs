//! Collecting: marks become rows of the queue.

use sea_orm::Statement;

use super::{NOW, functions, statement, way};
use crate::{
    dialect::{
        Enqueued, shared,
        sql::{
            Sql, equal, key_columns, known_fields, literal, marks, owner_key, prefixed, qualified, quote,
            recalculations,
        },
    },
    field::{
        Key,
        layout::{Owner, Source},
    },
};

pub(super) fn expand_marks(owner: &Owner, source: &Source, limit: u64, key: Option<&Key>) -> Statement {
    let mut sql = Sql::postgres();
    let limit = sql.bind(limit as i64);
    let expand = functions::function(owner, &functions::expand_suffix(source));
    let text = match key {
        None => format!("SELECT {expand}({limit}, NULL)"),
        Some(key) => {
            let is_row = sql.key_is(owner, "t.", &owner_key(owner), key);
            let (before, link) = way::from_owner(source);
            let table = qualified(&owner.table);
            format!("SELECT {expand}({limit}, ARRAY(SELECT {link} FROM {before})) FROM {table} t WHERE {is_row}")
        }
    };
    statement(sql, text)
}

/// What is read of a mark that is taken away.
fn returned(owner: &Owner) -> String {
    let marked_at = "CAST(extract(epoch FROM marked_at) * 1000 AS bigint) AS marked_at";
    format!("{}, id, field, eager, {marked_at}", key_columns(owner).join(", "))
}

pub(super) fn take_marks(owner: &Owner, limit: u64) -> Statement {
    let mut sql = Sql::postgres();
    let (marks, limit, known) = (qualified(&marks(owner)), sql.bind(limit as i64), known_fields(owner));
    let text = format!(
        "DELETE FROM {marks} WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM {marks} WHERE via IS NULL AND {known} ORDER BY id LIMIT {limit} FOR UPDATE SKIP LOCKED))
         RETURNING {}",
        returned(owner),
    );
    statement(sql, text)
}

pub(super) fn take_marks_of(owner: &Owner, of: &[Key]) -> Statement {
    let mut sql = Sql::postgres();
    let (marks, keys) = (qualified(&marks(owner)), key_columns(owner));
    let tuples = sql.tuples(owner, of, |key| key, |_, _| Vec::new());
    let text = format!(
        "WITH k ({columns}) AS (VALUES {tuples})
         DELETE FROM {marks} WHERE ctid = ANY (ARRAY(
                SELECT s.ctid FROM k, LATERAL (
                       SELECT m.ctid FROM {marks} m WHERE {same_key} AND {known} FOR UPDATE SKIP LOCKED) s))
         RETURNING {returned}",
        columns = keys.join(", "),
        same_key = equal("m", &keys, "k", &keys),
        known = known_fields(owner),
        returned = returned(owner),
    );
    statement(sql, text)
}

/// A row that is leased keeps its lease; its holder notices the new generation when it completes. DISTINCT, for marks may
/// spell one key in several ways, as a case-insensitive type allows.
pub(super) fn enqueue(owner: &Owner, rows: &[Enqueued], lease: i64) -> Statement {
    let mut sql = Sql::postgres();
    let keys = key_columns(owner);
    let queued = shared::queued(&mut sql, owner, rows, lease);
    let lease = sql.bind(lease);
    let text = format!(
        "WITH {queued}
         INSERT INTO {queue} AS q ({columns}, field, generation, due_at, leased_until, attempts, first_marked_at)
         SELECT DISTINCT ON ({selected}, v.field) {selected}, v.field, v.generation, now(),
                CASE WHEN v.lease > 0 THEN now() + v.lease * interval '1 millisecond' ELSE '-infinity' END,
                CASE WHEN v.lease > 0 THEN 1 ELSE 0 END, to_timestamp(v.marked_at / 1000.0)
           FROM v ORDER BY {selected}, v.field, v.generation DESC
         ON CONFLICT ({columns}, field) DO UPDATE SET
                {respelled}, generation = excluded.generation, due_at = excluded.due_at, last_error = NULL,
                attempts = CASE WHEN q.leased_until > now() THEN q.attempts ELSE excluded.attempts END,
                leased_until = CASE WHEN q.leased_until > now() THEN q.leased_until ELSE excluded.leased_until END
         RETURNING {returned}, q.field, q.generation, q.attempts, {NOW} AS claimed_at, q.leased_until = now() + {lease} * interval '1 millisecond' AS leased",
        queue = qualified(&recalculations(owner)),
        columns = keys.join(", "),
        selected = prefixed("v", &keys),
        returned = prefixed("q", &keys),
        // The row's key may have come to be spelled in another way, where its type calls both equal.
        respelled = keys.iter().map(|key| format!("{key} = excluded.{key}")).collect::<Vec<_>>().join(", "),
    );
    statement(sql, text)
}

pub(super) fn flag_missing(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::postgres();
    let (table, keys, owner_key) = (qualified(&owner.table), key_columns(owner), owner_key(owner));
    let flag = quote(&owner.fields[field].recalculation_needed);
    let tuples = sql.tuples(owner, of, |key| key, |_, _| Vec::new());
    let text = format!(
        "WITH k ({columns}) AS (VALUES {tuples}),
              unflagged AS (SELECT {selected} FROM k JOIN {table} t ON {of_key} WHERE NOT t.{flag} FOR NO KEY UPDATE OF t SKIP LOCKED)
         UPDATE {table} t SET {flag} = true FROM unflagged u WHERE {same_row}",
        columns = keys.join(", "),
        selected = prefixed("t", &owner_key),
        of_key = equal("t", &owner_key, "k", &keys),
        same_row = equal("t", &owner_key, "u", &owner_key),
    );
    statement(sql, text)
}

pub(super) fn enqueue_backlog(owner: &Owner, field: usize, after: Option<&Key>, to: Option<&Key>) -> Statement {
    let mut sql = Sql::postgres();
    let (marks, queue, keys) = (qualified(&marks(owner)), qualified(&recalculations(owner)), key_columns(owner));
    let range = shared::key_range(&mut sql, owner, after, to);
    let flag = quote(&owner.fields[field].recalculation_needed);
    let name = sql.bind(owner.fields[field].name);
    let text = format!(
        "INSERT INTO {queue} ({columns}, field, generation)
         SELECT {selected}, {name}, nextval(pg_get_serial_sequence({sequence}, 'id'))
           FROM {table} t
          WHERE t.{flag} AND {range}
            AND NOT EXISTS (SELECT FROM {marks} m WHERE {marked} AND m.field = {name})
         ON CONFLICT DO NOTHING",
        columns = keys.join(", "),
        selected = prefixed("t", &owner_key(owner)),
        sequence = literal(&marks),
        table = qualified(&owner.table),
        marked = equal("m", &keys, "t", &owner_key(owner)),
    );
    statement(sql, text)
}
