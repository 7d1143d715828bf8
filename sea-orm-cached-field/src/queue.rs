//! Marks, rows of the queue and what is written for them, as plain data.

use std::collections::{BTreeMap, HashMap};

use sea_orm::Value;

use crate::{
    declaration::{Chunk, Key},
    layout::Upstream,
};

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

/// What is collected, and what becomes of it.
pub(crate) struct Collect<'a> {
    pub(crate) which: Which<'a>,
    /// For how long what is queued is leased, in milliseconds; nothing is if it is 0.
    pub(crate) lease: i64,
    /// The one field that is leased; otherwise all are.
    pub(crate) leased: Option<usize>,
    /// The fields that only readers recalculate.
    pub(crate) lazy: &'a [usize],
}

impl Collect<'_> {
    /// Whether this field is leased.
    pub(crate) fn leases(&self, field: usize) -> bool {
        self.lease > 0 && self.leased.is_none_or(|leased| leased == field)
    }
}

/// What was collected.
#[derive(Default)]
pub(crate) struct Collected {
    /// What was queued, leased or not.
    pub(crate) queued: Vec<(Key, usize)>,
    /// Of it, what is perhaps not flagged.
    pub(crate) unflagged: Vec<(Key, usize)>,
    /// What was leased.
    pub(crate) claims: Vec<Claim>,
    /// How many marks were taken.
    pub(crate) marks: usize,
    /// Whether there may be more marks of the same rows, or of the same related rows. Then nothing
    /// is leased: they come first, in a transaction of their own.
    pub(crate) has_more: bool,
}

/// A mark that stands for all flagged rows of a chunk.
pub(crate) struct MarkedChunk {
    pub(crate) id: i64,
    pub(crate) field: usize,
    pub(crate) chunk: Chunk,
}

/// Whether there is something to do.
#[derive(Default)]
pub(crate) struct Due {
    /// Whether something is marked, due or expired.
    pub(crate) marked: bool,
    /// The milliseconds until something will be due, if it will.
    pub(crate) wait: Option<i64>,
}

/// What has waited for a worker for the longest time.
#[derive(Default)]
pub(crate) struct Oldest {
    /// For how long, in milliseconds, if anything waits.
    pub(crate) waited: Option<i64>,
    /// Whether anything is leased.
    pub(crate) leased: bool,
}

/// Rows of the queue, and marks, that are of the same fields and in the same state.
pub(crate) struct Waiting {
    /// The names of the fields, with commas in between.
    pub(crate) fields: String,
    pub(crate) state: State,
    pub(crate) rows: u64,
    /// The error of one of them.
    pub(crate) error: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Due,
    /// It failed, and is tried again.
    Failing,
    /// It failed for good.
    Failed,
}

/// Which of what is due is leased.
pub(crate) struct LeaseDue<'a> {
    pub(crate) fields: &'a [usize],
    /// What fields wait for.
    pub(crate) upstream: &'a [Upstream],
    /// Of how many rows, at most.
    pub(crate) rows: u64,
    /// For how long, in milliseconds.
    pub(crate) lease: i64,
    /// For how long a field waits for those that it is calculated from, at most, in milliseconds.
    pub(crate) patience: i64,
}

/// What was found of a claim's row and of its place in the queue, both of them locked if they could
/// be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Locked {
    /// Whether the row is locked. Otherwise another transaction holds it, or it is gone.
    pub(crate) row: bool,
    /// Whether nothing was marked since the claim; `None` if the place is gone, or another
    /// transaction holds it.
    pub(crate) unchanged: Option<bool>,
}

impl Locked {
    /// Whether a value is written and, if it is, whether it is right, so that the flag ends.
    pub(crate) fn writes(self) -> Option<bool> {
        self.unchanged.filter(|_| self.row)
    }
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

/// What is written of a row, and when the first of it was claimed.
type Fields = (i64, Vec<(ShapedField, Value)>);

/// The values to write, by what is written of a row, each with whether it is right: all fields of a
/// row go into one UPDATE.
pub(crate) fn by_shape<'v>(
    values: impl Iterator<Item = (&'v Claim, &'v Value, bool)>,
) -> BTreeMap<Shape, Vec<Written>> {
    let mut rows: HashMap<&Key, Fields> = HashMap::new();
    for (claim, value, done) in values {
        let (claimed_at, fields) = rows.entry(&claim.key).or_insert((i64::MAX, Vec::new()));
        *claimed_at = claim.claimed_at.min(*claimed_at);
        fields.push((ShapedField { field: claim.field, done }, value.clone()));
    }

    let mut shapes: BTreeMap<Shape, Vec<Written>> = BTreeMap::new();
    for (key, (claimed_at, mut fields)) in rows {
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        let (shape, values) = fields.into_iter().unzip();
        let written = Written { key: key.clone(), claimed_at, values };
        shapes.entry(Shape(shape)).or_default().push(written);
    }
    shapes
}

/// Sorts what is to be locked in the queue. All transactions that wait for such locks take them in
/// this order, so that two of them never wait for each other.
pub(crate) fn in_order<T>(mut rows: Vec<T>, place: impl Fn(&T) -> (&Key, usize)) -> Vec<T> {
    rows.sort_by_cached_key(|row| {
        let (key, field) = place(row);
        (key.to_string(), field)
    });
    rows
}
