use std::{
    fmt,
    sync::Arc,
    task::{self, Poll, ready},
    time::{Duration, Instant},
};

use apalis_core::{
    backend::{self, BackendConfig, finalize::Ephemeral},
    task::{
        Task,
        builder::TaskBuilder,
        task_id::{RandomId, TaskId},
    },
    worker::context::WorkerContext,
};
use futures_util::FutureExt;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    batch::Batch,
    claiming::Claiming,
    context::Context,
    hand_back::HandBackLayer,
    lane::{Lane, Places},
    life::Life,
    next::Next,
    sleep::Sleep,
};
use crate::{Error, error::seconds, protocol::Work};

/// The number of batches that are under way: while one is calculated, another can be claimed or
/// stored.
pub(super) const BATCHES_IN_FLIGHT: usize = 2;

/// The first and the longest time that the worker waits when the database cannot be reached.
const UNREACHABLE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// An apalis backend whose tasks are batches of claimed rows.
/// [`recalculate`](crate::apalis::recalculate) is the handler.
///
/// ```no_run
/// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), Box<dyn std::error::Error>> {
/// use apalis_core::worker::builder::WorkerBuilder;
/// use sea_orm_cached_field::{CachedFields, apalis::recalculate};
///
/// let backend = CachedFields::all().worker(&db).concurrency(4).into_backend()?;
/// WorkerBuilder::new("cached fields").backend(backend).build(recalculate).run().await?;
/// # Ok(())
/// # }
/// ```
pub struct Backend {
    state: State,
    stop: CancellationToken,
    heartbeat: Option<DropGuard>,
    reporting: Option<DropGuard>,
    /// Whether an apalis worker of the user's runs it. Otherwise [`Worker`] logs its own start and
    /// end.
    ///
    /// [`Worker`]: super::run::Worker
    is_alone: bool,
    life: Option<Life>,
    context: Arc<Context>,
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("models", &self.context.models).finish_non_exhaustive()
    }
}

enum State {
    Idle(Box<Source>),
    /// A task of its own. A claim that is not polled, as while apalis shuts down, would keep its
    /// locks. A claim that is half made when the worker is dropped has to be finished before it can
    /// be handed back.
    Fetching(Claiming<(Box<Source>, Fetched)>),
    Closed,
}

/// A batch, or an error that ends the worker; `None` if the worker stops.
type Fetched = Option<Result<Batch, Error>>;

impl State {
    fn fetching(
        context: &Context,
        fetch: impl Future<Output = (Box<Source>, Fetched)> + Send + 'static,
    ) -> Self {
        Self::Fetching(Claiming::start(&context.engine, fetch))
    }
}

/// The source of batches.
struct Source {
    context: Arc<Context>,
    sleep: Sleep,
    stop: CancellationToken,
    places: Places,
    unreachable_for: Duration,
    /// The time since which each look for work has failed.
    failing_since: Option<Instant>,
    /// Whether everything was once found to be installed. From then on the worker waits for objects
    /// that are missing, because a migration may be under way.
    was_installed: bool,
    /// Whether something is known to have happened since the last look.
    woken: bool,
}

impl Source {
    /// Returns the next batch, however long that takes; `None` if the worker stops. Returns an
    /// error if the worker has just begun, and not everything is installed.
    async fn next(&mut self) -> Fetched {
        while !self.was_installed && !self.stop.is_cancelled() {
            let installed = async {
                self.context.check_tables().await?;
                self.context.look().await
            };
            match installed.await {
                Ok(_) => {
                    self.was_installed = true;
                    self.has_looked();
                }
                Err(error @ Error::NotInstalled { .. }) => return Some(Err(error)),
                Err(error) => self.wait_for_database(&error).await,
            }
        }

        loop {
            let stop = self.stop.clone();
            let places = async {
                let is_mixed = self.context.limits.pace.is_mixed();
                if is_mixed {
                    self.places.free().await
                } else {
                    self.places.free_in(Lane::Quick).await
                }
            };
            let free = tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                free = places => free,
            };

            let lanes: Vec<Lane> = free.lanes().collect();
            // The claim goes on when the worker stops: a claim that is half made would be lost
            // until its lease ends.
            let context = &self.context;
            let woken = std::mem::take(&mut self.woken);
            let claim = async {
                if woken { context.next_marked(&lanes).await } else { context.next(&lanes).await }
            };
            let (next, ()) = tokio::join!(claim, self.sleep.wake_up());

            match next {
                Ok(Next::Batch(batch)) => {
                    if let Some(place) = batch.lane().and_then(|lane| free.in_lane(lane)) {
                        batch.keep(place);
                    }
                    self.sleep.was_busy();
                    self.has_looked();
                    return Some(Ok(batch));
                }
                Ok(Next::Nothing(work)) => {
                    self.has_looked();
                    drop(free);
                    self.rest(work, &lanes).await;
                }
                Err(error) => self.wait_for_database(&error).await,
            }
        }
    }

    /// Waits until there may be work, or a place in another lane than these.
    async fn rest(&mut self, work: Work, lanes: &[Lane]) {
        let stop = self.stop.clone();
        let places = &self.places;
        let is_mixed = self.context.limits.pace.is_mixed();
        let another_place = async {
            match Lane::BOTH.into_iter().find(|lane| is_mixed && !lanes.contains(lane)) {
                Some(lane) => drop(places.free_in(lane).await),
                None => std::future::pending().await,
            }
        };

        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = another_place => {}
            woken = self.sleep.sleep(&self.context, work) => self.woken = woken,
        }
    }

    async fn wait_for_database(&mut self, error: &Error) {
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        tracing::warn!(
            error = self.context.engine.without_values(error),
            failing_seconds = seconds(since.elapsed()),
            retry_in_seconds = seconds(self.unreachable_for),
            "the worker cannot look for work, and will try again"
        );
        let stop = self.stop.clone();
        let _ = tokio::time::timeout(self.unreachable_for, stop.cancelled()).await;
        self.unreachable_for = (self.unreachable_for * 2).min(UNREACHABLE.1);
    }

    /// Called when a look for work has succeeded.
    fn has_looked(&mut self) {
        self.unreachable_for = UNREACHABLE.0;
        if let Some(since) = self.failing_since.take() {
            let failed_seconds = seconds(since.elapsed());
            tracing::info!(failed_seconds, "the worker can look for work again");
        }
    }
}

impl Backend {
    pub(super) fn new(context: Arc<Context>) -> Self {
        let stop = CancellationToken::new();
        let source = Source {
            context: Arc::clone(&context),
            sleep: Sleep::new(&context),
            stop: stop.clone(),
            places: Places::new(),
            unreachable_for: UNREACHABLE.0,
            failing_since: None,
            was_installed: false,
            woken: false,
        };
        Self {
            state: State::Idle(Box::new(source)),
            stop,
            heartbeat: None,
            reporting: None,
            is_alone: false,
            life: None,
            context,
        }
    }

    /// Makes a backend for an apalis worker of the user's.
    pub(super) fn alone(context: Arc<Context>) -> Self {
        let mut backend = Self::new(context);
        backend.is_alone = true;
        backend
    }

    fn poll_fetch(&mut self, cx: &mut task::Context<'_>) -> Poll<Fetched> {
        loop {
            match std::mem::replace(&mut self.state, State::Closed) {
                State::Idle(mut source) => {
                    self.state = State::fetching(&self.context, async move {
                        let fetched = source.next().await;
                        (source, fetched)
                    });
                }
                State::Fetching(mut fetch) => match fetch.poll_unpin(cx) {
                    Poll::Pending => {
                        self.state = State::Fetching(fetch);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok((source, Some(fetched)))) => {
                        self.state = State::Idle(source);
                        return Poll::Ready(Some(fetched));
                    }
                    // An error means that the runtime ends.
                    Poll::Ready(Ok((_, None)) | Err(_)) => return Poll::Ready(None),
                },
                State::Closed => return Poll::Ready(None),
            }
        }
    }
}

/// A dropped worker claims nothing any more, and is gone.
impl Drop for Backend {
    fn drop(&mut self) {
        self.stop.cancel();
        if self.reporting.is_some() {
            self.context.leave_later();
        }
    }
}

impl backend::Backend for Backend {
    type Task = Task<Batch>;
    type Error = Error;

    fn poll_ready(
        &mut self,
        _: &mut task::Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    /// Polls for the next batch. An error would end the worker, so a database that cannot be
    /// reached is waited for.
    fn poll_next(
        &mut self,
        cx: &mut task::Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Task<Batch>, Error>>> {
        if self.heartbeat.is_none() {
            self.heartbeat = Some(self.context.start_heartbeat());
            self.reporting = Some(self.context.start_reporting());
            self.life = self.is_alone.then(|| Life::begin(&self.context));
        }
        let fetched = ready!(self.poll_fetch(cx));
        let task = |batch| {
            TaskBuilder::new(batch).task_id(TaskId::String(RandomId::default().to_string())).build()
        };
        Poll::Ready(fetched.map(|fetched| fetched.map(task)))
    }

    /// Stops the worker. A claim that is being made ends first, and is handed back.
    fn poll_close(
        &mut self,
        cx: &mut task::Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Error>> {
        self.stop.cancel();
        while let Some(Ok(batch)) = ready!(self.poll_fetch(cx)) {
            let State::Idle(source) = std::mem::replace(&mut self.state, State::Closed) else {
                break;
            };
            self.state = State::fetching(&self.context, async move {
                batch.hand_back_if_possible().await;
                (source, None)
            });
        }
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for Backend {
    type Args = Batch;
    type Id = RandomId;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = HandBackLayer;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> HandBackLayer {
        HandBackLayer
    }
}
