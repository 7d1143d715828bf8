use std::{fmt, sync::Arc, time::Duration};

use sea_orm::DatabaseConnection;

use super::{Count, Pause, ask, check_key, duration, find, full_name};
use crate::{
    Error,
    access::{StaleRows, stale_inputs},
    declaration::Key,
    engine::Engine,
    error::counted,
    queue::{COUNTED, PlaceInQueue, RowState},
    registry::Model,
};

/// The state of a cached field of one row, and its reasons.
/// [`CachedFields::explain`](crate::CachedFields::explain) returns it.
///
/// Displayed, each reason is a line.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Explanation {
    /// The schema of the owner's table, if its entity names one.
    pub schema: Option<String>,
    /// The owner's table.
    pub table: String,
    /// The cached field.
    pub field: &'static str,
    /// The row's primary key.
    pub key: Key,
    /// Whether the value is stale: flagged, expired, marked or in the queue.
    pub is_stale: bool,
    /// What is known of the value.
    pub reasons: Vec<Reason>,
}

/// Something that is known of a cached field of a row.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "kind", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Reason {
    /// The table has no row with this key.
    NoRow,
    /// The row is flagged, and its value is NULL: it was never calculated, or was NULL before.
    Empty,
    /// The value expires.
    Expires {
        /// The time until then.
        #[cfg_attr(
            feature = "serde",
            serde(rename = "within_seconds", serialize_with = "crate::json::seconds")
        )]
        within: Duration,
    },
    /// The value has expired.
    Expired {
        /// The time since then.
        #[cfg_attr(
            feature = "serde",
            serde(rename = "since_seconds", serialize_with = "crate::json::seconds")
        )]
        since: Duration,
    },
    /// Changes that concern the row were not collected yet.
    Marked {
        /// The number of changes.
        changes: Count,
        /// The time since the first of them.
        #[cfg_attr(
            feature = "serde",
            serde(rename = "since_seconds", serialize_with = "crate::json::seconds")
        )]
        since: Duration,
    },
    /// A related row has changed. No worker has collected that change yet.
    MarkedByRelatedRow,
    /// An installation has flagged the row, together with many others. A worker queues them when it
    /// has little else to do.
    InFlaggedChunk,
    /// The row is due, and waits for a worker.
    Due {
        /// The time since it is due.
        #[cfg_attr(
            feature = "serde",
            serde(rename = "since_seconds", serialize_with = "crate::json::seconds")
        )]
        since: Duration,
    },
    /// The row is due later: the field has a `debounce`, or the row was handed back.
    DueLater {
        /// The time until it is due.
        #[cfg_attr(
            feature = "serde",
            serde(rename = "within_seconds", serialize_with = "crate::json::seconds")
        )]
        within: Duration,
    },
    /// A worker or a reader is calculating the value.
    Claimed {
        /// The time until its lease ends, unless it is renewed.
        #[cfg_attr(
            feature = "serde",
            serde(rename = "lease_ends_in_seconds", serialize_with = "crate::json::seconds")
        )]
        lease_ends_in: Duration,
    },
    /// The row was marked again during each of many calculations, and is held back for a moment.
    HeldBack,
    /// The calculation failed, and is retried.
    Failing {
        /// The error. It may hold values of the user's rows.
        error: String,
        /// The number of attempts of workers.
        attempts: u32,
        /// The time until the next attempt. It is zero if a worker may try now.
        #[cfg_attr(
            feature = "serde",
            serde(rename = "retry_in_seconds", serialize_with = "crate::json::seconds")
        )]
        retry_in: Duration,
    },
    /// The calculation has failed for good. It is retried when the row is marked again, or after
    /// [`CachedFields::retry`](crate::CachedFields::retry).
    Failed {
        /// The error. It may hold values of the user's rows.
        error: String,
        /// The number of attempts of workers.
        attempts: u32,
    },
    /// The field is paused: workers leave it alone until it is
    /// [resumed](crate::CachedFields::resume). Readers recalculate it.
    Paused(Pause),
    /// A cached field that the value is calculated from is stale, directly or through other cached
    /// fields. Inputs are looked at only if the value is stale itself. Those behind relations whose
    /// rows a cached column finds are left out.
    StaleInput {
        /// The schema of the table of that field, if its entity names one.
        schema: Option<String>,
        /// The table of that field.
        table: String,
        /// That field.
        field: &'static str,
        /// The number of its stale rows that the value is calculated from.
        rows: Count,
        /// The key of one of them.
        key: Key,
    },
    /// The field is `lazy`, or eager recalculation is switched off. So workers leave it alone, and
    /// the next reader recalculates it.
    LeftToReaders,
    /// The row is flagged, and neither marked nor in the queue. So no worker will see it: call
    /// [`CachedFields::repair`](crate::CachedFields::repair).
    Unqueued,
    /// Changes of what the field is calculated from go unseen, because its triggers were suspended.
    /// The next [`CachedFields::install`](crate::CachedFields::install) watches them again, and
    /// flags all rows.
    NotWatched,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { schema, table, field, key, is_stale, reasons } = self;
        let name = full_name(schema.as_deref(), table, field);
        let state = match reasons.first() {
            Some(Reason::NoRow) => "does not exist",
            _ if *is_stale => "is stale",
            _ => "is fresh",
        };
        writeln!(f, "{name} {key} {state}")?;
        reasons.iter().try_for_each(|reason| writeln!(f, "  {reason}"))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRow => f.write_str("the table has no row with this key"),
            Self::Empty => f.write_str("its value is NULL"),
            Self::Expires { within } => write!(f, "it expires in {} s", within.as_secs()),
            Self::Expired { since } => write!(f, "it expired {} s ago", since.as_secs()),
            Self::Marked { changes, since } => write!(
                f,
                "{} {} not collected yet, the first of {} s ago",
                changes.of("change"),
                if *changes == Count::Exactly(1) { "is" } else { "are" },
                since.as_secs(),
            ),
            Self::MarkedByRelatedRow => {
                f.write_str("a change of a related row is not collected yet")
            }
            Self::InFlaggedChunk => {
                f.write_str("an installation has flagged it with many others; workers come to it")
            }
            Self::Due { since } => {
                write!(f, "it has been due for {} s, and waits for a worker", since.as_secs())
            }
            Self::DueLater { within } => write!(f, "it is due in {} s", within.as_secs_f64()),
            Self::Claimed { lease_ends_in } => write!(
                f,
                "it is being calculated; the lease ends in {} s unless it is renewed",
                lease_ends_in.as_secs(),
            ),
            Self::HeldBack => f.write_str(
                "it is held back for a moment, because it was marked again during each of many \
                 calculations",
            ),
            Self::Failing { error, attempts, retry_in } => write!(
                f,
                "its calculation fails, {}, the next in {} s: {error}",
                counted(u64::from(*attempts), "attempt"),
                retry_in.as_secs(),
            ),
            Self::Failed { error, attempts } => write!(
                f,
                "its calculation has failed for good, {}: {error}; fix the cause, then call \
                 `retry`",
                counted(u64::from(*attempts), "attempt"),
            ),
            Self::StaleInput { schema, table, field, rows, key } => write!(
                f,
                "it is calculated from {}, which is stale in {}, such as {key}",
                full_name(schema.as_deref(), table, field),
                rows.of("row"),
            ),
            Self::Paused(pause) => write!(f, "workers leave this field alone: paused {pause}"),
            Self::LeftToReaders => {
                f.write_str("workers leave this field alone: the next reader recalculates it")
            }
            Self::Unqueued => f.write_str(
                "it is flagged, and unseen by any worker: run `CachedFields::all().repair(&db)`",
            ),
            Self::NotWatched => f.write_str(
                "changes of what it is calculated from go unseen, because its triggers were \
                 suspended: run `CachedFields::all().install(&db)`",
            ),
        }
    }
}

pub(crate) async fn explain(
    db: &DatabaseConnection,
    models: &[Arc<Model>],
    name: &str,
    key: &Key,
) -> Result<Explanation, Error> {
    let engine = Engine::of(db)?;
    let (model, field) = find(models, name)?;
    let owner = &model.owner;
    check_key(owner, key)?;
    let backend = engine.backend;
    let mut explanation = Explanation {
        schema: owner.table.schema.clone(),
        table: owner.table.name.clone(),
        field: owner.fields[field].name,
        key: key.clone(),
        is_stale: false,
        reasons: Vec::new(),
    };

    // All of it is of one moment: between two, a worker may come.
    let told = ask(&engine, db, &model, async |transaction| {
        let Some(row) = backend.row_state(transaction, owner, field, key).await? else {
            return Ok(None);
        };
        let place = backend.place_in_queue(transaction, owner, field, key).await?;
        let (changes, marked_for) = backend.marks_of_row(transaction, owner, field, key).await?;
        let is_marked = backend.is_row_marked(transaction, owner, field, key).await?;
        let is_of_chunk =
            row.is_flagged && backend.is_in_chunk(transaction, owner, field, key).await?;
        let expired = row.expired();
        let is_stale = row.is_flagged || expired.is_some() || is_marked || place.is_some();
        let inputs = match is_stale {
            true => stale_inputs(transaction, &model, field, key, COUNTED).await?,
            false => Vec::new(),
        };

        let pauses = backend.pauses(transaction, owner).await?;
        let name = owner.fields[field].name;
        let versions = backend.versions(transaction, owner).await?;
        let is_watched = versions.iter().any(|version| version.field == name);

        let mut reasons = Vec::new();
        let since = duration(marked_for.unwrap_or_default());
        let changes = Count::new(changes, changes >= COUNTED);
        reasons.extend((!changes.is_zero()).then_some(Reason::Marked { changes, since }));
        let is_of_related_row = is_marked && changes.is_zero();
        reasons.extend(is_of_related_row.then_some(Reason::MarkedByRelatedRow));
        reasons.extend(is_of_chunk.then_some(Reason::InFlaggedChunk));
        reasons.extend(place.as_ref().map(of_place));
        reasons.extend(expired);
        if is_stale && reasons.is_empty() {
            let is_lazy = engine.lazy(&model).contains(&field);
            reasons.push(if is_lazy { Reason::LeftToReaders } else { Reason::Unqueued });
        }

        reasons.extend((!is_watched).then_some(Reason::NotWatched));
        reasons.extend(Pause::among(&pauses, name).map(Reason::Paused));
        reasons.extend((row.is_flagged && row.is_empty).then_some(Reason::Empty));
        reasons.extend(inputs.into_iter().map(of_input));
        reasons.extend(row.expires());
        Ok(Some((is_stale, reasons)))
    });

    (explanation.is_stale, explanation.reasons) =
        told.await?.unwrap_or_else(|| (false, vec![Reason::NoRow]));
    Ok(explanation)
}

fn of_input(StaleRows { model, field, keys }: StaleRows) -> Reason {
    let rows = keys.len() as u64;
    Reason::StaleInput {
        schema: model.owner.table.schema.clone(),
        table: model.owner.table.name.clone(),
        field: model.owner.fields[field].name,
        rows: Count::new(rows, rows >= COUNTED),
        key: keys[0].clone(),
    }
}

/// Returns what the place of the row in the queue says.
fn of_place(place: &PlaceInQueue) -> Reason {
    let attempts = u32::try_from(place.attempts).unwrap_or_default();
    match (place.due_in, &place.error) {
        _ if place.leased_for > 0 && place.waves < 0 => Reason::HeldBack,
        _ if place.leased_for > 0 => Reason::Claimed { lease_ends_in: duration(place.leased_for) },
        (None, error) => Reason::Failed { error: error.clone().unwrap_or_default(), attempts },
        (Some(due_in), Some(error)) => {
            Reason::Failing { error: error.clone(), attempts, retry_in: duration(due_in) }
        }
        (Some(due_in), None) if due_in > 0 => Reason::DueLater { within: duration(due_in) },
        (Some(due_in), None) => Reason::Due { since: duration(-due_in) },
    }
}

impl RowState {
    fn expired(self) -> Option<Reason> {
        let since = self.expires_in.filter(|expires_in| *expires_in <= 0)?;
        Some(Reason::Expired { since: duration(-since) })
    }

    fn expires(self) -> Option<Reason> {
        let within = self.expires_in.filter(|expires_in| *expires_in > 0)?;
        Some(Reason::Expires { within: duration(within) })
    }
}
