//! The paused fields, as they were last read.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::layout::Table;

/// The names of the paused fields of each table.
#[derive(Default)]
pub(crate) struct PausedFields(Mutex<Known>);

/// When they were read, and the names.
type Known = HashMap<Table, (Instant, Names)>;
type Names = Arc<BTreeSet<String>>;

impl PausedFields {
    /// Returns whether a field of the table was paused when that was last read.
    pub(crate) fn is_any(&self, table: &Table) -> bool {
        self.tables().get(table).is_some_and(|(_, names)| !names.is_empty())
    }

    /// Returns whether a field was paused when that was last read.
    pub(crate) fn is_paused(&self, table: &Table, field: &str) -> bool {
        self.tables().get(table).is_some_and(|(_, names)| names.contains(field))
    }

    /// Returns the paused fields, if they were read so short a time ago.
    pub(crate) fn known(&self, table: &Table, within: Duration) -> Option<Names> {
        let tables = self.tables();
        let (_, names) = tables.get(table).filter(|(read_at, _)| read_at.elapsed() < within)?;
        Some(Arc::clone(names))
    }

    pub(crate) fn know(&self, table: &Table, names: impl IntoIterator<Item = String>) -> Names {
        let names: Names = Arc::new(names.into_iter().collect());
        self.tables().insert(table.clone(), (Instant::now(), Arc::clone(&names)));
        names
    }

    /// Makes the next caller read them again.
    pub(crate) fn forget(&self, table: &Table) {
        self.tables().remove(table);
    }

    fn tables(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
