//! Inspection: what waits, what fails, and what one row waits for. No statement counts beyond
//! [`COUNTED`] rows.

use sea_orm::Statement;

use crate::{
    backend::{
        names::{Columns, Dialect, Names},
        sql::Sql,
    },
    declaration::Key,
    layout::Owner,
    queue::{COUNTED, Failure, GROUPS},
};

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

/// An error of the queue. MySQL would call errors equal that differ in case or accents.
fn error(names: Names<'_>) -> &'static str {
    match names.dialect {
        Dialect::MySql => "CONVERT(q.last_error USING utf8mb4) COLLATE utf8mb4_bin",
        _ => "q.last_error",
    }
}

/// The time after which a row of the queue is due; NULL if it has failed for good.
fn due_in(names: Names<'_>) -> String {
    let due_at = match names.dialect {
        // A moment may be infinite there. `greatest` passes over NULL.
        Dialect::Postgres => "CASE WHEN q.due_at IS NOT NULL THEN greatest(q.due_at, 'epoch') END",
        _ => "q.due_at",
    };
    names.dialect.milliseconds_between(names.dialect.now(), due_at)
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
                                {waited} AS waited, {due_in} AS due_in",
        waited = waited(names),
        due_in = due_in(names),
    );

    let text = format!(
        "SELECT s.part, s.field, s.state, count(*) AS found, max(s.waited) AS waited,
                min(s.due_in) AS due_in
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

/// The rows that fail now, or have failed for good.
fn failed(names: Names<'_>, keys: &str) -> String {
    let columns = format!(
        "{keys}q.field, {error} AS last_error, q.attempts,
                                q.due_at IS NULL AS is_final,
                                {waited} AS waited,
                                {due_in} AS retry_in",
        error = error(names),
        waited = waited(names),
        due_in = due_in(names),
    );
    ranges(names, &columns, &[2, 1, 0])
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
        failed = failed(names, ""),
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
    let columns = names.keys_of("s");
    let mut conditions = vec![format!("s.field = {}", names.field(of.field))];
    conditions.extend(of_failure(&mut sql, of, "s.last_error", "s.is_final"));
    conditions.extend(after.map(|after| sql.compare_keys(owner, &columns, ">", after)));

    let text = format!(
        "SELECT {selected}, s.last_error AS error, s.attempts, s.waited, s.retry_in, s.is_final
           FROM (
                 {failed}) s
          WHERE {conditions}
          ORDER BY {order}
          LIMIT {limit}",
        selected = names.read(&columns),
        failed = failed(names, &format!("{}, ", names.keys_of("q"))),
        conditions = conditions.join("\n            AND "),
        order = by_key(&sql, owner, &columns),
        limit = sql.bind(limit as i64),
    );

    sql.statement(text)
}

/// The rows that wait after a failure, in the order of their keys: of all of the queue.
pub(crate) fn rows_to_retry(
    mut sql: Sql,
    owner: &Owner,
    of: &Failure<'_>,
    after: Option<&Key>,
    limit: u64,
) -> Statement {
    let names = sql.names(owner);
    let columns = names.keys_of("q");
    let by_key_index = match names.dialect {
        Dialect::MySql => " FORCE INDEX (PRIMARY)",
        _ => "",
    };
    let mut conditions =
        vec![format!("q.field = {}", names.field(of.field)), waits_after_failure(names, "q")];
    conditions.extend(of_failure(&mut sql, of, error(names), "q.due_at IS NULL"));
    conditions.extend(after.map(|after| sql.compare_keys(owner, &columns, ">", after)));

    let text = format!(
        "SELECT {selected}
           FROM {queue} q{by_key_index}
          WHERE {conditions}
          ORDER BY {order}
          LIMIT {limit}",
        selected = names.read(&columns),
        queue = names.queue(),
        conditions = conditions.join("\n            AND "),
        order = by_key(&sql, owner, &columns),
        limit = sql.bind(limit as i64),
    );

    sql.statement(text)
}

/// The conditions for the error and the state of a failure.
fn of_failure(sql: &mut Sql, of: &Failure<'_>, error: &str, is_final: &str) -> Vec<String> {
    let mut conditions = vec![match of.error {
        Some(wanted) => format!("{error} = {}", sql.bind(wanted)),
        None => format!("{error} IS NOT NULL"),
    }];
    conditions.extend(of.is_final.map(|wanted| {
        let not = if wanted { "" } else { "NOT " };
        format!("{not}({is_final})")
    }));
    conditions
}

/// The columns of keys, as they are compared.
fn by_key(sql: &Sql, owner: &Owner, columns: &Columns) -> Columns {
    let columns = owner.key.iter().zip(columns.iter());
    columns.map(|(key, column)| sql.dialect().cast(&key.order, column)).collect()
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
        "SELECT {due_in} AS due_in,
                CASE WHEN q.leased_until > {now} THEN {leased_for} ELSE 0 END AS leased_for,
                q.attempts, q.waves, q.last_error AS error
           FROM {queue} q
          WHERE {is_row}
            AND q.field = {name}",
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

/// The first expiry of values that are not flagged. Flagged ones wait in the queue. `moment`: the
/// expiry, as its index has it.
pub(crate) fn first_expiry(
    sql: Sql,
    owner: &Owner,
    field: usize,
    moment: &str,
    expires_in: &str,
) -> Statement {
    let names = sql.names(owner);
    let is_finite = match names.dialect {
        Dialect::Postgres => format!("\n            AND {moment} > '-infinity'"),
        _ => String::new(),
    };
    let text = format!(
        "SELECT {expires_in} AS expires_in
           FROM {table} t
          WHERE t.{expires} IS NOT NULL
            AND NOT t.{flag}{is_finite}
          ORDER BY {moment}
          LIMIT 1",
        table = names.table(),
        expires = names.dialect.expiry(&owner.fields[field]).unwrap_or_default(),
        flag = names.flag(field),
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
