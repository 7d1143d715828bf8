//! What workers do, as plain data.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The number of minutes for which it is kept what was done in them: a day.
pub(crate) const KEPT_MINUTES: i64 = 24 * 60;

/// The number of buckets of a histogram. The last one is for all that is longer.
pub(crate) const BUCKETS: usize = 13;

/// The upper bounds of the buckets for how long values were stale, in seconds.
pub(crate) const STALE: [f64; BUCKETS - 1] =
    [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 1_800.0, 3_600.0, 21_600.0];

/// The upper bounds of the buckets for how long calculations took, in seconds.
pub(crate) const TOOK: [f64; BUCKETS - 1] =
    [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0];

/// Returns the number of this minute since 1970, by the clock of this machine.
pub(crate) fn this_minute() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs() / 60).unwrap_or(i64::MAX)
}

/// How many durations were in each bucket.
pub(crate) type Histogram = [u64; BUCKETS];

/// What was done to the values of a field in some time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Done {
    /// The values that were stored and ended the flag, and differ from those before.
    pub(crate) changed: u64,
    /// Those that are the same as before.
    pub(crate) unchanged: u64,
    /// The values that were stored while their rows were marked again.
    pub(crate) published: u64,
    pub(crate) superseded: u64,
    pub(crate) handed_back: u64,
    /// The calculations that failed.
    pub(crate) failed: u64,
    /// Those of them that are not retried.
    pub(crate) given_up: u64,
    /// The seconds that calculations took, one after the other.
    pub(crate) seconds: f64,
    pub(crate) stale: Histogram,
    pub(crate) took: Histogram,
}

impl Done {
    /// Adds what was done beside it.
    pub(crate) fn add(&mut self, other: &Self) {
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.published += other.published;
        self.superseded += other.superseded;
        self.handed_back += other.handed_back;
        self.failed += other.failed;
        self.given_up += other.given_up;
        self.seconds += other.seconds;
        let counts = self.stale.iter_mut().chain(&mut self.took);
        counts
            .zip(other.stale.iter().chain(&other.took))
            .for_each(|(count, other)| *count += other);
    }

    /// Counts a value that is fresh again.
    pub(crate) fn count_stale(&mut self, stale_for: Duration) {
        self.stale[bucket(&STALE, stale_for)] += 1;
    }

    /// Counts a calculation, of one row or of many.
    pub(crate) fn count_calculation(&mut self, took: Duration) {
        self.took[bucket(&TOOK, took)] += 1;
        self.seconds += took.as_secs_f64();
    }
}

fn bucket(bounds: &[f64], duration: Duration) -> usize {
    bounds.partition_point(|bound| *bound < duration.as_secs_f64())
}

/// What a worker did to a field in a minute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Minute {
    /// The number of the minute since 1970.
    pub(crate) minute: i64,
    pub(crate) field: usize,
    pub(crate) done: Done,
}

/// A worker, as it describes itself.
#[derive(Clone, Debug)]
pub(crate) struct WorkerRecord {
    /// A random number.
    pub(crate) id: i64,
    pub(crate) host: String,
    pub(crate) process: i64,
    pub(crate) program: String,
    /// The release of this library.
    pub(crate) version: String,
    /// The names of the fields that it serves, separated by commas.
    pub(crate) fields: String,
    pub(crate) concurrency: i64,
    /// Whether it sets the gauges of what waits.
    pub(crate) sets_gauges: bool,
    /// The number of its claims.
    pub(crate) claims: i64,
}

/// The record of a worker, read from the database.
#[derive(Clone, Debug)]
pub(crate) struct SeenWorker {
    pub(crate) record: WorkerRecord,
    /// The milliseconds since it has written its record for the first and for the last time, by the
    /// clock of the database.
    pub(crate) started_for: i64,
    pub(crate) seen_for: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_up_to_the_bound_of_their_bucket() {
        let mut done = Done::default();
        for milliseconds in [0, 10, 11, 21_600_000, 21_600_001] {
            done.count_stale(Duration::from_millis(milliseconds));
        }
        assert_eq!(done.stale, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);

        done.count_calculation(Duration::from_millis(2));
        done.count_calculation(Duration::from_secs(300));
        assert_eq!(done.took, [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
        assert!((done.seconds - 300.002).abs() < 1e-9, "{}", done.seconds);
    }
}
