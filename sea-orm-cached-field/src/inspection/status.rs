use std::{fmt, sync::Arc, time::Duration};

use sea_orm::DatabaseConnection;

use super::{Count, Pause, below, counts, duration, full_name};
use crate::{
    Error,
    engine::{Engine, Snapshot},
    queue::{COUNTED, Counts, MarkKind, Part, QueueCount, QueueState},
    registry::Model,
};

/// The time after which a field is behind.
const BEHIND: Duration = Duration::from_secs(60);

/// The state of cached fields. [`CachedFields::status`](crate::CachedFields::status) returns it.
///
/// Displayed, each field is a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Status {
    /// The state of each field, in the order of the models and of their declaration.
    pub fields: Vec<FieldStatus>,
}

/// The state of a cached field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FieldStatus {
    /// The schema of the owner's table, if its entity names one.
    pub schema: Option<String>,
    /// The owner's table.
    pub table: String,
    /// The cached field.
    pub field: &'static str,
    /// The state, in one word.
    pub state: FieldState,
    /// The pause, if the field is paused.
    pub paused: Option<Pause>,
    /// The rows that are due, and wait for a worker. If more than 1,000 rows of the table are due,
    /// only the first 1,000 are looked at. The others count here, also if they are claimed or
    /// failing.
    pub due: Count,
    /// The rows that a worker or a reader is calculating, among those that were looked at.
    pub claimed: Count,
    /// The rows that are due later: they are debounced, or were handed back a moment ago. If more
    /// than 1,000 rows of the table are due later, only the first 1,000 are looked at. The others
    /// count here, also if they are failing.
    pub later: Count,
    /// The rows whose calculation fails, and is retried, among those that were looked at.
    pub failing: Count,
    /// The rows whose calculation has failed for good.
    pub failed: Count,
    /// The changes that no worker has collected yet. A change of a related row counts once, however
    /// many rows it concerns.
    pub changes: Count,
    /// The time for which the oldest of these rows and changes has waited, or a value has been
    /// expired. `None` if there is none, or it is not known. Of rows that were not looked at, the
    /// time since they are due is known.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "waiting_for_seconds", serialize_with = "crate::json::optional_seconds")
    )]
    pub waiting_for: Option<Duration>,
    /// The same of the cached fields that this one is calculated from, if that is longer. While
    /// they wait, this field is as old as they are. Only fields of this status are known.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "inherited_seconds", serialize_with = "crate::json::optional_seconds")
    )]
    pub inherited: Option<Duration>,
    /// The age of these figures. All who ask within two seconds get the same ones.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "age_seconds", serialize_with = "crate::json::seconds")
    )]
    pub age: Duration,
}

/// The state of a cached field, in one word. If several hold, it is the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum FieldState {
    /// The library's tables beside the owner's table do not exist: call
    /// [`CachedFields::install`](crate::CachedFields::install). The
    /// [`doctor`](crate::CachedFields::doctor) finds what else an installation lacks.
    NotInstalled,
    /// Workers leave it alone until it is [resumed](crate::CachedFields::resume).
    Paused,
    /// The calculation of some rows fails, or has failed for good. Rows that fail and are retried
    /// are known only if they were looked at.
    Failing,
    /// An installation has flagged many rows, and workers have not come to all of them.
    Filling,
    /// Something has waited for a worker for more than a minute. The time of a `debounce` does not
    /// count.
    Behind,
    /// Something waits, or is calculated.
    Working,
    /// Its readers recalculate it: nothing waits for a worker, or eager recalculation is switched
    /// off. How many rows are stale is not counted.
    Lazy,
    /// Nothing of the field was seen, but not everything was looked at. Other fields of the table
    /// have more than 10,000 rows or changes that wait.
    Unknown,
    /// Nothing waits.
    Fresh,
}

impl FieldState {
    /// Returns the state as a word: `not installed`, `paused`, `failing`, `filling`, `behind`,
    /// `working`, `lazy`, `unknown` or `fresh`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotInstalled => "not installed",
            Self::Paused => "paused",
            Self::Failing => "failing",
            Self::Filling => "filling",
            Self::Behind => "behind",
            Self::Working => "working",
            Self::Lazy => "lazy",
            Self::Unknown => "unknown",
            Self::Fresh => "fresh",
        }
    }
}

impl fmt::Display for FieldState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FieldStatus {
    /// Returns the name of the field: that of its table and its own, as in `lamppost.full_name`.
    /// The schema comes before it if the entity names one.
    pub fn name(&self) -> String {
        full_name(self.schema.as_deref(), &self.table, self.field)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fields.iter().try_for_each(|field| writeln!(f, "{field}"))
    }
}

/// `lamppost.full_name: failing, 12 due, 1 failing, for 70 s`
impl fmt::Display for FieldStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.state)?;
        if self.state == FieldState::NotInstalled {
            return Ok(());
        }
        if let Some(pause) = &self.paused {
            write!(f, " {pause}")?;
        }

        let counts = [
            (self.changes, "not collected"),
            (self.due, "due"),
            (self.claimed, "claimed"),
            (self.later, "due later"),
            (self.failing, "failing"),
            (self.failed, "failed"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| !count.is_zero()) {
            write!(f, ", {count} {what}")?;
        }

        if let Some(waiting) = self.waiting_for {
            write!(f, ", for {} s", waiting.as_secs())?;
        }
        if let Some(inherited) = self.inherited {
            write!(f, ", inputs for {} s", inherited.as_secs())?;
        }
        Ok(())
    }
}

/// Returns the state of all fields of these models.
pub(crate) async fn status(
    db: &DatabaseConnection,
    models: &[Arc<Model>],
) -> Result<Status, Error> {
    let engine = Engine::of(db)?;
    let mut fields = Vec::new();
    for model in models {
        let counts = match counts(&engine, db, model).await {
            Ok(counts) => Some(counts),
            Err(error) if is_not_installed(&error) => None,
            Err(error) => return Err(error),
        };
        fields.extend((0..model.owner.fields.len()).map(|field| match &counts {
            Some(counts) => of_field(&engine, model, field, counts),
            None => not_installed(model, field),
        }));
    }

    inherit(&mut fields, &below(models));
    Ok(Status { fields })
}

fn is_not_installed(error: &Error) -> bool {
    match error {
        Error::NotInstalled { .. } => true,
        Error::Shared(error) => is_not_installed(error),
        _ => false,
    }
}

fn not_installed(model: &Model, field: usize) -> FieldStatus {
    FieldStatus {
        schema: model.owner.table.schema.clone(),
        table: model.owner.table.name.clone(),
        field: model.owner.fields[field].name,
        state: FieldState::NotInstalled,
        paused: None,
        due: Count::Unknown,
        claimed: Count::Unknown,
        later: Count::Unknown,
        failing: Count::Unknown,
        failed: Count::Unknown,
        changes: Count::Unknown,
        waiting_for: None,
        inherited: None,
        age: Duration::ZERO,
    }
}

fn of_field(
    engine: &Engine,
    model: &Model,
    field: usize,
    Snapshot { read: counts, at }: &Snapshot<Counts>,
) -> FieldStatus {
    let name = model.owner.fields[field].name;
    let queued = || counts.queue.iter().filter(|count| count.field == Some(field));
    let marked =
        || counts.marks.iter().filter(|count| count.fields.split(',').any(|listed| listed == name));
    let count = |part: Part| {
        let is_of = |count: &&QueueCount| {
            count.part == part && count.state.is_none_or(|state| state == part.state())
        };
        let rows = queued().filter(is_of).map(|count| count.rows).sum();
        Count::new(rows, counts.is_cut(part))
    };
    // There may be others among the rows that were not looked at.
    let looked_at = |state: QueueState, parts: &[Part]| {
        let rows = queued().filter(|count| count.state == Some(state)).map(|count| count.rows);
        let is_cut = |part: &Part| {
            counts.is_cut(*part)
                || queued().any(|count| count.part == *part && count.state.is_none())
        };
        Count::new(rows.sum(), parts.iter().any(is_cut))
    };

    let changes = marked().filter(|count| count.kind != MarkKind::Chunk);
    let changes = Count::new(changes.map(|count| count.marks).sum(), counts.marks_are_cut());
    let due = count(Part::Due);
    let claimed = looked_at(QueueState::Claimed, &Part::ALL);
    let later = count(Part::Later);
    let failing = looked_at(QueueState::Failing, &[Part::Due, Part::Later]);
    let failed = count(Part::Failed);

    let expired = counts.expired.iter().filter(|(expired, _)| *expired == field);
    let expired = expired.map(|(_, since)| *since).max();
    let marked_for = marked().map(|count| count.waited).max();
    let queued_for = queued().filter_map(|count| count.waited).max();
    let overdue = queued()
        .filter(|count| count.part == Part::Due)
        .filter(|count| count.state.is_none_or(|state| state == QueueState::Due))
        .filter_map(|count| count.due_in.map(|due_in| -due_in))
        .max();
    let waiting_for = expired.max(marked_for).max(queued_for).map(duration);
    let late = expired.max(marked_for).max(overdue).map(duration);

    let is_filling = marked().any(|count| count.kind == MarkKind::Chunk);
    let is_known = [changes, due, claimed, later, failing, failed]
        .iter()
        .all(|count| *count != Count::Unknown);
    let paused = Pause::among(&counts.paused, name);
    // Nothing is known of what is due later and was not looked at.
    let waits = waiting_for.is_some() || due.at_least() + later.at_least() > 0;
    let state = match waits {
        _ if paused.is_some() => FieldState::Paused,
        _ if failing.at_least() + failed.at_least() > 0 => FieldState::Failing,
        _ if is_filling => FieldState::Filling,
        true if !engine.is_eager() => FieldState::Lazy,
        true if late > Some(BEHIND) => FieldState::Behind,
        true => FieldState::Working,
        false if engine.lazy(model).contains(&field) => FieldState::Lazy,
        false if !is_known => FieldState::Unknown,
        false => FieldState::Fresh,
    };

    FieldStatus {
        schema: model.owner.table.schema.clone(),
        table: model.owner.table.name.clone(),
        field: name,
        state,
        paused,
        due,
        claimed,
        later,
        failing,
        failed,
        changes,
        waiting_for,
        inherited: None,
        age: at.elapsed(),
    }
}

/// Tells each field how long what it is calculated from has waited.
fn inherit(fields: &mut [FieldStatus], below: &[Vec<usize>]) {
    let waiting: Vec<Option<Duration>> = fields.iter().map(|status| status.waiting_for).collect();
    for (status, below) in fields.iter_mut().zip(below) {
        let longest = below.iter().filter_map(|input| waiting[*input]).max();
        status.inherited = longest.filter(|waited| Some(*waited) > status.waiting_for);
    }
}

impl Counts {
    /// Returns whether there are more rows in this part of the queue than were looked at.
    fn is_cut(&self, part: Part) -> bool {
        let rows = self.queue.iter().filter(|count| count.part == part).map(|count| count.rows);
        rows.sum::<u64>() >= COUNTED
    }

    fn marks_are_cut(&self) -> bool {
        self.marks.iter().map(|count| count.marks).sum::<u64>() >= COUNTED
    }
}
