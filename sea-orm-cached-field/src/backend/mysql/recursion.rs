//! Fields that are calculated from the same field of other rows.

use sea_orm::Statement;

use super::{names, statement, way};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::sql::Sql,
    declaration::Key,
    layout::{Owner, Source},
};

/// No recursion may stand inside another here, so a group of steps that is followed any number of
/// times is followed once at a time. If the group is the whole way, the rows in between are the
/// owner's, and the recursion comes to the same.
pub(crate) fn detects_cycles(source: &Source) -> bool {
    source.repeated.iter().all(|group| *group == (0..source.at + 1))
}

pub(crate) fn circular(owner: &Owner, source: &Source, of: &[Key]) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let keys = names.keys();
    let starts = keys.each(|key| format!("start_{key}"));
    let of = super::keys(&mut sql, owner, of);
    let table = names.table();
    let readers = way::joined_readers(owner, source);

    let text = format!(
        "SELECT DISTINCT {found}
           FROM (WITH RECURSIVE w ({start_columns}, {columns}) AS (
                 SELECT {first}, {reached}
                   FROM {of}
                   STRAIGHT_JOIN {table} f FORCE INDEX (PRIMARY) ON {given}{readers}
                  UNION
                 SELECT {start}, {reached}
                   FROM w
                   STRAIGHT_JOIN {table} f ON {same}{readers})
                 SELECT * FROM w) w
          WHERE {around}",
        found = names.read(&starts),
        start_columns = starts,
        columns = keys,
        first = names.keys_of("c"),
        given = names.same_row("f", "c"),
        reached = names.own_key_of("t"),
        start = starts.of("w"),
        same = names.same_row("f", "w"),
        around = starts.of("w").equal(&keys.of("w")),
    );

    statement(sql, text)
}

pub(crate) fn readers(owner: &Owner, source: &Source, key: &Key) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let row = super::keys(&mut sql, owner, std::slice::from_ref(key));
    let readers = way::readers(owner, source, &row);
    let keys = names.read_keys_of("k");
    let text = format!("SELECT DISTINCT {keys} FROM ({readers}) k");
    statement(sql, text)
}

/// An INSERT that always meets the row that it has read. Of all writing statements only this one
/// joins the user's tables without locking their rows.
pub(crate) fn retry_readers(owner: &Owner, field: usize, source: &Source, of: &[Key]) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let queue = names.queue();
    let rows = super::keys(&mut sql, owner, of);
    let name = sql.bind(owner.fields[field].name);

    let text = format!(
        "INSERT INTO {queue} ({columns}, field, generation)
         SELECT {selected}, q.field, q.generation
           FROM (SELECT DISTINCT {readers}
                   FROM ({found}) k) k
           STRAIGHT_JOIN {queue} q FORCE INDEX (PRIMARY)
             ON {queued}
            AND q.field = {name}
          WHERE q.last_error IS NOT NULL
            AND q.leased_until <= UTC_TIMESTAMP(6)
         ON DUPLICATE KEY UPDATE
                {queue}.due_at = UTC_TIMESTAMP(6),
                {queue}.attempts = 0",
        columns = names.keys(),
        selected = names.keys_of("q"),
        readers = names.keys_of("k"),
        found = way::readers(owner, source, &rows),
        queued = names.same_key("q", "k"),
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
