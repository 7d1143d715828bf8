//! The state that a process keeps per connection pool: subscribers, sleeping workers, and the
//! calculations under way.

mod marked;
mod paused;
mod single_flight;
mod snapshots;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{DatabaseConnection, DatabaseExecutor};
use tokio::sync::{broadcast, watch};
use tokio_util::task::TaskTracker;

use crate::{
    Error,
    activity::{Done, SeenWorker},
    backend::{Backend, Identity},
    catalog::UniqueIndexes,
    event::Event,
    layout::Table,
    queue::{Counts, Failures, Part},
    registry::Model,
};
use marked::MarkedRows;
pub(crate) use marked::TooMany;
use paused::PausedFields;
pub(crate) use single_flight::CalculatedValue;
use single_flight::SingleFlight;
pub(crate) use snapshots::Snapshot;
use snapshots::Snapshots;

/// The number of events that a slow listener may lag behind before it misses the oldest.
const EVENTS_KEPT: usize = 4096;

/// The time between two drops of old records.
const BETWEEN_CLEANINGS: Duration = Duration::from_secs(3_600);

pub(crate) struct Engine {
    pub(crate) backend: Backend,
    events: broadcast::Sender<Event>,
    /// Wakes the workers of this process.
    pub(crate) wake: watch::Sender<()>,
    /// The calculations that readers share.
    pub(crate) flights: SingleFlight,
    /// What waits, as it was last counted.
    pub(crate) counts: Snapshots<Table, Counts>,
    /// The errors of what fails, as they were last read.
    pub(crate) failures: Snapshots<Table, Vec<(Part, Failures)>>,
    /// The workers, as they were last read.
    pub(crate) workers: Snapshots<Table, Vec<SeenWorker>>,
    /// What workers did in so many minutes, as it was last read.
    pub(crate) activity: Snapshots<(Table, i64), Vec<(String, Done)>>,
    /// The paused fields, as they were last read.
    pub(crate) paused: PausedFields,
    /// The rows that transactions have marked, for fuses.
    pub(crate) marked: MarkedRows,
    /// The number under which the workers of this pool write what they did.
    pub(crate) reporter: i64,
    /// When old records of each table were last dropped.
    cleaned: Mutex<HashMap<Table, Instant>>,
    /// Claims of workers that were dropped, on their way back.
    pub(crate) hand_backs: TaskTracker,
    /// Whether the statements of one connection of the pool may reach several sessions of the
    /// server, once this was examined.
    #[cfg(feature = "sqlx-postgres")]
    pub(crate) shares_sessions: tokio::sync::OnceCell<bool>,
    /// Whether workers recalculate the marked rows, unless the field or the mark says otherwise.
    eager: AtomicBool,
    /// The number of times that `eager` was switched on. For each table, `queued` has the number up
    /// to which its flagged rows were queued.
    switched_on: AtomicU64,
    queued: Mutex<HashMap<Table, u64>>,
    /// The unique indexes of each table, as they were last found.
    unique: Mutex<HashMap<Table, Arc<UniqueIndexes>>>,
}

/// The name of the setting, which is the one of `django-cached-field`.
const EAGER: &str = "CACHED_FIELD_EAGER_RECALCULATION";

/// The setting by the environment; its value, as an error, if that is unknown.
static EAGER_BY_DEFAULT: LazyLock<Result<bool, String>> = LazyLock::new(|| {
    let Ok(value) = std::env::var(EAGER) else { return Ok(true) };
    match value.to_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(value),
    }
});

/// An engine, and the pool that it serves.
type Entry = (Arc<Engine>, Identity);

impl Engine {
    /// Returns the engine of a pool. All clones of a connection share it.
    pub(crate) fn of(db: &DatabaseConnection) -> Result<Arc<Self>, Error> {
        static ENGINES: LazyLock<Mutex<HashMap<usize, Entry>>> = LazyLock::new(Mutex::default);
        let backend = Backend::of(db)?;
        if let Err(value) = &*EAGER_BY_DEFAULT {
            let value = value.clone();
            let expected = "`true` or `false`";
            return Err(Error::InvalidSetting { name: EAGER, value, expected });
        }
        let identity = backend.identity(db);
        let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
        engines.retain(|_, (_, pool)| (pool.is_alive)());
        let (engine, _) = engines
            .entry(identity.address)
            .or_insert_with(|| (Arc::new(Self::new(backend)), identity));
        Ok(Arc::clone(engine))
    }

    /// Returns the engine of this executor. A transaction has one of its own, without subscribers.
    pub(crate) fn at(db: &DatabaseExecutor<'_>) -> Result<Arc<Self>, Error> {
        match db {
            DatabaseExecutor::Connection(connection) => Self::of(connection),
            _ => Ok(Arc::new(Self::new(Backend::of(db)?))),
        }
    }

    fn new(backend: Backend) -> Self {
        Self {
            backend,
            events: broadcast::Sender::new(EVENTS_KEPT),
            wake: watch::Sender::new(()),
            flights: SingleFlight::default(),
            counts: Snapshots::default(),
            failures: Snapshots::default(),
            workers: Snapshots::default(),
            activity: Snapshots::default(),
            paused: PausedFields::default(),
            marked: MarkedRows::default(),
            reporter: fastrand::i64(1..),
            cleaned: Mutex::default(),
            hand_backs: TaskTracker::new(),
            #[cfg(feature = "sqlx-postgres")]
            shares_sessions: tokio::sync::OnceCell::new(),
            eager: AtomicBool::new(*EAGER_BY_DEFAULT != Ok(false)),
            switched_on: AtomicU64::default(),
            queued: Mutex::default(),
            unique: Mutex::default(),
        }
    }

    /// Returns whether the claims of a dropped worker are being handed back.
    pub(crate) fn is_handing_back(&self) -> bool {
        !self.hand_backs.is_empty()
    }

    /// Returns whether it is time to drop old records of a table. Then it is not again for an hour.
    pub(crate) fn is_time_to_clean(&self, table: &Table) -> bool {
        let mut cleaned = self.cleaned.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = cleaned.get(table).is_none_or(|at| at.elapsed() > BETWEEN_CLEANINGS);
        if is_time {
            cleaned.insert(table.clone(), Instant::now());
        }
        is_time
    }

    /// Waits until all such claims are handed back.
    pub(crate) async fn handed_back(&self) {
        self.hand_backs.close();
        self.hand_backs.wait().await;
    }

    pub(crate) fn is_eager(&self) -> bool {
        self.eager.load(Ordering::Relaxed)
    }

    pub(crate) fn set_eager(&self, eager: bool) {
        let was_eager = self.eager.swap(eager, Ordering::Relaxed);
        if eager && !was_eager {
            self.switched_on.fetch_add(1, Ordering::Relaxed);
            self.wake.send_replace(());
        }
    }

    /// Returns a number if rows of the table may be flagged and in no queue, because they were left
    /// to readers. It has to be passed to [`Engine::flagged_are_queued`] once they are queued.
    pub(crate) fn has_unqueued(&self, table: &Table) -> Option<u64> {
        let queued = self.queued.lock().unwrap_or_else(PoisonError::into_inner).get(table).copied();
        Some(self.switched_on.load(Ordering::Relaxed))
            .filter(|now| self.is_eager() && *now > queued.unwrap_or_default())
    }

    pub(crate) fn flagged_are_queued(&self, table: &Table, time: u64) {
        self.queued.lock().unwrap_or_else(PoisonError::into_inner).insert(table.clone(), time);
    }

    /// Returns the known unique indexes of a table.
    pub(crate) fn unique(&self, table: &Table) -> Option<Arc<UniqueIndexes>> {
        self.unique.lock().unwrap_or_else(PoisonError::into_inner).get(table).cloned()
    }

    pub(crate) fn know_unique(&self, table: &Table, unique: UniqueIndexes) -> Arc<UniqueIndexes> {
        let unique = Arc::new(unique);
        self.unique
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(table.clone(), Arc::clone(&unique));
        unique
    }

    /// Returns the fields of a model that only readers recalculate.
    pub(crate) fn lazy(&self, model: &Model) -> Vec<usize> {
        let fields = model
            .owner
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| field.lazy || !self.is_eager());
        fields.map(|(index, _)| index).collect()
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Returns whether the database refuses a value for good, such as one that is too long for its
    /// column.
    pub(crate) fn refuses_value(&self, error: &Error) -> bool {
        match error {
            Error::NotUnique { .. } => true,
            Error::Database(error) => self.backend.refuses_value(error),
            _ => false,
        }
    }

    /// Publishes events. They are built only if there is a subscriber.
    pub(crate) fn publish_all(&self, events: impl IntoIterator<Item = Event>) {
        let is_traced = tracing::enabled!(tracing::Level::DEBUG);
        if is_traced || self.events.receiver_count() > 0 {
            events.into_iter().for_each(|event| self.publish(event));
        }
    }

    /// Publishes a failure and logs a warning. `cause` must hold no values, so that it may be in
    /// any log. `whole` says where the text of the error can be read.
    pub(crate) fn warn(&self, event: Event, cause: impl fmt::Display, whole: impl fmt::Display) {
        event.warn(cause, whole);
        self.publish(event);
    }

    /// Returns what a warning may say of an error: all of it, unless it is about a value. Then the
    /// text is only logged at level `DEBUG`.
    pub(crate) fn without_values(&self, error: &Error) -> String {
        if !self.refuses_value(error) {
            return error.with_sources();
        }
        tracing::debug!("the database refuses a value: {}", error.with_sources());
        "the database refuses a value; the text of the error is logged at level DEBUG".to_owned()
    }

    /// Publishes an event.
    pub(crate) fn publish(&self, event: Event) {
        event.trace();
        // An error only means that there is no subscriber.
        let _ = self.events.send(event);
    }
}
