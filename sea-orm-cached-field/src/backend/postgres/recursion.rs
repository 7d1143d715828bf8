//! Fields that are calculated from the same field of other rows.

use sea_orm::Statement;

use super::{names, statement, way};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{names::Columns, shared, sql::Sql},
    declaration::Key,
    layout::{Owner, Source},
};

pub(crate) fn circular(owner: &Owner, source: &Source, of: &[Key]) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let keys = names.keys();
    let starts = keys.each(|key| format!("start_{key}"));
    let starting = shared::read::keys(&mut sql, owner, of);

    let step = |from: &str, start: &Columns| {
        format!(
            "
                SELECT {start}, {reached}
                  FROM {from}
                  JOIN {table} f ON {same}{readers}",
            start = start.of(from),
            reached = names.own_key_of("t"),
            table = names.table(),
            same = names.same_row("f", from),
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
        found = names.read(&starts),
        columns = keys,
        start_columns = starts,
        first = step("k", &keys),
        next = step("w", &starts),
        around = starts.of("w").equal(&keys.of("w")),
    );

    statement(sql, text)
}

pub(crate) fn readers(owner: &Owner, source: &Source, key: &Key) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let is_row = sql.key_is(owner, &names.own_key_of("f"), key);
    let text = format!(
        "SELECT DISTINCT {selected}
           FROM {table} f{readers}
          WHERE {is_row}",
        selected = names.read_own_key(),
        table = names.table(),
        readers = way::to_readers(owner, source),
    );
    statement(sql, text)
}

pub(crate) fn retry_readers(owner: &Owner, field: usize, source: &Source, of: &[Key]) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let queue = names.queue();
    let starting = shared::read::keys(&mut sql, owner, of);
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
        table = names.table(),
        same = names.same_row("f", "k"),
        readers = way::to_readers(owner, source),
        queued = names.is_of("q", "t"),
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
