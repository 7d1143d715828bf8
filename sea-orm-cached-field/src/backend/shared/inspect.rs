//! Inspection: what waits, what fails, and what one row waits for. No statement counts beyond
//! [`COUNTED`] rows.

use sea_orm::Statement;

use crate::{
    backend::{
        names::{Columns, Dialect, Names},
        shared,
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

/// The expiry of a field of the row `t`, as a database writes it.
pub(crate) struct Expiry {
    /// The moment, as the expiry's index has it.
    pub(crate) moment: String,
    /// The milliseconds until then.
    pub(crate) expires_in: String,
    /// The ends of the times of [`HORIZONS`], as the index compares them.
    pub(crate) horizons: [String; HORIZONS.len()],
}

/// The rows of the queue that are due, that are due later, and that have failed for good; or only
/// these, or only the others. Each is one end, or one range, of the index over `due_at`.
fn ranges(names: Names<'_>, columns: &[String], is_final: Option<bool>) -> String {
    let now = names.dialect.now();
    let by_due = match names.dialect {
        Dialect::MySql => " FORCE INDEX (by_due)",
        _ => "",
    };
    let queue = names.queue();
    let columns = columns.join(&format!(",\n{COLUMN}"));
    let order = "
                          ORDER BY q.due_at";
    // MariaDB would read and sort all that has failed.
    let ranges = [
        ("due", format!("q.due_at <= {now}{order}")),
        ("later", format!("q.due_at > {now}{order}")),
        ("failed", "q.due_at IS NULL".to_owned()),
    ];

    let range = |(part, condition): (&str, String)| {
        format!(
            "SELECT *
                   FROM (SELECT '{part}' AS part,
{COLUMN}{columns}
                           FROM {queue} q{by_due}
                          WHERE {condition}
                          LIMIT {COUNTED}) {part}_rows"
        )
    };
    let is_wanted =
        |(part, _): &(&str, String)| is_final.is_none_or(|final_| final_ == (*part == "failed"));
    let wanted: Vec<String> = ranges.into_iter().filter(is_wanted).map(range).collect();
    wanted.join(UNION_ALL)
}

/// The indent of a column of a range.
const COLUMN: &str = "                                ";

/// The time for which a row of the queue has waited.
fn waited(names: Names<'_>) -> String {
    let since = "coalesce(q.stale_since, q.queued_at)";
    names.dialect.milliseconds_between(since, names.dialect.now())
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
    let due_at = names.dialect.finite("q.due_at");
    names.dialect.milliseconds_between(names.dialect.now(), &due_at)
}

pub(crate) fn count_queue(sql: Sql, owner: &Owner) -> Statement {
    let names = sql.names(owner);
    let now = names.dialect.now();
    let state = format!(
        "CASE WHEN q.leased_until > {now} THEN 'claimed'
{COLUMN}     WHEN q.due_at IS NULL THEN 'failed'
{COLUMN}     WHEN q.last_error IS NOT NULL THEN 'failing'
{COLUMN}     WHEN q.due_at > {now} THEN 'later'
{COLUMN}     ELSE 'due' END AS state"
    );
    let columns = [
        "q.field".to_owned(),
        state,
        format!("{} AS waited", waited(names)),
        format!("{} AS due_in", due_in(names)),
    ];

    let text = format!(
        "SELECT s.part, s.field, s.state, count(*) AS found, max(s.waited) AS waited,
                min(s.due_in) AS due_in
           FROM (
                 {ranges}) s
          GROUP BY s.part, s.field, s.state
          ORDER BY s.part, s.field, s.state",
        ranges = ranges(names, &columns, None),
    );

    sql.statement(text)
}

/// A mark may name a related row. It is not known how many rows it concerns. SQLite has no such
/// marks.
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

/// The rows of the queue, each with its error if it fails now or has failed for good.
fn failed(names: Names<'_>, keys: Columns, is_final: Option<bool>) -> String {
    let columns: Vec<String> = keys.iter().cloned().collect();
    let others = [
        "q.field".to_owned(),
        format!("{} AS last_error", error(names)),
        "q.attempts".to_owned(),
        "q.due_at IS NULL AS is_final".to_owned(),
        format!("{} AS waited", waited(names)),
        format!("{} AS retry_in", due_in(names)),
    ];
    ranges(names, &[columns, others.to_vec()].concat(), is_final)
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
        failed = failed(names, Columns::default(), None),
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
        failed = failed(names, names.keys_of("q"), of.is_final),
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

/// The first expiry of a value that has expired and is not flagged, among the first that have
/// expired. There may be very many flagged ones. They wait in the queue.
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
                  LIMIT {COUNTED}) s
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
