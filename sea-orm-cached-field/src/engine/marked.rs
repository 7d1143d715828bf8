//! How many rows each transaction has marked, as far as this process has collected its marks.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{layout::Table, queue::LastMark};

/// The number of collections without a mark of a transaction after which it is forgotten. All marks
/// of a transaction become visible at once, and are collected in one collection after the other.
const REMEMBERED: u64 = 100;

/// The rows of each table that are counted.
#[derive(Default)]
pub(crate) struct MarkedRows {
    tables: Mutex<HashMap<Table, Marked>>,
    hasher: RandomState,
}

#[derive(Default)]
struct Marked {
    collections: u64,
    /// By the field, and the time that all marks of a transaction share.
    transactions: HashMap<(usize, i64), Rows>,
    /// Those that have marked too many rows, until they are judged.
    too_many: BTreeSet<(usize, i64)>,
}

#[derive(Default)]
struct Rows {
    /// The hashes of their keys: the marks of a row may come in several collections.
    keys: HashSet<u64>,
    /// Whether it was decided what follows from their number. Then they are not counted any more.
    is_judged: bool,
    /// The last collection that had a mark of the transaction.
    last_collected: u64,
}

/// A field of which one transaction has marked more rows than allowed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany {
    pub(crate) field: usize,
    /// The time of the marks, in milliseconds since 1970.
    pub(crate) marked_at: i64,
    /// The number of rows that were counted.
    pub(crate) rows: u64,
}

impl MarkedRows {
    /// Counts what was collected. Returns the fields of which one transaction has marked more than
    /// so many rows, each until it is [judged](Self::judged).
    pub(crate) fn count(&self, table: &Table, marks: &[LastMark], limit: u64) -> Vec<TooMany> {
        let mut tables = self.tables();
        let Marked { collections, transactions, too_many } =
            tables.entry(table.clone()).or_default();
        if !marks.is_empty() {
            *collections += 1;
            if *collections % REMEMBERED == 0 {
                transactions.retain(|transaction, rows| {
                    rows.last_collected + REMEMBERED >= *collections
                        || too_many.contains(transaction)
                });
            }
        }

        for LastMark { key, field, marked_at } in marks {
            let transaction = (*field, *marked_at);
            let rows = transactions.entry(transaction).or_default();
            rows.last_collected = *collections;
            if rows.is_judged {
                continue;
            }
            rows.keys.insert(self.hasher.hash_one(key));
            if rows.keys.len() as u64 > limit {
                too_many.insert(transaction);
            }
        }

        // Workers of this process may have other limits.
        let too_many = too_many.iter().filter_map(|transaction| {
            let rows = transactions.get(transaction)?.keys.len() as u64;
            let (field, marked_at) = *transaction;
            (rows > limit).then_some(TooMany { field, marked_at, rows })
        });
        too_many.collect()
    }

    /// Counts no more rows of a transaction.
    pub(crate) fn judged(&self, table: &Table, field: usize, marked_at: i64) {
        let mut tables = self.tables();
        let Some(marked) = tables.get_mut(table) else { return };
        let transaction = (field, marked_at);
        marked.too_many.remove(&transaction);
        if let Some(rows) = marked.transactions.get_mut(&transaction) {
            rows.keys = HashSet::new();
            rows.is_judged = true;
        }
    }

    fn tables(&self) -> MutexGuard<'_, HashMap<Table, Marked>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declaration::Key;

    fn table() -> Table {
        Table { schema: None, name: "lamppost".to_owned() }
    }

    fn marks(keys: std::ops::Range<i32>, marked_at: i64) -> Vec<LastMark> {
        let mark = |key: i32| LastMark { key: Key::new([key.into()]), field: 0, marked_at };
        keys.map(mark).collect()
    }

    #[test]
    fn a_row_counts_once_in_its_transaction_until_that_is_judged() {
        let table = table();
        let marked = MarkedRows::default();
        assert_eq!(marked.count(&table, &marks(0..3, 7), 3), []);
        assert_eq!(marked.count(&table, &marks(0..3, 7), 3), []);
        assert_eq!(marked.count(&table, &marks(3..6, 8), 3), []);

        let too_many = TooMany { field: 0, marked_at: 7, rows: 5 };
        assert_eq!(marked.count(&table, &marks(3..5, 7), 3), [too_many]);
        let again = marked.count(&table, &[], 3);
        assert_eq!(again.len(), 1, "the pause may have failed: {again:?}");
        marked.judged(&table, 0, 7);
        assert_eq!(marked.count(&table, &marks(5..15, 7), 3), []);
        assert_eq!(marked.count(&table, &marks(6..7, 8), 3).len(), 1);
    }

    #[test]
    fn transactions_are_forgotten_that_do_not_come_again() {
        let table = table();
        let marked = MarkedRows::default();
        for marked_at in 1..1000 {
            marked.count(&table, &marks(0..1, 0), 3);
            marked.count(&table, &marks(0..1, marked_at), 3);
        }
        let tables = marked.tables();
        let transactions = &tables[&table].transactions;
        assert!(transactions.len() as u64 <= 2 * REMEMBERED, "{}", transactions.len());
        assert!(transactions.contains_key(&(0, 0)), "it has come again");
    }
}
