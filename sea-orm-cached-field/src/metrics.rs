//! Metrics, by the facade of the crate `metrics`. They cost next to nothing while the program has
//! no recorder.
//!
//! | name | kind | labels | says |
//! |---|---|---|---|
//! | `cached_field_staleness_seconds` | histogram | table, field | for how long a value was stale, from its first mark until it was stored |
//! | `cached_field_calculation_seconds` | histogram | table, field | how long a calculation took; one of many rows (`batch`) counts as one |
//! | `cached_field_recalculations_total` | counter | table, field, outcome | values: `changed`, `unchanged`, `published`, `superseded`, `handed_back` |
//! | `cached_field_failures_total` | counter | table, field, final | calculations that failed; `final` is `true` if they are not retried |
//! | `cached_field_read_recalculations_total` | counter | table, field | values that readers calculated, because they were stale |
//! | `cached_field_marks_collected_total` | counter | table | changes that were collected |
//! | `cached_field_backlog` | gauge | table, field | rows and changes that wait; it counts 10,000 of each kind at most |
//! | `cached_field_oldest_stale_seconds` | gauge | table, field | for how long the oldest of them has waited |
//! | `cached_field_failed` | gauge | table, field | rows that have failed for good, 10,000 at most |
//! | `cached_field_paused` | gauge | table, field | 1 if the field is paused, else 0 |
//! | `cached_field_workers` | gauge | table | workers that are not gone: [`WorkerState`](crate::WorkerState) |
//!
//! No label has a value of a row. So there are as many sets of labels as there are fields.
//!
//! A gauge is NaN if it is not known: nothing of the field was seen, but not everything was looked
//! at.
//!
//! Of all workers of a table, the youngest sets the gauges, every 30 seconds. In the processes of
//! the others they are 0, half a minute after another one has taken over at the latest. So take the
//! greatest: `max by (table, field) (cached_field_backlog)`. If some of your programs have no
//! recorder, switch the gauges off in them ([`Worker::gauges`](crate::Worker::gauges)).
//!
//! Exporters for Prometheus make summaries of histograms unless they are told the buckets:
//!
//! ```
//! use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
//! use sea_orm_cached_field::metrics::{CALCULATION, STALENESS};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut builder = PrometheusBuilder::new();
//! for histogram in [STALENESS, CALCULATION] {
//!     let name = Matcher::Full(histogram.name.to_owned());
//!     builder = builder.set_buckets_for_metric(name, histogram.buckets)?;
//! }
//! # let _ = builder.build_recorder();
//! # Ok(())
//! # }
//! ```

use std::{collections::BTreeMap, time::Duration};

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use crate::{activity, layout::Owner};

/// A histogram: its name, and the upper bounds of its buckets in seconds.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Histogram {
    /// The name.
    pub name: &'static str,
    /// The upper bounds of the buckets.
    pub buckets: &'static [f64],
}

/// For how long values were stale.
pub const STALENESS: Histogram =
    Histogram { name: "cached_field_staleness_seconds", buckets: &activity::STALE };

/// How long calculations took.
pub const CALCULATION: Histogram =
    Histogram { name: "cached_field_calculation_seconds", buckets: &activity::TOOK };

const RECALCULATIONS: &str = "cached_field_recalculations_total";
const FAILURES: &str = "cached_field_failures_total";
const READ_RECALCULATIONS: &str = "cached_field_read_recalculations_total";
const MARKS_COLLECTED: &str = "cached_field_marks_collected_total";
const BACKLOG: &str = "cached_field_backlog";
const OLDEST: &str = "cached_field_oldest_stale_seconds";
const FAILED: &str = "cached_field_failed";
const PAUSED: &str = "cached_field_paused";
const WORKERS: &str = "cached_field_workers";

/// Tells the program's recorder what each metric says. Call it after the recorder is installed.
pub fn describe() {
    describe_histogram!(STALENESS.name, Unit::Seconds, "For how long a value was stale");
    describe_histogram!(CALCULATION.name, Unit::Seconds, "How long a calculation took");
    describe_counter!(RECALCULATIONS, "Values that were calculated, by what became of them");
    describe_counter!(FAILURES, "Calculations that failed");
    describe_counter!(READ_RECALCULATIONS, "Values that readers had to calculate");
    describe_counter!(MARKS_COLLECTED, "Changes that were collected");
    describe_gauge!(BACKLOG, "Rows and changes that wait, 10,000 of each kind at most");
    describe_gauge!(OLDEST, Unit::Seconds, "For how long the oldest of them has waited");
    describe_gauge!(FAILED, "Rows that have failed for good, 10,000 at most");
    describe_gauge!(PAUSED, "Whether the field is paused");
    describe_gauge!(WORKERS, "Workers that are not gone");
}

fn labels(owner: &Owner, field: usize) -> (String, &'static str) {
    (owner.table.name.clone(), owner.fields[field].name)
}

/// A value that was calculated, and what became of it.
pub(crate) struct Ended {
    pub(crate) field: usize,
    pub(crate) outcome: &'static str,
    /// For how long it was stale, if it is fresh now.
    pub(crate) stale_for: Option<Duration>,
}

/// Records what became of values. `by_reader`: no worker has calculated them.
pub(crate) fn ended(owner: &Owner, ended: impl Iterator<Item = Ended>, by_reader: bool) {
    let mut outcomes: BTreeMap<(usize, &'static str), u64> = BTreeMap::new();
    for Ended { field, outcome, stale_for } in ended {
        *outcomes.entry((field, outcome)).or_default() += 1;
        if let Some(stale_for) = stale_for {
            let (table, field) = labels(owner, field);
            histogram!(STALENESS.name, "table" => table, "field" => field).record(stale_for);
        }
    }

    for ((field, outcome), rows) in outcomes {
        let (table, field) = labels(owner, field);
        if by_reader {
            let table = table.clone();
            counter!(READ_RECALCULATIONS, "table" => table, "field" => field).increment(rows);
        }
        counter!(RECALCULATIONS, "table" => table, "field" => field, "outcome" => outcome)
            .increment(rows);
    }
}

/// Records the duration of a calculation, of one row or of many.
pub(crate) fn took(owner: &Owner, field: usize, took: Duration) {
    let (table, field) = labels(owner, field);
    histogram!(CALCULATION.name, "table" => table, "field" => field).record(took);
}

/// Records a calculation that has failed.
pub(crate) fn failed(owner: &Owner, field: usize, is_final: bool) {
    let (table, field) = labels(owner, field);
    let is_final = if is_final { "true" } else { "false" };
    counter!(FAILURES, "table" => table, "field" => field, "final" => is_final).increment(1);
}

/// Records that marks were collected.
pub(crate) fn collected(owner: &Owner, marks: usize) {
    if marks > 0 {
        counter!(MARKS_COLLECTED, "table" => owner.table.name.clone()).increment(marks as u64);
    }
}

/// What waits for a field.
#[derive(Default)]
pub(crate) struct Waiting<'a> {
    pub(crate) table: &'a str,
    pub(crate) field: &'static str,
    /// No number if it is not known; so are the next two.
    pub(crate) backlog: f64,
    /// In seconds.
    pub(crate) oldest: f64,
    pub(crate) failed: f64,
    pub(crate) is_paused: bool,
}

/// Sets the gauges of a field.
pub(crate) fn set_gauges(waiting: &Waiting<'_>) {
    let Waiting { table, field, backlog, oldest, failed, is_paused } = *waiting;
    let gauges = [
        (BACKLOG, backlog),
        (OLDEST, oldest),
        (FAILED, failed),
        (PAUSED, f64::from(u8::from(is_paused))),
    ];
    for (name, value) in gauges {
        gauge!(name, "table" => table.to_owned(), "field" => field).set(value);
    }
}

/// Sets the number of workers of a table.
pub(crate) fn set_workers(table: &str, workers: usize) {
    gauge!(WORKERS, "table" => table.to_owned()).set(workers as f64);
}
