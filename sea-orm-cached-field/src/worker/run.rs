use std::{
    future::Future,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use apalis_core::{
    error::WorkerError,
    worker::{builder::WorkerBuilder, context::WorkerContext, ext::parallelize::ParallelizeExt},
};
use futures_util::future::BoxFuture;
use sea_orm::DatabaseConnection;
use tokio_util::task::AbortOnDropHandle;

use super::{
    backend::Backend,
    batch::recalculate,
    context::Context,
    drain::{Failures, drain, work_on},
    next::Next,
    settings::Settings,
};
use crate::{CachedFields, Error};

/// Recalculates what is stale, in the background. Made by
/// [`CachedFields::worker`](crate::CachedFields::worker).
///
/// As many workers as one likes can run, in any number of processes and on any number of machines.
/// On PostgreSQL each has up to four connections of its own ([`Worker::connections`]), opened as
/// those of the pool are.
///
/// ```no_run
/// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
/// use sea_orm_cached_field::CachedFields;
///
/// CachedFields::all().worker(&db).concurrency(16).run_until(async { tokio::signal::ctrl_c().await.unwrap() }).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a worker does nothing until it is run"]
pub struct Worker {
    db: DatabaseConnection,
    fields: CachedFields,
    settings: Settings,
}

impl Worker {
    pub(crate) fn new(db: &DatabaseConnection, fields: CachedFields) -> Self {
        Self { db: db.clone(), fields, settings: Settings::default() }
    }

    /// How many calculations run at a time. 8 unless set; at least 1. Each may use a connection of
    /// the pool. One of many rows (`batch`) is one calculation.
    ///
    /// Where some fields take longer than a tenth of a second and others do not, a quarter of these
    /// are kept for the others. A few more can run for a while, until it is known which are slow.
    pub fn concurrency(mut self, calculations: usize) -> Self {
        self.settings.concurrency = calculations.max(1);
        self
    }

    /// How many connections of its own the worker opens at most, on PostgreSQL, beside those of the
    /// pool that calculations use. 4 unless set; with 0 it claims and stores over the pool, too, as
    /// on the other databases.
    pub fn connections(mut self, most: u32) -> Self {
        self.settings.connections = most;
        self
    }

    /// Where the worker listens for notifications on PostgreSQL: the URL of the server itself, for
    /// a worker whose pool connects through a pooler that gives each transaction to another
    /// session, such as PgBouncer with `pool_mode = transaction`. Without it such a worker looks
    /// for work every second when it is idle. The worker opens one connection there, to the same
    /// database, and does all else over the pool. The other databases have no use for it.
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
    /// use sea_orm_cached_field::CachedFields;
    ///
    /// CachedFields::all().worker(&db).listen_on("postgres://worker@db.internal:5432/shop").run().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`Worker::run`] and the like fail with [`Error::Database`] if this is no URL. A server that
    /// cannot be reached there is told in the log, and tried again; meanwhile the worker looks.
    #[cfg(feature = "sqlx-postgres")]
    pub fn listen_on(mut self, url: &str) -> Self {
        self.settings.listen_on = Some(url.to_owned());
        self
    }

    /// How many rows are claimed, loaded and stored at a time. 200 unless set; from 1 to 1000.
    pub fn batch_size(mut self, rows: u64) -> Self {
        self.settings.batch_size = rows.clamp(1, 1000);
        self
    }

    /// How long one calculation may take. 30 s unless set. One that takes longer is a failure of
    /// its row; one of many rows (`batch`) is then done row by row.
    pub fn calculation_timeout(mut self, timeout: Duration) -> Self {
        self.settings.calculation_timeout = timeout;
        self
    }

    /// For how long a row is claimed. 60 s unless set. A running worker prolongs its claims, and
    /// hands them back when it ends or its future is dropped; those of one that was killed are free
    /// for others after this time.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// How long the calculations under way may go on when the worker is told to stop. 10 s unless
    /// set. What is not done by then is handed back.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.settings.shutdown_timeout = timeout;
        self
    }

    /// How often a failing row is tried. 20 times unless set; at least once. After that it stays as
    /// *failed*, flagged and with its last error, until it is marked again.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.settings.retry.max_attempts = attempts.max(1);
        self
    }

    /// After what time a failed row is tried again: at first, and at most. 1 s and 1 h unless set.
    /// The time doubles with each attempt, and up to half of it is left to chance.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        (self.settings.retry.first, self.settings.retry.longest) = (first, longest);
        self
    }

    /// Runs until the process ends.
    ///
    /// # Errors
    /// Those of the models ([`Error::UnsupportedPath`]) and of the database
    /// ([`Error::UnsupportedDatabase`]), and [`Error::NotInstalled`] when it begins. A database
    /// that cannot be reached is waited for; so is, once the worker has begun, what is missing
    /// while a migration is under way.
    pub async fn run(self) -> Result<(), Error> {
        self.run_until(std::future::pending()).await
    }

    /// Runs until the signal comes; then finishes or hands back what it holds.
    ///
    /// # Errors
    /// As [`Worker::run`]; and [`Error::Database`] if what is held cannot be handed back, so that
    /// its leases have to end by themselves.
    pub async fn run_until(self, signal: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let context = Arc::new(self.context()?);
        let apalis = WorkerContext::from("sea-orm-cached-field");
        let mut running = run_in_apalis(&context, &apalis);
        // Dropped before the tasks are, if this future is dropped.
        let _handed_back = HandedBack(&context);
        let ended = tokio::select! {
            ended = &mut running => ended,
            () = signal => match apalis.stop() {
                Ok(()) => {
                    let patience = context.settings.shutdown_timeout;
                    tokio::time::timeout(patience, &mut running).await.unwrap_or(Ok(()))
                }
                // It has not begun, and need not.
                Err(_) => Ok(()),
            },
        };
        // Taken before the tasks are dropped: a batch that is dropped gives up what it holds.
        let held = context.ledger.take_all();
        drop(running);
        context.hand_back(held).await?;
        ended.map_err(stopped)
    }

    /// Claims, calculates and stores one batch, and returns how many fields of rows it was: 0 if
    /// nothing is due.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::NotInstalled`]. A calculation that fails is no error; it is
    /// kept with its row.
    pub fn run_once(&self) -> impl Future<Output = Result<usize, Error>> + Send + use<> {
        let context = self.context();
        async move {
            let context = Arc::new(context?);
            let _handed_back = HandedBack(&context);
            match context.next_to_the_end().await? {
                Next::Batch(batch) => {
                    let _heartbeat = context.start_heartbeat();
                    work_on(batch).await
                }
                Next::Nothing(_) => Ok(0),
            }
        }
    }

    /// Works until nothing is due any more, and returns how many fields of rows were calculated,
    /// dropped or failed. It tries what fails once, and leaves it to later workers. What other
    /// workers hold is theirs, and is not waited for; what a worker of this process hands back at
    /// that moment is, and so is a row that a transaction holds locked.
    ///
    /// # Errors
    /// As [`Worker::run_once`]; but the database's errors only if there are more than five without
    /// a batch that ends well in between.
    pub fn drain(&self) -> impl Future<Output = Result<usize, Error>> + Send + use<> {
        let context = self.context();
        async move {
            let mut context = context?;
            context.failures = Some(Failures::new());
            let context = Arc::new(context);
            let _handed_back = HandedBack(&context);
            drain(&context).await
        }
    }

    /// The backend alone, to be run with [`recalculate`] in an apalis worker or `Monitor` of one's
    /// own.
    ///
    /// # Errors
    /// As [`Worker::run`].
    pub fn into_backend(self) -> Result<Backend, Error> {
        Ok(Backend::new(Arc::new(self.context()?)))
    }

    fn context(&self) -> Result<Context, Error> {
        Context::new(self.db.clone(), self.fields.models()?, self.settings.clone())
    }
}

/// The error that the backend ended the worker with, or apalis itself.
fn stopped(error: WorkerError) -> Error {
    match error {
        WorkerError::BackendError(error) => {
            error.downcast().map_or_else(|other| Error::Worker(other.to_string()), |ours| *ours)
        }
        other => Error::Worker(other.to_string()),
    }
}

/// Ends a worker whose future is dropped, and hands back what it holds.
struct HandedBack<'c>(&'c Arc<Context>);

impl Drop for HandedBack<'_> {
    fn drop(&mut self) {
        self.0.has_ended.store(true, Ordering::Relaxed);
        self.0.hand_back_later(self.0.ledger.take_all());
    }
}

/// Boxed here, or the compiler could not tell that [`Worker::run_until`] can be spawned.
fn run_in_apalis(
    context: &Arc<Context>,
    apalis: &WorkerContext,
) -> BoxFuture<'static, Result<(), WorkerError>> {
    let worker = WorkerBuilder::new(apalis.clone())
        .backend(Backend::new(Arc::clone(context)))
        .parallelize(|task| AbortOnDropHandle::new(tokio::spawn(task)))
        .build(recalculate);
    Box::pin(worker.run())
}
