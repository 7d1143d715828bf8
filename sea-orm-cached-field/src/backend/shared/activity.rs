//! The records of workers, and of what they did.

use sea_orm::Statement;

use super::records::{COUNTED, MINUTE_KEY, SECONDS, histograms};
use crate::{
    activity::{Minute, WorkerRecord},
    backend::{
        names::{Columns, Dialect},
        sql::Sql,
    },
    layout::Owner,
};

/// The most workers that are read of a model.
const WORKERS: u32 = 1_001;

/// Writes the record of a worker, or its new state.
pub(crate) fn see_worker(mut sql: Sql, owner: &Owner, worker: &WorkerRecord) -> Statement {
    let names = sql.names(owner);
    let now = names.dialect.now();
    let id = sql.bind(worker.id);
    let host = sql.bind(worker.host.as_str());
    let process = sql.bind(worker.process);
    let program = sql.bind(worker.program.as_str());
    let version = sql.bind(worker.version.as_str());
    let fields = sql.bind(worker.fields.as_str());
    let concurrency = sql.bind(worker.concurrency);
    let gauges = sql.bind(worker.sets_gauges);
    let claims = sql.bind(worker.claims);

    let text = format!(
        "INSERT INTO {workers} (
                worker, host, process, program, version, fields, concurrency, gauges, claims,
                started_at, seen_at)
         VALUES ({id}, {host}, {process}, {program}, {version}, {fields}, {concurrency}, {gauges},
                {claims}, {now}, {now})
         {otherwise}",
        workers = names.workers(),
        otherwise =
            otherwise(names.dialect, "worker", "", ["claims", "seen_at"].map(str::to_owned)),
    );

    sql.statement(text)
}

/// `ON CONFLICT ..`: what takes the values of the new row if the row exists, or adds them to those
/// of the row `added_to`.
fn otherwise(
    dialect: Dialect,
    key: &str,
    added_to: &str,
    columns: impl IntoIterator<Item = String>,
) -> String {
    let set = |column: String| {
        let new = match dialect {
            Dialect::MySql => format!("VALUES({column})"),
            Dialect::Postgres | Dialect::Sqlite => format!("excluded.{column}"),
        };
        match (added_to, dialect) {
            ("", _) => format!("{column} = {new}"),
            (_, Dialect::MySql) => format!("{column} = {column} + {new}"),
            (row, _) => format!("{column} = {row}.{column} + {new}"),
        }
    };
    let set: Columns = columns.into_iter().map(set).collect();
    match dialect {
        Dialect::MySql => format!("ON DUPLICATE KEY UPDATE {set}"),
        Dialect::Postgres | Dialect::Sqlite => format!("ON CONFLICT ({key}) DO UPDATE SET {set}"),
    }
}

pub(crate) fn forget_worker(mut sql: Sql, owner: &Owner, id: i64) -> Statement {
    let workers = sql.names(owner).workers();
    let id = sql.bind(id);
    sql.statement(format!("DELETE FROM {workers} WHERE worker = {id}"))
}

/// Drops the records of workers that were not seen for so many milliseconds.
pub(crate) fn forget_lost_workers(mut sql: Sql, owner: &Owner, after: i64) -> Statement {
    let names = sql.names(owner);
    let seen_for = names.dialect.milliseconds_between("seen_at", names.dialect.now());
    let text = format!(
        "DELETE FROM {workers} WHERE {seen_for} > {after}",
        workers = names.workers(),
        after = sql.bind(after),
    );

    sql.statement(text)
}

pub(crate) fn workers(sql: Sql, owner: &Owner) -> Statement {
    let names = sql.names(owner);
    let now = names.dialect.now();
    let text = format!(
        "SELECT worker, host, process, program, version, fields, concurrency, gauges, claims,
                {started_for} AS started_for,
                {seen_for} AS seen_for
           FROM {workers}
          ORDER BY seen_at DESC
          LIMIT {WORKERS}",
        started_for = names.dialect.milliseconds_between("started_at", now),
        seen_for = names.dialect.milliseconds_between("seen_at", now),
        workers = names.workers(),
    );

    sql.statement(text)
}

/// The columns of a minute that have figures.
fn figures() -> impl Iterator<Item = String> {
    COUNTED.map(str::to_owned).into_iter().chain([SECONDS.to_owned()]).chain(histograms())
}

/// Writes what a worker did to a field in a minute, in addition to what it has written of that
/// minute before.
pub(crate) fn record_minute(mut sql: Sql, owner: &Owner, worker: i64, of: &Minute) -> Statement {
    let names = sql.names(owner);
    let Minute { minute, field, done } = of;
    let minute = sql.bind(*minute);
    let field = sql.bind(owner.fields[*field].name);
    let worker = sql.bind(worker);

    let counted = [
        done.changed,
        done.unchanged,
        done.published,
        done.superseded,
        done.handed_back,
        done.failed,
        done.given_up,
    ];
    let number = |sql: &mut Sql, count: u64| sql.bind(i64::try_from(count).unwrap_or(i64::MAX));
    let mut values: Vec<String> = counted.map(|count| number(&mut sql, count)).to_vec();
    values.push(sql.bind(done.seconds));
    values.extend(done.stale.iter().chain(&done.took).map(|count| number(&mut sql, *count)));

    let text = format!(
        "INSERT INTO {minutes}{alias} ({MINUTE_KEY}, {figures})
         VALUES ({minute}, {field}, {worker}, {values})
         {otherwise}",
        minutes = names.minutes(),
        figures = figures().collect::<Columns>(),
        values = values.into_iter().collect::<Columns>(),
        alias = if names.dialect == Dialect::MySql { "" } else { " AS m" },
        otherwise = otherwise(names.dialect, MINUTE_KEY, "m", figures()),
    );

    sql.statement(text)
}

pub(crate) fn forget_minutes(mut sql: Sql, owner: &Owner, before: i64) -> Statement {
    let minutes = sql.names(owner).minutes();
    let before = sql.bind(before);
    sql.statement(format!("DELETE FROM {minutes} WHERE minute < {before}"))
}

/// What all workers did since a minute, by field.
pub(crate) fn activity(mut sql: Sql, owner: &Owner, since: i64) -> Statement {
    let names = sql.names(owner);
    let sum = |column: String| match names.dialect {
        _ if column == SECONDS => format!("sum({column}) AS {column}"),
        // A sum of whole numbers is a decimal there, which takes twice the time.
        Dialect::MySql => format!("CAST(sum({column} + 0e0) AS SIGNED) AS {column}"),
        Dialect::Postgres | Dialect::Sqlite => {
            format!("CAST(sum({column}) AS bigint) AS {column}")
        }
    };
    let sums: Vec<String> = figures().map(sum).collect();

    let text = format!(
        "SELECT field,
                {sums}
           FROM {minutes}
          WHERE minute >= {since}
          GROUP BY field
          ORDER BY field",
        sums = sums.join(",\n                "),
        minutes = names.minutes(),
        since = sql.bind(since),
    );

    sql.statement(text)
}
