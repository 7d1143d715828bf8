//! The claims that a worker holds.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{declaration::Key, layout::Table, queue::Claim, registry::Model};

/// The claims of a worker that have not ended.
#[derive(Default)]
pub(super) struct Ledger {
    /// The claims of each batch.
    held: Mutex<HashMap<u64, Held>>,
    /// The claims of ended batches that could not be handed back.
    lost: Mutex<Vec<Held>>,
    next_batch: AtomicU64,
}

/// Claims on rows of one model.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) model: Arc<Model>,
    pub(super) claims: Vec<Claim>,
}

impl Ledger {
    /// Enters the claims of a new batch. Returns its number.
    pub(super) fn enter(&self, model: &Arc<Model>, claims: &[Claim]) -> u64 {
        let batch = self.next_batch.fetch_add(1, Ordering::Relaxed);
        let held = Held { model: Arc::clone(model), claims: claims.to_vec() };
        self.held().insert(batch, held);
        batch
    }

    /// Removes claims of a batch that have ended.
    pub(super) fn settle(&self, batch: u64, ended: &[Claim]) {
        let ended: HashSet<(&Key, usize)> =
            ended.iter().map(|claim| (&claim.key, claim.field)).collect();
        if let Some(held) = self.held().get_mut(&batch) {
            held.claims.retain(|claim| !ended.contains(&(&claim.key, claim.field)));
        }
    }

    /// Takes the claims that a batch still holds. The caller has to end them.
    pub(super) fn take(&self, batch: u64) -> Option<Held> {
        self.held().remove(&batch).filter(|held| !held.claims.is_empty())
    }

    /// Takes all claims.
    pub(super) fn take_all(&self) -> Vec<Held> {
        let lost = std::mem::take(&mut *self.lost());
        let held = std::mem::take(&mut *self.held());
        held.into_values().filter(|held| !held.claims.is_empty()).chain(lost).collect()
    }

    /// Returns the claims that batches hold now.
    pub(super) fn all(&self) -> Vec<Held> {
        self.held().values().filter(|held| !held.claims.is_empty()).cloned().collect()
    }

    /// Returns the number of claims on rows of a table.
    pub(super) fn count(&self, table: &Table) -> i64 {
        let held = self.held();
        let of_table = held.values().filter(|held| held.model.owner.table == *table);
        let claims: usize = of_table.map(|held| held.claims.len()).sum();
        i64::try_from(claims).unwrap_or(i64::MAX)
    }

    /// Enters claims that have to be handed back.
    pub(super) fn lose(&self, held: impl IntoIterator<Item = Held>) {
        self.lost().extend(held);
    }

    /// Takes some of the claims that have to be handed back.
    pub(super) fn next_lost(&self) -> Option<Held> {
        self.lost().pop()
    }

    fn held(&self) -> MutexGuard<'_, HashMap<u64, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lost(&self) -> MutexGuard<'_, Vec<Held>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
