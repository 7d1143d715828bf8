//! Claiming: what is due, and the lease on it.

use sea_orm::Statement;

use super::{NOW, functions, statement};
use crate::{
    dialect::{
        Claim, shared,
        sql::{Sql, equal, key_columns, known_fields, literal, marks, prefixed, qualified, recalculations},
    },
    field::{Key, layout::Owner},
};

/// The plans that are left go by keys: the tables look tiny whenever they were last empty.
/// `lock_timeout` is a last resort: `SKIP LOCKED` itself can wait for the newer version of a row.
pub(super) fn settings(internal: bool) -> Statement {
    let internal = if internal { "on" } else { "off" };
    let text = format!(
        "SELECT set_config('lock_timeout', '100ms', true), set_config('jit', 'off', true),
                set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
                set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
                set_config('cached_field.internal', '{internal}', true)"
    );
    statement(Sql::postgres(), text)
}

pub(super) fn work(owner: &Owner) -> Statement {
    let names: Vec<String> = owner.fields.iter().map(|field| literal(field.name)).collect();
    let function = functions::function(owner, "work");
    statement(Sql::postgres(), format!("SELECT work, wait FROM {function}(ARRAY[{}])", names.join(", ")))
}

/// Rows whose key is still marked are left alone: they come with their marks.
pub(super) fn lease_due(owner: &Owner, rows: u64, lease: i64) -> Statement {
    let mut sql = Sql::postgres();
    let (queue, keys) = (qualified(&recalculations(owner)), key_columns(owner));
    let (lease, limit) = (sql.bind(lease), sql.bind(rows as i64));
    let text = format!(
        "UPDATE {queue} q SET leased_until = now() + {lease} * interval '1 millisecond', attempts = q.attempts + 1
          WHERE q.ctid = ANY (ARRAY(
                SELECT d.ctid FROM {queue} d
                 WHERE {known} AND d.due_at <= now() AND d.leased_until <= now()
                   AND NOT EXISTS (SELECT FROM {marks} m WHERE {same_key})
                 ORDER BY d.due_at LIMIT {limit} FOR UPDATE SKIP LOCKED))
         RETURNING {returned}, q.field, q.generation, q.attempts, {NOW} AS claimed_at",
        marks = qualified(&marks(owner)),
        known = known_fields(owner),
        same_key = equal("m", &keys, "d", &keys),
        returned = prefixed("q", &keys),
    );
    statement(sql, text)
}

pub(super) fn lease_one(owner: &Owner, field: usize, key: &Key, lease: i64, steal: bool) -> Statement {
    let mut sql = Sql::postgres();
    let (marks, queue, keys) = (qualified(&marks(owner)), qualified(&recalculations(owner)), key_columns(owner));
    let held = if steal { "false" } else { "q.leased_until > now()" };
    let generation = if steal { "excluded.generation" } else { "q.generation" };
    let rows = [key];
    let tuple = sql.tuples(
        owner,
        &rows,
        |key| key,
        |sql, _| {
            let (name, lease) = (sql.bind(owner.fields[field].name), sql.bind(lease));
            vec![
                name,
                format!("nextval(pg_get_serial_sequence({}, 'id'))", literal(&marks)),
                "now()".to_owned(),
                format!("now() + {lease} * interval '1 millisecond'"),
                "1".to_owned(),
            ]
        },
    );
    let lease_end = format!("now() + ${} * interval '1 millisecond'", owner.key.len() + 2);
    let text = format!(
        "INSERT INTO {queue} AS q ({keys}, field, generation, due_at, leased_until, attempts)
         VALUES {tuple}
         ON CONFLICT ({keys}, field) DO UPDATE SET
                generation = {generation},
                attempts = CASE WHEN {held} THEN q.attempts ELSE q.attempts + 1 END,
                leased_until = CASE WHEN {held} THEN q.leased_until ELSE excluded.leased_until END,
                due_at = least(q.due_at, excluded.due_at)
         RETURNING {returned}, q.field, q.generation, q.attempts, {NOW} AS claimed_at, q.leased_until = {lease_end} AS leased",
        keys = keys.join(", "),
        returned = prefixed("q", &keys),
    );
    statement(sql, text)
}

pub(super) fn renew_leases(owner: &Owner, claims: &[Claim], lease: i64) -> Statement {
    let mut sql = Sql::postgres();
    let (queue, keys) = (qualified(&recalculations(owner)), key_columns(owner));
    let claimed = shared::claimed(&mut sql, owner, claims);
    let lease = sql.bind(lease);
    let text = format!(
        "WITH {claimed}
         UPDATE {queue} q SET leased_until = now() + {lease} * interval '1 millisecond'
           FROM claimed c WHERE {} AND q.field = c.field AND q.leased_until > now()",
        equal("q", &keys, "c", &keys),
    );
    statement(sql, text)
}
