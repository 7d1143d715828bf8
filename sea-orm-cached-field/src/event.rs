//! Events: what the library does to the fields of one database.

use std::{fmt, time::Duration};

use crate::{
    declaration::Key,
    error::{counted, seconds},
};

/// Something that the library did. Subscribe with
/// [`CachedFields::events`](crate::CachedFields::events).
///
/// `tracing` gets the same at level `DEBUG`, with the fields `table`, `field` and `key`. Failures
/// are also logged at level `WARN`, without the text of the error, because it may contain user
/// data. The warning says where that text can be read.
///
/// Marks are made by the database, for every client alike. The library learns of them when it
/// collects them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A row was flagged by a method of the library.
    Flagged {
        /// The owner's table.
        table: String,
        /// The field.
        field: &'static str,
        /// The key of the row.
        key: Key,
    },
    /// Rows were flagged together by a method of the library.
    FlaggedRows {
        /// The owner's table.
        table: String,
        /// The field.
        field: &'static str,
        /// The number of rows that were flagged.
        rows: u64,
    },
    /// Rows whose expiry had passed were flagged.
    Expired {
        /// The owner's table.
        table: String,
        /// The field.
        field: &'static str,
        /// The number of rows that were flagged.
        rows: u64,
    },
    /// Marks were moved to the queue.
    Collected {
        /// The owner's table.
        table: String,
        /// The number of marks that were collected.
        marks: usize,
        /// The number of rows of the queue that were inserted or changed.
        rows: usize,
    },
    /// A row was leased.
    Claimed {
        /// The owner's table.
        table: String,
        /// The key of the row.
        key: Key,
        /// The fields that are to be calculated.
        fields: Vec<&'static str>,
    },
    /// The user's calculation returned a value.
    Calculated {
        /// The owner's table.
        table: String,
        /// The field.
        field: &'static str,
        /// The key of the row.
        key: Key,
        /// The duration of the calculation; for a `batch`, that of all its rows.
        took: Duration,
    },
    /// A calculation of many rows at a time failed. The rows are retried one by one, so that one
    /// failure does not affect the others.
    BatchFailed {
        /// The owner's table.
        table: String,
        /// The field.
        field: &'static str,
        /// The number of rows that the batch had.
        rows: usize,
        /// The text of the error.
        error: String,
    },
    /// The value was stored and the flag ended.
    Completed {
        /// The owner's table.
        table: String,
        /// The field.
        field: &'static str,
        /// The key of the row.
        key: Key,
        /// Whether it is another value than the one before. A value that was published while this
        /// one was calculated may count as the one before, or not.
        changed: bool,
        /// For how long the value was stale: from the first mark until now. `None` if it was not
        /// stale, or that is not known, as of a row that was flagged without a mark.
        stale_for: Option<Duration>,
    },
    /// The value was stored, but the row was marked again while it was calculated. The flag stays,
    /// and the row is due again.
    Published {
        /// The owner's table.
        table: String,
        /// The field.
        field: &'static str,
        /// The key of the row.
        key: Key,
    },
    /// The lease ended without a value, because the row was locked or the worker is stopping. The
    /// row is due again.
    HandedBack {
        /// The owner's table.
        table: String,
        /// The field.
        field: &'static str,
        /// The key of the row.
        key: Key,
    },
    /// Another worker or reader has completed the row already. Nothing was stored.
    Superseded {
        /// The owner's table.
        table: String,
        /// The field.
        field: &'static str,
        /// The key of the row.
        key: Key,
    },
    /// The calculation failed.
    Failed {
        /// The owner's table.
        table: String,
        /// The field.
        field: &'static str,
        /// The key of the row.
        key: Key,
        /// The reason: the error of the calculation, or why the value could not be stored.
        /// It does not name the row.
        error: String,
        /// The number of attempts of workers since the last mark; 0 if a reader tried now.
        attempts: i32,
        /// The time that a worker waits before it retries; `None` if it waits for the next mark. A
        /// reader's failure changes this only if no worker has tried yet.
        retry_in: Option<Duration>,
    },
    /// The method that `after_recalculation` names failed. The value is stored all the same.
    HookFailed {
        /// The owner's table.
        table: String,
        /// The field.
        field: &'static str,
        /// The key of the row.
        key: Key,
        /// The text of the error.
        error: String,
    },
    /// The fuse of a worker paused a field: one transaction marked more rows than `Worker::fuse`
    /// allows.
    PausedByFuse {
        /// The owner's table.
        table: String,
        /// The field.
        field: &'static str,
        /// The number of rows that were counted by then. The transaction may have marked more.
        rows: u64,
    },
    /// The row does not exist any more. It was removed from the queue.
    Gone {
        /// The owner's table.
        table: String,
        /// The key of the row.
        key: Key,
    },
}

/// Where the error of a failure can be read that is not recorded with its row.
pub(crate) const NOT_RECORDED: &str = "`CachedFields::events`, and in the log at level DEBUG";

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
            Self::Completed { table, field, key, changed: true, .. } => {
                write!(f, "completed {table}.{field} {key}")
            }
            Self::Completed { table, field, key, changed: false, .. } => {
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
            | Self::BatchFailed { error, .. }
            | Self::HookFailed { error, .. } => {
                write!(f, "{}: {error}", self.headline())
            }
            Self::PausedByFuse { table, field, rows } => {
                let rows = counted(*rows, "row");
                write!(f, "paused {table}.{field}: one transaction marked {rows} or more")
            }
            Self::Gone { table, key } => write!(f, "gone {table} {key}"),
        }
    }
}

impl Event {
    /// The owner's table.
    pub fn table(&self) -> &str {
        self.subject().0
    }

    /// Logs the event, with its table, field and key as fields. Durations are fields, too.
    pub(crate) fn trace(&self) {
        let (table, field, key) = self.subject();
        let took = match self {
            Self::Calculated { took, .. } => Some(seconds(*took)),
            _ => None,
        };
        let stale_for = match self {
            Self::Completed { stale_for, .. } => stale_for.map(seconds),
            _ => None,
        };
        tracing::debug!(
            table,
            field,
            key = key.map(tracing::field::display),
            seconds = took,
            stale_seconds = stale_for,
            retry_in_seconds = self.retry_in(),
            "{self}"
        );
    }

    /// Logs a failure, and its cause without values, so that any log may have it. `whole` says
    /// where the text of the error can be read.
    pub(crate) fn warn(&self, cause: impl fmt::Display, whole: impl fmt::Display) {
        let (table, field, key) = self.subject();
        tracing::warn!(
            table,
            field,
            key = key.map(tracing::field::display),
            retry_in_seconds = self.retry_in(),
            "{}: {cause}; the whole error is in {whole}",
            self.headline()
        );
    }

    /// Returns the seconds after which a worker retries what has failed.
    fn retry_in(&self) -> Option<f64> {
        match self {
            Self::Failed { retry_in, .. } => retry_in.map(seconds),
            _ => None,
        }
    }

    /// Returns the table, the field and the key of the event.
    fn subject(&self) -> (&str, Option<&'static str>, Option<&Key>) {
        match self {
            Self::FlaggedRows { table, field, .. }
            | Self::Expired { table, field, .. }
            | Self::BatchFailed { table, field, .. }
            | Self::PausedByFuse { table, field, .. } => (table, Some(field), None),
            Self::Collected { table, .. } => (table, None, None),
            Self::Claimed { table, key, .. } | Self::Gone { table, key } => {
                (table, None, Some(key))
            }
            Self::Flagged { table, field, key }
            | Self::Calculated { table, field, key, .. }
            | Self::Completed { table, field, key, .. }
            | Self::Published { table, field, key }
            | Self::HandedBack { table, field, key }
            | Self::Superseded { table, field, key }
            | Self::Failed { table, field, key, .. }
            | Self::HookFailed { table, field, key, .. } => (table, Some(field), Some(key)),
        }
    }

    /// Returns the text of a failure without its cause.
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
            Self::BatchFailed { table, field, rows, .. } => {
                let rows = counted(*rows as u64, "row");
                format!("batch of {rows} of {table}.{field} failed, will retry row by row")
            }
            Self::HookFailed { table, field, key, .. } => {
                format!("the hook after the recalculation of {table}.{field} {key} failed")
            }
            other => other.to_string(),
        }
    }
}
