//! Inspection: what waits, what fails, and what one row waits for. No statement counts beyond
//! [`COUNTED`] rows.

use sea_orm::Statement;

use crate::{
    backend::{
        names::{Dialect, Names},
        sql::Sql,
    },
    declaration::Key,
    layout::Owner,
    queue::{COUNTED, Failure},
};

/// How many groups of failures are told.
const GROUPS: u32 = 100;

/// The times, in seconds from now, up to which expiries are counted.
pub(crate) const HORIZONS: [u32; 4] = [0, 60, 3600, 86_400];

/// Between queries that are read in lines of their own.
const UNION_ALL: &str = "
                 UNION ALL
                 ";

/// The rows of the queue that are due, that are due later, and that have failed for good. Each is
/// one end, or one range, of the index over `due_at`.
fn ranges(names: Names<'_>, columns: &str, parts: &[u8]) -> String {
    let now = names.dialect.now();
    let by_due = match names.dialect {
        Dialect::MySql => " FORCE INDEX (by_due)",
        _ => "",
    };
    let queue = names.queue();

    let range = |part: &u8| {
        let (condition, order) = match part {
            0 => (format!("q.due_at <= {now}"), "\n                         ORDER BY q.due_at"),
            1 => (format!("q.due_at > {now}"), "\n                         ORDER BY q.due_at"),
            _ => ("q.due_at IS NULL".to_owned(), ""),
        };
        format!(
            "SELECT *
                   FROM (SELECT {part} AS part, {columns}
                           FROM {queue} q{by_due}
                          WHERE {condition}{order}
                          LIMIT {COUNTED}) r{part}"
        )
    };

    let ranges: Vec<String> = parts.iter().map(range).collect();
    ranges.join(UNION_ALL)
}

/// The time for which a row of the queue has waited.
fn waited(names: Names<'_>) -> String {
    names.dialect.milliseconds_between("q.queued_at", names.dialect.now())
}

/// The time after which a row of the queue is due; NULL if it has failed for good.
fn due_in(names: Names<'_>) -> String {
    names.dialect.milliseconds_between(names.dialect.now(), "q.due_at")
}

pub(crate) fn count_queue(sql: Sql, owner: &Owner) -> Statement {
    let names = sql.names(owner);
    let now = names.dialect.now();
    let columns = format!(
        "q.field,
                                CASE WHEN q.leased_until > {now} THEN 'claimed'
                                     WHEN q.due_at IS NULL THEN 'failed'
                                     WHEN q.last_error IS NOT NULL THEN 'failing'
                                     WHEN q.due_at > {now} THEN 'later'
                                     ELSE 'due' END AS state,
                                {waited} AS waited",
        waited = waited(names),
    );

    let text = format!(
        "SELECT s.part, s.field, s.state, count(*) AS found, max(s.waited) AS waited
           FROM (
                 {ranges}) s
          GROUP BY s.part, s.field, s.state
          ORDER BY s.part, s.field, s.state",
        ranges = ranges(names, &columns, &[0, 1, 2]),
    );

    sql.statement(text)
}

/// A mark that names a related row stands for an unknown number of rows. SQLite has none.
pub(crate) fn count_marks(sql: Sql, owner: &Owner) -> Statement {
    let names = sql.names(owner);
    let marks = names.marks();
    let is_chunk = names.dialect.is_chunk("m");
    let others = match names.dialect {
        Dialect::Sqlite => "'row'",
        _ => "CASE WHEN m.via IS NULL THEN 'row' ELSE 'related' END",
    };
    let waited = names.dialect.milliseconds_between("m.marked_at", names.dialect.now());

    let text = format!(
        "SELECT s.field, s.kind, count(*) AS found, max(s.waited) AS waited
           FROM (SELECT m.field,
                        CASE WHEN {is_chunk} THEN 'chunk' ELSE {others} END AS kind,
                        {waited} AS waited
                   FROM {marks} m
                  ORDER BY m.id
                  LIMIT {COUNTED}) s
          GROUP BY s.field, s.kind
          ORDER BY s.field, s.kind"
    );

    sql.statement(text)
}

/// The rows that fail now, or have failed for good. `waiting`: only those that wait.
fn failed(names: Names<'_>, keys: &str, waiting: bool) -> String {
    let columns = format!(
        "{keys}q.field, q.last_error, q.attempts, q.due_at IS NULL AS is_final,
                                {waited} AS waited,
                                {due_in} AS retry_in",
        waited = waited(names),
        due_in = due_in(names),
    );
    ranges(names, &columns, if waiting { &[2, 1] } else { &[2, 1, 0] })
}

pub(crate) fn failed_groups(sql: Sql, owner: &Owner) -> Statement {
    let names = sql.names(owner);
    let text = format!(
        "SELECT s.field, s.last_error AS error, s.is_final, count(*) AS found,
                max(s.waited) AS waited, min(s.retry_in) AS retry_in
           FROM (
                 {failed}) s
          WHERE s.last_error IS NOT NULL
          GROUP BY s.field, s.last_error, s.is_final
          ORDER BY found DESC, s.field, error
          LIMIT {GROUPS}",
        failed = failed(names, "", false),
    );

    sql.statement(text)
}

pub(crate) fn failed_rows(
    mut sql: Sql,
    owner: &Owner,
    of: &Failure<'_>,
    after: Option<&Key>,
    limit: u64,
) -> Statement {
    let names = sql.names(owner);
    let keys = names.keys_of("q");
    let mut conditions = vec![format!("s.field = {}", names.field(of.field))];
    if let Some(error) = of.error {
        conditions.push(format!("s.last_error = {}", sql.bind(error)));
    } else {
        conditions.push("s.last_error IS NOT NULL".to_owned());
    }
    if let Some(is_final) = of.is_final {
        conditions.push(if is_final { "s.is_final" } else { "NOT s.is_final" }.to_owned());
    }

    let columns = names.keys_of("s");
    if let Some(after) = after {
        conditions.push(sql.compare_keys(owner, &columns, ">", after));
    }
    let order = owner.key.iter().zip(columns.iter());
    let order: Vec<String> =
        order.map(|(key, column)| names.dialect.cast(&key.order, column)).collect();

    let text = format!(
        "SELECT {selected}, s.last_error AS error, s.attempts, s.waited, s.retry_in,
                s.is_final
           FROM (
                 {failed}) s
          WHERE {conditions}
          ORDER BY {order}
          LIMIT {limit}",
        selected = names.read(&columns),
        failed = failed(names, &format!("{keys}, "), of.is_waiting),
        conditions = conditions.join("\n            AND "),
        order = order.join(", "),
        limit = sql.bind(limit as i64),
    );

    sql.statement(text)
}

/// What the row itself says. `expires_in`: an expression over the owner's row `t`, in milliseconds.
pub(crate) fn row(
    mut sql: Sql,
    owner: &Owner,
    field: usize,
    key: &Key,
    expires_in: &str,
) -> Statement {
    let names = sql.names(owner);
    let is_row = sql.key_is(owner, &names.own_key_of("t"), key);
    let text = format!(
        "SELECT t.{flag} AS flagged,
                t.{cached} IS NULL AS is_empty,
                {expires_in} AS expires_in
           FROM {table} t
          WHERE {is_row}",
        flag = names.flag(field),
        cached = names.dialect.cached(&owner.fields[field]),
        table = names.table(),
    );

    sql.statement(text)
}

pub(crate) fn place(mut sql: Sql, owner: &Owner, field: usize, key: &Key) -> Statement {
    let names = sql.names(owner);
    let now = names.dialect.now();
    let is_row = sql.key_is(owner, &names.keys_of("q"), key);
    let name = sql.bind(owner.fields[field].name);
    let text = format!(
        "SELECT {waited} AS waited,
                {due_in} AS due_in,
                CASE WHEN q.leased_until > {now} THEN {leased_for} ELSE 0 END AS leased_for,
                q.attempts, q.waves, q.last_error AS error
           FROM {queue} q
          WHERE {is_row}
            AND q.field = {name}",
        waited = waited(names),
        due_in = due_in(names),
        leased_for = names.dialect.milliseconds_between(now, "q.leased_until"),
        queue = names.queue(),
    );

    sql.statement(text)
}

pub(crate) fn marks_of_row(mut sql: Sql, owner: &Owner, field: usize, key: &Key) -> Statement {
    let names = sql.names(owner);
    let is_row = sql.key_is(owner, &names.keys_of("m"), key);
    let is_listed = names.dialect.is_listed(&names.field(field), "m.field");
    let waited = names.dialect.milliseconds_between("m.marked_at", names.dialect.now());
    let text = format!(
        "SELECT count(*) AS found, max(s.waited) AS waited
           FROM (SELECT {waited} AS waited
                   FROM {marks} m
                  WHERE {is_row}
                    AND {is_listed}
                  LIMIT {COUNTED}) s",
        marks = names.marks(),
    );

    sql.statement(text)
}

pub(crate) fn is_in_chunk(mut sql: Sql, owner: &Owner, field: usize, key: &Key) -> Statement {
    let names = sql.names(owner);
    let is_row = sql.key_is(owner, &names.own_key_of("t"), key);
    let is_listed = names.dialect.is_listed(&names.field(field), "m.field");
    let text = format!(
        "SELECT EXISTS (
                SELECT 1
                  FROM {table} t, {marks} m
                 WHERE {is_row}
                   AND {is_of_chunk}
                   AND {is_listed}) AS found",
        table = names.table(),
        marks = names.marks(),
        is_of_chunk = names.is_of_chunk(),
    );

    sql.statement(text)
}

/// `until`: the latest moment of each count, as the expiry's index compares it. `moment`: the
/// expiry, as its index has it.
pub(crate) fn count_expiries(
    sql: Sql,
    owner: &Owner,
    field: usize,
    moment: &str,
    until: &[String; 4],
) -> Statement {
    let names = sql.names(owner);
    let table = names.table();
    let expires = names.dialect.expiry(&owner.fields[field]).unwrap_or_default();
    let count = |(number, until): (usize, &String)| {
        format!(
            "(SELECT count(*)
                   FROM (SELECT 1
                           FROM {table} t
                          WHERE t.{expires} IS NOT NULL
                            AND {moment} <= {until}
                          LIMIT {COUNTED}) c{number}) AS count_{number}"
        )
    };
    let counts: Vec<String> = until.iter().enumerate().map(count).collect();
    let counts = counts.join(",\n                ");
    sql.statement(format!("SELECT {counts}"))
}

/// Whether a row of the queue has failed, and is not due.
pub(crate) fn waits_after_failure(names: Names<'_>, row: &str) -> String {
    let now = names.dialect.now();
    format!(
        "{row}.last_error IS NOT NULL
                   AND ({row}.due_at IS NULL OR {row}.due_at > {now})"
    )
}
