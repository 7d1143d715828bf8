//! Marks, rows of the queue and the values written for them, as plain data.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

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
    /// A number that changes with each newly collected mark. A completion holds only for the
    /// generation that was claimed.
    pub(crate) generation: i64,
    /// The number of claims since the last mark, this one included.
    pub(crate) attempts: i32,
    /// The number of times in a row that it was marked again while it was calculated.
    pub(crate) waves: i32,
    /// The time of the claim, by the database's clock in milliseconds since 1970. A later expiry is
    /// not served by it.
    pub(crate) claimed_at: i64,
    /// The time since when it is stale, by the same clock: that of the first mark. `None` if the
    /// row is fresh, or that time is not known.
    pub(crate) stale_since: Option<i64>,
    /// The time of the claim, by the clock of this process.
    pub(crate) taken_at: Instant,
    /// Whether this reader shares the lease of another holder. The first of them to complete ends
    /// it for both.
    pub(crate) shared: bool,
}

impl Claim {
    /// Returns for how long the row has been stale by now.
    pub(crate) fn stale_for(&self) -> Option<Duration> {
        let when_claimed = u64::try_from(self.claimed_at - self.stale_since?).unwrap_or_default();
        Some(Duration::from_millis(when_claimed) + self.taken_at.elapsed())
    }
}

/// The marks to collect.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which<'a> {
    /// The marks of these rows.
    Of(&'a [Key]),
    /// This number of the oldest marks, and all others of the same rows.
    Oldest(u64),
}

/// A request to collect marks, and to lease the rows.
pub(crate) struct Collect<'a> {
    pub(crate) which: Which<'a>,
    /// The duration of the leases in milliseconds; with 0 nothing is leased.
    pub(crate) lease: i64,
    /// The one field that is leased; all are if there is none.
    pub(crate) leased: Option<usize>,
    /// The fields that only readers recalculate.
    pub(crate) lazy: &'a [usize],
    /// Whether to return when each row was last marked.
    pub(crate) with_last_marks: bool,
}

impl Collect<'_> {
    /// Returns whether this field is leased.
    pub(crate) fn leases(&self, field: usize) -> bool {
        self.lease > 0 && self.leased.is_none_or(|leased| leased == field)
    }
}

/// The result of collecting.
#[derive(Default)]
pub(crate) struct Collected {
    /// The rows and fields that were queued, leased or not.
    pub(crate) queued: Vec<(Key, usize)>,
    /// Those of the queued ones that may not be flagged yet.
    pub(crate) unflagged: Vec<(Key, usize)>,
    /// Those that were leased.
    pub(crate) claims: Vec<Claim>,
    /// When the queued ones were last marked, if that was asked.
    pub(crate) last_marks: Vec<LastMark>,
    /// The number of marks that were collected.
    pub(crate) marks: usize,
    /// Whether there may be more marks of the same rows, or of the same related rows. Then nothing
    /// is leased: those marks come first, in a transaction of their own.
    pub(crate) has_more: bool,
}

/// The newest collected mark of a field of a row.
#[derive(Clone, Debug)]
pub(crate) struct LastMark {
    pub(crate) key: Key,
    pub(crate) field: usize,
    /// The time of the mark, in milliseconds since 1970.
    pub(crate) marked_at: i64,
}

/// A mark that stands for all flagged rows of a chunk.
pub(crate) struct MarkedChunk {
    pub(crate) id: i64,
    /// The time of the mark, in milliseconds since 1970.
    pub(crate) marked_at: i64,
    pub(crate) field: usize,
    pub(crate) chunk: Chunk,
}

/// The work that there is.
#[derive(Default)]
pub(crate) struct Due {
    /// Whether something is marked, due or expired.
    pub(crate) marked: bool,
    /// The milliseconds until something will be due, if anything will.
    pub(crate) wait: Option<i64>,
}

/// The time that the oldest work has waited for a worker.
#[derive(Default)]
pub(crate) struct Oldest {
    /// That time in milliseconds, if anything waits.
    pub(crate) waited: Option<i64>,
    /// Whether anything is leased.
    pub(crate) leased: bool,
}

/// Rows of the queue, and marks, of the same fields and in the same state.
pub(crate) struct Waiting {
    /// The names of the fields, separated by commas.
    pub(crate) fields: String,
    pub(crate) state: State,
    pub(crate) rows: u64,
    /// The error of one of them.
    pub(crate) error: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Due,
    /// It failed, and will be retried.
    Failing,
    /// It failed for good.
    Failed,
}

/// The greatest number of rows, and of marks, that an inspection counts.
pub(crate) const COUNTED: u64 = 10_001;

/// The number of rows of a part of the queue whose states are read. The others are counted. In
/// databases of the MySQL family, to read a row takes ten times as long as to read its entry in an
/// index.
pub(crate) const LOOKED_AT: u64 = 1_000;

/// The number of rows of a part of the queue whose errors are read.
pub(crate) const ERRORS_LOOKED_AT: u64 = 2_500;

/// The greatest number of groups of failures that an inspection returns for a model.
pub(crate) const GROUPS: usize = 100;

/// What waits for a model. Nothing is counted beyond [`COUNTED`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) queue: Vec<QueueCount>,
    pub(crate) marks: Vec<MarkCount>,
    /// For how many milliseconds the first value of a field has been expired that no worker has
    /// flagged, by field.
    pub(crate) expired: Vec<(usize, i64)>,
    /// The paused fields.
    pub(crate) paused: Vec<Paused>,
}

/// Rows of the queue of one field and in one state.
#[derive(Clone, Debug)]
pub(crate) struct QueueCount {
    pub(crate) part: Part,
    /// `None` if another version of the program has the field.
    pub(crate) field: Option<usize>,
    /// `None` if they were not looked at.
    pub(crate) state: Option<QueueState>,
    pub(crate) rows: u64,
    /// The milliseconds for which the oldest of them has waited.
    pub(crate) waited: Option<i64>,
    /// The milliseconds until the first of them is due. `None` if they have failed for good.
    pub(crate) due_in: Option<i64>,
}

/// A part of the queue: the rows that are due, that are due later, or that have failed for good.
/// Each is counted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Due,
    Later,
    Failed,
}

impl Part {
    /// In this order they are read one after the other. A row that becomes due meanwhile is met
    /// twice, and not missed.
    pub(crate) const ALL: [Self; 3] = [Self::Later, Self::Due, Self::Failed];

    /// Returns the state of its rows that are not claimed, and have no error.
    pub(crate) fn state(self) -> QueueState {
        match self {
            Self::Due => QueueState::Due,
            Self::Later => QueueState::Later,
            Self::Failed => QueueState::Failed,
        }
    }

    pub(crate) fn is_final(self) -> bool {
        self == Self::Failed
    }
}

/// Statements write it as a number, because databases of the MySQL family group by numbers faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueState {
    Due,
    /// It will be due later: it is debounced, or was handed back.
    Later,
    Claimed,
    /// It failed, and is retried.
    Failing,
    /// It failed for good.
    Failed,
}

impl QueueState {
    const ALL: [Self; 5] = [Self::Due, Self::Later, Self::Claimed, Self::Failing, Self::Failed];

    /// Returns the state that statements write as this number.
    pub(crate) fn of(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as i32 == number)
    }
}

/// Marks of the same fields and of one kind.
#[derive(Clone, Debug)]
pub(crate) struct MarkCount {
    /// The names of the fields, separated by commas.
    pub(crate) fields: String,
    pub(crate) kind: MarkKind,
    pub(crate) marks: u64,
    /// The milliseconds for which the oldest of them has waited.
    pub(crate) waited: i64,
}

/// Statements write it as a number, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarkKind {
    /// Of one row.
    Row,
    /// Of a related row. It may concern any number of rows.
    Related,
    /// Of the flagged rows of a chunk.
    Chunk,
}

impl MarkKind {
    const ALL: [Self; 3] = [Self::Row, Self::Related, Self::Chunk];

    /// Returns the kind that statements write as this number.
    pub(crate) fn of(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as i32 == number)
    }
}

/// The failures that are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure<'a> {
    pub(crate) field: usize,
    /// The error; any if there is none.
    pub(crate) error: Option<&'a str>,
    /// Whether it is for good; either if there is none.
    pub(crate) is_final: Option<bool>,
}

/// The failures of a part of the queue.
#[derive(Clone, Debug)]
pub(crate) struct Failures {
    pub(crate) groups: Vec<FailureCount>,
    /// The number of rows that were looked at, failed or not.
    pub(crate) looked_at: u64,
}

/// Failures of one field that have the same error.
#[derive(Clone, Debug)]
pub(crate) struct FailureCount {
    /// `None` if another version of the program has the field.
    pub(crate) field: Option<usize>,
    pub(crate) error: String,
    pub(crate) rows: u64,
    /// The milliseconds for which the oldest of them has waited.
    pub(crate) waited: i64,
    /// The milliseconds until the first of them is retried.
    pub(crate) retry_in: Option<i64>,
}

/// A failure of one row.
#[derive(Clone, Debug)]
pub(crate) struct FailureOfRow {
    pub(crate) key: Key,
    pub(crate) error: String,
    pub(crate) attempts: i32,
    /// The milliseconds for which it has waited.
    pub(crate) waited: i64,
    /// The milliseconds until it is retried.
    pub(crate) retry_in: Option<i64>,
}

/// What a row itself says of one of its fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowState {
    pub(crate) is_flagged: bool,
    /// Whether the value is NULL.
    pub(crate) is_empty: bool,
    /// The milliseconds until the value expires. They are negative if it has.
    pub(crate) expires_in: Option<i64>,
}

/// The place of a field of a row in the queue.
#[derive(Clone, Debug)]
pub(crate) struct PlaceInQueue {
    /// The milliseconds until it is due; `None` if it has failed for good.
    pub(crate) due_in: Option<i64>,
    /// The milliseconds until its lease ends; 0 if there is none.
    pub(crate) leased_for: i64,
    pub(crate) attempts: i32,
    /// As [`Claim::waves`]. It is negative while the row is held back.
    pub(crate) waves: i32,
    pub(crate) error: Option<String>,
}

/// A field that workers leave alone for a while.
#[derive(Clone, Debug)]
pub(crate) struct Paused {
    pub(crate) field: String,
    pub(crate) by: String,
    pub(crate) reason: String,
    /// The milliseconds since then.
    pub(crate) paused_for: i64,
}

/// A request to lease rows that are due.
pub(crate) struct LeaseDue<'a> {
    pub(crate) fields: &'a [usize],
    /// The cached fields that the fields wait for.
    pub(crate) upstream: &'a [Upstream],
    /// The greatest number of rows.
    pub(crate) rows: u64,
    /// The duration of the leases in milliseconds.
    pub(crate) lease: i64,
    /// The longest time in milliseconds that a field waits for those that it is calculated from.
    pub(crate) patience: i64,
}

/// The state of a claim's row and of its place in the queue, both of them locked if that was
/// possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Locked {
    /// Whether the row is locked. Otherwise another transaction holds it, or it is gone.
    pub(crate) row: bool,
    /// Whether nothing was marked since the claim. `None` if the place is gone, or another
    /// transaction holds it.
    pub(crate) unchanged: Option<bool>,
}

impl Locked {
    /// Returns whether a value is written and, if it is, whether it is fresh, so that the flag
    /// ends.
    pub(crate) fn writes(self) -> Option<bool> {
        self.unchanged.filter(|_| self.row)
    }
}

/// The values that are written to a row.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) key: Key,
    pub(crate) claimed_at: i64,
    /// The values, one for each field of the shape.
    pub(crate) values: Vec<Value>,
}

/// A mark of an owner's row.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) key: Key,
    /// The name of the field. Only another version of the program may know it.
    pub(crate) field: String,
    /// The time of the mark, in milliseconds since 1970.
    pub(crate) marked_at: i64,
}

/// The time at which a worker retries a failed calculation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NextTry {
    /// After so many milliseconds.
    In(i64),
    /// When the row is marked again.
    Never,
    /// At the time that was set before this failure; after so many milliseconds if no worker has
    /// tried yet.
    AsItWas(i64),
}

impl NextTry {
    /// Returns whether the failed attempt counts. A reader's attempt does not.
    pub(crate) fn counts(self) -> bool {
        !matches!(self, Self::AsItWas(_))
    }
}

/// A field of a row that is to be queued.
#[derive(Clone, Debug)]
pub(crate) struct Enqueued {
    pub(crate) key: Key,
    pub(crate) field: usize,
    pub(crate) generation: i64,
    /// The time of the first of its marks, in milliseconds since 1970.
    pub(crate) marked_at: i64,
    /// Whether the transaction that queues it wants to calculate it.
    pub(crate) lease: bool,
}

/// The fields of a row that are written, each with or without the end of its flag.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Shape(pub(crate) Vec<ShapedField>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ShapedField {
    pub(crate) field: usize,
    /// Whether the value is fresh, so that the flag ends. Otherwise it is only newer than the
    /// stored one.
    pub(crate) done: bool,
}

/// The fields of a row that are written, and the time at which the first of them was claimed.
type Fields = (i64, Vec<(ShapedField, Value)>);

/// Groups the values by the shape of the written rows, each value with whether it is fresh. So all
/// fields of a row go into one UPDATE.
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

/// Sorts the rows to lock in the queue. All transactions that wait for such locks take them in this
/// order, so that two of them never wait for each other.
pub(crate) fn in_order<T>(mut rows: Vec<T>, place: impl Fn(&T) -> (&Key, usize)) -> Vec<T> {
    rows.sort_by_cached_key(|row| {
        let (key, field) = place(row);
        (key.to_string(), field)
    });
    rows
}
