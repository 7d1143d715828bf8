//! What a worker did, minute by minute, until it is written to the database.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    activity::{Done, KEPT_MINUTES, Minute, this_minute},
    layout::{Owner, Table},
    protocol::Verdict,
    queue::Claim,
};

/// What was done to each field in each minute, by table, and is not written yet.
#[derive(Default)]
pub(super) struct Figures(Mutex<HashMap<Table, Minutes>>);

/// By minute and field.
type Minutes = BTreeMap<(i64, usize), Done>;

impl Figures {
    /// Counts a calculation, of one row or of many.
    pub(super) fn count_calculation(&self, owner: &Owner, field: usize, took: Duration) {
        self.count(owner, field, |done| done.count_calculation(took));
    }

    /// Counts a claim that has ended.
    pub(super) fn count_end(&self, owner: &Owner, claim: &Claim, verdict: Verdict, changed: bool) {
        self.count(owner, claim.field, |done| match verdict {
            Verdict::Done => {
                let count = if changed { &mut done.changed } else { &mut done.unchanged };
                *count += 1;
                if let Some(stale_for) = claim.stale_for() {
                    done.count_stale(stale_for);
                }
            }
            Verdict::Publish => done.published += 1,
            Verdict::Superseded => done.superseded += 1,
            Verdict::HandBack => done.handed_back += 1,
        });
    }

    /// Counts a calculation that has failed. `is_final`: it is not retried.
    pub(super) fn count_failure(&self, owner: &Owner, field: usize, is_final: bool) {
        self.count(owner, field, |done| {
            done.failed += 1;
            done.given_up += u64::from(is_final);
        });
    }

    fn count(&self, owner: &Owner, field: usize, count: impl FnOnce(&mut Done)) {
        let mut tables = self.tables();
        if !tables.contains_key(&owner.table) {
            tables.insert(owner.table.clone(), Minutes::new());
        }
        if let Some(minutes) = tables.get_mut(&owner.table) {
            count(minutes.entry((this_minute(), field)).or_default());
        }
    }

    /// Returns whether nothing is left to write of a table.
    pub(super) fn is_empty(&self, table: &Table) -> bool {
        self.tables().get(table).is_none_or(BTreeMap::is_empty)
    }

    /// Takes what is to be written of a table.
    pub(super) fn take(&self, table: &Table) -> Vec<Minute> {
        let minutes = self.tables().remove(table).unwrap_or_default();
        let minutes = minutes.into_iter();
        minutes.map(|((minute, field), done)| Minute { minute, field, done }).collect()
    }

    /// Gives back what could not be written. What is too old to be kept is dropped.
    pub(super) fn give_back(&self, table: &Table, minutes: Vec<Minute>) {
        let oldest = this_minute() - KEPT_MINUTES;
        let mut tables = self.tables();
        let of_table = tables.entry(table.clone()).or_default();
        for Minute { minute, field, done } in minutes {
            if minute >= oldest {
                of_table.entry((minute, field)).or_default().add(&done);
            }
        }
    }

    fn tables(&self) -> MutexGuard<'_, HashMap<Table, Minutes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_added_unless_it_is_too_old() {
        let table = Table { schema: None, name: "shop".to_owned() };
        let now = this_minute();
        let changed = |minute: i64, changed: u64| {
            let done = Done { changed, ..Done::default() };
            Minute { minute, field: 0, done }
        };
        let figures = Figures::default();
        figures.give_back(&table, vec![changed(now - KEPT_MINUTES - 2, 1), changed(now - 1, 2)]);
        figures.give_back(&table, vec![changed(now - 1, 3)]);

        assert!(!figures.is_empty(&table));
        assert_eq!(figures.take(&table), [changed(now - 1, 5)]);
        assert!(figures.is_empty(&table));
    }
}
