//! Whether a stored value is right.

use sea_orm::{Statement, Value};

use super::{NOW, now_as_expiry, statement, way};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
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
        "EXISTS (
                SELECT 1
                  FROM {marks} m
                 WHERE {same_key}
                   AND {is_listed})",
        marks = quote(&marks(owner).name),
    )
}

/// Whether the field of the row `t` is stale: flagged, expired, marked or queued.
fn stale(owner: &Owner, field: usize) -> String {
    let name = literal(owner.fields[field].name);
    format!(
        "({flagged}
                OR {marked}
                OR EXISTS (
                SELECT 1
                  FROM {queue} q
                 WHERE {queued}
                   AND q.field = {name}))",
        flagged = flagged(owner, field),
        marked = marked(owner, "t", &owner_key(owner), &name),
        queue = quote(&recalculations(owner).name),
        queued = equal("q", &key_columns(owner), "t", &owner_key(owner)),
    )
}

/// Whether the row `t` itself says that its field is stale.
fn flagged(owner: &Owner, field: usize) -> String {
    let column = &owner.fields[field];
    let now = now_as_expiry(column);
    let expires = column.expires_after.as_ref().map(|expires| quote(expires));
    let expired = expires
        .map_or_else(|| "false".to_owned(), |expires| format!("julianday(t.{expires}) <= {now}"));
    let flag = quote(&column.recalculation_needed);
    format!("t.{flag} OR coalesce({expired}, false)")
}

pub(crate) fn spelled(owner: &Owner, keys: &[Key]) -> Statement {
    let mut sql = Sql::sqlite();
    let given = shared::numbered(&mut sql, owner, keys);
    let text = format!(
        "WITH {given}
         SELECT k.place, {selected}
           FROM k
           JOIN {table} t ON {same_row}",
        selected = sql.own_keys(owner),
        table = quote(&owner.table.name),
        same_row = equal("t", &owner_key(owner), "k", &key_columns(owner)),
    );
    statement(sql, text)
}

pub(crate) fn status(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::sqlite();
    let are_rows = are_rows(&mut sql, owner, of);
    let text = format!(
        "SELECT {selected},
                {stale} AS stale
           FROM {table} t
          WHERE {are_rows}",
        selected = sql.own_keys(owner),
        stale = stale(owner, field),
        table = quote(&owner.table.name),
    );
    statement(sql, text)
}

pub(crate) fn confirm(owner: &Owner, field: usize, key: &Key, value: Value) -> Option<Statement> {
    if owner.fields[field].own_columns.is_empty() {
        return None;
    }
    let mut sql = Sql::sqlite();
    let is_row = sql.key_is(owner, "t.", &owner_key(owner), key);
    let text = format!(
        "SELECT NOT {stale} AND t.{cached} IS {value} AS confirmed
           FROM {table} t
          WHERE {is_row}",
        stale = stale(owner, field),
        cached = quote(&owner.fields[field].cached.name),
        value = sql.bind(value),
        table = quote(&owner.table.name),
    );
    Some(statement(sql, text))
}

/// Whether the row `t` has one of these keys.
pub(super) fn are_rows(sql: &mut Sql, owner: &Owner, of: &[Key]) -> String {
    let keys = sql.tuples(owner, &repeated(of), |key| key, |_, _| Vec::new());
    let own_key = prefixed("t", &owner_key(owner));
    format!("({own_key}) IN (VALUES {keys})")
}

pub(crate) fn stale_behind(
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
        "SELECT {selected}
           FROM {table} t
          WHERE ({key}) IN ({rows}) AND {stale}",
        selected = sql.own_keys(below),
        table = quote(&below.table.name),
        rows = way::rows_of(owner, source, &are_rows, &key),
        key = prefixed("t", &key),
        stale = stale(below, field),
    );
    statement(sql, text)
}

pub(crate) fn stale_anywhere(owner: &Owner, field: usize) -> Statement {
    let sql = Sql::sqlite();
    // There are usually no marks and no queue; the rows are then not looked up one by one.
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

pub(crate) fn clock() -> Statement {
    statement(Sql::sqlite(), format!("SELECT {NOW} AS now"))
}

#[cfg(test)]
pub(crate) fn examples(of: &Example) -> Vec<Named> {
    let owner = &of.owner;
    let mut examples = vec![
        named("spelled", spelled(owner, &of.keys)),
        named("status", status(owner, 0, &of.keys[..1])),
        named("status of rows", status(owner, 0, &of.keys)),
        named("stale_anywhere", stale_anywhere(owner, 0)),
        named("clock", clock()),
        named("confirm", confirm(owner, 0, &of.keys[0], "x".into())),
    ];
    for source in &owner.sources {
        let behind = |keys: &[Key]| stale_behind(owner, source, keys, owner, 0);
        examples.push(named("stale_behind", behind(&of.keys[..1])));
        examples.push(named("stale_behind rows", behind(&of.keys)));
    }
    examples.concat()
}
