//! Marks, rows of the queue and what is written for them, as plain data.

use sea_orm::Value;

use crate::declaration::Key;

/// A leased row of the queue: one field of one row that is to be calculated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Claim {
    pub(crate) key: Key,
    pub(crate) field: usize,
    /// Changes with each newly collected mark; a completion holds only for the generation that it
    /// was claimed with.
    pub(crate) generation: i64,
    /// How often it was claimed since it was last marked, this time included.
    pub(crate) attempts: i32,
    /// How often in a row it was marked again while it was calculated.
    pub(crate) waves: i32,
    /// When it was claimed, by the database's clock in milliseconds since 1970: an expiry after
    /// that is not served by it.
    pub(crate) claimed_at: i64,
    /// Whether the lease belongs to another, which this reader shares: the first to complete ends
    /// it for both.
    pub(crate) shared: bool,
}

/// Which marks are collected.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which<'a> {
    /// Those of these rows.
    Of(&'a [Key]),
    /// So many of the oldest, and all others of the same rows.
    Oldest(u64),
}

/// What is written to a row.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) key: Key,
    pub(crate) claimed_at: i64,
    /// One a field of the shape.
    pub(crate) values: Vec<Value>,
}

/// A mark of an owner's row.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) key: Key,
    /// By its name: it may be one that only another version of the program knows.
    pub(crate) field: String,
    /// In milliseconds since 1970.
    pub(crate) marked_at: i64,
}

/// When a worker tries again what has failed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NextTry {
    /// In so many milliseconds.
    In(i64),
    /// When it is marked again.
    Never,
    /// When it would have without this failure; but in so many milliseconds if no worker has tried
    /// yet.
    AsItWas(i64),
}

impl NextTry {
    /// Whether the attempt that has failed counts. That of a reader does not.
    pub(crate) fn counts(self) -> bool {
        !matches!(self, Self::AsItWas(_))
    }
}

/// Something to be queued.
#[derive(Clone, Debug)]
pub(crate) struct Enqueued {
    pub(crate) key: Key,
    pub(crate) field: usize,
    pub(crate) generation: i64,
    /// Whether the one who queues it wants to calculate it.
    pub(crate) lease: bool,
}

/// What is written to a row: some of its fields, each with or without the flag's end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Shape(pub(crate) Vec<ShapedField>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ShapedField {
    pub(crate) field: usize,
    /// Whether the value is right, so that the flag ends; otherwise it is only newer than what
    /// stood there.
    pub(crate) done: bool,
}
