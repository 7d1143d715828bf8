//! Inspection: what waits, what fails, and what one row waits for. No statement reads more than
//! [`COUNTED`] rows, but for [`rows_to_retry`] and [`is_claimed`]. They may go over the queue.

use sea_orm::Statement;

use crate::{
    backend::{
        names::{Columns, Dialect, Names},
        shared,
        sql::Sql,
    },
    declaration::Key,
    layout::Owner,
    queue::{COUNTED, ERRORS_LOOKED_AT, Failure, LOOKED_AT, MarkKind, Part, QueueState},
};

/// The times, in seconds from now, up to which expiries are counted.
pub(crate) const HORIZONS: [u32; 4] = [0, 60, 3600, 86_400];

/// The expiry of a field of the row `t`, as a database writes it.
pub(crate) struct Expiry {
    /// The moment, as the expiry's index has it.
    pub(crate) moment: String,
    /// The milliseconds until then.
    pub(crate) expires_in: String,
    /// The ends of the times of [`HORIZONS`], as the index compares them.
    pub(crate) horizons: [String; HORIZONS.len()],
}

/// Rows of a part of the queue. It is one end, or one range, of the index over `due_at`.
fn part(names: Names<'_>, part: Part, columns: &[String], limit: u64) -> String {
    let now = names.dialect.now();
    let by_due = match names.dialect {
        Dialect::MySql => " FORCE INDEX (by_due)",
        _ => "",
    };
    let order = "
                  ORDER BY q.due_at";
    let condition = match part {
        Part::Due => format!("q.due_at <= {now}{order}"),
        Part::Later => format!("q.due_at > {now}{order}"),
        // MariaDB would read and sort all that has failed.
        Part::Failed => "q.due_at IS NULL".to_owned(),
    };

    format!(
        "SELECT {columns}
                   FROM {queue} q{by_due}
                  WHERE {condition}
                  LIMIT {limit}",
        columns = columns.join(",\n                        "),
        queue = names.queue(),
    )
}

/// The number of the field of a row of the queue; -1 if another version of the program has it.
/// Databases of the MySQL family group by numbers faster than by names.
fn number_of_field(names: Names<'_>, owner: &Owner) -> String {
    let numbers = owner.fields.iter().zip(0_i32..);
    format!("{} AS field", names.dialect.by_field("q.field", numbers, -1))
}

/// The time since which a row of the queue has been stale.
const SINCE: &str = "coalesce(q.stale_since, q.queued_at)";

/// The milliseconds since a moment.
fn waited(names: Names<'_>, since: &str) -> String {
    names.dialect.milliseconds_between(since, names.dialect.now())
}

/// An error of the queue. MySQL would call errors equal that differ in case or accents.
fn error(names: Names<'_>) -> &'static str {
    match names.dialect {
        Dialect::MySql => "CONVERT(q.last_error USING utf8mb4) COLLATE utf8mb4_bin",
        _ => "q.last_error",
    }
}

/// The milliseconds until a row of the queue is due; NULL if it has failed for good.
fn due_in(names: Names<'_>, due_at: &str) -> String {
    names.dialect.milliseconds_between(names.dialect.now(), &names.dialect.finite(due_at))
}

/// The first rows of a part of the queue, by their states.
pub(crate) fn look_at_queue(sql: Sql, owner: &Owner, of: Part) -> Statement {
    let failing = if of.is_final() {
        String::new()
    } else {
        format!(
            "
                             WHEN q.last_error IS NOT NULL THEN {}",
            QueueState::Failing as i32
        )
    };
    let state = format!(
        "CASE WHEN q.leased_until > {now} THEN {claimed}{failing}
                             ELSE {otherwise} END AS state",
        now = sql.dialect().now(),
        claimed = QueueState::Claimed as i32,
        otherwise = of.state() as i32,
    );

    first_rows_by(sql, owner, of, "state", state, LOOKED_AT)
}

/// The first rows of a part of the queue, by their fields and by another column.
fn first_rows_by(
    sql: Sql,
    owner: &Owner,
    of: Part,
    column: &str,
    definition: String,
    limit: u64,
) -> Statement {
    let names = sql.names(owner);
    let columns = [
        number_of_field(names, owner),
        definition,
        format!("{SINCE} AS since"),
        "q.due_at".to_owned(),
    ];

    let text = format!(
        "SELECT s.field, s.{column}, count(*) AS found,
                {waited} AS waited,
                {due_in} AS due_in
           FROM (
                 {part}) s
          GROUP BY s.field, s.{column}
          ORDER BY s.field, s.{column}",
        waited = waited(names, "min(s.since)"),
        due_in = due_in(names, "min(s.due_at)"),
        part = part(names, of, &columns, limit),
    );

    sql.statement(text)
}

/// The rows of a part of the queue. Databases of the MySQL family read the index over `due_at`
/// alone: it has the key.
pub(crate) fn count_queue(sql: Sql, owner: &Owner, of: Part) -> Statement {
    let names = sql.names(owner);
    let columns = [number_of_field(names, owner), "q.due_at".to_owned()];
    let text = format!(
        "SELECT s.field, count(*) AS found,
                {due_in} AS due_in
           FROM (
                 {part}) s
          GROUP BY s.field
          ORDER BY s.field",
        due_in = due_in(names, "min(s.due_at)"),
        part = part(names, of, &columns, COUNTED),
    );

    sql.statement(text)
}

/// A mark may name a related row. It is not known how many rows it concerns. SQLite has no such
/// marks.
pub(crate) fn count_marks(sql: Sql, owner: &Owner) -> Statement {
    let names = sql.names(owner);
    let marks = names.marks();
    let is_chunk = names.dialect.is_chunk("m");
    let row = MarkKind::Row as i32;
    let others = match names.dialect {
        Dialect::Sqlite => row.to_string(),
        _ => {
            let related = MarkKind::Related as i32;
            format!("CASE WHEN m.via IS NULL THEN {row} ELSE {related} END")
        }
    };

    let text = format!(
        "SELECT s.field, s.kind, count(*) AS found,
                {waited} AS waited
           FROM (SELECT m.field,
                        CASE WHEN {is_chunk} THEN {chunk} ELSE {others} END AS kind,
                        m.marked_at
                   FROM {marks} m
                  ORDER BY m.id
                  LIMIT {COUNTED}) s
          GROUP BY s.field, s.kind
          ORDER BY s.field, s.kind",
        waited = waited(names, "min(s.marked_at)"),
        chunk = MarkKind::Chunk as i32,
    );

    sql.statement(text)
}

/// The errors of the first rows of a part of the queue. Rows without one are in a group, too: its
/// error is NULL.
pub(crate) fn failed_groups(sql: Sql, owner: &Owner, of: Part) -> Statement {
    let error = format!("{} AS error", error(sql.names(owner)));
    first_rows_by(sql, owner, of, "error", error, ERRORS_LOOKED_AT)
}

pub(crate) fn failed_rows(
    mut sql: Sql,
    owner: &Owner,
    of: &Failure<'_>,
    after: Option<&Key>,
    limit: u64,
) -> Statement {
    let names = sql.names(owner);
    let queued: Vec<String> = names.keys_of("q").into_iter().collect();
    let others = [
        "q.field".to_owned(),
        format!("{} AS error", error(names)),
        "q.attempts".to_owned(),
        format!("{} AS waited", waited(names, SINCE)),
        format!("{} AS retry_in", due_in(names, "q.due_at")),
    ];
    let columns = [queued, others.to_vec()].concat();
    let parts = Part::ALL.iter().filter(|part| of.is_final.is_none_or(|is| is == part.is_final()));
    let parts = parts.enumerate().map(|(number, of)| {
        let part = part(names, *of, &columns, ERRORS_LOOKED_AT);
        format!(
            "
         SELECT *
           FROM (
                 {part}) part_{number}"
        )
    });
    let parts: Vec<String> = parts.collect();

    let columns = names.keys_of("s");
    let mut conditions = vec![format!("s.field = {}", names.field(of.field))];
    conditions.push(of_error(&mut sql, of, "s.error"));
    conditions.extend(after.map(|after| sql.compare_keys(owner, &columns, ">", after)));

    let text = format!(
        "SELECT {selected}, s.error, s.attempts, s.waited, s.retry_in
           FROM ({parts}) s
          WHERE {conditions}
          ORDER BY {order}
          LIMIT {limit}",
        selected = names.read(&columns),
        parts = parts.join(
            "
          UNION ALL"
        ),
        conditions = conditions.join("\n            AND "),
        order = by_key(&sql, owner, &columns),
        limit = sql.bind(limit as i64),
    );

    sql.statement(text)
}

/// The rows that wait after a failure, in the order of their keys. A retry has to find all of them.
/// So this goes over the queue. All pages together read it once.
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
    let mut conditions = vec![
        format!("q.field = {}", names.field(of.field)),
        shared::claim::waits_after_failure(names, "q"),
    ];
    conditions.push(of_error(&mut sql, of, error(names)));
    conditions.extend(of.is_final.map(|is_final| {
        let not = if is_final { "" } else { " NOT" };
        format!("q.due_at IS{not} NULL")
    }));
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

/// The condition for the error of a failure.
fn of_error(sql: &mut Sql, of: &Failure<'_>, error: &str) -> String {
    match of.error {
        Some(wanted) => format!("{error} = {}", sql.bind(wanted)),
        None => format!("{error} IS NOT NULL"),
    }
}

/// The columns of keys, as they are compared.
fn by_key(sql: &Sql, owner: &Owner, columns: &Columns) -> Columns {
    let columns = owner.key.iter().zip(columns.iter());
    columns.map(|(key, column)| sql.dialect().cast(&key.order, column)).collect()
}

/// Whether a row of a field is claimed. This may go over all of the queue: it has no index over
/// leases, which would be written with each claim.
pub(crate) fn is_claimed(sql: Sql, owner: &Owner, field: usize) -> Statement {
    let names = sql.names(owner);
    let text = format!(
        "SELECT EXISTS (
                SELECT 1
                  FROM {queue} q
                 WHERE q.field = {field}
                   AND q.leased_until > {now}) AS found",
        queue = names.queue(),
        field = names.field(field),
        now = names.dialect.now(),
    );

    sql.statement(text)
}

/// What the row itself says. The time until its expiry is told only if the field has one.
pub(crate) fn row(
    mut sql: Sql,
    owner: &Owner,
    field: usize,
    key: &Key,
    expiry: Option<&Expiry>,
) -> Statement {
    let names = sql.names(owner);
    let is_row = sql.key_is(owner, &names.own_key_of("t"), key);
    let expires_in = expiry.map_or_else(String::new, |Expiry { expires_in, .. }| {
        format!(",\n                {expires_in} AS expires_in")
    });
    let text = format!(
        "SELECT t.{flag} AS flagged,
                t.{cached} IS NULL AS is_empty{expires_in}
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
        due_in = due_in(names, "q.due_at"),
        leased_for = names.dialect.milliseconds_between(now, "q.leased_until"),
        queue = names.queue(),
    );

    sql.statement(text)
}

pub(crate) fn marks_of_row(mut sql: Sql, owner: &Owner, field: usize, key: &Key) -> Statement {
    let names = sql.names(owner);
    let is_row = sql.key_is(owner, &names.keys_of("m"), key);
    let is_listed = names.dialect.is_listed(&names.field(field), "m.field");
    let text = format!(
        "SELECT count(*) AS found,
                {waited} AS waited
           FROM (SELECT m.marked_at
                   FROM {marks} m
                  WHERE {is_row}
                    AND {is_listed}
                  LIMIT {COUNTED}) s",
        waited = waited(names, "min(s.marked_at)"),
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

/// How many of the first expired values are looked at for one that is not flagged. There may be
/// very many flagged ones. They wait in the queue.
const EXPIRIES_LOOKED_AT: u32 = 1000;

/// The first expiry of a value that has expired and is not flagged.
pub(crate) fn first_expiry(
    sql: Sql,
    owner: &Owner,
    field: usize,
    Expiry { moment, expires_in, horizons: [now, ..] }: &Expiry,
) -> Statement {
    let names = sql.names(owner);
    let text = format!(
        "SELECT min(s.expires_in) AS expires_in
           FROM (SELECT {expires_in} AS expires_in, t.{flag} AS flagged
                   FROM {table} t
                  WHERE t.{expires} IS NOT NULL
                    AND {moment} <= {now}
                  ORDER BY {moment}
                  LIMIT {EXPIRIES_LOOKED_AT}) s
          WHERE NOT s.flagged",
        table = names.table(),
        expires = names.dialect.expiry(&owner.fields[field]).unwrap_or_default(),
        flag = names.flag(field),
    );

    sql.statement(text)
}

pub(crate) fn count_expiries(
    sql: Sql,
    owner: &Owner,
    field: usize,
    Expiry { moment, horizons, .. }: &Expiry,
) -> Statement {
    let names = sql.names(owner);
    let table = names.table();
    let expires = names.dialect.expiry(&owner.fields[field]).unwrap_or_default();
    let count = |(number, horizon): (usize, &String)| {
        format!(
            "(SELECT count(*)
                   FROM (SELECT 1
                           FROM {table} t
                          WHERE t.{expires} IS NOT NULL
                            AND {moment} <= {horizon}
                          LIMIT {COUNTED}) c{number}) AS count_{number}"
        )
    };
    let counts: Vec<String> = horizons.iter().enumerate().map(count).collect();
    let counts = counts.join(",\n                ");
    sql.statement(format!("SELECT {counts}"))
}
