//! Whether a stored value is right.

use sea_orm::{Statement, Value};

use super::{now_as_expiry, statement, way};
use crate::{
    backend::{
        repeated, shared,
        sql::{
            Sql, equal, key_columns, literal, marks, owner_key, prefixed, quote, recalculations,
        },
    },
    declaration::Key,
    layout::{Owner, Source},
};

/// Whether the field of the row with this key is marked; `field` is an SQL expression.
pub(super) fn marked(owner: &Owner, row: &str, row_key: &[String], field: &str) -> String {
    let same_key = equal("m", &key_columns(owner), row, row_key);
    let is_listed = Sql::sqlite().is_listed(field, "m.field");
    format!(
        "EXISTS (SELECT 1 FROM {} m WHERE {same_key} AND {is_listed})",
        quote(&marks(owner).name)
    )
}

/// Whether the field of the row `t` is stale: flagged, expired, marked or queued.
fn stale(owner: &Owner, field: usize) -> String {
    let name = literal(owner.fields[field].name);
    format!(
        "({flagged} OR {marked}
                OR EXISTS (SELECT 1 FROM {queue} q WHERE {queued} AND q.field = {name}))",
        flagged = flagged(owner, field),
        marked = marked(owner, "t", &owner_key(owner), &name),
        queue = quote(&recalculations(owner).name),
        queued = equal("q", &key_columns(owner), "t", &owner_key(owner)),
    )
}

/// Whether the row `t` itself says that its field is stale.
fn flagged(owner: &Owner, field: usize) -> String {
    let column = &owner.fields[field];
    let expired = column
        .expires_after
        .as_ref()
        .map(|expires| format!("julianday(t.{}) <= {}", quote(expires), now_as_expiry(column)));
    format!(
        "t.{} OR coalesce({}, false)",
        quote(&column.recalculation_needed),
        expired.as_deref().unwrap_or("false"),
    )
}

pub(super) fn spelled(owner: &Owner, keys: &[Key]) -> Statement {
    let mut sql = Sql::sqlite();
    let given = shared::numbered(&mut sql, owner, keys);
    let text = format!(
        "WITH {given} SELECT k.place, {} FROM k JOIN {} t ON {}",
        sql.own_keys(owner),
        quote(&owner.table.name),
        equal("t", &owner_key(owner), "k", &key_columns(owner)),
    );
    statement(sql, text)
}

pub(super) fn status(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::sqlite();
    let are_rows = are_rows(&mut sql, owner, of);
    let text = format!(
        "SELECT {}, {} AS stale FROM {} t WHERE {are_rows}",
        sql.own_keys(owner),
        stale(owner, field),
        quote(&owner.table.name),
    );
    statement(sql, text)
}

pub(super) fn confirm(owner: &Owner, field: usize, key: &Key, value: Value) -> Statement {
    let mut sql = Sql::sqlite();
    let is_row = sql.key_is(owner, "t.", &owner_key(owner), key);
    let text = format!(
        "SELECT NOT {} AND t.{} IS {} AS confirmed FROM {} t WHERE {is_row}",
        stale(owner, field),
        quote(&owner.fields[field].cached.name),
        sql.bind(value),
        quote(&owner.table.name),
    );
    statement(sql, text)
}

/// Whether the row `t` has one of these keys.
pub(super) fn are_rows(sql: &mut Sql, owner: &Owner, of: &[Key]) -> String {
    let keys = sql.tuples(owner, &repeated(of), |key| key, |_, _| Vec::new());
    format!("({}) IN (VALUES {keys})", prefixed("t", &owner_key(owner)))
}

pub(super) fn stale_behind(
    owner: &Owner,
    source: &Source,
    of: &[Key],
    below: &Owner,
    field: usize,
) -> Statement {
    let mut sql = Sql::sqlite();
    let are_rows = are_rows(&mut sql, owner, of);
    let key = owner_key(below);
    let text = format!(
        "SELECT {} FROM {} t WHERE ({}) IN ({}) AND {}",
        sql.own_keys(below),
        quote(&below.table.name),
        prefixed("t", &key),
        way::rows_of(owner, source, &are_rows, &key),
        stale(below, field),
    );
    statement(sql, text)
}

pub(super) fn stale_anywhere(owner: &Owner, field: usize) -> Statement {
    let sql = Sql::sqlite();
    // Mostly nothing waits, and each row need not be looked up.
    let text = format!(
        "SELECT {keys}
           FROM {table} t
          WHERE {flagged}
             OR (EXISTS (SELECT 1 FROM {marks}) OR EXISTS (SELECT 1 FROM {queue}))
            AND {stale}",
        keys = sql.own_keys(owner),
        table = quote(&owner.table.name),
        flagged = flagged(owner, field),
        marks = quote(&marks(owner).name),
        queue = quote(&recalculations(owner).name),
        stale = stale(owner, field),
    );
    statement(sql, text)
}
