//! The shared state of all parts of a worker: its database, its settings, and its claims.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use sea_orm::DatabaseConnection;
use tokio::sync::OnceCell;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    drain::Failures,
    figures::Figures,
    ledger::{Held, Ledger},
    life::Tally,
    presence::{Presence, host, program},
    schedule::Schedule,
    settings::Settings,
};
use crate::{
    Error,
    calculation::Limits,
    engine::Engine,
    error::seconds,
    layout::{Owner, Upstream},
    protocol::{self, Connections, Fuse},
    registry::{Model, upstream_first, upstreams},
};

/// The shortest time between two renewals of the leases. They are renewed three times before they
/// end.
const SHORTEST_HEARTBEAT: Duration = Duration::from_millis(10);

pub(super) struct Context {
    /// The number by which the database knows the worker.
    pub(super) id: i64,
    pub(super) engine: Arc<Engine>,
    /// The user's connections, which the user's code uses, too.
    pub(super) db: DatabaseConnection,
    /// The connections for the protocol, where it has some of its own.
    own: OnceCell<Option<DatabaseConnection>>,
    /// The models, upstream ones first: those whose fields others are calculated from.
    pub(super) models: Vec<Arc<Model>>,
    /// The cached fields that the fields of each model wait for.
    pub(super) upstream: Vec<Vec<Upstream>>,
    pub(super) settings: Settings,
    /// The server to listen on, if it is not that of the pool.
    #[cfg(feature = "sqlx-postgres")]
    pub(super) listen_on: Option<sqlx::postgres::PgConnectOptions>,
    pub(super) limits: Limits,
    pub(super) fuse: Option<Fuse>,
    pub(super) ledger: Ledger,
    pub(super) tally: Tally,
    pub(super) figures: Figures,
    pub(super) presence: Presence,
    pub(super) schedule: Schedule,
    /// Whether the worker has ended, so that nothing is claimed any more.
    pub(super) has_ended: AtomicBool,
    /// The failures of a worker that drains.
    pub(super) failures: Option<Failures>,
}

impl Context {
    pub(super) fn new(
        db: DatabaseConnection,
        models: Vec<Arc<Model>>,
        settings: Settings,
    ) -> Result<Self, Error> {
        let models = upstream_first(&models);
        Ok(Self {
            id: fastrand::i64(1..),
            engine: Engine::of(&db)?,
            db,
            own: OnceCell::new(),
            upstream: upstreams(&models),
            limits: Limits::of_worker(&models, settings.calculation_timeout, settings.concurrency),
            fuse: settings.fuse.map(|rows| {
                let by = format!("the fuse of {} at {}", program(), host());
                Fuse { rows, by }
            }),
            schedule: Schedule::new(models.len()),
            models,
            #[cfg(feature = "sqlx-postgres")]
            listen_on: settings
                .listen_on
                .as_deref()
                .map(crate::backend::postgres::listen_options)
                .transpose()?,
            settings,
            ledger: Ledger::default(),
            tally: Tally::default(),
            figures: Figures::default(),
            presence: Presence::default(),
            has_ended: AtomicBool::default(),
            failures: None,
        })
    }

    /// Opens dedicated connections, where the database benefits from them.
    pub(super) async fn open_dedicated_connections(&self) -> Result<(), Error> {
        #[cfg(feature = "sqlx-postgres")]
        if self.engine.backend == crate::backend::Backend::Postgres && self.settings.connections > 0
        {
            let connect = || {
                crate::backend::postgres::dedicated(
                    &self.db,
                    self.settings.connections,
                    &self.engine.shares_sessions,
                )
            };
            self.own.get_or_try_init(connect).await?;
        }
        Ok(())
    }

    pub(super) fn has_connections_of_its_own(&self) -> bool {
        self.own.get().is_some_and(Option::is_some)
    }

    /// Returns the connections for the statements of the protocol.
    pub(super) fn connections(&self) -> Connections<'_> {
        match self.own.get() {
            Some(Some(own)) => Connections::set(own),
            _ => Connections::of_worker(&self.db),
        }
    }

    /// The owners of all models.
    pub(super) fn owners(&self) -> impl Iterator<Item = &Owner> {
        self.models.iter().map(|model| &model.owner)
    }

    /// Returns the error, explained. The missing object may belong to another model than the one
    /// that is looked at.
    pub(super) fn explained(&self, error: Error) -> Error {
        protocol::explained(self.engine.backend, self.owners(), error)
    }

    /// Hands back claims. Those that cannot be handed back now are handed back before anything else
    /// is claimed.
    pub(super) async fn hand_back(
        &self,
        held: impl IntoIterator<Item = Held>,
    ) -> Result<(), Error> {
        self.ledger.lose(held);
        while let Some(held) = self.ledger.next_lost() {
            let Held { model, claims } = &held;
            let now = Duration::ZERO;
            let handed_back =
                protocol::hand_back(&self.engine, self.connections(), model, claims, now).await;
            if let Err(error) = handed_back {
                self.ledger.lose([held]);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Hands back claims in a task of its own, for callers that cannot wait.
    pub(super) fn hand_back_later(self: &Arc<Self>, held: impl IntoIterator<Item = Held>) {
        let context = Arc::clone(self);
        let held: Vec<Held> = held.into_iter().collect();
        if held.is_empty() {
            return;
        }
        // Without a runtime the program is about to end.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let hand_back = async move {
            if let Err(error) = context.hand_back(held).await {
                tracing::warn!(
                    error = context.engine.without_values(&error),
                    lease_seconds = seconds(context.settings.lease),
                    "could not hand back the rows of a worker or batch that was dropped; another \
                     worker takes them when their leases have ended"
                );
            }
        };
        self.engine.hand_backs.spawn_on(hand_back, &runtime);
    }

    /// Renews the leases of all claims until the guard is dropped. It does not stop in the middle
    /// of a statement, which SQLx does not handle well.
    pub(super) fn start_heartbeat(self: &Arc<Self>) -> DropGuard {
        let context = Arc::clone(self);
        let stop = CancellationToken::new();
        let every = (context.settings.lease / 3).max(SHORTEST_HEARTBEAT);
        let stopped = stop.clone();
        tokio::spawn(async move {
            while stopped.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
                if let Err(error) = context.renew().await {
                    tracing::warn!(
                        error = context.engine.without_values(&error),
                        lease_seconds = seconds(context.settings.lease),
                        retry_in_seconds = seconds(every),
                        "could not renew the leases of claimed rows; if a lease ends, another \
                         worker calculates the row, too"
                    );
                }
            }
        });
        stop.drop_guard()
    }

    /// Prolongs the leases of all claims.
    pub(super) async fn renew(&self) -> Result<(), Error> {
        let lease = self.settings.lease;
        for Held { model, claims } in self.ledger.all() {
            protocol::renew(&self.engine, self.connections(), &model, &claims, lease).await?;
        }
        Ok(())
    }
}
