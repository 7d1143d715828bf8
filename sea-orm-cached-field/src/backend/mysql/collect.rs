//! Collecting: marks become rows of the queue.

use sea_orm::{Statement, Value};

use super::{DIALECT, KEPT, mark, names, now, remember_now, statement, tables::via, way};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{
        names::Columns,
        repeated, shared,
        sql::{Sql, marks, recalculations},
    },
    declaration::{Chunk, Key},
    layout::{Owner, Source, Upstream},
    queue::{Enqueued, Mark, MarkedChunk},
};

/// What is read of a mark that names a related row.
const LINK: &str = "m.id, m.field, m.link, m.link_hash";

/// Tuples of one value each, as many as a statement has of them.
fn tuples<T: Copy + Into<Value>>(sql: &mut Sql, values: &[T]) -> Columns {
    let bound: Columns = repeated(values).into_iter().map(|value| sql.bind(*value)).collect();
    bound.each(|value| format!("({value})"))
}

/// No limit.
const ALL: &str = "18446744073709551615";

/// How many of the oldest marks are looked at for each that is locked: other workers may hold some.
const LOOKED_AT: u64 = 4;

/// Locks, of the marks whose ids are found, those that no transaction holds, at most so many and in
/// their order. A question of its own finds them, which locks nothing. A scan that locks gives an
/// explicit lock to the transaction that has inserted what it meets and not committed. InnoDB may
/// hand such a lock on to a gap, as when a page is split, where other users' marks wait for it, and
/// deadlock.
fn locked(owner: &Owner, read: &str, ids: &str, limit: &str) -> String {
    let names = names(owner);
    format!(
        "SELECT {read}
           FROM (
                {ids}) c
           STRAIGHT_JOIN {marks} m FORCE INDEX (PRIMARY) ON m.id = c.id
          LIMIT {limit}
            FOR UPDATE SKIP LOCKED",
        marks = names.marks(),
    )
}

pub(super) fn take_links(
    owner: &Owner,
    source: &Source,
    limit: u64,
    key: Option<&Key>,
) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let marks = names.marks();
    let via = DIALECT.literal(&via(source));
    let looked_at = sql.bind(limit.saturating_mul(LOOKED_AT).min(i64::MAX as u64) as i64);

    let ids = match key {
        None => format!(
            "SELECT n.id
                  FROM {marks} n FORCE INDEX (by_via)
                 WHERE n.via = {via}
                 ORDER BY n.id
                 LIMIT {looked_at}"
        ),
        Some(key) => {
            let is_row = sql.key_is(owner, &names.own_key_of("t"), key);
            let table = names.table();
            let rows = format!("{table} t WHERE {is_row}");
            format!(
                "SELECT n.id
                  FROM (SELECT DISTINCT w.link_hash
                          FROM ({hashes}) w) w
                  STRAIGHT_JOIN {marks} n FORCE INDEX (by_link)
                    ON n.link_hash = w.link_hash
                   AND n.via = {via}
                 LIMIT {looked_at}",
                hashes = way::hashes(owner, source, &rows),
            )
        }
    };

    let limit = sql.bind(limit as i64);
    let text = locked(owner, LINK, &ids, &limit);
    statement(sql, text)
}

pub(super) fn take_links_like(
    owner: &Owner,
    source: &Source,
    hashes: &[u32],
    limit: u64,
) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let hashes = tuples(&mut sql, hashes);

    let ids = format!(
        "SELECT DISTINCT n.id
                  FROM ({hashes}) w
                  STRAIGHT_JOIN {marks} n FORCE INDEX (by_link)
                    ON n.link_hash = w.link_hash
                   AND n.via = {via}
                 LIMIT {limit}",
        hashes = super::values(&Columns::from(["m.link_hash"]), &marks(owner), &hashes),
        marks = names.marks(),
        via = DIALECT.literal(&via(source)),
        limit = sql.bind(limit as i64),
    );

    let text = locked(owner, LINK, &ids, ALL);
    statement(sql, text)
}

pub(super) fn marks_behind_links(
    owner: &Owner,
    source: &Source,
    links: &[(i64, String)],
    [after, to]: [Option<&Key>; 2],
    limit: Option<u64>,
) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let chunk = Chunk { after: after.cloned(), to: to.cloned() };
    let range = shared::chunks::rows_of(&mut sql, owner, &chunk);
    let limit = limit.map_or_else(String::new, |limit| format!(" LIMIT {limit}"));

    let text = format!(
        "SELECT m.field, {read}, {marked_at} AS marked_at
           FROM ({owners}
                  WHERE {range}) o
           STRAIGHT_JOIN {marks} m FORCE INDEX (PRIMARY) ON m.id = o.id
          GROUP BY {keys}, m.field{limit}",
        read = names.read_keys_of("o"),
        marked_at = super::milliseconds("MIN(m.marked_at)"),
        owners = way::to_owners(&mut sql, owner, source, links),
        marks = names.marks(),
        keys = names.keys_of("o"),
    );

    statement(sql, text)
}

/// By values: `INSERT .. SELECT` would lock the table's AUTO_INCREMENT until it ends. A mark of a
/// user that waits for it takes that lock, too, until the user's own statement ends.
pub(super) fn append_marks(owner: &Owner, appended: &[Mark]) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let rest = |sql: &mut Sql, mark: &Mark| {
        vec![sql.bind(mark.field.as_str()), super::moment(&sql.bind(mark.marked_at))]
    };
    let tuples = sql.tuples(owner, appended, |mark| &mark.key, rest);
    let marks = names.marks();
    let columns = names.keys();

    let text = format!(
        "INSERT INTO {marks} ({columns}, field, marked_at)
         VALUES {tuples}"
    );

    statement(sql, text)
}

/// What is read of a mark that is taken away.
fn read(owner: &Owner) -> String {
    let names = names(owner);
    let keys = names.read_keys_of("m");
    let marked_at = super::milliseconds("m.marked_at");
    format!(
        "{keys}, m.id, m.field, m.eager,
                {marked_at} AS marked_at"
    )
}

pub(super) fn take_marks(owner: &Owner, limit: u64) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let looked_at = limit.saturating_mul(LOOKED_AT).min(i64::MAX as u64) as i64;

    let ids = format!(
        "SELECT n.id
                  FROM {marks} n FORCE INDEX (by_via)
                 WHERE n.via IS NULL
                   AND {known}
                 ORDER BY n.id
                 LIMIT {looked_at}",
        marks = names.marks(),
        known = names.lists_known("n.field"),
        looked_at = sql.bind(looked_at),
    );

    let limit = sql.bind(limit as i64);
    let text = locked(owner, &read(owner), &ids, &limit);
    statement(sql, text)
}

pub(super) fn take_marks_of(owner: &Owner, of: &[Key], limit: u64) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);

    let ids = format!(
        "SELECT DISTINCT n.id
                  FROM {of}
                  STRAIGHT_JOIN {marks} n FORCE INDEX (by_key) ON {same_key}
                 WHERE {known}
                 LIMIT {limit}",
        of = super::keys(&mut sql, owner, of),
        limit = sql.bind(limit as i64),
        marks = names.marks(),
        same_key = names.same_key("n", "c"),
        known = names.lists_known("n.field"),
    );

    let text = locked(owner, &read(owner), &ids, ALL);
    statement(sql, text)
}

pub(super) fn delete_marks(owner: &Owner, ids: &[i64]) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let ids = tuples(&mut sql, ids);
    let text = format!(
        "DELETE m
           FROM ({ids}) c
           STRAIGHT_JOIN {marks} m FORCE INDEX (PRIMARY) ON m.id = c.id",
        ids = super::values(&Columns::from(["m.id"]), &marks(owner), &ids),
        marks = names.marks(),
    );
    statement(sql, text)
}

/// A row that is leased keeps its lease; its holder notices the new generation when it completes.
/// The assignments see those before them.
pub(crate) fn enqueue(owner: &Owner, rows: &[Enqueued], lease: i64) -> Vec<Statement> {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let queue = recalculations(owner);
    let now = now();

    let rest = |sql: &mut Sql, row: &Enqueued| {
        let lease = if row.lease { lease } else { 0 };
        let field = sql.bind(owner.fields[row.field].name);
        let generation = sql.bind(row.generation);
        let marked_at = sql.bind(row.marked_at);
        vec![field, generation, marked_at, sql.bind(lease)]
    };
    let columns =
        ["field", "generation AS new_generation", "generation AS marked_at", "generation AS lease"];
    let enqueued = super::keyed(&mut sql, owner, &queue, &columns, rows, |row| &row.key, rest);

    let due = match owner.debounced().next() {
        None => now.clone(),
        Some(_) => {
            let wait = DIALECT.by_field("c.field", owner.debounced(), 0);
            super::after(&now, &wait)
        }
    };

    // With `debounce` no later than it was, or a row that changes all the time would never be due.
    let due_again = match owner.debounced().next() {
        None => "VALUES(due_at)".to_owned(),
        Some(_) => {
            format!(
                "IF(leased_until > {now}, VALUES(due_at),
                            LEAST(COALESCE(due_at, VALUES(due_at)), VALUES(due_at)))"
            )
        }
    };

    let text = format!(
        "INSERT INTO {queue} (
                {columns}, field, generation, due_at, leased_until, attempts, stale_since)
         SELECT {selected}, c.field, c.new_generation,
                {due},
                IF(c.lease > 0, {leased_until}, {never}),
                c.lease > 0,
                {marked_at}
           FROM {enqueued}
         ON DUPLICATE KEY UPDATE
                generation = VALUES(generation),
                due_at = {due_again},
                last_error = NULL,
                waves = GREATEST(waves, 0),
                stale_since = COALESCE(stale_since, VALUES(stale_since)),
                attempts = IF(leased_until > {now}, attempts, VALUES(attempts)),
                leased_until = IF(leased_until > {now}, leased_until, VALUES(leased_until))",
        queue = names.queue(),
        columns = names.keys(),
        selected = names.keys_of("c"),
        leased_until = super::after(&now, "CAST(c.lease AS SIGNED)"),
        never = super::moment("0"),
        marked_at = super::moment("CAST(c.marked_at AS SIGNED)"),
    );

    let queued: Vec<(&Key, usize)> = rows.iter().map(|row| (&row.key, row.field)).collect();
    vec![remember_now(), statement(sql, text), super::claim::leased(owner, &queued, lease)]
}

pub(crate) fn change_generation(owner: &Owner, rows: &[Enqueued]) -> Vec<Statement> {
    let names = names(owner);
    let of_row = |row: &Enqueued| {
        let mut sql = Sql::mysql();
        let generation = sql.bind(row.generation);
        let field = sql.bind(owner.fields[row.field].name);
        let is_row = sql.key_is(owner, &names.keys(), &row.key);
        let queue = names.queue();
        let text = format!(
            "UPDATE {queue}
                SET generation = {generation}
              WHERE {is_row}
                AND field = {field}"
        );
        statement(sql, text)
    };

    rows.iter().map(of_row).collect()
}

pub(super) fn flag_missing(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let flag = names.flag(field);
    let rows = super::rows_of_keys(&mut sql, owner, of);
    let rows = format!(
        "{rows}
                 WHERE NOT t.{flag}
                 LIMIT {ALL}"
    );
    let text = mark::write_unlocked(owner, &rows, &format!("{flag} = {KEPT}"));
    statement(sql, text)
}

pub(crate) fn take_chunks(
    owner: &Owner,
    fields: &[usize],
    upstream: &[Upstream],
    limit: u64,
) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);

    let ids = format!(
        "SELECT m.id
                  FROM {marks} m FORCE INDEX (by_via)
                 WHERE {takeable}
                 ORDER BY m.id
                 LIMIT {looked_at}",
        marks = names.marks(),
        takeable = shared::chunks::takeable_chunks(&sql, owner, fields, upstream),
        looked_at = sql.bind(limit.saturating_mul(LOOKED_AT) as i64),
    );

    let limit = sql.bind(limit as i64);
    let chunks = names.marked_chunks();
    let marked_at = super::milliseconds("m.marked_at");
    let read = format!("m.id, m.field, {marked_at} AS marked_at, {chunks}");
    let text = locked(owner, &read, &ids, &limit);
    statement(sql, text)
}

/// Rows that are in the queue already are left out: the statement waits for none of them.
pub(crate) fn enqueue_chunk(owner: &Owner, marked: &MarkedChunk) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let queue = names.queue();
    let MarkedChunk { field, marked_at, chunk, .. } = marked;
    let name = names.field(*field);
    let marked_at = sql.bind(*marked_at);
    let generation = sql.bind(fastrand::i64(1..));

    let text = format!(
        "INSERT IGNORE INTO {queue} ({columns}, field, generation, stale_since)
         SELECT {selected}, {name}, {generation}, {since}
           FROM {table} t FORCE INDEX (PRIMARY)
          WHERE t.{flag}
            AND {range}
            AND NOT EXISTS (
                SELECT 1
                  FROM {queue} q
                 WHERE {range_of_queue}
                   AND {queued}
                   AND q.field = {name})",
        columns = names.keys(),
        selected = names.own_key_of("t"),
        since = super::moment(&marked_at),
        table = names.table(),
        flag = names.flag(*field),
        range = shared::chunks::rows_of(&mut sql, owner, chunk),
        range_of_queue = shared::chunks::range_of(&mut sql, owner, &names.keys_of("q"), chunk),
        queued = names.is_of("q", "t"),
    );

    statement(sql, text)
}

#[cfg(test)]
pub(crate) fn examples(of: &Example) -> Vec<Named> {
    let owner = &of.owner;
    let parts = crate::backend::sizes::parts(of.marks()).into_iter();
    let appended = parts.map(|part| append_marks(owner, part));
    let mut examples = vec![
        named("take_chunks", take_chunks(owner, &[0], &of.upstream, 100)),
        named("enqueue_chunk", enqueue_chunk(owner, &of.marked_chunk())),
        named("enqueue", enqueue(owner, &of.enqueued, 1000)),
        named("change_generation", change_generation(owner, &of.enqueued)),
        named("take_marks", take_marks(owner, 100)),
        named("take_marks_of", take_marks_of(owner, &of.keys, 100)),
        named("delete_marks", delete_marks(owner, &of.ids)),
        named("append_marks", appended.collect::<Vec<_>>()),
        named("flag_missing", flag_missing(owner, 0, &of.keys)),
    ];

    for source in owner.looked_up() {
        let of_row = take_links(owner, source, 100, Some(&of.keys[0]));
        let links = of.links();
        let end = Some(&of.keys[0]);
        let behind = |range| marks_behind_links(owner, source, &links, range, Some(100));
        examples.extend([
            named("take_links", take_links(owner, source, 100, None)),
            named("take_links of a row", of_row),
            named("take_links_like", take_links_like(owner, source, &of.hashes(), 100)),
            named("marks_behind_links", behind([None, None])),
            named("marks_behind_links in a range", behind([end, end])),
        ]);
    }

    examples.concat()
}
