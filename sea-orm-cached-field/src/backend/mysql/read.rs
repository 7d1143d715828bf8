//! Whether a stored value is right.

use sea_orm::Statement;

use super::{
    as_expiry, milliseconds,
    names::{literal, owner_key, qualified, quote},
    statement,
    tables::via,
    way,
};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::sql::{Sql, equal, key_columns, marks, recalculations},
    declaration::Key,
    layout::{Owner, Source},
};

/// Whether the field of the row `t` is marked, which is among the rows `t` of this FROM clause;
/// `field` is an SQL expression.
pub(super) fn marked(owner: &Owner, rows: &str, field: &str) -> String {
    let marks = qualified(&marks(owner));
    let keys = key_columns(owner);
    let is_listed = Sql::mysql().is_listed(field, "m.field");
    let own = equal("m", &keys, "t", &owner_key(owner));
    // Counted: of an EXISTS the optimizer may make a table of all marks.
    let is_marked = format!(
        "(
                SELECT COUNT(*)
                  FROM {marks} m FORCE INDEX (by_key)
                 WHERE {own}
                   AND {is_listed}) > 0"
    );
    let mut tests = vec![is_marked];
    tests.extend(owner.looked_up().map(|source| {
        let via = literal(&via(source));
        let hashes = way::hashes(owner, source, rows);
        // There are usually no such marks; the joins are then skipped.
        format!(
            "(EXISTS (SELECT 1 FROM {marks} m FORCE INDEX (by_via) WHERE m.via = {via})
                AND EXISTS (
                SELECT 1
                  FROM ({hashes}) w
                  STRAIGHT_JOIN {marks} m FORCE INDEX (by_link)
                    ON m.link_hash = w.link_hash
                   AND m.via = {via}
                 WHERE {same_key}
                   AND {is_listed}))",
            same_key = equal("w", &keys, "t", &owner_key(owner)),
        )
    }));
    let tests = tests.join("\n                 OR ");
    format!("({tests})")
}

/// Whether the field of the row `t` is stale, which is among the rows `t` of this FROM clause:
/// flagged, expired, marked or queued.
fn stale(owner: &Owner, rows: &str, field: usize) -> String {
    let name = literal(owner.fields[field].name);
    format!(
        "({flagged}
                OR {marked}
                OR (
                SELECT COUNT(*)
                  FROM {queue} q FORCE INDEX (PRIMARY)
                 WHERE {queued}
                   AND q.field = {name}) > 0)",
        flagged = flagged(owner, field),
        marked = marked(owner, rows, &name),
        queue = qualified(&recalculations(owner)),
        queued = equal("q", &key_columns(owner), "t", &owner_key(owner)),
    )
}

/// Whether the row `t` itself says that its field is stale.
fn flagged(owner: &Owner, field: usize) -> String {
    let column = &owner.fields[field];
    let now = as_expiry(column, "UTC_TIMESTAMP(6)");
    let expires = column.expires_after.as_ref().map(|expires| quote(expires));
    let expired =
        expires.map_or_else(|| "FALSE".to_owned(), |expires| format!("t.{expires} <= {now}"));
    let flag = quote(&column.recalculation_needed);
    format!("t.{flag} OR COALESCE({expired}, FALSE)")
}

pub(crate) fn spelled(owner: &Owner, of: &[Key]) -> Statement {
    let mut sql = Sql::mysql();
    let numbered: Vec<(i64, &Key)> = (0..).zip(of).collect();
    let place = |sql: &mut Sql, (place, _): &(i64, &Key)| vec![sql.bind(*place)];
    let given =
        super::keyed(&mut sql, owner, &marks(owner), &["id"], &numbered, |(_, key)| key, place);
    let text = format!(
        "SELECT c.id AS place, {selected}
           FROM {given}
           STRAIGHT_JOIN {table} t FORCE INDEX (PRIMARY) ON {same_row}",
        selected = sql.own_keys(owner),
        table = qualified(&owner.table),
        same_row = equal("t", &owner_key(owner), "c", &key_columns(owner)),
    );
    statement(sql, text)
}

pub(crate) fn status(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::mysql();
    let rows = rows(&mut sql, owner, of);
    let text = format!(
        "SELECT DISTINCT {selected},
                {stale} AS stale
           FROM {rows}",
        selected = sql.own_keys(owner),
        stale = stale(owner, &rows, field),
    );
    statement(sql, text)
}

/// The rows `t` with these keys.
fn rows(sql: &mut Sql, owner: &Owner, of: &[Key]) -> String {
    match of {
        [key] => {
            let table = qualified(&owner.table);
            let is_row = sql.key_is(owner, "t.", &owner_key(owner), key);
            format!("{table} t WHERE {is_row}")
        }
        keys => super::rows_of_keys(sql, owner, keys),
    }
}

pub(crate) fn stale_behind(
    owner: &Owner,
    source: &Source,
    of: &[Key],
    below: &Owner,
    field: usize,
) -> Statement {
    let mut sql = Sql::mysql();
    let owners = rows(&mut sql, owner, of);
    let key = owner_key(below);
    let values: Vec<String> = (1..=key.len()).map(|n| format!("v_{n}")).collect();
    let behind = format!(
        "({rows}) b
           STRAIGHT_JOIN {table} t FORCE INDEX (PRIMARY) ON {same_row}",
        rows = way::rows_of(owner, source, &owners, &key),
        table = qualified(&below.table),
        same_row = equal("t", &key, "b", &values),
    );
    let text = format!(
        "SELECT DISTINCT {selected}
           FROM {behind}
          WHERE {stale}",
        selected = sql.own_keys(below),
        stale = stale(below, &behind, field),
    );
    statement(sql, text)
}

pub(crate) fn stale_anywhere(owner: &Owner, field: usize) -> Statement {
    let sql = Sql::mysql();
    let table = qualified(&owner.table);
    let rows = format!("{table} t");
    // There are usually no marks and no queue; the rows are then not looked up one by one.
    let text = format!(
        "SELECT {keys}
           FROM {rows}
          WHERE {flagged}
             OR (EXISTS (SELECT 1 FROM {marks}) OR EXISTS (SELECT 1 FROM {queue}))
            AND {stale}",
        keys = sql.own_keys(owner),
        flagged = flagged(owner, field),
        marks = qualified(&marks(owner)),
        queue = qualified(&recalculations(owner)),
        stale = stale(owner, &rows, field),
    );
    statement(sql, text)
}

pub(crate) fn clock() -> Statement {
    let now = milliseconds("UTC_TIMESTAMP(6)");
    statement(Sql::mysql(), format!("SELECT {now} AS now"))
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
    ];
    for source in &owner.sources {
        let behind = |keys: &[Key]| stale_behind(owner, source, keys, owner, 0);
        examples.push(named("stale_behind", behind(&of.keys[..1])));
        examples.push(named("stale_behind rows", behind(&of.keys)));
    }
    examples.concat()
}
