//! Fields that are calculated from the same field of other rows.

use sea_orm::Statement;

use super::{NOW, statement, way};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{
        repeated,
        sql::{Sql, equal, key_columns, owner_key, prefixed, quote, recalculations},
    },
    declaration::Key,
    layout::{Owner, Source},
};

/// Joins of the rows `t` whose field is calculated from that of the row `f`.
fn to_readers(owner: &Owner, source: &Source) -> String {
    let table = quote(&owner.table.name);
    let linked = way::owners_of(owner, source, "f", "t.");
    format!("JOIN {table} t ON {linked}")
}

pub(crate) fn circular(owner: &Owner, source: &Source, of: &[Key]) -> Statement {
    let mut sql = Sql::sqlite();
    let keys = key_columns(owner);
    let owner_key = owner_key(owner);
    let starts: Vec<String> = keys.iter().map(|key| format!("start_{key}")).collect();
    let tuples = sql.tuples(owner, &repeated(of), |key| key, |_, _| Vec::new());
    let step = |from: &str, start: &[String]| {
        format!(
            "
                SELECT {start}, {reached}
                  FROM {from}
                  JOIN {table} f ON {same}
                  {readers}",
            start = prefixed(from, start),
            reached = prefixed("t", &owner_key),
            table = quote(&owner.table.name),
            same = equal("f", &owner_key, from, &keys),
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
        found = sql.read_keys(owner, &starts),
        columns = keys.join(", "),
        start_columns = starts.join(", "),
        first = step("k", &keys),
        next = step("w", &starts),
        // By the collation of the owner's key, which is that of the left side.
        around = equal("w", &keys, "w", &starts),
    );
    statement(sql, text)
}

pub(crate) fn readers(owner: &Owner, source: &Source, key: &Key) -> Statement {
    let mut sql = Sql::sqlite();
    let is_row = sql.key_is(owner, "f.", &owner_key(owner), key);
    let text = format!(
        "SELECT DISTINCT {selected}
           FROM {table} f
           {join}
          WHERE {is_row}",
        selected = sql.own_keys(owner),
        table = quote(&owner.table.name),
        join = to_readers(owner, source),
    );
    statement(sql, text)
}

pub(crate) fn retry_readers(owner: &Owner, field: usize, source: &Source, of: &[Key]) -> Statement {
    let mut sql = Sql::sqlite();
    let keys = key_columns(owner);
    let owner_key = owner_key(owner);
    let tuples = sql.tuples(owner, &repeated(of), |key| key, |_, _| Vec::new());
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
        queue = quote(&recalculations(owner).name),
        columns = keys.join(", "),
        readers = prefixed("t", &owner_key),
        table = quote(&owner.table.name),
        join = to_readers(owner, source),
        key = prefixed("f", &owner_key),
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
