//! Whether a stored value is right.

use sea_orm::{Statement, Value};

use super::{DIALECT, NOW, names, now_as_expiry, statement, way};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{names::Columns, repeated, shared, sql::Sql},
    declaration::Key,
    layout::{Owner, Source},
};

/// Whether the field of the row with this key is marked; `field` is an SQL expression.
pub(super) fn marked(owner: &Owner, row: &str, row_key: &Columns, field: &str) -> String {
    let names = names(owner);
    let same_key = names.keys_of("m").equal(&row_key.of(row));
    let is_listed = DIALECT.is_listed(field, "m.field");
    format!(
        "EXISTS (
                SELECT 1
                  FROM {marks} m
                 WHERE {same_key}
                   AND {is_listed})",
        marks = names.marks(),
    )
}

/// Whether the field of the row `t` is stale: flagged, expired, marked or queued.
fn stale(owner: &Owner, field: usize) -> String {
    let names = names(owner);
    let name = names.field(field);

    format!(
        "({flagged}
                OR {marked}
                OR EXISTS (
                SELECT 1
                  FROM {queue} q
                 WHERE {queued}
                   AND q.field = {name}))",
        flagged = flagged(owner, field),
        marked = marked(owner, "t", &names.own_key(), &name),
        queue = names.queue(),
        queued = names.is_of("q", "t"),
    )
}

/// Whether the row `t` itself says that its field is stale.
fn flagged(owner: &Owner, field: usize) -> String {
    let column = &owner.fields[field];
    let now = now_as_expiry(column);
    let expires = DIALECT.expiry(column);
    let expired = expires
        .map_or_else(|| "false".to_owned(), |expires| format!("julianday(t.{expires}) <= {now}"));
    let flag = DIALECT.flag(column);
    format!("t.{flag} OR coalesce({expired}, false)")
}

pub(crate) fn spelled(owner: &Owner, keys: &[Key]) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let given = shared::read::numbered(&mut sql, owner, keys);

    let text = format!(
        "WITH {given}
         SELECT k.place, {selected}
           FROM k
           JOIN {table} t ON {same_row}",
        selected = names.read_own_key(),
        table = names.table(),
        same_row = names.same_row("t", "k"),
    );

    statement(sql, text)
}

pub(crate) fn status(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let are_rows = are_rows(&mut sql, owner, of);

    let text = format!(
        "SELECT {selected},
                {stale} AS stale
           FROM {table} t
          WHERE {are_rows}",
        selected = names.read_own_key(),
        stale = stale(owner, field),
        table = names.table(),
    );

    statement(sql, text)
}

pub(crate) fn confirm(owner: &Owner, field: usize, key: &Key, value: Value) -> Statement {
    let names = names(owner);
    let mut sql = Sql::sqlite();
    let is_row = sql.key_is(owner, &names.own_key_of("t"), key);

    let text = format!(
        "SELECT NOT {stale} AND t.{cached} IS {value} AS confirmed
           FROM {table} t
          WHERE {is_row}",
        stale = stale(owner, field),
        cached = DIALECT.cached(&owner.fields[field]),
        value = sql.bind(value),
        table = names.table(),
    );

    statement(sql, text)
}

/// Whether the row `t` has one of these keys.
pub(super) fn are_rows(sql: &mut Sql, owner: &Owner, of: &[Key]) -> String {
    let names = names(owner);
    let keys = sql.keys(owner, repeated(of));
    let own_key = names.own_key_of("t");
    format!("({own_key}) IN (VALUES {keys})")
}

pub(crate) fn stale_behind(
    owner: &Owner,
    source: &Source,
    of: &[Key],
    below: &Owner,
    field: usize,
    limit: Option<u64>,
) -> Statement {
    let mut sql = Sql::sqlite();
    let are_rows = are_rows(&mut sql, owner, of);
    let names = names(below);
    let key = names.own_key();

    let text = format!(
        "SELECT {selected}
           FROM {table} t
          WHERE ({key}) IN ({rows}) AND {stale}{limit}",
        selected = names.read_own_key(),
        table = names.table(),
        rows = way::rows_of(owner, source, &are_rows, &key),
        key = key.of("t"),
        stale = stale(below, field),
        limit = shared::read::limit(limit),
    );

    statement(sql, text)
}

pub(crate) fn stale_anywhere(owner: &Owner, field: usize) -> Statement {
    let sql = Sql::sqlite();
    let names = names(owner);

    // There are usually no marks and no queue; the rows are then not looked up one by one.
    let text = format!(
        "SELECT {keys}
           FROM {table} t
          WHERE {flagged}
             OR (EXISTS (SELECT 1 FROM {marks}) OR EXISTS (SELECT 1 FROM {queue}))
            AND {stale}",
        keys = names.read_own_key(),
        table = names.table(),
        flagged = flagged(owner, field),
        marks = names.marks(),
        queue = names.queue(),
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
        let behind = |keys: &[Key]| stale_behind(owner, source, keys, owner, 0, None);
        examples.push(named("stale_behind", behind(&of.keys[..1])));
        examples.push(named("stale_behind rows", behind(&of.keys)));
    }

    examples.concat()
}
