//! Statements, and parts of them, that all databases say alike.

use sea_orm::{Statement, Value};

use super::{
    Claim, Enqueued, Shape, Written,
    sql::{Sql, equal, key_columns, prefixed, recalculations},
};
use crate::field::{
    Key,
    layout::{Field, Owner},
};

/// How many of the oldest due rows are looked at for each that is leased: some of them may have to wait.
pub(super) const LOOKED_AT: i64 = 10;

pub(super) fn flag(mut sql: Sql, owner: &Owner, field: usize, key: &Key) -> Statement {
    let flag = sql.quote(&owner.fields[field].recalculation_needed);
    let (table, columns) = (sql.qualified(&owner.table), sql.owner_key(owner));
    let is_row = sql.key_is(owner, "", &columns, key);
    sql.statement(format!("UPDATE {table} SET {flag} = true WHERE {is_row}"))
}

pub(super) fn set_expiry(mut sql: Sql, owner: &Owner, field: usize, key: &Key, moment: Value) -> Statement {
    let expires = sql.quote(owner.fields[field].expires_after.as_deref().unwrap_or_default());
    let moment = sql.bind(moment);
    let (table, columns) = (sql.qualified(&owner.table), sql.owner_key(owner));
    let is_row = sql.key_is(owner, "", &columns, key);
    sql.statement(format!("UPDATE {table} SET {expires} = {moment} WHERE {is_row}"))
}

pub(super) fn backlog_boundary(mut sql: Sql, owner: &Owner, after: Option<&Key>, rows: u64) -> Statement {
    let (table, owner_key) = (sql.qualified(&owner.table), sql.owner_key(owner));
    let range = key_range(&mut sql, owner, after, None);
    let selected: Vec<String> =
        owner_key.iter().zip(key_columns(owner)).map(|(own, key)| format!("t.{own} AS {key}")).collect();
    let offset = sql.bind(rows as i64 - 1);
    let text = format!(
        "SELECT {} FROM {table} t WHERE {range} ORDER BY {} LIMIT 1 OFFSET {offset}",
        selected.join(", "),
        prefixed("t", &owner_key),
    );
    sql.statement(text)
}

/// The rows after one key, up to another.
pub(super) fn key_range(sql: &mut Sql, owner: &Owner, after: Option<&Key>, to: Option<&Key>) -> String {
    let columns = format!("({})", prefixed("t", &sql.owner_key(owner)));
    let mut bounds = Vec::new();
    for (operator, bound) in [(">", after), ("<=", to)] {
        if let Some(key) = bound {
            let rows = [key];
            bounds.push(format!("{columns} {operator} {}", sql.tuples(owner, &rows, |key| key, |_, _| Vec::new())));
        }
    }
    if bounds.is_empty() { "true".to_owned() } else { bounds.join(" AND ") }
}

/// `v (key_1, ..., field, generation, marked_at, lease) AS (VALUES ...)`
pub(super) fn queued(sql: &mut Sql, owner: &Owner, rows: &[Enqueued], lease: i64) -> String {
    let rest = |sql: &mut Sql, row: &Enqueued| {
        let lease = if row.lease { lease } else { 0 };
        vec![sql.bind(owner.fields[row.field].name), sql.bind(row.generation), sql.bind(row.marked_at), sql.bind(lease)]
    };
    let tuples = sql.tuples(owner, rows, |row| &row.key, rest);
    format!("v ({}, field, generation, marked_at, lease) AS (VALUES {tuples})", key_columns(owner).join(", "))
}

/// `claimed (key_1, ..., field, generation) AS (VALUES ...)`
pub(super) fn claimed(sql: &mut Sql, owner: &Owner, claims: &[Claim]) -> String {
    let rest =
        |sql: &mut Sql, claim: &Claim| vec![sql.bind(owner.fields[claim.field].name), sql.bind(claim.generation)];
    let tuples = sql.tuples(owner, claims, |claim| &claim.key, rest);
    format!("claimed ({}, field, generation) AS (VALUES {tuples})", key_columns(owner).join(", "))
}

pub(super) fn change_generation(mut sql: Sql, owner: &Owner, rows: &[Enqueued]) -> Statement {
    let keys = key_columns(owner);
    let queued = queued(&mut sql, owner, rows, 0);
    let queue = sql.qualified(&recalculations(owner));
    let text = format!(
        "WITH {queued} UPDATE {queue} AS q SET generation = v.generation FROM v WHERE {} AND q.field = v.field",
        equal("q", &keys, "v", &keys),
    );
    sql.statement(text)
}

pub(super) fn write(
    mut sql: Sql,
    owner: &Owner,
    shape: &Shape,
    rows: &[Written],
    assignments: impl Fn(&Field, &str, bool) -> Vec<String>,
) -> Statement {
    let keys = key_columns(owner);
    let fields: Vec<&Field> = shape.0.iter().map(|shaped| &owner.fields[shaped.field]).collect();
    let rest = |sql: &mut Sql, row: &Written| {
        let mut bound = vec![sql.bind(row.claimed_at)];
        bound.extend(fields.iter().zip(&row.values).map(|(field, value)| sql.bind_for(&field.cached, value.clone())));
        bound
    };
    let tuples = sql.tuples(owner, rows, |row| &row.key, rest);
    let values: Vec<String> = (1..=fields.len()).map(|n| format!("value_{n}")).collect();
    let set = shape.0.iter().zip(&fields).zip(&values);
    let set: Vec<String> =
        set.flat_map(|((shaped, field), value)| assignments(field, &format!("v.{value}"), shaped.done)).collect();
    let text = format!(
        "WITH v ({}, claimed_at, {}) AS (VALUES {tuples}) UPDATE {} AS t SET {} FROM v WHERE {}",
        keys.join(", "),
        values.join(", "),
        sql.qualified(&owner.table),
        set.join(", "),
        equal("t", &sql.owner_key(owner), "v", &keys),
    );
    sql.statement(text)
}
