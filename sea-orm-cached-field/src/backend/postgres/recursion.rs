//! Fields that are calculated from the same field of other rows.

use sea_orm::Statement;

use super::{statement, way};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{
        shared,
        sql::{Sql, equal, key_columns, owner_key, prefixed, qualified, recalculations},
    },
    declaration::Key,
    layout::{Owner, Source},
};

pub(crate) fn circular(owner: &Owner, source: &Source, of: &[Key]) -> Statement {
    let mut sql = Sql::postgres();
    let keys = key_columns(owner);
    let owner_key = owner_key(owner);
    let starts: Vec<String> = keys.iter().map(|key| format!("start_{key}")).collect();
    let starting = shared::keys(&mut sql, owner, of);
    let step = |from: &str, start: &[String]| {
        format!(
            "
                SELECT {start}, {reached}
                  FROM {from}
                  JOIN {table} f ON {same}{readers}",
            start = prefixed(from, start),
            reached = prefixed("t", &owner_key),
            table = qualified(&owner.table),
            same = equal("f", &owner_key, from, &keys),
            readers = way::to_readers(owner, source),
        )
    };
    let text = format!(
        "WITH RECURSIVE {starting},
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
        around = equal("w", &starts, "w", &keys),
    );
    statement(sql, text)
}

pub(crate) fn readers(owner: &Owner, source: &Source, key: &Key) -> Statement {
    let mut sql = Sql::postgres();
    let is_row = sql.key_is(owner, "f.", &owner_key(owner), key);
    let text = format!(
        "SELECT DISTINCT {selected}
           FROM {table} f{readers}
          WHERE {is_row}",
        selected = sql.own_keys(owner),
        table = qualified(&owner.table),
        readers = way::to_readers(owner, source),
    );
    statement(sql, text)
}

pub(crate) fn retry_readers(owner: &Owner, field: usize, source: &Source, of: &[Key]) -> Statement {
    let mut sql = Sql::postgres();
    let queue = qualified(&recalculations(owner));
    let keys = key_columns(owner);
    let owner_key = owner_key(owner);
    let starting = shared::keys(&mut sql, owner, of);
    let name = sql.bind(owner.fields[field].name);
    let text = format!(
        "WITH {starting}
         UPDATE {queue}
            SET due_at = now(), attempts = 0
          WHERE ctid = ANY (ARRAY(
                SELECT s.ctid
                  FROM k
                  JOIN {table} f ON {same}{readers},
                       LATERAL (SELECT q.ctid
                                  FROM {queue} q
                                 WHERE {queued}
                                   AND q.field = {name}
                                   AND q.last_error IS NOT NULL
                                   AND q.leased_until <= now()
                                   FOR UPDATE SKIP LOCKED) s))",
        table = qualified(&owner.table),
        same = equal("f", &owner_key, "k", &keys),
        readers = way::to_readers(owner, source),
        queued = equal("q", &keys, "t", &owner_key),
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
