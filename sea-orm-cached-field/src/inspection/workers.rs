use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use sea_orm::{DatabaseConnection, DatabaseExecutor};

use super::{ask, duration, full_name};
use crate::{
    Error,
    activity::{SeenWorker, WorkerRecord},
    backend::Backend,
    engine::Engine,
    error::counted,
    registry::Model,
};

/// The time after which a worker that was not seen is gone. It reports every 30 seconds.
const GONE: Duration = Duration::from_secs(60);

/// The same of a worker that had nothing to do, where it then reports once an hour.
const GONE_FROM_IDLENESS: Duration = Duration::from_secs(2 * 3_600);

/// A worker that was run to stay. [`CachedFields::workers`](crate::CachedFields::workers) returns
/// it.
///
/// Displayed, it is a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WorkerStatus {
    /// A random number that tells it from other workers.
    pub id: i64,
    /// The name of its machine.
    pub host: String,
    /// The number of its process on that machine.
    pub process: u32,
    /// The name of its program.
    pub program: String,
    /// The release of this library that it is built with.
    pub version: String,
    /// The fields that it serves, of the models that were asked for: each as table and field, with
    /// the schema if the entity names one.
    pub fields: Vec<String>,
    /// How many calculations it runs at a time.
    pub concurrency: u64,
    /// Whether it may set the gauges of what waits. Of these workers, the youngest does. See
    /// `Worker::gauges` (feature `metrics`).
    pub sets_gauges: bool,
    /// The number of fields of rows that it has claimed, as of its last report.
    pub claims: u64,
    /// The time since its first report, which it writes when it starts.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "started_seconds", serialize_with = "crate::json::seconds")
    )]
    pub started: Duration,
    /// The time since its last report.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "seen_seconds", serialize_with = "crate::json::seconds")
    )]
    pub seen: Duration,
    /// The state, in one word.
    pub state: WorkerState,
}

/// The state of a worker, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WorkerState {
    /// It has reported within the last minute.
    Alive,
    /// It had nothing to do when it last reported. On SQLite such a worker reports only once an
    /// hour, because each write wakes all others. So it may be gone.
    Idle,
    /// It has not reported for more than a minute: it was killed, or cannot reach the database.
    Gone,
}

impl WorkerState {
    /// Returns the state as a word: `alive`, `idle` or `gone`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Idle => "idle",
            Self::Gone => "gone",
        }
    }
}

impl fmt::Display for WorkerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// `alive: shop 4711 on lantern, 12 claims, seen 3 s ago, started 70 s ago`
impl fmt::Display for WorkerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, program, process, host, claims, seen, started, .. } = self;
        let claims = counted(*claims, "claim");
        let (seen, started) = (seen.as_secs(), started.as_secs());
        write!(
            f,
            "{state}: {program} {process} on {host}, {claims}, seen {seen} s ago, started \
             {started} s ago"
        )
    }
}

/// Returns the workers that serve these models, the oldest first.
pub(crate) async fn workers(
    db: &DatabaseConnection,
    models: &[Arc<Model>],
) -> Result<Vec<WorkerStatus>, Error> {
    let engine = Engine::of(db)?;
    let mut workers: BTreeMap<i64, WorkerStatus> = BTreeMap::new();
    for model in models {
        let owner = &model.owner;
        let read = async || {
            let read = async |transaction: &DatabaseExecutor<'_>| {
                Ok(engine.backend.workers(transaction, owner).await?)
            };
            ask(&engine, db, model, read).await
        };
        let seen = engine.workers.get(&owner.table, read).await?;
        let age = seen.at.elapsed();
        for seen in &seen.read {
            let of_model = of_model(engine.backend, model, seen, age);
            match workers.get_mut(&of_model.id) {
                Some(worker) => worker.add(of_model),
                None => drop(workers.insert(of_model.id, of_model)),
            }
        }
    }

    let mut workers: Vec<WorkerStatus> = workers.into_values().collect();
    workers.sort_by(|a, b| b.started.cmp(&a.started).then(a.id.cmp(&b.id)));
    Ok(workers)
}

/// Returns what the record beside a model says of a worker.
fn of_model(backend: Backend, model: &Model, seen: &SeenWorker, age: Duration) -> WorkerStatus {
    let SeenWorker { record, started_for, seen_for } = seen;
    let WorkerRecord {
        id,
        host,
        process,
        program,
        version,
        fields,
        concurrency,
        sets_gauges,
        claims,
    } = record;
    let table = &model.owner.table;
    let name = |field| full_name(table.schema.as_deref(), &table.name, field);
    let number = |number: i64| u64::try_from(number).unwrap_or_default();

    let claims = number(*claims);
    let seen = duration(*seen_for) + age;
    let is_idle = backend.wakes_on_writes() && claims == 0;
    let state = if is_idle && seen <= GONE_FROM_IDLENESS {
        WorkerState::Idle
    } else if seen > GONE {
        WorkerState::Gone
    } else {
        WorkerState::Alive
    };

    WorkerStatus {
        id: *id,
        host: host.clone(),
        process: u32::try_from(*process).unwrap_or_default(),
        program: program.clone(),
        version: version.clone(),
        fields: fields.split(',').map(name).collect(),
        concurrency: number(*concurrency),
        sets_gauges: *sets_gauges,
        claims,
        started: duration(*started_for) + age,
        seen,
        state,
    }
}

impl WorkerStatus {
    /// Adds what the worker has reported of another model.
    fn add(&mut self, other: Self) {
        self.fields.extend(other.fields);
        self.claims += other.claims;
        self.started = self.started.max(other.started);
        // It reports of its models one after the other, and on SQLite only of those with work.
        if other.seen < self.seen || self.state == WorkerState::Idle {
            self.state = other.state;
        }
        self.seen = self.seen.min(other.seen);
    }
}
