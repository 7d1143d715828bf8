//! Collecting: marks become rows of the queue.

use sea_orm::Statement;

use super::{DIALECT, NOW, functions, names, statement, way};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{bound::Bound, shared, sql::Sql},
    declaration::Key,
    layout::{Field, Owner, Source, Upstream},
    queue::{Collect, Enqueued, MarkedChunk, Which},
};

pub(super) fn expand_marks(
    owner: &Owner,
    source: &Source,
    limit: u64,
    key: Option<&Key>,
) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let limit = sql.bind(limit as i64);
    let expand = functions::function(owner, &functions::expand_suffix(source));

    let text = match key {
        None => format!("SELECT {expand}({limit}, NULL)"),
        Some(key) => {
            let is_row = sql.key_is(owner, &names.own_key_of("t"), key);
            let (before, link) = way::from_owner(source);
            let table = names.table();
            format!(
                "SELECT {expand}({limit}, ARRAY(SELECT {link} FROM {before}))
                   FROM {table} t
                  WHERE {is_row}"
            )
        }
    };

    statement(sql, text)
}

/// The keys whose marks are collected, as a table `k`.
fn keys_of(sql: &mut Sql, owner: &Owner, which: Which<'_>) -> String {
    let names = names(owner);
    let marks = names.marks();
    let keys = names.keys();

    match which {
        Which::Of(keys) => shared::read::keys(sql, owner, keys),
        // Locked, so that two workers do not take the same.
        Which::Oldest(limit) => format!(
            "k AS (
                SELECT DISTINCT {keys}
                  FROM (SELECT {keys}
                          FROM {marks}
                         WHERE via IS NULL
                           AND {known}
                         ORDER BY id
                         LIMIT {limit}
                           FOR UPDATE SKIP LOCKED) o)",
            known = names.lists_known("field"),
            limit = sql.bind(limit as i64),
        ),
    }
}

fn flagged(field: &Field) -> String {
    let name = DIALECT.literal(field.name);
    let flag = DIALECT.flag(field);
    format!("WHEN {name} THEN t.{flag}")
}

/// Takes the marks away, and queues what they are of. A row that is leased keeps its lease; its
/// holder notices the new generation when it completes. Lazily marked rows are only returned.
/// Grouped by the key's own equality, for marks may spell one key in several ways, as a
/// case-insensitive type allows. What a mark lists beside the fields of this program stays.
pub(super) fn collect(owner: &Owner, request: &Collect<'_>) -> Statement {
    let Collect { which, lease, leased, lazy, with_last_marks } = *request;
    let mut sql = Sql::postgres();
    let names = names(owner);
    let keys = names.keys();
    let chosen = keys_of(&mut sql, owner, which);
    let lease = sql.bind(lease);

    let is_leased = match leased {
        Some(field) => {
            let name = names.field(field);
            format!("{lease} > 0 AND f.field = {name}")
        }
        None => format!("{lease} > 0"),
    };
    let end = format!("now() + {lease} * interval '1 millisecond'");

    let lazy = lazy.iter().map(|field| (&owner.fields[*field], false));
    let flags: Vec<String> = owner.fields.iter().map(flagged).collect();
    // The row's key may have come to be spelled in another way, where its type calls both equal.
    let respelled = keys.each(|key| format!("{key} = excluded.{key}"));
    // The queue does not keep the last mark. A join could compare each row with each, so these rows
    // are appended.
    let (last_mark, last_marks) = if with_last_marks {
        let last_mark = ",\n                       max(marked_at) AS last_marked_at";
        let last_marks = format!(
            "
         UNION ALL
         SELECT {of_found}, field, generation, 0, 0, false,
                NULL,
                true,
                {NOW},
                {last_marked_at},
                (SELECT count(*) FROM gone)
           FROM found
          WHERE eager",
            of_found = names.read_keys_of("found"),
            last_marked_at = DIALECT.milliseconds("last_marked_at"),
        );
        (last_mark, last_marks)
    } else {
        ("", String::new())
    };

    let text = format!(
        "WITH {chosen},
              gone AS (
                DELETE FROM {marks}
                 WHERE ctid = ANY (ARRAY(
                       SELECT s.ctid
                         FROM k, LATERAL (
                              SELECT m.ctid
                                FROM {marks} m
                               WHERE {same_key}
                                 AND {known}
                                 FOR UPDATE SKIP LOCKED) s))
                RETURNING {columns}, field, id, eager, marked_at),
              rest AS (
                INSERT INTO {marks} ({columns}, field, marked_at)
                SELECT {columns}, array_to_string(u.names, ','), marked_at
                  FROM gone g, LATERAL (
                       SELECT ARRAY(
                              SELECT n.name
                                FROM unnest(string_to_array(g.field, ',')) AS n(name)
                               WHERE n.name NOT IN ({names})) AS names
                       OFFSET 0) u
                 WHERE u.names <> '{{}}'),
              found AS (
                SELECT {columns}, f.field, max(id) AS generation,
                       min(marked_at) AS stale_since,
                       bool_or(coalesce(eager, {is_eager})) AS eager{last_mark}
                  FROM gone g, unnest(string_to_array(g.field, ',')) AS f(field)
                 WHERE f.field IN ({names})
                 GROUP BY {columns}, f.field),
              queued AS (
                INSERT INTO {queue} AS q (
                       {columns}, field, generation, due_at, leased_until, attempts, stale_since)
                SELECT {selected}, f.field, f.generation,
                       {due},
                       CASE WHEN {is_leased} THEN {end} ELSE '-infinity' END,
                       CASE WHEN {is_leased} THEN 1 ELSE 0 END,
                       f.stale_since
                  FROM found f
                 WHERE f.eager
                ON CONFLICT ({columns}, field) DO UPDATE SET
                       {respelled},
                       generation = excluded.generation,
                       due_at = {due_again},
                       last_error = NULL,
                       waves = greatest(q.waves, 0),
                       stale_since = {STALE_SINCE},
                       {kept_lease}
                RETURNING {returned}, q.field, q.generation, q.attempts, q.waves, q.stale_since,
                       q.leased_until = {end} AS leased)
         SELECT {of_queued}, q.field, q.generation, q.attempts, q.waves, q.leased,
                true AS eager,
                coalesce(t.flagged, true) AS flagged,
                {NOW} AS claimed_at,
                {since} AS stale_since,
                (SELECT count(*) FROM gone) AS marks
           FROM queued q
           LEFT JOIN LATERAL (
                SELECT CASE q.field {flagged} END AS flagged
                  FROM {table} t
                 WHERE {same_row}
                OFFSET 0) t ON true
         UNION ALL
         SELECT {of_found}, field, generation, 0, 0, false,
                false,
                true,
                {NOW},
                {since},
                (SELECT count(*) FROM gone)
           FROM found
          WHERE NOT eager{last_marks}",
        names = names.all_fields(),
        is_eager = DIALECT.by_field("f.field", lazy, true),
        due = due(owner, "f.field"),
        due_again = due_again(owner),
        kept_lease = KEPT_LEASE,
        since = DIALECT.milliseconds("stale_since"),
        of_queued = names.read_keys_of("q"),
        of_found = names.read_keys_of("found"),
        flagged = flags.join(" "),
        table = names.table(),
        same_row = names.same_row("t", "q"),
        marks = names.marks(),
        queue = names.queue(),
        known = names.lists_known("m.field"),
        same_key = names.same_key("m", "k"),
        columns = names.keys(),
        selected = names.keys_of("f"),
        returned = names.keys_of("q"),
    );

    statement(sql, text)
}

/// When something that is marked is due.
fn due(owner: &Owner, field: &str) -> String {
    if owner.debounced().next().is_none() {
        return "now()".to_owned();
    }
    let wait = DIALECT.by_field(field, owner.debounced(), 0);
    format!("now() + {wait} * interval '1 millisecond'")
}

/// When a row of the queue `q` is due that is marked again. No later than it was, or a row that
/// changes all the time would never be.
fn due_again(owner: &Owner) -> &'static str {
    if owner.debounced().next().is_none() {
        return "excluded.due_at";
    }
    "CASE WHEN q.leased_until > now() THEN excluded.due_at
                       ELSE least(q.due_at, excluded.due_at) END"
}

/// What a row of the queue `q` keeps that is leased.
const KEPT_LEASE: &str = "attempts = CASE WHEN q.leased_until > now() THEN q.attempts
                       ELSE excluded.attempts END,
                leased_until = CASE WHEN q.leased_until > now() THEN q.leased_until
                       ELSE excluded.leased_until END";

/// The time since when a row of the queue `q` is stale that is marked again.
const STALE_SINCE: &str = "coalesce(q.stale_since, excluded.stale_since)";

/// A row that is leased keeps its lease.
pub(crate) fn enqueue(owner: &Owner, rows: &[Enqueued], lease: i64) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let queued = shared::collect::queued(&mut sql, owner, rows, lease);
    let lease = sql.bind(lease);

    let text = format!(
        "WITH {queued}
         INSERT INTO {queue} AS q (
                {columns}, field, generation, due_at, leased_until, attempts, stale_since)
         SELECT {selected}, v.field, v.generation,
                {due},
                CASE WHEN v.lease > 0 THEN now() + v.lease * interval '1 millisecond'
                     ELSE '-infinity' END,
                CASE WHEN v.lease > 0 THEN 1 ELSE 0 END,
                {marked_at}
           FROM v
         ON CONFLICT ({columns}, field) DO UPDATE SET
                generation = excluded.generation,
                due_at = {due_again},
                last_error = NULL,
                waves = greatest(q.waves, 0),
                stale_since = {STALE_SINCE},
                {kept_lease}
         RETURNING {returned}, q.field, q.generation, q.attempts, q.waves,
                {NOW} AS claimed_at,
                {since} AS stale_since,
                q.leased_until = now() + {lease} * interval '1 millisecond' AS leased",
        marked_at = DIALECT.moment("v.marked_at"),
        since = DIALECT.milliseconds("q.stale_since"),
        kept_lease = KEPT_LEASE,
        queue = names.queue(),
        due = due(owner, "v.field"),
        due_again = due_again(owner),
        columns = names.keys(),
        selected = names.keys_of("v"),
        returned = names.read_keys_of("q"),
    );

    statement(sql, text)
}

pub(crate) fn change_generation(owner: &Owner, rows: &[Enqueued]) -> Vec<Statement> {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let queue = names.queue();
    let queued = shared::collect::queued(&mut sql, owner, rows, 0);

    let text = format!(
        "WITH {queued}
         UPDATE {queue} q
            SET generation = v.generation
           FROM v, {place}
          WHERE q.ctid = p.place",
        place = place_in_queue(owner, "v", "OFFSET 0"),
    );

    let claims: Vec<(&Key, usize)> = rows.iter().map(|row| (&row.key, row.field)).collect();
    vec![lock_in_queue(owner, &claims), statement(sql, text)]
}

/// Locks rows of the queue, waiting for those that hold them.
pub(super) fn lock_in_queue(owner: &Owner, rows: &[(&Key, usize)]) -> Statement {
    let mut sql = Sql::postgres();
    let mut columns = Bound::keys(owner, rows.iter().map(|(key, _)| *key));
    columns.push(Bound::alike("field", rows.iter().map(|(_, field)| owner.fields[*field].name)));
    let rows = sql.table("v", columns);
    let place = place_in_queue(owner, "v", "FOR UPDATE");
    let text = format!(
        "WITH {rows}
         SELECT p.place
           FROM v, {place}"
    );
    statement(sql, text)
}

/// `LATERAL (..) p`: the place of the queue's row of a row of `rows`. By its key, whatever the
/// planner believes of the table. An UPDATE that goes by it must have locked the row before, or not
/// mind that a newer version of it is missed.
pub(super) fn place_in_queue(owner: &Owner, rows: &str, how: &str) -> String {
    let names = names(owner);
    format!(
        "LATERAL (
                SELECT r.ctid AS place
                  FROM {queue} r
                 WHERE {same_key}
                   AND r.field = {rows}.field
                   {how}) p",
        queue = names.queue(),
        same_key = names.same_key("r", rows),
    )
}

/// `LATERAL (..) p`: the place of the owner's row of a row of `rows`; as [`place_in_queue`].
/// Partitions have places of their own.
pub(super) fn place(owner: &Owner, rows: &str) -> String {
    let names = names(owner);
    format!(
        "LATERAL (
                SELECT r.tableoid AS part, r.ctid AS place
                  FROM {table} r
                 WHERE {same_row}
                OFFSET 0) p",
        table = names.table(),
        same_row = names.same_row("r", rows),
    )
}

/// The row `t` at such a place.
pub(super) const AT_PLACE: &str = "t.ctid = p.place AND t.tableoid = p.part";

pub(super) fn lock_unflagged(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let keys = shared::read::keys(&mut sql, owner, of);

    let text = format!(
        "WITH {keys}
         SELECT s.*
           FROM k, LATERAL (
                SELECT {selected}
                  FROM {table} t
                 WHERE {same_row}
                   AND NOT t.{flag}
                   FOR NO KEY UPDATE SKIP LOCKED) s",
        selected = names.read_own_key(),
        table = names.table(),
        same_row = names.same_row("t", "k"),
        flag = names.flag(field),
    );

    statement(sql, text)
}

pub(super) fn flag_locked(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let keys = shared::read::keys(&mut sql, owner, of);

    let text = format!(
        "WITH {keys}
         UPDATE {table} t
            SET {flag} = true
           FROM k, {place}
          WHERE {AT_PLACE}",
        table = names.table(),
        flag = names.flag(field),
        place = place(owner, "k"),
    );

    statement(sql, text)
}

pub(crate) fn take_chunks(
    owner: &Owner,
    fields: &[usize],
    upstream: &[Upstream],
    limit: u64,
) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);

    let text = format!(
        "SELECT m.id, m.field, {marked_at} AS marked_at, {chunks}
           FROM {marks} m
          WHERE {takeable}
            AND m.link IS NULL
          ORDER BY m.link, m.id
          LIMIT {limit}
            FOR UPDATE OF m SKIP LOCKED",
        marked_at = DIALECT.milliseconds("m.marked_at"),
        chunks = names.marked_chunks(),
        marks = names.marks(),
        takeable = shared::chunks::takeable_chunks(&sql, owner, fields, upstream),
        limit = sql.bind(limit as i64),
    );

    statement(sql, text)
}

/// In the order of the keys, as all who may wait for a row of the queue.
pub(crate) fn enqueue_chunk(owner: &Owner, marked: &MarkedChunk) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let queue = names.queue();
    let MarkedChunk { field, marked_at, chunk, .. } = marked;
    let marked_at = sql.bind(*marked_at);

    let text = format!(
        "INSERT INTO {queue} ({columns}, field, generation, stale_since)
         SELECT {selected}, {name}, nextval(pg_get_serial_sequence({sequence}, 'id')), {since}
           FROM {table} t
          WHERE t.{flag}
            AND {range}
          ORDER BY {selected}
         ON CONFLICT DO NOTHING",
        columns = names.keys(),
        selected = names.own_key_of("t"),
        name = names.field(*field),
        sequence = DIALECT.literal(&names.marks()),
        since = DIALECT.moment(&marked_at),
        table = names.table(),
        flag = names.flag(*field),
        range = shared::chunks::rows_of(&mut sql, owner, chunk),
    );

    statement(sql, text)
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
    let asking = Collect { with_last_marks: true, ..oldest };
    let mut examples = vec![
        named("take_chunks", take_chunks(owner, &[0], &of.upstream, 100)),
        named("enqueue_chunk", enqueue_chunk(owner, &of.marked_chunk())),
        named("enqueue", enqueue(owner, &of.enqueued, 1000)),
        named("change_generation", change_generation(owner, &of.enqueued)),
        named("collect", collect(owner, &oldest)),
        named("collect lazily", collect(owner, &lazily)),
        named("collect of rows", collect(owner, &of_rows)),
        named("collect asking when", collect(owner, &asking)),
        named("lock_unflagged", lock_unflagged(owner, 0, &of.keys)),
        named("flag_locked", flag_locked(owner, 0, &of.keys)),
    ];

    for source in owner.looked_up() {
        examples.push(named("expand_marks", expand_marks(owner, source, 100, None)));
        let of_row = expand_marks(owner, source, 100, Some(&of.keys[0]));
        examples.push(named("expand_marks of a row", of_row));
    }

    examples.concat()
}
