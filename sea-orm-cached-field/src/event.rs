//! What the engine tells of itself, on one stream a database.

use std::{fmt, time::Duration};

use crate::{declaration::Key, error::counted};

/// Something that the engine did. Subscribe with
/// [`CachedFields::events`](crate::CachedFields::events); `tracing` gets the same at level `DEBUG`,
/// with the target `sea_orm_cached_field`. Failures stand at `WARN`, too, but without what the
/// database or the user's code says of them, in which values of the user may stand.
///
/// Marking itself is done by the database, for every client alike; the engine tells of marks when
/// it collects them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are the same everywhere: table, field, key")]
pub enum Event {
    /// A row was flagged by one of our methods.
    Flagged { table: String, field: &'static str, key: Key },
    /// Rows were flagged together by one of our methods.
    FlaggedRows { table: String, field: &'static str, rows: u64 },
    /// Rows whose expiry has passed were flagged.
    Expired { table: String, field: &'static str, rows: u64 },
    /// Marks were moved to the queue.
    Collected { table: String, marks: usize, rows: usize },
    /// A row was leased, to calculate these fields.
    Claimed { table: String, key: Key, fields: Vec<&'static str> },
    /// The user's calculation has ended well. `took`: how long it ran; one of many rows at a time
    /// tells this of each.
    Calculated { table: String, field: &'static str, key: Key, took: Duration },
    /// A calculation of many rows at a time failed: they are calculated one by one, so that each
    /// fails or ends for itself.
    Split { table: String, field: &'static str, rows: usize, error: String },
    /// The value was stored and the flag ended. `changed`: it is another value than the one that
    /// was stored; of a `query` on SQLite, where that cannot be told, it may be the same.
    Completed { table: String, field: &'static str, key: Key, changed: bool },
    /// The value was stored, but the row was marked again while it was calculated: the flag stays,
    /// the row is due again.
    Published { table: String, field: &'static str, key: Key },
    /// The lease ended without a value: the row was locked, or the worker is stopping. It is due
    /// again.
    HandedBack { table: String, field: &'static str, key: Key },
    /// Somebody else has completed the row already; nothing was written.
    Superseded { table: String, field: &'static str, key: Key },
    /// The calculation failed. `attempts`: how often workers have tried since the last mark; 0 if a
    /// reader did now. `retry_in`: in what time a worker tries again (after a reader, who changes
    /// that only if no worker has tried yet, perhaps in another); never, if it is given up until
    /// the next mark.
    Failed {
        table: String,
        field: &'static str,
        key: Key,
        error: String,
        attempts: i32,
        retry_in: Option<Duration>,
    },
    /// What the user does after a recalculation has failed. The value is stored all the same.
    HookFailed { table: String, field: &'static str, key: Key, error: String },
    /// The row does not exist any more; it was dropped from the queue.
    Gone { table: String, key: Key },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flagged { table, field, key } => write!(f, "flagged {table}.{field} {key}"),
            Self::FlaggedRows { table, field, rows } => {
                write!(f, "flagged {table}.{field} of {}", counted(*rows, "row"))
            }
            Self::Expired { table, field, rows } => {
                write!(f, "expired {table}.{field} of {}", counted(*rows, "row"))
            }
            Self::Collected { table, marks, rows } => {
                write!(
                    f,
                    "collected {} of {} of {table}",
                    counted(*marks as u64, "mark"),
                    counted(*rows as u64, "row")
                )
            }
            Self::Claimed { table, key, fields } => {
                write!(f, "claimed {table} {key}: {}", fields.join(", "))
            }
            Self::Calculated { table, field, key, .. } => {
                write!(f, "calculated {table}.{field} {key}")
            }
            Self::Completed { table, field, key, changed: true } => {
                write!(f, "completed {table}.{field} {key}")
            }
            Self::Completed { table, field, key, changed: false } => {
                write!(f, "completed {table}.{field} {key}, unchanged")
            }
            Self::Published { table, field, key } => {
                write!(f, "published {table}.{field} {key}, marked again")
            }
            Self::HandedBack { table, field, key } => {
                write!(f, "handed back {table}.{field} {key}")
            }
            Self::Superseded { table, field, key } => write!(f, "superseded {table}.{field} {key}"),
            Self::Failed { error, .. }
            | Self::Split { error, .. }
            | Self::HookFailed { error, .. } => {
                write!(f, "{}: {error}", self.headline())
            }
            Self::Gone { table, key } => write!(f, "gone {table} {key}"),
        }
    }
}

impl Event {
    /// All but the cause, of what has failed.
    pub(crate) fn headline(&self) -> String {
        match self {
            Self::Failed { table, field, key, attempts, retry_in, .. } => {
                let then = if retry_in.is_some() { "will retry" } else { "given up" };
                let who = if *attempts > 0 {
                    format!("attempt {attempts}")
                } else {
                    "when it was read".to_owned()
                };
                format!("failed {table}.{field} {key}, {who}, {then}")
            }
            Self::Split { table, field, rows, .. } => {
                format!("split {} of {table}.{field}", counted(*rows as u64, "row"))
            }
            Self::HookFailed { table, field, key, .. } => {
                format!("what follows the recalculation of {table}.{field} {key} failed")
            }
            other => other.to_string(),
        }
    }
}
