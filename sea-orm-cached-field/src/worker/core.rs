//! What all parts of a worker share: where it works, and what it holds.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{DatabaseConnection, DatabaseExecutor};
use tokio::sync::OnceCell;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{batch::Batch, claiming::Claiming, drain::Failures, lane::Lane, settings::Settings};
use crate::{
    Error,
    calculation::Limits,
    declaration::Key,
    engine::Engine,
    installation,
    layout::Upstream,
    protocol::{self, Claimed, Connections, First, Work},
    queue::Claim,
    registry::{Model, upstream_first, upstreams},
};

/// Leases are renewed three times before they end, but not more often than this.
const SHORTEST_HEARTBEAT: Duration = Duration::from_millis(10);

/// After this time without a look, a model has its turn before those whose fields it is calculated
/// from.
const PASSED_OVER: Duration = Duration::from_secs(1);

/// After this time a chunk of what an installation has flagged has its turn, though there is a
/// little else to do.
const CHUNKS_PASSED_OVER: Duration = Duration::from_secs(1);

pub(super) struct Core {
    pub(super) engine: Arc<Engine>,
    /// The user's connections, and with them the user's code's.
    pub(super) db: DatabaseConnection,
    /// Those that the protocol is spoken over, where it has some of its own.
    own: OnceCell<Option<DatabaseConnection>>,
    /// Those first whose fields others are calculated from.
    pub(super) models: Vec<Arc<Model>>,
    /// What the fields of each model wait for.
    upstream: Vec<Vec<Upstream>>,
    pub(super) settings: Settings,
    pub(super) limits: Limits,
    /// The claims that are not settled yet, by batch.
    held: Mutex<HashMap<u64, Held>>,
    /// Claims that nobody works on any more, but that could not be handed back.
    lost: Mutex<Vec<Held>>,
    next_batch: AtomicU64,
    /// Whether it has ended, so that nothing is claimed any more.
    pub(super) has_ended: AtomicBool,
    /// Of a worker that drains.
    pub(super) failures: Option<Failures>,
    /// The last look at each model, in each lane.
    looked_at: Mutex<Vec<Look>>,
}

#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    /// The last look for chunks of rows that an installation has flagged.
    for_chunks_at: Instant,
    /// What was taken first, if more was found than could be taken.
    left_some: Option<First>,
}

impl Look {
    fn now() -> Self {
        let now = Instant::now();
        Self { at: now, for_chunks_at: now, left_some: None }
    }
}

/// A model, and which of its fields are looked for.
struct Stop {
    /// The model's place.
    turn: usize,
    lane: Option<Lane>,
    fields: Vec<usize>,
}

impl Stop {
    /// Its place among all models and lanes.
    fn place(&self) -> usize {
        self.turn * Lane::BOTH.len() + self.lane.map_or(0, |lane| lane as usize)
    }
}

#[derive(Clone)]
pub(super) struct Held {
    pub(super) model: Arc<Model>,
    pub(super) claims: Vec<Claim>,
}

/// What a look for work has found.
pub(super) enum Next {
    Batch(Batch),
    /// Nothing now.
    Nothing(Work),
}

/// What was taken of a model.
enum Taken {
    Batch(Batch),
    /// Marks alone: more of the same rows are left.
    MoreMarks,
    Nothing,
}

impl Core {
    pub(super) fn new(
        db: DatabaseConnection,
        models: Vec<Arc<Model>>,
        settings: Settings,
    ) -> Result<Self, Error> {
        let models = upstream_first(&models);
        let limits = Limits::of_worker(&models, settings.calculation_timeout, settings.concurrency);
        Ok(Self {
            engine: Engine::of(&db)?,
            db,
            own: OnceCell::new(),
            upstream: upstreams(&models),
            looked_at: Mutex::new(vec![Look::now(); models.len() * Lane::BOTH.len()]),
            models,
            settings,
            limits,
            held: Mutex::default(),
            lost: Mutex::default(),
            next_batch: AtomicU64::default(),
            has_ended: AtomicBool::default(),
            failures: None,
        })
    }

    /// Opens dedicated connections, where the database benefits from them.
    pub(super) async fn open_dedicated_connections(&self) -> Result<(), Error> {
        #[cfg(feature = "sqlx-postgres")]
        if let Some(session) =
            self.engine.dialect.session().filter(|_| self.settings.connections > 0)
        {
            self.own.get_or_try_init(|| super::connections::connect(self, &session)).await?;
        }
        Ok(())
    }

    /// The connections for the statements of the protocol.
    pub(super) fn connections(&self) -> Connections<'_> {
        match self.own.get() {
            Some(Some(own)) => Connections::set(own),
            _ => Connections::of_worker(&self.db),
        }
    }

    /// When there is work for any model, without taking it.
    pub(super) async fn look(&self) -> Result<Work, Error> {
        let mut work = Work::None;
        for model in &self.models {
            let fields: Vec<usize> = (0..model.owner.fields.len()).collect();
            let look = protocol::look(&self.engine, self.connections(), model, &fields).await;
            work = work.or_earlier(look.map_err(|error| self.explained(error))?);
        }
        Ok(work)
    }

    /// What is not installed can be of another model than the one that is looked at.
    fn explained(&self, error: Error) -> Error {
        protocol::explained(
            self.engine.dialect,
            self.models.iter().map(|model| &model.owner),
            error,
        )
    }

    /// Claims a batch, for a place in one of these lanes, or of all that is due: of the first model
    /// that has work, but none is passed over for long.
    pub(super) async fn next(self: &Arc<Self>, lanes: &[Lane]) -> Result<Next, Error> {
        self.find_next(lanes).await.map_err(|error| self.explained(error))
    }

    /// In a task of its own: a claim that is half made when its worker is dropped is made, and then
    /// handed back.
    pub(super) async fn next_to_the_end(self: &Arc<Self>) -> Result<Next, Error> {
        let core = Arc::clone(self);
        let claiming = Claiming::start(&self.engine, async move { core.next(&[]).await });
        claiming.await.unwrap_or_else(|stopped| Err(Error::Worker(stopped.to_string())))
    }

    async fn find_next(self: &Arc<Self>, lanes: &[Lane]) -> Result<Next, Error> {
        self.open_dedicated_connections().await?;
        self.hand_back([]).await?;
        self.queue_flagged().await?;
        loop {
            let mut work = Work::None;
            let mut has_more = false;
            for stop in self.stops(lanes) {
                let (found, first) = self.look_at(&stop).await?;
                work = work.or_earlier(found);
                if found == Work::Now {
                    let model = &self.models[stop.turn];
                    let rows = self.settings.batch_size;
                    protocol::flag_expired(&self.engine, self.connections(), model, rows).await?;
                    match self.claim(stop, first).await? {
                        Taken::Batch(batch) => return Ok(Next::Batch(batch)),
                        Taken::MoreMarks => has_more = true,
                        Taken::Nothing => {}
                    }
                }
            }
            if !has_more {
                return Ok(Next::Nothing(work));
            }
        }
    }

    /// Queues what was flagged while it was left to readers.
    async fn queue_flagged(&self) -> Result<(), Error> {
        for model in &self.models {
            if let Some(time) = self.engine.has_unqueued(&model.owner.table) {
                installation::mark_flagged(&DatabaseExecutor::Connection(&self.db), model).await?;
                self.engine.flagged_are_queued(&model.owner.table, time);
            }
        }
        Ok(())
    }

    /// As [`Core::next`], but takes new marks without a look, where a look costs as much.
    pub(super) async fn next_marked(self: &Arc<Self>, lanes: &[Lane]) -> Result<Next, Error> {
        if self.own.get().is_some_and(Option::is_some) {
            for stop in
                self.stops(lanes).into_iter().filter(|stop| self.upstream[stop.turn].is_empty())
            {
                let taken = self
                    .claim(stop, First::OnlyMarks)
                    .await
                    .map_err(|error| self.explained(error))?;
                if let Taken::Batch(batch) = taken {
                    return Ok(Next::Batch(batch));
                }
            }
        }
        self.next(lanes).await
    }

    /// What there is to do, and what is to be taken first: of a backlog of both, now marks and now
    /// what is due, so that neither waits for ever.
    async fn look_at(&self, stop: &Stop) -> Result<(Work, First), Error> {
        let left_some = {
            let look = &mut self.looked_at()[stop.place()];
            look.at = Instant::now();
            look.left_some.take()
        };
        let model = &self.models[stop.turn];
        let fields = &stop.fields;
        Ok(match left_some {
            Some(First::Marks | First::OnlyMarks) => (Work::Now, First::Due),
            Some(First::Due) => (Work::Now, First::Marks),
            None => (
                protocol::look(&self.engine, self.connections(), model, fields).await?,
                First::Marks,
            ),
        })
    }

    /// Where work is looked for: the models in their order, after those that were passed over for
    /// long.
    fn stops(&self, lanes: &[Lane]) -> Vec<Stop> {
        let pace = &self.limits.pace;
        let mut stops = Vec::new();
        for (turn, model) in self.models.iter().enumerate() {
            let fields = 0..model.owner.fields.len();
            if lanes.is_empty() {
                stops.push(Stop { turn, lane: None, fields: fields.collect() });
            } else if !pace.is_mixed() {
                stops.push(Stop { turn, lane: Some(lanes[0]), fields: fields.collect() });
            } else {
                for lane in lanes {
                    let fields = fields
                        .clone()
                        .filter(|field| pace.is_slow(model, *field) == (*lane == Lane::Slow));
                    stops.push(Stop { turn, lane: Some(*lane), fields: fields.collect() });
                }
            }
        }
        stops.retain(|stop| !stop.fields.is_empty());
        let looked_at = self.looked_at();
        stops.sort_by_key(|stop| looked_at[stop.place()].at.elapsed() < PASSED_OVER);
        stops
    }

    fn looked_at(&self) -> std::sync::MutexGuard<'_, Vec<Look>> {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn claim(self: &Arc<Self>, stop: Stop, first: First) -> Result<Taken, Error> {
        if self.has_ended.load(Ordering::Relaxed) {
            return Ok(Taken::Nothing);
        }
        let engine = &self.engine;
        let model = &self.models[stop.turn];
        let place = stop.place();
        let fields: (&[usize], &[Upstream]) = (&stop.fields, &self.upstream[stop.turn]);
        let rows = self.batch_size(&stop);
        let lease = self.settings.lease;
        let time_for_chunks = self.looked_at()[place].for_chunks_at.elapsed() >= CHUNKS_PASSED_OVER;
        let first = (first, time_for_chunks);
        let claimed =
            protocol::claim(engine, self.connections(), model, fields, rows, lease, first).await?;
        let Claimed { claims, has_more, looked_for_chunks } = claimed;
        {
            let look = &mut self.looked_at()[place];
            look.left_some = Some(first.0).filter(|_| has_more || claims.len() as u64 >= rows);
            if looked_for_chunks {
                look.for_chunks_at = Instant::now();
            }
        }
        let claims = self.put_off(model, claims).await?;
        Ok(match claims.is_empty() {
            false => Taken::Batch(self.hold(model, claims, stop.lane)),
            true if has_more => Taken::MoreMarks,
            true => Taken::Nothing,
        })
    }

    /// Puts off what has failed while this worker drains, and returns the rest.
    async fn put_off(&self, model: &Model, claims: Vec<Claim>) -> Result<Vec<Claim>, Error> {
        let Some(failures) = &self.failures else { return Ok(claims) };
        let (failed, claims) = failures.partition(model, claims);
        if !failed.is_empty() {
            let delay = failures.put_off_for();
            protocol::hand_back(&self.engine, self.connections(), model, &failed, delay).await?;
        }
        Ok(claims)
    }

    /// Of rows that are slow to calculate, one by one, not more than are soon begun: other workers
    /// may have room for them.
    fn batch_size(&self, stop: &Stop) -> u64 {
        let Settings { batch_size, concurrency, .. } = self.settings;
        let rows = &self.models[stop.turn].rows;
        if stop.lane == Some(Lane::Slow) && !stop.fields.iter().any(|field| rows.is_batch(*field)) {
            return batch_size.min(2 * concurrency as u64);
        }
        batch_size
    }

    fn hold(self: &Arc<Self>, model: &Arc<Model>, claims: Vec<Claim>, lane: Option<Lane>) -> Batch {
        let id = self.next_batch.fetch_add(1, Ordering::Relaxed);
        self.held().insert(id, Held { model: Arc::clone(model), claims: claims.clone() });
        Batch::new(Arc::clone(self), id, Arc::clone(model), claims, lane)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These claims of a batch have ended.
    pub(super) fn settled(&self, batch: u64, ended: &[Claim]) {
        let ended: HashSet<(&Key, usize)> =
            ended.iter().map(|claim| (&claim.key, claim.field)).collect();
        if let Some(held) = self.held().get_mut(&batch) {
            held.claims.retain(|claim| !ended.contains(&(&claim.key, claim.field)));
        }
    }

    /// Takes what a batch still holds: whoever takes it is the one to end it.
    pub(super) fn take_held(&self, batch: u64) -> Option<Held> {
        self.held().remove(&batch).filter(|held| !held.claims.is_empty())
    }

    /// Takes everything that is held.
    pub(super) fn take_all_held(&self) -> Vec<Held> {
        let lost = std::mem::take(&mut *self.lost());
        let held = std::mem::take(&mut *self.held());
        held.into_values().filter(|held| !held.claims.is_empty()).chain(lost).collect()
    }

    fn lost(&self) -> std::sync::MutexGuard<'_, Vec<Held>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands back what was taken. What cannot be handed back now is, before anything else is
    /// claimed.
    pub(super) async fn hand_back(
        &self,
        held: impl IntoIterator<Item = Held>,
    ) -> Result<(), Error> {
        self.lost().extend(held);
        while let Some(held) = self.next_lost() {
            let connections = self.connections();
            let now = Duration::ZERO;
            if let Err(error) =
                protocol::hand_back(&self.engine, connections, &held.model, &held.claims, now).await
            {
                self.lost().push(held);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Hands back what was taken, from where nothing can be waited for.
    pub(super) fn hand_back_later(self: &Arc<Self>, held: impl IntoIterator<Item = Held>) {
        let core = Arc::clone(self);
        let held: Vec<Held> = held.into_iter().collect();
        if held.is_empty() {
            return;
        }
        // Without a runtime the program is about to end.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let hand_back = async move {
            if let Err(error) = core.hand_back(held).await {
                tracing::warn!("could not hand back what a worker held that was dropped: {error}");
            }
        };
        self.engine.hand_backs.spawn_on(hand_back, &runtime);
    }

    /// A function of its own, so that the lock is released before the caller awaits.
    fn next_lost(&self) -> Option<Held> {
        self.lost().pop()
    }

    /// Keeps the leases of all that is held alive, until dropped; not in the middle of a statement,
    /// which SQLx does not take well.
    pub(super) fn start_heartbeat(self: &Arc<Self>) -> DropGuard {
        let core = Arc::clone(self);
        let stop = CancellationToken::new();
        let every = (core.settings.lease / 3).max(SHORTEST_HEARTBEAT);
        let stopped = stop.clone();
        tokio::spawn(async move {
            while stopped.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
                if let Err(error) = core.renew().await {
                    tracing::warn!("cannot renew leases: {error}");
                }
            }
        });
        stop.drop_guard()
    }

    /// Makes the leases of all that is held last for longer.
    pub(super) async fn renew(&self) -> Result<(), Error> {
        let held: Vec<Held> = self.held().values().cloned().collect();
        for Held { model, claims } in held.iter().filter(|held| !held.claims.is_empty()) {
            protocol::renew(&self.engine, self.connections(), model, claims, self.settings.lease)
                .await?;
        }
        Ok(())
    }
}
