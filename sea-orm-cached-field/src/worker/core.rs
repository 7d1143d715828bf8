//! What all parts of a worker share: where it works, and what it holds.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use sea_orm::DatabaseConnection;
use tokio::sync::Semaphore;

use super::{batch::Batch, settings::Settings};
use crate::{
    Error,
    calculation::Limits,
    dialect::Claim,
    engine::Engine,
    invalidation::{self, Work},
    registry::Model,
};

pub(super) struct Core {
    pub(super) engine: Arc<Engine>,
    pub(super) db: DatabaseConnection,
    pub(super) models: Vec<Arc<Model>>,
    pub(super) settings: Settings,
    pub(super) limits: Limits,
    /// The claims that are not settled yet, by batch.
    held: Mutex<HashMap<u64, Held>>,
    next_batch: AtomicU64,
    /// The model whose turn it is.
    turn: AtomicUsize,
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

impl Core {
    pub(super) fn new(db: DatabaseConnection, models: Vec<Arc<Model>>, settings: Settings) -> Result<Self, Error> {
        let limits = Limits {
            timeout: settings.calculation_timeout,
            concurrency: Arc::new(Semaphore::new(settings.concurrency)),
        };
        Ok(Self {
            engine: Engine::of(&db)?,
            db,
            models,
            settings,
            limits,
            held: Mutex::default(),
            next_batch: AtomicU64::default(),
            turn: AtomicUsize::default(),
        })
    }

    /// When there is work for any model, without taking it.
    pub(super) async fn look(&self) -> Result<Work, Error> {
        let mut work = Work::None;
        for model in &self.models {
            work = work.or_earlier(invalidation::look(&self.engine, &self.db, model).await?);
        }
        Ok(work)
    }

    /// Claims a batch of the next model that has work; each model gets its turn.
    pub(super) async fn next(self: &Arc<Self>) -> Result<Next, Error> {
        let mut work = Work::None;
        for _ in 0..self.models.len() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.models.len();
            let model = &self.models[turn];
            let found = invalidation::look(&self.engine, &self.db, model).await?;
            work = work.or_earlier(found);
            if found == Work::Now {
                invalidation::flag_expired(&self.engine, &self.db, model, self.settings.batch_size).await?;
                let claims = self.claim(model).await?;
                if !claims.is_empty() {
                    return Ok(Next::Batch(self.hold(model, claims)));
                }
            }
        }
        Ok(Next::Nothing(work))
    }

    async fn claim(&self, model: &Model) -> Result<Vec<Claim>, Error> {
        invalidation::claim(&self.engine, &self.db, model, self.settings.batch_size, self.settings.lease).await
    }

    fn hold(self: &Arc<Self>, model: &Arc<Model>, claims: Vec<Claim>) -> Batch {
        let id = self.next_batch.fetch_add(1, Ordering::Relaxed);
        self.held().insert(id, Held { model: Arc::clone(model), claims: claims.clone() });
        Batch::new(Arc::clone(self), id, Arc::clone(model), claims)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These claims of a batch have ended.
    pub(super) fn settled(&self, batch: u64, ended: &[Claim]) {
        if let Some(held) = self.held().get_mut(&batch) {
            held.claims.retain(|claim| !ended.iter().any(|end| end.key == claim.key && end.field == claim.field));
        }
    }

    /// Takes what a batch still holds: whoever takes it is the one to end it.
    pub(super) fn take_held(&self, batch: u64) -> Option<Held> {
        self.held().remove(&batch).filter(|held| !held.claims.is_empty())
    }

    /// Hands back what a batch still holds.
    pub(super) async fn hand_back(&self, batch: u64) -> Result<(), Error> {
        match self.take_held(batch) {
            Some(held) => invalidation::hand_back(&self.engine, &self.db, &held.model, &held.claims).await,
            None => Ok(()),
        }
    }

    /// Hands back everything that is held.
    pub(super) async fn hand_back_all(&self) -> Result<(), Error> {
        let batches: Vec<u64> = self.held().keys().copied().collect();
        for batch in batches {
            self.hand_back(batch).await?;
        }
        Ok(())
    }

    /// Makes the leases of all that is held last for longer.
    pub(super) async fn renew(&self) -> Result<(), Error> {
        let held: Vec<Held> = self.held().values().cloned().collect();
        for Held { model, claims } in held.iter().filter(|held| !held.claims.is_empty()) {
            invalidation::renew(&self.engine, &self.db, model, claims, self.settings.lease).await?;
        }
        Ok(())
    }
}
