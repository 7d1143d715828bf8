//! What a field is calculated from: it has to be right before the field is.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    time::{Duration, Instant},
};

use sea_orm::{DatabaseConnection, DatabaseExecutor, Value};

use super::rows::{CHUNK, FieldRows, Recalculated};
use crate::{Error, declaration::Key, protocol, queue::Written, registry::Below};

/// How long a reader waits for inputs that stay stale: another transaction holds their rows
/// locked, or they change all the time.
const PATIENCE: Duration = Duration::from_secs(10);

/// How far apart it looks meanwhile, at first and at most.
const WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// How often a value is calculated whose inputs change meanwhile.
pub(super) const READINGS: u32 = 5;

/// Where a value was read from.
pub(super) enum Reading<T> {
    /// From the row, which was right.
    Stored(T),
    /// It was calculated. If an input has become stale meanwhile, or the row was marked, it may be
    /// of two different moments.
    Calculated { value: T, was_marked: bool },
}

impl<T> Reading<T> {
    /// A value of which nothing else is known.
    pub(super) fn calculated(value: T) -> Self {
        Self::Calculated { value, was_marked: false }
    }
}

impl FieldRows {
    /// Reads the rows when all that they are calculated from is right, and again if that did not
    /// last. Of a row that is marked during each calculation the last value is returned.
    pub(super) async fn read<T, F: Future<Output = Result<Reading<T>, Error>>>(
        &self,
        db: &DatabaseExecutor<'_>,
        keys: &[Key],
        read: impl Fn() -> F,
    ) -> Result<T, Error> {
        let mut last = None;
        for _ in 0..READINGS {
            self.refresh_below(db, keys).await?;
            let (value, was_marked) = match read().await? {
                Reading::Stored(value) => return Ok(value),
                Reading::Calculated { value, was_marked } => (value, was_marked),
            };
            // The isolation of the user's transaction decides which moment its reads are of.
            let is_within = !matches!(db, DatabaseExecutor::Connection(_));
            if is_within || self.model.all_below(self.field).is_empty() {
                return Ok(value);
            }
            if !self.has_stale_below(db, keys).await? {
                if !was_marked {
                    return Ok(value);
                }
                last = Some(value);
            }
        }
        last.ok_or_else(|| {
            self.stale_input(
                keys,
                "what it is calculated from changes faster than it is calculated",
            )
        })
    }

    async fn has_stale_below(
        &self,
        db: &DatabaseExecutor<'_>,
        keys: &[Key],
    ) -> Result<bool, Error> {
        for below in self.model.all_below(self.field).iter().filter(|below| !below.is_asked_once())
        {
            let (_, stale) = self.stale_below(db, keys, below).await?;
            if !stale.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Recalculates and stores what is stale of all cached fields that this one is calculated from,
    /// from the bottom up. If some of it fails, the rest is recalculated all the same.
    async fn refresh_below(&self, db: &DatabaseExecutor<'_>, keys: &[Key]) -> Result<(), Error> {
        let mut failure = None;
        for below in self.model.all_below(self.field) {
            let ended = match db {
                DatabaseExecutor::Connection(connection) => {
                    self.refresh_field_below(connection, keys, below).await
                }
                _ => self.refresh_field_within(db, keys, below).await,
            };
            failure = failure.or(ended.err());
        }
        failure.map_or(Ok(()), Err)
    }

    /// Round by round: in a tree, a child's new value makes its parent stale. A row is stale again
    /// at most once for each row below it, or its inputs change all the time.
    async fn refresh_field_below(
        &self,
        connection: &DatabaseConnection,
        keys: &[Key],
        below: &Below,
    ) -> Result<(), Error> {
        let db = DatabaseExecutor::Connection(connection);
        let mut since = Instant::now();
        let mut wait = WAIT;
        let mut before = HashSet::new();
        let mut all = HashSet::new();
        let mut rounds = 0;
        loop {
            let (rows, mut stale) = self.stale_below(&db, keys, below).await?;
            if below.is_asked_once() && !before.is_empty() {
                stale.retain(|key| all.contains(key));
            }
            if stale.is_empty() {
                return Ok(());
            }
            let now: HashSet<Key> = stale.iter().cloned().collect();
            all.extend(now.iter().cloned());
            let stuck = || {
                rows.stale_input(
                    &stale,
                    "its row is locked by a transaction, may not be written, or changes all the \
                     time",
                )
            };
            if !before.is_subset(&now) {
                (since, wait) = (Instant::now(), WAIT);
                rounds += 1;
                if rounds > all.len() + READINGS as usize {
                    return Err(stuck());
                }
            } else if !before.is_empty() {
                if since.elapsed() > PATIENCE {
                    return Err(stuck());
                }
                tokio::time::sleep(wait).await;
                wait = LONGEST_WAIT.min(2 * wait);
            }
            before = now;
            let mut failure = None;
            for stale in stale.chunks(CHUNK as usize) {
                let ended = rows.recalculate(connection, stale.to_vec(), false).await?;
                failure = failure.or(ended.failure);
            }
            if let Some(failure) = failure {
                return Err(failure);
            }
        }
    }

    /// In a user's transaction. What is stored there may stay marked, for the worker recalculates
    /// it after the commit. Along a tree all rows have their turn until none of the values changes
    /// any more: what a value was calculated from may have been stored after it.
    async fn refresh_field_within(
        &self,
        db: &DatabaseExecutor<'_>,
        keys: &[Key],
        below: &Below,
    ) -> Result<(), Error> {
        let mut seen = HashSet::new();
        let mut stored = HashMap::new();
        let mut rounds = 0;
        loop {
            let (rows, stale) = self.stale_below(db, keys, below).await?;
            seen.extend(stale);
            let all: Vec<Key> = seen.iter().cloned().collect();
            let mut changed = false;
            for keys in all.chunks(CHUNK as usize) {
                changed |= rows.store_within(db, keys, &mut stored).await?;
            }
            if !changed || !rows.model.owner.fields[rows.field].recursive {
                return Ok(());
            }
            rounds += 1;
            if rounds > all.len() {
                return Err(rows.stale_input(
                    &all,
                    "its value is another one each time that it is calculated",
                ));
            }
        }
    }

    /// Calculates these rows, and stores what is another value than was stored here before. Returns
    /// whether any of it has changed its row.
    async fn store_within(
        &self,
        db: &DatabaseExecutor<'_>,
        keys: &[Key],
        stored: &mut HashMap<Key, Value>,
    ) -> Result<bool, Error> {
        let claimed_at = protocol::clock(db).await?;
        let Recalculated { mut values, changed, failure, .. } = self.preview(db, keys).await?;
        if let Some(failure) = failure {
            return Err(failure);
        }
        // As text, for NaN does not equal itself.
        values.retain(|key, value| {
            stored.get(key).is_none_or(|stored| format!("{stored:?}") != format!("{value:?}"))
        });
        for (key, value) in &values {
            let written = Written { key: key.clone(), claimed_at, values: vec![value.clone()] };
            if !protocol::store_in_transaction(db, &self.model, self.field, &written).await? {
                return Err(
                    self.stale_input(&[written.key], "another transaction holds its row locked")
                );
            }
        }
        let changed = changed && !values.is_empty();
        stored.extend(values);
        Ok(changed)
    }

    /// The error names the first of these rows.
    fn stale_input(&self, keys: &[Key], reason: &'static str) -> Error {
        let table = self.model.owner.table.name.clone();
        let field = self.model.owner.fields[self.field].name;
        let key = keys.first().cloned().expect("there is nothing to wait for without a row");
        Error::StaleInput { table, field, key, reason }
    }
}
