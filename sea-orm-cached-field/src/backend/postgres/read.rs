//! Whether a stored value is right.

use sea_orm::Statement;

use super::{DIALECT, NOW, as_expiry, names, statement, tables::via, way};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{shared, sql::Sql},
    declaration::Key,
    layout::{Owner, Source},
};

/// PostgreSQL expects so many rows of a recursion that it would compile each question that follows
/// one, for seconds.
pub(crate) fn settings() -> Statement {
    statement(Sql::postgres(), "SELECT set_config('jit', 'off', true)".to_owned())
}

/// Whether the field of the row `t` is marked; `field` is an SQL expression. `OFFSET 0` keeps the
/// planner from looking at all marks at once, as it does where it takes them for few.
pub(super) fn marked(owner: &Owner, field: &str) -> String {
    let names = names(owner);
    let marks = names.marks();
    let own = names.is_of("m", "t");
    let listed = DIALECT.is_listed(field, "m.field");

    let is_marked = format!(
        "EXISTS (
                SELECT
                  FROM {marks} m
                 WHERE {own}
                   AND {listed}
                OFFSET 0)"
    );

    let mut tests = vec![is_marked];
    tests.extend(owner.looked_up().map(|source| {
        let via = DIALECT.literal(&via(source));
        let (before, link) = way::from_owner(source);
        // There are usually no such marks; the joins are then skipped.
        format!(
            "(EXISTS (SELECT FROM {marks} WHERE via = {via} ORDER BY link, id OFFSET 0)
                AND EXISTS (
                SELECT
                  FROM {before}
                  CROSS JOIN LATERAL (
                       SELECT
                         FROM {marks} m
                        WHERE m.via = {via}
                          AND m.link = {link}
                          AND {listed}
                       OFFSET 0) m
                OFFSET 0))"
        )
    }));

    let tests = tests.join("\n                 OR ");
    format!("({tests})")
}

/// Whether the field of the row `t` is stale: flagged, expired, marked or queued.
fn stale(owner: &Owner, field: usize) -> String {
    let names = names(owner);
    let name = names.field(field);

    format!(
        "({flagged}
                OR {marked}
                OR EXISTS (
                SELECT
                  FROM {queue} q
                 WHERE {queued}
                   AND q.field = {name}
                OFFSET 0))",
        flagged = flagged(owner, field),
        marked = marked(owner, &name),
        queue = names.queue(),
        queued = names.is_of("q", "t"),
    )
}

/// Whether the row `t` itself says that its field is stale.
fn flagged(owner: &Owner, field: usize) -> String {
    let column = &owner.fields[field];
    let now = as_expiry(column, "now()");
    let expires = DIALECT.expiry(column);
    let expired =
        expires.map_or_else(|| "false".to_owned(), |expires| format!("t.{expires} <= {now}"));
    let flag = DIALECT.flag(column);
    format!("t.{flag} OR coalesce({expired}, false)")
}

pub(crate) fn spelled(owner: &Owner, keys: &[Key]) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let given = shared::read::numbered(&mut sql, owner, keys);

    let text = format!(
        "WITH {given}
         SELECT k.place, {selected}
           FROM k
          CROSS JOIN LATERAL (SELECT * FROM {table} r WHERE {same_row} OFFSET 0) t",
        selected = names.read_own_key(),
        table = names.table(),
        same_row = names.same_row("r", "k"),
    );

    statement(sql, text)
}

pub(crate) fn status(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let (with, rows, are_rows) = rows(&mut sql, owner, of);
    let text = format!(
        "{with}SELECT {selected},
                {stale} AS stale
           FROM {rows}
          WHERE {are_rows}",
        selected = names.read_own_key(),
        stale = stale(owner, field),
    );
    statement(sql, text)
}

/// The rows `t` with these keys: what stands before a query, in its FROM clause, and in its
/// condition.
fn rows(sql: &mut Sql, owner: &Owner, of: &[Key]) -> (String, String, String) {
    let names = names(owner);
    let table = names.table();
    if let [key] = of {
        return (
            String::new(),
            format!("{table} t"),
            sql.key_is(owner, &names.own_key_of("t"), key).to_string(),
        );
    }

    let keys = shared::read::keys(sql, owner, of);
    let with = format!("WITH {keys}\n         ");
    let same_row = names.same_row("r", "k");
    let rows = format!(
        "k
          CROSS JOIN LATERAL (SELECT * FROM {table} r WHERE {same_row} OFFSET 0) t"
    );

    (with, rows, "true".to_owned())
}

pub(crate) fn stale_behind(
    owner: &Owner,
    source: &Source,
    of: &[Key],
    below: &Owner,
    field: usize,
    limit: Option<u64>,
) -> Statement {
    let mut sql = Sql::postgres();
    let (with, owners, are_rows) = rows(&mut sql, owner, of);
    let (behind, row) = way::rows_of(source);

    let text = format!(
        "{with}SELECT DISTINCT {selected}
           FROM (SELECT s.*
                   FROM {owners}
                  CROSS JOIN LATERAL (SELECT {row}.* FROM {behind}) s
                  WHERE {are_rows}) t
          WHERE {stale}{limit}",
        selected = names(below).read_own_key(),
        stale = stale(below, field),
        limit = shared::read::limit(limit),
    );

    statement(sql, text)
}

pub(crate) fn stale_anywhere(owner: &Owner, field: usize) -> Statement {
    let sql = Sql::postgres();
    let names = names(owner);

    // There are usually no marks and no queue; the rows are then not looked up one by one.
    let text = format!(
        "SELECT {keys}
           FROM {table} t
          WHERE {flagged}
             OR (EXISTS (SELECT FROM {marks}) OR EXISTS (SELECT FROM {queue}))
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
    statement(Sql::postgres(), format!("SELECT {NOW} AS now"))
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
        named("settings", settings()),
    ];

    for source in &owner.sources {
        let behind = |keys: &[Key]| stale_behind(owner, source, keys, owner, 0, None);
        examples.push(named("stale_behind", behind(&of.keys[..1])));
        examples.push(named("stale_behind rows", behind(&of.keys)));
    }

    examples.concat()
}
