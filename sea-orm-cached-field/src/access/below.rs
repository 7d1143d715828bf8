//! The fields that a field is calculated from. They have to be fresh before the field is
//! calculated.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::{DatabaseConnection, DatabaseExecutor, Value};

use super::rows::{CHUNK, FieldRows, Recalculated, ask};
use crate::{
    Error,
    backend::Backend,
    declaration::Key,
    protocol,
    queue::Written,
    registry::{Below, Model, Way},
};

/// The time for which a reader waits for inputs that stay stale: another transaction holds their
/// rows locked, or they change all the time.
const PATIENCE: Duration = Duration::from_secs(10);

/// The first pause between two looks at such inputs. The pauses grow up to [`LONGEST_WAIT`].
const WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// The number of times that a value is calculated while its inputs change.
pub(super) const READINGS: u32 = 5;

/// The origin of a value that was read.
pub(super) enum Reading<T> {
    /// The row held the value, and it was fresh.
    Stored(T),
    /// It was calculated. If an input has become stale meanwhile, or the row was marked, the value
    /// may mix two different moments.
    Calculated { value: T, was_marked: bool },
}

impl<T> Reading<T> {
    /// Returns the reading of a calculated value of which nothing else is known.
    pub(super) fn calculated(value: T) -> Self {
        Self::Calculated { value, was_marked: false }
    }
}

/// Stale rows of a cached field.
pub(crate) struct StaleRows {
    pub(crate) model: Arc<Model>,
    pub(crate) field: usize,
    pub(crate) keys: Vec<Key>,
}

/// Returns the stale rows of the cached fields that a field of this row is calculated from, and no
/// more than `limit` of each. Rows that are found by a cached column are left out, because that
/// would take a look at their whole table.
pub(crate) async fn stale_inputs(
    db: &DatabaseExecutor<'_>,
    model: &Arc<Model>,
    field: usize,
    key: &Key,
    limit: u64,
) -> Result<Vec<StaleRows>, Error> {
    let rows = FieldRows { model: Arc::clone(model), field };
    let mut inputs = Vec::new();
    for below in model.all_below(field).iter().filter(|below| below.way != Way::Anywhere) {
        let key = std::slice::from_ref(key);
        let (FieldRows { model, field }, keys) =
            rows.stale_below(db, key, below, Some(limit)).await?;
        if !keys.is_empty() {
            inputs.push(StaleRows { model, field, keys });
        }
    }
    Ok(inputs)
}

impl FieldRows {
    /// Reads the rows once everything that they are calculated from is fresh, and again if that did
    /// not last. If the row is marked during each calculation, the last value is returned.
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

    /// Returns the stale rows of a field below this one. Behind a relation, no more rows than the
    /// limit are returned.
    async fn stale_below(
        &self,
        db: &DatabaseExecutor<'_>,
        keys: &[Key],
        below: &Below,
        limit: Option<u64>,
    ) -> Result<(Self, Vec<Key>), Error> {
        let rows = Self { model: Arc::clone(&below.model), field: below.field };
        let own = &self.model.owner;
        let owner = &below.model.owner;

        let stale = match &below.way {
            Way::Itself => rows.stale(db, keys).await?,
            Way::Behind(source) => {
                let stale = async |backend: Backend, db: &DatabaseExecutor<'_>| {
                    backend.stale_behind(db, own, source, keys, (owner, below.field), limit).await
                };
                let repeats = !source.repeated.is_empty() || owner.repeats();
                ask(db, stale, repeats, [own, owner]).await?
            }
            Way::Anywhere => {
                let stale = async |backend: Backend, db: &DatabaseExecutor<'_>| {
                    backend.stale_anywhere(db, owner, below.field).await
                };
                ask(db, stale, owner.repeats(), [own, owner]).await?
            }
        };

        Ok((rows, stale))
    }

    async fn has_stale_below(
        &self,
        db: &DatabaseExecutor<'_>,
        keys: &[Key],
    ) -> Result<bool, Error> {
        for below in self.model.all_below(self.field).iter().filter(|below| !below.is_asked_once())
        {
            let (_, stale) = self.stale_below(db, keys, below, None).await?;
            if !stale.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Recalculates and stores the stale rows of all cached fields that this one is calculated
    /// from, from the bottom up. If some of them fail, the rest is recalculated all the same.
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

    /// Recalculates and stores one of these fields, round by round: in a tree, a child's new value
    /// makes its parent stale. A row is stale again at most once for each row below it, unless its
    /// inputs change all the time.
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
            let (rows, mut stale) = self.stale_below(&db, keys, below, None).await?;
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

    /// Recalculates and stores one of these fields in a user's transaction. What is stored there
    /// may stay marked, because the worker recalculates it after the commit. Along a tree, all rows
    /// are calculated again until no value changes any more. An input of a value may have been
    /// stored after that value.
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
            let (rows, stale) = self.stale_below(db, keys, below, None).await?;
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

    /// Calculates these rows, and stores each value that differs from the one that was stored here
    /// before. Returns whether any of them has changed its row.
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

        // As text, because NaN does not equal itself.
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

    /// Returns the error for inputs that stay stale. It names the first of these rows.
    fn stale_input(&self, keys: &[Key], reason: &'static str) -> Error {
        let table = self.model.owner.table.name.clone();
        let field = self.model.owner.fields[self.field].name;
        let key = keys.first().cloned().expect("there is nothing to wait for without a row");
        Error::StaleInput { table, field, key, reason }
    }
}
