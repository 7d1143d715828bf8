//! The tables of settings, of workers, and of what workers did. They are the same on every database
//! but for the types of their columns.

use crate::{
    activity::BUCKETS,
    backend::{
        names::Dialect,
        sql::{minutes, settings, workers},
    },
    layout::{Owner, Table},
};

/// A table of the library that no trigger writes to.
pub(crate) struct Record {
    pub(crate) table: Table,
    /// The definitions of its columns, and of its primary key.
    pub(crate) definitions: Vec<String>,
}

#[derive(Clone, Copy)]
enum Kind {
    Name,
    Text,
    Number,
    Real,
    Boolean,
    Moment,
}

impl Kind {
    fn of(self, dialect: Dialect) -> &'static str {
        match (dialect, self) {
            (Dialect::Postgres | Dialect::Sqlite, Self::Name | Self::Text) => "text",
            (Dialect::Postgres, Self::Number) => "bigint",
            (Dialect::Postgres, Self::Real) => "double precision",
            (Dialect::Postgres, Self::Moment) => "timestamptz",
            (_, Self::Boolean) => "boolean",
            (Dialect::Sqlite, Self::Number | Self::Moment) => "integer",
            (Dialect::Sqlite, Self::Real) => "real",
            // Names are compared byte by byte.
            (Dialect::MySql, Self::Name) => {
                "VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
            }
            (Dialect::MySql, Self::Text) => "LONGTEXT CHARACTER SET utf8mb4",
            (Dialect::MySql, Self::Number) => "BIGINT",
            (Dialect::MySql, Self::Real) => "DOUBLE",
            (Dialect::MySql, Self::Moment) => "DATETIME(6)",
        }
    }
}

/// Returns the tables of an owner.
pub(crate) fn records(dialect: Dialect, owner: &Owner) -> [Record; 3] {
    let settings_columns = [
        ("field", Kind::Name),
        ("paused_at", Kind::Moment),
        ("paused_by", Kind::Text),
        ("reason", Kind::Text),
        ("resumed_at", Kind::Moment),
    ];
    let workers_columns = [
        ("worker", Kind::Number),
        ("host", Kind::Text),
        ("process", Kind::Number),
        ("program", Kind::Text),
        ("version", Kind::Text),
        ("fields", Kind::Text),
        ("concurrency", Kind::Number),
        ("gauges", Kind::Boolean),
        ("claims", Kind::Number),
        ("started_at", Kind::Moment),
        ("seen_at", Kind::Moment),
    ];
    let minutes_columns =
        [("minute", Kind::Number), ("field", Kind::Name), ("worker", Kind::Number)];
    let minutes_columns = minutes_columns.map(|(name, kind)| (name.to_owned(), kind));
    let done = COUNTED.map(|name| (name.to_owned(), Kind::Number));
    let seconds = [(SECONDS.to_owned(), Kind::Real)];
    let histograms = histograms().map(|name| (name, Kind::Number));
    let minutes_columns: Vec<(String, Kind)> =
        minutes_columns.into_iter().chain(done).chain(seconds).chain(histograms).collect();

    let of = |columns: &[(&str, Kind)]| {
        let columns = columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind));
        columns.collect::<Vec<_>>()
    };
    [
        record(dialect, settings(owner), &of(&settings_columns), "field"),
        record(dialect, workers(owner), &of(&workers_columns), "worker"),
        record(dialect, minutes(owner), &minutes_columns, MINUTE_KEY),
    ]
}

/// The key of a row of the minutes: its first column finds what is old.
pub(crate) const MINUTE_KEY: &str = "minute, field, worker";

/// The columns of a minute that count values and failures.
pub(crate) const COUNTED: [&str; 7] =
    ["changed", "unchanged", "published", "superseded", "handed_back", "failed", "given_up"];

/// The column of a minute that has the time of all calculations.
pub(crate) const SECONDS: &str = "seconds";

/// The columns of the histograms of a minute: how long values were stale, and how long
/// calculations took.
pub(crate) fn histograms() -> impl Iterator<Item = String> {
    ["stale", "took"]
        .into_iter()
        .flat_map(|histogram| (0..BUCKETS).map(move |bucket| format!("{histogram}_{bucket}")))
}

fn record(dialect: Dialect, table: Table, columns: &[(String, Kind)], key: &str) -> Record {
    let is_in_key = |name: &str| key.split(", ").any(|column| column == name);
    let definition = |(name, kind): &(String, Kind)| {
        let kind = kind.of(dialect);
        let null = if is_in_key(name) { " NOT NULL" } else { "" };
        format!("{name} {kind}{null}")
    };
    let mut definitions: Vec<String> = columns.iter().map(definition).collect();
    definitions.push(format!("PRIMARY KEY ({key})"));
    Record { table, definitions }
}
