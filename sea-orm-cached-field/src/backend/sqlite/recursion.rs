//! Fields that are calculated from the same field of other rows.

use sea_orm::Statement;

use super::{NOW, names, statement, way};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{names::Columns, repeated, sql::Sql},
    declaration::Key,
    layout::{Owner, Source},
};

/// Joins of the rows `t` whose field is calculated from that of the row `f`.
fn to_readers(owner: &Owner, source: &Source) -> String {
    let names = names(owner);
    let table = names.table();
    let linked = way::owners_of(owner, source, "f", "t.");
    format!("JOIN {table} t ON {linked}")
}

pub(crate) fn circular(owner: &Owner, source: &Source, of: &[Key]) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let keys = names.keys();
    let starts = keys.each(|key| format!("start_{key}"));
    let tuples = sql.keys(owner, repeated(of));

    let step = |from: &str, start: &Columns| {
        format!(
            "
                SELECT {start}, {reached}
                  FROM {from}
                  JOIN {table} f ON {same}
                  {readers}",
            start = start.of(from),
            reached = names.own_key_of("t"),
            table = names.table(),
            same = names.same_row("f", from),
            readers = to_readers(owner, source),
        )
    };

    let text = format!(
        "WITH RECURSIVE k ({columns}) AS (VALUES {tuples}),
              w ({start_columns}, {columns}) AS ({first}
                 UNION {next})
         SELECT DISTINCT {found}
           FROM w
          WHERE {around}",
        found = names.read(&starts),
        columns = keys,
        start_columns = starts,
        first = step("k", &keys),
        next = step("w", &starts),
        // By the collation of the owner's key, which is that of the left side.
        around = keys.of("w").equal(&starts.of("w")),
    );

    statement(sql, text)
}

pub(crate) fn readers(owner: &Owner, source: &Source, key: &Key) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let is_row = sql.key_is(owner, &names.own_key_of("f"), key);

    let text = format!(
        "SELECT DISTINCT {selected}
           FROM {table} f
           {join}
          WHERE {is_row}",
        selected = names.read_own_key(),
        table = names.table(),
        join = to_readers(owner, source),
    );

    statement(sql, text)
}

pub(crate) fn retry_readers(owner: &Owner, field: usize, source: &Source, of: &[Key]) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let tuples = sql.keys(owner, repeated(of));
    let name = sql.bind(owner.fields[field].name);

    let text = format!(
        "UPDATE {queue}
            SET due_at = {NOW}, attempts = 0
          WHERE ({columns}) IN (
                SELECT {readers}
                  FROM {table} f
                  {join}
                 WHERE ({key}) IN (VALUES {tuples}))
            AND field = {name}
            AND last_error IS NOT NULL
            AND leased_until <= {NOW}",
        queue = names.queue(),
        columns = names.keys(),
        readers = names.own_key_of("t"),
        table = names.table(),
        join = to_readers(owner, source),
        key = names.own_key_of("f"),
    );

    statement(sql, text)
}

#[cfg(test)]
pub(crate) fn examples(of: &Example) -> Vec<Named> {
    let owner = &of.owner;
    let of_source = |source| {
        [
            named("circular", circular(owner, source, &of.keys)),
            named("readers", readers(owner, source, &of.keys[0])),
            named("retry_readers", retry_readers(owner, 0, source, &of.keys)),
        ]
        .concat()
    };
    owner.sources.iter().flat_map(of_source).collect()
}
