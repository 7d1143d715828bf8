//! Completing: values are stored, the queue's rows go.

use sea_orm::Statement;

use super::{mark, statement};
use crate::{
    dialect::{
        Claim, Shape, Written, shared,
        sql::{Sql, equal, key_columns, owner_key, prefixed, qualified, quote, recalculations},
    },
    field::{
        Key,
        layout::{Field, Owner},
    },
};

pub(super) fn lock_rows(owner: &Owner, keys: &[Key]) -> Statement {
    let mut sql = Sql::postgres();
    let (columns, owner_key) = (key_columns(owner), owner_key(owner));
    let tuples = sql.tuples(owner, keys, |key| key, |_, _| Vec::new());
    let selected: Vec<String> = owner_key.iter().zip(&columns).map(|(own, key)| format!("t.{own} AS {key}")).collect();
    let text = format!(
        "WITH k ({}) AS (VALUES {tuples})
         SELECT {} FROM k JOIN {} t ON {} ORDER BY {} FOR NO KEY UPDATE OF t SKIP LOCKED",
        columns.join(", "),
        selected.join(", "),
        qualified(&owner.table),
        equal("t", &owner_key, "k", &columns),
        prefixed("t", &owner_key),
    );
    statement(sql, text)
}

pub(super) fn lock_queued(owner: &Owner, claims: &[Claim]) -> Statement {
    let mut sql = Sql::postgres();
    let keys = key_columns(owner);
    let claimed = shared::claimed(&mut sql, owner, claims);
    let text = format!(
        "WITH {claimed}
         SELECT {selected}, q.field, q.generation, {marked} AS marked
           FROM claimed c
           JOIN {table} t ON {row},
                LATERAL (SELECT * FROM {queue} r WHERE {same_key} AND r.field = c.field FOR UPDATE SKIP LOCKED) q",
        selected = prefixed("q", &keys),
        marked = super::read::marked(owner, "c.field"),
        table = qualified(&owner.table),
        row = equal("t", &owner_key(owner), "c", &keys),
        queue = qualified(&recalculations(owner)),
        same_key = equal("r", &keys, "c", &keys),
    );
    statement(sql, text)
}

/// The rows are locked by [`lock_queued`], so that none of them has another generation by now.
pub(super) fn delete_queued(owner: &Owner, done: &[Claim]) -> Statement {
    let mut sql = Sql::postgres();
    let keys = key_columns(owner);
    let claimed = shared::claimed(&mut sql, owner, done);
    let text = format!(
        "WITH {claimed} DELETE FROM {} q USING claimed c WHERE {} AND q.field = c.field AND q.generation = c.generation",
        qualified(&recalculations(owner)),
        equal("q", &keys, "c", &keys),
    );
    statement(sql, text)
}

/// `cached = .., flag = .., expires_after = ..`: an expiry that had passed when the row was
/// claimed ends with the flag; a later one is kept, for the value was calculated before that moment.
pub(super) fn assignments(field: &Field, value: &str, done: bool) -> Vec<String> {
    let mut assignments = vec![
        format!("{} = {value}", quote(&field.cached.name)),
        format!("{} = {}", quote(&field.recalculation_needed), !done),
    ];
    if let Some(expires) = field.expires_after.as_ref().filter(|_| done).map(|column| quote(column)) {
        assignments.push(format!(
            "{expires} = CASE WHEN t.{expires} > to_timestamp(v.claimed_at / 1000.0) THEN t.{expires} END"
        ));
    }
    assignments
}

pub(super) fn hand_back(owner: &Owner, claims: &[Claim], delay: i64) -> Statement {
    let mut sql = Sql::postgres();
    let keys = key_columns(owner);
    let claimed = shared::claimed(&mut sql, owner, claims);
    let delay = sql.bind(delay);
    let text = format!(
        "WITH {claimed}
         UPDATE {} q SET leased_until = '-infinity', attempts = greatest(q.attempts - 1, 0),
                due_at = now() + {delay} * interval '1 millisecond'
           FROM claimed c WHERE {} AND q.field = c.field",
        qualified(&recalculations(owner)),
        equal("q", &keys, "c", &keys),
    );
    statement(sql, text)
}

pub(super) fn record_failure(owner: &Owner, claim: &Claim, error: &str, retry: Option<i64>) -> Statement {
    let mut sql = Sql::postgres();
    let is_row = sql.key_is(owner, "", &key_columns(owner), &claim.key);
    let (field, generation) = (sql.bind(owner.fields[claim.field].name), sql.bind(claim.generation));
    let (error, retry) = (sql.bind(error), sql.bind(retry));
    let text = format!(
        "UPDATE {} SET leased_until = '-infinity', last_error = {error},
                attempts = CASE WHEN generation = {generation} THEN attempts ELSE 0 END,
                due_at = CASE WHEN generation = {generation} THEN now() + {retry} * interval '1 millisecond' ELSE now() END
          WHERE {is_row} AND field = {field}",
        qualified(&recalculations(owner)),
    );
    statement(sql, text)
}

pub(super) fn drop_gone(owner: &Owner, claims: &[Claim]) -> Statement {
    let mut sql = Sql::postgres();
    let keys = key_columns(owner);
    let claimed = shared::claimed(&mut sql, owner, claims);
    let text = format!(
        "WITH {claimed}
         DELETE FROM {} q USING claimed c
          WHERE {} AND q.field = c.field AND q.generation = c.generation
            AND NOT EXISTS (SELECT FROM {} t WHERE {})",
        qualified(&recalculations(owner)),
        equal("q", &keys, "c", &keys),
        qualified(&owner.table),
        equal("t", &owner_key(owner), "c", &keys),
    );
    statement(sql, text)
}

/// A calculation under way may hold a claim that this transaction cannot see. So a mark is left with the value: that
/// claim then misses, and the worker looks once more.
pub(super) fn store_in_transaction(owner: &Owner, field: usize, written: &Written) -> Vec<Statement> {
    let key = &written.key;
    let shape = Shape(vec![crate::dialect::ShapedField { field, done: true }]);
    vec![
        lock_rows(owner, std::slice::from_ref(key)),
        mark::internal(true),
        shared::write(Sql::postgres(), owner, &shape, std::slice::from_ref(written), assignments),
        mark::internal(false),
        mark::append_mark(owner, field, key, true),
    ]
}
