//! What a worker did, minute by minute, until it is written to the database.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    activity::{Done, Minute, this_minute},
    layout::{Owner, Table},
    protocol::Verdict,
    queue::Claim,
};

/// What was done to each field in each minute, by table.
#[derive(Default)]
pub(super) struct Figures(Mutex<HashMap<Table, Minutes>>);

/// By minute and field.
type Minutes = BTreeMap<(i64, usize), Figure>;

#[derive(Default)]
struct Figure {
    done: Done,
    /// Whether all of it is written.
    is_written: bool,
}

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
            let figure = minutes.entry((this_minute(), field)).or_default();
            figure.is_written = false;
            count(&mut figure.done);
        }
    }

    /// Returns what is to be written of a table.
    pub(super) fn unwritten(&self, table: &Table) -> Vec<Minute> {
        let tables = self.tables();
        let figures = tables.get(table).into_iter().flatten();
        let unwritten = figures.filter(|(_, figure)| !figure.is_written);
        unwritten
            .map(|(&(minute, field), Figure { done, .. })| Minute {
                minute,
                field,
                done: done.clone(),
            })
            .collect()
    }

    /// Drops what was written of minutes that are over. The present one is written again when there
    /// is more of it.
    pub(super) fn written(&self, table: &Table, written: &[Minute]) {
        let mut tables = self.tables();
        let Some(figures) = tables.get_mut(table) else { return };
        for Minute { minute, field, done } in written {
            if let Some(figure) = figures.get_mut(&(*minute, *field)) {
                figure.is_written = figure.done == *done;
            }
        }
        let this_minute = this_minute();
        figures.retain(|(minute, _), figure| *minute == this_minute || !figure.is_written);
    }

    fn tables(&self) -> MutexGuard<'_, HashMap<Table, Minutes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
