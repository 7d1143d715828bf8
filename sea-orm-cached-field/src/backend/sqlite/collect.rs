//! Collecting: marks become rows of the queue.

use sea_orm::Statement;

use super::{DIALECT, NOW, names, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{repeated, shared, sql::Sql},
    layout::{Owner, Upstream},
    queue::{Collect, Enqueued, MarkedChunk, Which},
};

/// The marks that are collected, as a table with a condition.
fn chosen(sql: &mut Sql, owner: &Owner, which: Which<'_>) -> String {
    let names = names(owner);
    let keys = names.keys();
    let marks = names.marks();
    let known = names.lists_known("field");

    let chosen = match which {
        Which::Of(keys) => {
            let tuples = sql.keys(owner, repeated(keys));
            format!("VALUES {tuples}")
        }
        Which::Oldest(limit) => {
            let limit = sql.bind(limit as i64);
            format!(
                "SELECT {keys}
                           FROM {marks}
                          WHERE key_1 IS NOT NULL
                            AND {known}
                          ORDER BY id
                          LIMIT {limit}"
            )
        }
    };

    format!(
        "{marks}
                  WHERE ({keys}) IN (
                         {chosen})
                    AND {known}"
    )
}

/// The marks that are collected, as a table that has each once for each of its fields.
fn marked(sql: &mut Sql, owner: &Owner, which: Which<'_>) -> String {
    let names = names(owner);
    let keys = names.keys();
    let fields = names.all_fields().each(|name| format!("({name})"));
    format!(
        "(SELECT {keys}, f.column1 AS field, m.eager, m.marked_at
                   FROM (SELECT * FROM {chosen}) m,
                        (VALUES {fields}) f
                  WHERE {listed})",
        chosen = chosen(sql, owner, which),
        listed = DIALECT.is_listed("f.column1", "m.field"),
    )
}

/// When each field of a row that is queued was last marked.
pub(super) fn last_marks(owner: &Owner, request: &Collect<'_>) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let keys = names.keys();

    let text = format!(
        "SELECT {read}, field,
                max(marked_at) AS marked_at
           FROM {marked}
          GROUP BY {keys}, field{eager}",
        read = names.read(&keys),
        marked = marked(&mut sql, owner, request.which),
        eager = if_eager(owner, request.lazy),
    );

    statement(sql, text)
}

/// Queues what the marks are of, then takes them away: this transaction is the one writer, so both
/// find the same. A row that is leased keeps its lease; its holder notices the new generation when
/// it completes. The first statement returns what it has queued, the last one deletes the marks.
pub(super) fn collect(owner: &Owner, request: &Collect<'_>) -> (Statement, Vec<Statement>) {
    let Collect { which, lease, leased, lazy, .. } = *request;
    let names = names(owner);
    let keys = names.keys();
    let marks = names.marks();

    let mut sql = Sql::sqlite();
    let lease = sql.bind(lease);
    let is_leased = match leased {
        Some(field) => {
            let name = names.field(field);
            format!("{lease} > 0 AND field = {name}")
        }
        None => format!("{lease} > 0"),
    };

    let text = format!(
        "INSERT INTO {queue} AS q (
                {keys}, field, generation, due_at, leased_until, attempts, stale_since)
         SELECT {keys}, field, abs(random() / 2) + 1,
                {due},
                CASE WHEN {is_leased} THEN {NOW} + {lease} ELSE 0 END,
                {is_leased},
                min(marked_at)
           FROM {marked}
          WHERE true
          GROUP BY {keys}, field{eager}
         ON CONFLICT ({keys}, field) DO UPDATE SET
                {changes}
         RETURNING {returned}, field, generation, attempts, waves,
                {NOW} AS claimed_at,
                stale_since,
                leased_until = {NOW} + {lease} AS leased,
                1 AS eager, 1 AS flagged, 0 AS marks",
        queue = names.queue(),
        due = due(owner, "field"),
        marked = marked(&mut sql, owner, which),
        eager = if_eager(owner, lazy),
        changes = queued_again(owner),
        returned = names.read(&names.keys()),
    );
    let queue = statement(sql, text);

    let mut rest = Vec::new();
    if !lazy.is_empty() {
        let mut sql = Sql::sqlite();
        let text = format!(
            "UPDATE {queue}
                SET generation = abs(random() / 2) + 1
              WHERE ({keys}, field) IN (
                    SELECT {keys}, field
                      FROM {marked}
                     GROUP BY {keys}, field
                    HAVING NOT {is_eager})",
            queue = names.queue(),
            marked = marked(&mut sql, owner, which),
            is_eager = is_eager(owner, lazy),
        );
        rest.push(statement(sql, text));
    }

    let mut kept = Sql::sqlite();
    // A name at a time, for a function in a function for each name is too deep for the parsers of
    // some SQLites.
    let keep = format!(
        "INSERT INTO {marks} ({keys}, field, marked_at)
         SELECT {keys}, unknown, marked_at
           FROM (SELECT {keys}, marked_at, (
                        WITH RECURSIVE n (name, rest) AS (
                          SELECT '', field || ','
                          UNION ALL
                          SELECT substr(rest, 1, instr(rest, ',') - 1),
                                 substr(rest, instr(rest, ',') + 1)
                            FROM n
                           WHERE rest <> '')
                        SELECT group_concat(name, ',')
                          FROM n
                         WHERE name NOT IN ('', {names})) AS unknown
                   FROM {chosen}) m
          WHERE unknown IS NOT NULL",
        names = names.all_fields(),
        chosen = chosen(&mut kept, owner, which),
    );

    let mut taken = Sql::sqlite();
    let chosen = chosen(&mut taken, owner, which);
    let take = format!("DELETE FROM {chosen}");
    rest.extend([statement(kept, keep), statement(taken, take)]);

    (queue, rest)
}

/// Whether a group of marks of one field of a row is to be queued. Its row is flagged already.
fn is_eager(owner: &Owner, lazy: &[usize]) -> String {
    let lazy = lazy.iter().map(|field| (&owner.fields[*field], 0));
    let by_default = DIALECT.by_field("field", lazy, 1);
    format!("max(coalesce(eager, {by_default}))")
}

/// ` HAVING ..`: leaves groups of marks out that are not to be queued.
fn if_eager(owner: &Owner, lazy: &[usize]) -> String {
    if lazy.is_empty() {
        return String::new();
    }
    let is_eager = is_eager(owner, lazy);
    format!("\n         HAVING {is_eager}")
}

/// When something that is marked is due.
fn due(owner: &Owner, field: &str) -> String {
    if owner.debounced().next().is_none() {
        return NOW.to_owned();
    }
    let wait = DIALECT.by_field(field, owner.debounced(), 0);
    format!("{NOW} + {wait}")
}

/// What becomes of a row of the queue `q` that is marked again. With `debounce` it is due no later
/// than it was, or a row that changes all the time would never be.
fn queued_again(owner: &Owner) -> String {
    let due = match owner.debounced().next() {
        None => "excluded.due_at".to_owned(),
        Some(_) => format!(
            "CASE WHEN q.leased_until > {NOW} THEN excluded.due_at
                     ELSE min(coalesce(q.due_at, excluded.due_at), excluded.due_at) END"
        ),
    };

    format!(
        "generation = excluded.generation,
                due_at = {due},
                last_error = NULL,
                waves = max(q.waves, 0),
                stale_since = coalesce(q.stale_since, excluded.stale_since),
                attempts = CASE WHEN q.leased_until > {NOW} THEN q.attempts
                     ELSE excluded.attempts END,
                leased_until = CASE WHEN q.leased_until > {NOW} THEN q.leased_until
                     ELSE excluded.leased_until END"
    )
}

/// A row that is leased keeps its lease; its holder notices the new generation when it completes.
pub(crate) fn enqueue(owner: &Owner, rows: &[Enqueued], lease: i64) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let queued = shared::collect::queued(&mut sql, owner, rows, lease);
    let lease = sql.bind(lease);

    let text = format!(
        "WITH {queued}
         INSERT INTO {queue} AS q (
                {columns}, field, generation, due_at, leased_until, attempts, stale_since)
         SELECT {selected}, v.field, v.generation,
                {due},
                CASE WHEN v.lease > 0 THEN {NOW} + v.lease ELSE 0 END,
                v.lease > 0,
                v.marked_at
           FROM v
          WHERE true
         ON CONFLICT ({columns}, field) DO UPDATE SET
                {changes}
         RETURNING {returned}, field, generation, attempts, waves,
                {NOW} AS claimed_at,
                stale_since,
                leased_until = {NOW} + {lease} AS leased",
        queue = names.queue(),
        columns = names.keys(),
        selected = names.keys_of("v"),
        due = due(owner, "v.field"),
        changes = queued_again(owner),
        returned = names.read(&names.keys()),
    );

    statement(sql, text)
}

pub(crate) fn take_chunks(
    owner: &Owner,
    fields: &[usize],
    upstream: &[Upstream],
    limit: u64,
) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);

    let text = format!(
        "SELECT m.id, m.field, m.marked_at, {chunks}
           FROM {marks} m
          WHERE {takeable}
          ORDER BY m.id
          LIMIT {limit}",
        chunks = names.marked_chunks(),
        marks = names.marks(),
        takeable = shared::chunks::takeable_chunks(&sql, owner, fields, upstream),
        limit = sql.bind(limit as i64),
    );

    statement(sql, text)
}

pub(crate) fn enqueue_chunk(owner: &Owner, marked: &MarkedChunk) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let MarkedChunk { field, marked_at, chunk, .. } = marked;

    let text = format!(
        "INSERT INTO {queue} ({columns}, field, generation, stale_since)
         SELECT {selected}, {name}, abs(random() / 2) + 1, {marked_at}
           FROM {table} t
          WHERE t.{flag}
            AND {range}
         ON CONFLICT DO NOTHING",
        queue = names.queue(),
        columns = names.keys(),
        selected = names.own_key_of("t"),
        name = names.field(*field),
        marked_at = sql.bind(*marked_at),
        table = names.table(),
        flag = names.flag(*field),
        range = shared::chunks::rows_of(&mut sql, owner, chunk),
    );

    statement(sql, text)
}

pub(crate) fn change_generation(owner: &Owner, rows: &[Enqueued]) -> Statement {
    shared::collect::change_generation(Sql::sqlite(), owner, rows)
}

#[cfg(test)]
pub(crate) fn examples(of: &Example) -> Vec<Named> {
    let owner = &of.owner;
    let oldest = Collect {
        which: Which::Oldest(100),
        lease: 1000,
        leased: None,
        lazy: &[],
        with_last_marks: false,
    };
    let lazily = Collect { lazy: &[0], ..oldest };
    let of_rows = Collect { which: Which::Of(&of.keys), leased: Some(0), ..oldest };
    let all = |(queue, rest): (Statement, Vec<Statement>)| [vec![queue], rest].concat();
    [
        named("take_chunks", take_chunks(owner, &[0], &of.upstream, 100)),
        named("enqueue_chunk", enqueue_chunk(owner, &of.marked_chunk())),
        named("enqueue", enqueue(owner, &of.enqueued, 1000)),
        named("change_generation", change_generation(owner, &of.enqueued)),
        named("collect", all(collect(owner, &oldest))),
        named("collect lazily", all(collect(owner, &lazily))),
        named("collect of rows", all(collect(owner, &of_rows))),
        named("last_marks", last_marks(owner, &oldest)),
        named("last_marks lazily", last_marks(owner, &lazily)),
    ]
    .concat()
}
