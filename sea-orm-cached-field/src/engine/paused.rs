//! The paused fields, as they were last read.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::layout::Table;

/// The names of the paused fields of each table.
#[derive(Default)]
pub(crate) struct PausedFields {
    known: Mutex<Known>,
    /// The number of times that something was forgotten.
    forgotten: AtomicU64,
    /// The tables of which they could not be read.
    refused: Mutex<HashSet<Table>>,
}

/// When they were read, and the names.
type Known = HashMap<Table, (Instant, Names)>;
type Names = Arc<BTreeSet<String>>;

/// A question to the database: when it was asked, and what had been forgotten by then.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    at: Instant,
    forgotten: u64,
}

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

    /// Begins a question.
    pub(crate) fn ask(&self) -> Asked {
        Asked { at: Instant::now(), forgotten: self.forgotten.load(Ordering::SeqCst) }
    }

    /// Keeps the answer to a question, unless a field was paused or resumed since it was asked.
    pub(crate) fn know(
        &self,
        table: &Table,
        names: impl IntoIterator<Item = String>,
        asked: Asked,
    ) -> Names {
        let names: Names = Arc::new(names.into_iter().collect());
        let mut tables = self.tables();
        if self.forgotten.load(Ordering::SeqCst) == asked.forgotten {
            tables.insert(table.clone(), (asked.at, Arc::clone(&names)));
        }
        names
    }

    /// Makes the next caller read them again.
    pub(crate) fn forget(&self, table: &Table) {
        let mut tables = self.tables();
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        tables.remove(table);
    }

    /// Returns whether this is the first time that they could not be read.
    pub(crate) fn is_first_refusal(&self, table: &Table) -> bool {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(table.clone())
    }

    fn tables(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_a_pause_has_overtaken_is_not_kept() {
        let table = Table { schema: None, name: "lamppost".to_owned() };
        let paused = PausedFields::default();
        let asked = paused.ask();
        paused.forget(&table);
        paused.know(&table, [], asked);
        assert!(paused.known(&table, Duration::from_secs(60)).is_none());

        let asked = paused.ask();
        paused.know(&table, ["name".to_owned()], asked);
        assert!(paused.is_paused(&table, "name") && !paused.is_paused(&table, "rank"));
    }
}
