//! Whether a stored value is right.

use sea_orm::Statement;

use super::{DIALECT, as_expiry, milliseconds, names, statement, tables::via, way};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{
        shared,
        sql::{Sql, marks},
    },
    declaration::Key,
    layout::{Owner, Source},
};

/// Whether the field of the row `t` is marked, which is among the rows `t` of this FROM clause;
/// `field` is an SQL expression.
pub(super) fn marked(owner: &Owner, rows: &str, field: &str) -> String {
    let names = names(owner);
    let marks = names.marks();
    let is_listed = DIALECT.is_listed(field, "m.field");
    let own = names.is_of("m", "t");
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
        let via = DIALECT.literal(&via(source));
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
            same_key = names.is_of("w", "t"),
        )
    }));

    let tests = tests.join("\n                 OR ");
    format!("({tests})")
}

/// Whether the field of the row `t` is stale, which is among the rows `t` of this FROM clause:
/// flagged, expired, marked or queued.
fn stale(owner: &Owner, rows: &str, field: usize) -> String {
    let names = names(owner);
    let name = names.field(field);

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
        queue = names.queue(),
        queued = names.is_of("q", "t"),
    )
}

/// Whether the row `t` itself says that its field is stale.
fn flagged(owner: &Owner, field: usize) -> String {
    let column = &owner.fields[field];
    let now = as_expiry(column, "UTC_TIMESTAMP(6)");
    let expires = DIALECT.expiry(column);
    let expired =
        expires.map_or_else(|| "FALSE".to_owned(), |expires| format!("t.{expires} <= {now}"));
    let flag = DIALECT.flag(column);
    format!("t.{flag} OR COALESCE({expired}, FALSE)")
}

pub(crate) fn spelled(owner: &Owner, of: &[Key]) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let numbered: Vec<(i64, &Key)> = (0..).zip(of).collect();
    let place = |sql: &mut Sql, (place, _): &(i64, &Key)| vec![sql.bind(*place)];
    let given =
        super::keyed(&mut sql, owner, &marks(owner), &["id"], &numbered, |(_, key)| key, place);

    let text = format!(
        "SELECT c.id AS place, {selected}
           FROM {given}
           STRAIGHT_JOIN {table} t FORCE INDEX (PRIMARY) ON {same_row}",
        selected = names.read_own_key(),
        table = names.table(),
        same_row = names.same_row("t", "c"),
    );

    statement(sql, text)
}

pub(crate) fn status(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let rows = rows(&mut sql, owner, of);
    let text = format!(
        "SELECT DISTINCT {selected},
                {stale} AS stale
           FROM {rows}",
        selected = names.read_own_key(),
        stale = stale(owner, &rows, field),
    );
    statement(sql, text)
}

/// The rows `t` with these keys.
fn rows(sql: &mut Sql, owner: &Owner, of: &[Key]) -> String {
    let names = names(owner);
    match of {
        [key] => {
            let table = names.table();
            let is_row = sql.key_is(owner, &names.own_key_of("t"), key);
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
    limit: Option<u64>,
) -> Statement {
    let mut sql = Sql::mysql();
    let owners = rows(&mut sql, owner, of);

    let names = names(below);
    let key = names.own_key();
    let behind = format!(
        "({rows}) b
           STRAIGHT_JOIN {table} t FORCE INDEX (PRIMARY) ON {same_row}",
        rows = way::rows_of(owner, source, &owners, &key),
        table = names.table(),
        same_row = key.of("t").equal(&way::values(key.len()).of("b")),
    );

    let text = format!(
        "SELECT DISTINCT {selected}
           FROM {behind}
          WHERE {stale}{limit}",
        selected = names.read_own_key(),
        stale = stale(below, &behind, field),
        limit = shared::read::limit(limit),
    );

    statement(sql, text)
}

pub(crate) fn stale_anywhere(owner: &Owner, field: usize) -> Statement {
    let sql = Sql::mysql();
    let names = names(owner);
    let table = names.table();
    let rows = format!("{table} t");

    // There are usually no marks and no queue; the rows are then not looked up one by one.
    let text = format!(
        "SELECT {keys}
           FROM {rows}
          WHERE {flagged}
             OR (EXISTS (SELECT 1 FROM {marks}) OR EXISTS (SELECT 1 FROM {queue}))
            AND {stale}",
        keys = names.read_own_key(),
        flagged = flagged(owner, field),
        marks = names.marks(),
        queue = names.queue(),
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
        let behind = |keys: &[Key]| stale_behind(owner, source, keys, owner, 0, None);
        examples.push(named("stale_behind", behind(&of.keys[..1])));
        examples.push(named("stale_behind rows", behind(&of.keys)));
    }

    examples.concat()
}
