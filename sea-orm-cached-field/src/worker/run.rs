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
    life::Life,
    next::Next,
    settings::Settings,
};
use crate::{CachedFields, Error};

/// A worker that recalculates stale values in the background.
/// [`CachedFields::worker`](crate::CachedFields::worker) makes it.
///
/// Any number of workers can run, in any number of processes and on any number of machines. On
/// PostgreSQL each has up to three connections of its own ([`Worker::connections`]), and one more
/// that listens. They are opened as those of the pool are.
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

    /// Sets how many calculations run at a time. The default is 8, and the least is 1. Each may use
    /// a connection of the pool. A calculation of many rows (`batch`) counts as one.
    ///
    /// If some fields take longer than a tenth of a second and others do not, a quarter of these
    /// calculations is kept for the others. A few more can run for a while, until it is known which
    /// fields are slow.
    pub fn concurrency(mut self, calculations: usize) -> Self {
        self.settings.concurrency = calculations.max(1);
        self
    }

    /// Sets how many connections of its own the worker opens at most, on PostgreSQL. They come in
    /// addition to those of the pool, which calculations use, and to the one that listens. The
    /// default is 3. With 0 it claims and stores over the pool, too, as on the other databases.
    pub fn connections(mut self, most: u32) -> Self {
        self.settings.connections = most;
        self
    }

    /// Sets where the worker listens for notifications on PostgreSQL: the URL of the server itself.
    /// It is for a worker whose pool connects through a pooler that gives each transaction to
    /// another session. PgBouncer with `pool_mode = transaction` is such a pooler.
    ///
    /// Without this setting such a worker looks for work every second when it is idle. With it, the
    /// worker opens one connection to that URL, to the same database, and does all else over the
    /// pool. The setting has no effect on other databases.
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
    /// use sea_orm_cached_field::CachedFields;
    ///
    /// CachedFields::all().worker(&db).listen_on("postgres://worker@db.internal:5432/shop").run().await?;
    /// # Ok(())
    /// # }
    /// ```
    /// [`Worker::run`] and the like fail with [`Error::Database`] if this is not a valid URL. If
    /// the server cannot be reached there, the worker logs a warning and tries again. Meanwhile it
    /// looks for work at intervals.
    #[cfg(feature = "sqlx-postgres")]
    pub fn listen_on(mut self, url: &str) -> Self {
        self.settings.listen_on = Some(url.to_owned());
        self
    }

    /// Sets how many rows are claimed, loaded and stored at a time. The default is 200; it is from
    /// 1 to 1000.
    pub fn batch_size(mut self, rows: u64) -> Self {
        self.settings.batch_size = rows.clamp(1, 1000);
        self
    }

    /// Sets how long one calculation may take. The default is 30 s. A calculation that takes longer
    /// is a failure of its row. If it is one of many rows (`batch`), it is then done row by row.
    pub fn calculation_timeout(mut self, timeout: Duration) -> Self {
        self.settings.calculation_timeout = timeout;
        self
    }

    /// Sets how long a row is claimed. The default is 60 s. A running worker prolongs its claims.
    /// It hands them back when it ends or its future is dropped. Other workers can take the claims
    /// of a killed worker after this time.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// Sets how long the calculations under way may go on when the worker is told to stop. The
    /// default is 10 s. Calculations that are not done by then are handed back.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.settings.shutdown_timeout = timeout;
        self
    }

    /// Sets how often a failing row is tried. The default is 20 times, the least once. After that
    /// the row stays *failed*, flagged and with its last error, until it is marked again.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.settings.retry.max_attempts = attempts.max(1);
        self
    }

    /// Sets the time after which a failed row is retried: at first, and at most. The defaults are 1
    /// s and 1 h. The time doubles with each attempt, and up to half of it is random.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        (self.settings.retry.first, self.settings.retry.longest) = (first, longest);
        self
    }

    /// Sets a fuse: a field of which one transaction marks more than so many rows is paused. It is
    /// off by default, and holds for all fields of this worker. The least is 1.
    ///
    /// It protects from a change of very many rows by mistake, as by `DELETE FROM orders`. The
    /// database says by which worker's fuse the field is paused, since when and why, as after
    /// [`CachedFields::pause`](crate::CachedFields::pause). The log has a warning, and
    /// [`Event::PausedByFuse`](crate::Event::PausedByFuse) is published. Nothing is lost: undo the
    /// change if it was a mistake, then call
    /// [`CachedFields::resume`](crate::CachedFields::resume). It lets everything be recalculated
    /// that waits: what was marked before the field was resumed is not counted again. A pause that
    /// stands already stays as it is.
    ///
    /// - The marks of a transaction are known by their time, to the millisecond. On PostgreSQL that
    ///   is the start of the transaction. On MySQL, MariaDB and SQLite it is the start of the
    ///   *statement*: there a transaction of many small statements is not noticed. Transactions of
    ///   the same millisecond are counted together.
    /// - A row that several transactions have marked counts for one of them. Rows that other rows
    ///   lead to are counted as workers find them.
    /// - Each process counts the rows that it collects itself. So each may calculate this many rows
    ///   and a few batches before the field is paused. A transaction that several processes share
    ///   is noticed if one of them collects more than this many of its rows.
    /// - Transactions of the library count, too: that of a worker that stores values from which
    ///   other fields are calculated, and that of a worker that flags expired values, at most
    ///   [`batch_size`](Worker::batch_size) rows at a time. `flag` with a condition also counts.
    /// - What is flagged chunk by chunk does not count: by installations, and by
    ///   [`CachedFields::flag`](crate::CachedFields::flag) of all rows. Only its rows that wait in
    ///   the queue already are marked one by one, and count. Fields that only readers recalculate
    ///   do not count, nor does what readers collect.
    ///
    /// The worker remembers a number of 8 bytes for each row of a transaction, until the pause or
    /// until a hundred collections had no mark of that transaction.
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
    /// use sea_orm_cached_field::CachedFields;
    ///
    /// CachedFields::all().worker(&db).fuse(100_000).run().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn fuse(mut self, rows: u64) -> Self {
        self.settings.fuse = Some(rows.max(1));
        self
    }

    /// Sets whether the worker may set the gauges of what waits, every 30 seconds. They need a few
    /// statements, with the same bounds as [`CachedFields::status`](crate::CachedFields::status).
    /// Only the youngest worker that may do so does. The default is `true`. See
    /// [`metrics`](crate::metrics).
    #[cfg(feature = "metrics")]
    pub fn gauges(mut self, set: bool) -> Self {
        self.settings.gauges = set;
        self
    }

    /// Runs until the process ends.
    ///
    /// # Errors
    /// Those of the models ([`Error::UnsupportedPath`]) and of the database
    /// ([`Error::UnsupportedDatabase`]), and [`Error::NotInstalled`] when it begins. The worker
    /// waits for a database that cannot be reached. Once it has begun, it also waits for objects
    /// that are missing while a migration is under way.
    pub async fn run(self) -> Result<(), Error> {
        self.run_until(std::future::pending()).await
    }

    /// Runs until the signal comes. Then it finishes or hands back the rows that it holds.
    ///
    /// The log says at level `INFO` when the worker starts and with which settings, and when it has
    /// stopped. [`Worker::run_once`] and [`Worker::drain`] say the same at level `DEBUG`.
    ///
    /// # Errors
    /// As [`Worker::run`]. Also [`Error::Database`] if the rows that it holds cannot be handed
    /// back, so that their leases have to end by themselves.
    pub async fn run_until(self, signal: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let context = Arc::new(self.context()?);
        let life = Life::begin(&context);
        let apalis = WorkerContext::from("sea-orm-cached-field");
        let mut running = run_in_apalis(&context, &apalis);

        // This is dropped before the tasks are, if this future is dropped.
        let _handed_back = HandedBack(&context);
        let ended = tokio::select! {
            ended = &mut running => ended,
            () = signal => match apalis.stop() {
                Ok(()) => {
                    let patience = context.settings.shutdown_timeout;
                    tokio::time::timeout(patience, &mut running).await.unwrap_or(Ok(()))
                }
                // The worker has not begun, and need not.
                Err(_) => Ok(()),
            },
        };

        // Taken before the tasks are dropped: a batch that is dropped gives up its claims.
        let held = context.ledger.take_all();
        drop(running);
        let handed_back = context.hand_back(held).await;
        context.leave().await;
        life.end(handed_back.and_then(|()| ended.map_err(stopped)))
    }

    /// Claims, calculates and stores one batch. Returns the number of its fields of rows: 0 if
    /// nothing is due.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::NotInstalled`]. A calculation that fails is no error: the
    /// failure is recorded with its row.
    pub fn run_once(&self) -> impl Future<Output = Result<usize, Error>> + Send + use<> {
        let context = self.context();
        async move {
            let context = Arc::new(context?);
            let life = Life::begin_short(&context);
            let _handed_back = HandedBack(&context);
            let ended = match context.next_to_the_end().await {
                Ok(Next::Batch(batch)) => {
                    let _heartbeat = context.start_heartbeat();
                    work_on(batch).await
                }
                Ok(Next::Nothing(_)) => Ok(0),
                Err(error) => Err(error),
            };
            context.report_work().await;
            life.end(ended)
        }
    }

    /// Works until nothing is due any more. Returns the number of fields of rows that were
    /// calculated, dropped or failed. It tries each failing row once, and leaves the retry to later
    /// workers.
    ///
    /// It does not wait for rows that other workers have claimed. It does wait for rows that a
    /// worker of this process is handing back, and for rows that a transaction holds locked.
    ///
    /// # Errors
    /// As [`Worker::run_once`]. But an error of the database is returned only if there are more
    /// than five without a batch that ends well in between.
    pub fn drain(&self) -> impl Future<Output = Result<usize, Error>> + Send + use<> {
        let context = self.context();
        async move {
            let mut context = context?;
            context.failures = Some(Failures::new());
            let context = Arc::new(context);
            let life = Life::begin_short(&context);
            let _handed_back = HandedBack(&context);
            let ended = drain(&context).await;
            context.report_work().await;
            life.end(ended)
        }
    }

    /// Returns only the backend. Run it with [`recalculate`] in an apalis worker or `Monitor` of
    /// your own.
    ///
    /// # Errors
    /// As [`Worker::run`].
    pub fn into_backend(self) -> Result<Backend, Error> {
        Ok(Backend::alone(Arc::new(self.context()?)))
    }

    fn context(&self) -> Result<Context, Error> {
        Context::new(self.db.clone(), self.fields.models()?, self.settings.clone())
    }
}

/// Returns the error with which the backend ended the worker, or an error of apalis itself.
fn stopped(error: WorkerError) -> Error {
    match error {
        WorkerError::BackendError(error) => {
            error.downcast().map_or_else(|other| Error::Worker(other.to_string()), |ours| *ours)
        }
        other => Error::Worker(other.to_string()),
    }
}

/// A guard that ends a worker whose future is dropped, and hands back its claims.
struct HandedBack<'c>(&'c Arc<Context>);

impl Drop for HandedBack<'_> {
    fn drop(&mut self) {
        self.0.has_ended.store(true, Ordering::Relaxed);
        self.0.hand_back_later(self.0.ledger.take_all());
    }
}

/// Runs the worker in apalis. It is boxed here, or the compiler could not tell that
/// [`Worker::run_until`] can be spawned.
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
