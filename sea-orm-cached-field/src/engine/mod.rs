//! What this process knows of one database while it runs: who listens, who sleeps, what is being calculated.

mod flight;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseExecutor};
use tokio::sync::{broadcast, watch};

use crate::{
    Error,
    dialect::{self, Dialect, Identity},
    event::Event,
    registry::Model,
};
use flight::Flights;

/// How many events a slow listener may lag behind before it misses the oldest.
const EVENTS_KEPT: usize = 4096;

pub(crate) struct Engine {
    pub(crate) dialect: &'static dyn Dialect,
    events: broadcast::Sender<Event>,
    /// Wakes the workers of this process.
    pub(crate) wake: watch::Sender<()>,
    /// The calculations under way for readers.
    pub(crate) flights: Flights,
    /// Whether the statements of one connection of the pool may come to several sessions of the server, once that was looked at.
    #[cfg(feature = "sqlx-postgres")]
    pub(crate) shares_sessions: tokio::sync::OnceCell<bool>,
    /// Whether workers recalculate what is marked, unless its field or the mark says otherwise.
    eager: AtomicBool,
}

/// The setting's name, that of its predecessor.
const EAGER: &str = "CACHED_FIELD_EAGER_RECALCULATION";

/// What the environment says; the value if it says nothing that is known.
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
    /// The engine of this database: the same for all clones of a connection, another for each pool.
    pub(crate) fn of(db: &DatabaseConnection) -> Result<Arc<Self>, Error> {
        static ENGINES: LazyLock<Mutex<HashMap<usize, Entry>>> = LazyLock::new(Mutex::default);
        let dialect = dialect::of(db.get_database_backend())?;
        if let Err(value) = &*EAGER_BY_DEFAULT {
            let (value, expected) = (value.clone(), "`true` or `false`");
            return Err(Error::InvalidSetting { name: EAGER, value, expected });
        }
        let identity = dialect.identity(db);
        let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
        engines.retain(|_, (_, pool)| (pool.is_alive)());
        let (engine, _) = engines.entry(identity.address).or_insert_with(|| (Arc::new(Self::new(dialect)), identity));
        Ok(Arc::clone(engine))
    }

    /// The engine behind this; a transaction has one of its own, which whoever listens to a pool does not hear.
    pub(crate) fn at(db: &DatabaseExecutor<'_>) -> Result<Arc<Self>, Error> {
        match db {
            DatabaseExecutor::Connection(connection) => Self::of(connection),
            _ => Ok(Arc::new(Self::new(dialect::of(db.get_database_backend())?))),
        }
    }

    fn new(dialect: &'static dyn Dialect) -> Self {
        Self {
            dialect,
            events: broadcast::Sender::new(EVENTS_KEPT),
            wake: watch::Sender::new(()),
            flights: Flights::default(),
            #[cfg(feature = "sqlx-postgres")]
            shares_sessions: tokio::sync::OnceCell::new(),
            eager: AtomicBool::new(*EAGER_BY_DEFAULT != Ok(false)),
        }
    }

    pub(crate) fn is_eager(&self) -> bool {
        self.eager.load(Ordering::Relaxed)
    }

    pub(crate) fn set_eager(&self, eager: bool) {
        self.eager.store(eager, Ordering::Relaxed);
    }

    /// The fields of a model that only readers recalculate.
    pub(crate) fn lazy(&self, model: &Model) -> Vec<usize> {
        let fields = model.owner.fields.iter().enumerate().filter(|(_, field)| field.lazy || !self.is_eager());
        fields.map(|(index, _)| index).collect()
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Whether the database refuses a value for good, such as one that is too long for its column.
    pub(crate) fn refuses_value(&self, error: &Error) -> bool {
        matches!(error, Error::Database(error) if self.dialect.refuses_value(error))
    }

    /// Tells of many things at once. They are put into words only if somebody listens.
    pub(crate) fn tell_all(&self, events: impl IntoIterator<Item = Event>) {
        let is_traced = tracing::enabled!(target: "sea_orm_cached_field", tracing::Level::DEBUG);
        if is_traced || self.events.receiver_count() > 0 {
            events.into_iter().for_each(|event| self.tell(event));
        }
    }

    /// Tells of a failure. `cause` is what may stand in any log.
    pub(crate) fn warn(&self, event: Event, cause: impl fmt::Display) {
        tracing::warn!(target: "sea_orm_cached_field", "{}: {cause}", event.headline());
        self.tell(event);
    }

    pub(crate) fn tell(&self, event: Event) {
        tracing::debug!(target: "sea_orm_cached_field", "{event}");
        // An error says only that nobody listens.
        let _ = self.events.send(event);
    }
}
