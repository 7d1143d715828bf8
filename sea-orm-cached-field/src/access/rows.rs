//! Recalculating, or making fresh, many rows at a time.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::Utc;
use sea_orm::{
    DatabaseConnection, DatabaseExecutor, DbErr, ModelTrait, Value, sea_query::IntoCondition,
};
use tokio::sync::mpsc;
use tracing::Instrument;

use super::{
    RowOf, Target,
    below::{READINGS, Reading},
    lease::{LEASE, keep_leased},
};
use crate::{
    Error,
    backend::Backend,
    calculation::{Calculated, Limits, Outcome, calculate},
    declaration::{CachedField, FieldSpec, IntoExecutor, Key},
    engine::Engine,
    layout::Owner,
    protocol::{self, Calculation, Verdict},
    queue::Claim,
    recalculation::{Holder, Recalculation},
    registry::{self, Model},
};

/// The number of rows that are claimed, calculated and stored at a time.
pub(super) const CHUNK: u64 = 200;

/// The number of attempts to claim rows: waiting for another transaction that claims some of them
/// may take too long.
const CLAIMS: u32 = 5;

/// Recalculates the rows that meet a condition now, even if nothing is stale. Returns their number.
pub async fn recalculate_rows<F: CachedField>(
    db: DatabaseExecutor<'_>,
    condition: impl IntoCondition,
) -> Result<u64, Error> {
    let rows = FieldRows::field::<F>()?;
    let condition = condition.into_condition();
    let mut count = 0;
    let mut after = None;
    let mut failure = None;

    loop {
        let keys = registry::keys_of::<F::Entity>(&db, &condition, after.as_ref(), CHUNK).await?;
        let Some(last) = keys.last().cloned() else { break };
        count += keys.len() as u64;
        match &db {
            DatabaseExecutor::Connection(_) => {
                let ended = rows.refresh(&db, &keys, true).await;
                failure = failure.or(ended.map_or_else(Some, |ended| ended.failure));
            }
            _ => {
                for key in keys {
                    let ended = super::recalculate::<F>(key, (&db).into_executor()).await;
                    failure = failure.or(ended.err());
                }
            }
        }
        after = Some(last);
    }

    failure.map_or(Ok(count), Err)
}

/// Returns the rows with these keys, each once, and spelled as in the table. Fails if one of them
/// does not exist.
pub(crate) async fn existing(
    db: &DatabaseConnection,
    model: &Model,
    keys: &[Key],
) -> Result<Vec<Key>, Error> {
    let mut existing = HashSet::new();
    for keys in keys.chunks(CHUNK as usize) {
        let spelled = model.spelled(&DatabaseExecutor::Connection(db), keys).await?;
        for key in keys {
            let gone =
                || Error::RowGone { table: model.owner.table.name.clone(), key: key.clone() };
            existing.insert(spelled.get(key).cloned().ok_or_else(gone)?);
        }
    }
    Ok(existing.into_iter().collect())
}

/// Recalculates a field of these rows now, each named once, even if nothing is stale.
pub(crate) async fn recalculate_keys(
    db: &DatabaseConnection,
    model: Arc<Model>,
    field: usize,
    keys: &[Key],
) -> Result<(), Error> {
    let rows = FieldRows { model, field };
    let mut failure = None;
    for keys in keys.chunks(CHUNK as usize) {
        let ended = rows.refresh(&DatabaseExecutor::Connection(db), keys, true).await;
        failure = failure.or(ended.map_or_else(Some, |ended| ended.failure));
    }
    failure.map_or(Ok(()), Err)
}

/// Makes this field of these loaded rows fresh.
pub async fn load_rows<F: CachedField>(
    db: DatabaseExecutor<'_>,
    models: &mut [RowOf<F>],
) -> Result<(), Error> {
    let rows = FieldRows::field::<F>()?;
    let spec = F::spec();
    let mut failure = None;

    for models in models.chunks_mut(CHUNK as usize) {
        let keys: HashSet<Key> = models.iter().map(Key::of::<F::Entity>).collect();
        let keys: Vec<Key> = keys.into_iter().collect();
        let (refreshed, loaded) = rows.refresh_and_load::<F>(&db, &keys).await?;
        let missing: Vec<Key> =
            keys.iter().filter(|key| !loaded.contains_key(key)).cloned().collect();
        let spelled = rows.model.spelled(&db, &missing).await?;
        for model in models {
            let key = Key::of::<F::Entity>(model);
            let own = spelled.get(&key).unwrap_or(&key);
            match loaded.get(own) {
                _ if refreshed.unreadable.contains(&key) => {}
                Some(row) => put::<F>(&spec, model, row, &refreshed, own),
                None => failure = failure.or(Some(rows.gone(key))),
            }
        }
        failure = failure.or(refreshed.failure);
    }

    failure.map_or(Ok(()), Err)
}

/// Copies the field from the loaded row into the model. If the row is stale or the value could not
/// be stored, it takes the calculated value instead, if there is one.
fn put<F: CachedField>(
    spec: &FieldSpec<F::Entity>,
    model: &mut RowOf<F>,
    row: &RowOf<F>,
    refreshed: &Recalculated,
    key: &Key,
) {
    for column in [Some(spec.cached), Some(spec.recalculation_needed), spec.expires_after]
        .into_iter()
        .flatten()
    {
        model.set(column, row.get(column));
    }
    let is_newer = !refreshed.stored.contains(key) || F::stored(row).fresh().is_none();

    if let Some(value) = refreshed.values.get(key).filter(|_| is_newer) {
        model.set(spec.cached, value.clone());
        model.set(spec.recalculation_needed, false.into());
        // An expiry that has passed ends with the flag: in the row, as soon as the value is stored.
        let has_expired = F::stored(row).expires_after.is_some_and(|moment| moment <= Utc::now());
        if let Some(expires) = spec.expires_after.filter(|_| has_expired) {
            model.set(expires, row.get(expires).as_null());
        }
    }
}

/// The outcome of rows that were recalculated.
#[derive(Default)]
pub(super) struct Recalculated {
    /// The values that are known.
    pub(super) values: HashMap<Key, Value>,
    /// The rows whose values were stored.
    stored: HashSet<Key>,
    /// Whether a row was marked again before its value was stored.
    marked: bool,
    /// Whether any value differs from the one that its row had before.
    pub(super) changed: bool,
    /// The first failure.
    pub(super) failure: Option<Error>,
    /// The rows with an input that has failed.
    unreadable: HashSet<Key>,
    /// The rows that could be claimed.
    claimed: HashSet<Key>,
}

/// A cached field, for methods that are told its rows.
#[derive(Clone)]
pub(super) struct FieldRows {
    pub(super) model: Arc<Model>,
    pub(super) field: usize,
}

impl Recalculated {
    fn extend(&mut self, other: Self) {
        self.values.extend(other.values);
        self.stored.extend(other.stored);
        self.unreadable.extend(other.unreadable);
        self.failure = self.failure.take().or(other.failure);
    }
}

impl FieldRows {
    pub(super) fn of(target: &Target) -> Self {
        Self { model: Arc::clone(&target.model), field: target.field }
    }

    pub(super) fn field<F: CachedField>() -> Result<Self, Error> {
        let model = Model::of::<F::Entity>()?;
        let field = model.owner.field_index(F::NAME).expect("a model lists all of its fields");
        Ok(Self { model, field })
    }

    fn gone(&self, key: Key) -> Error {
        Error::RowGone { table: self.model.owner.table.name.clone(), key }
    }

    /// Returns the rows that are stale by the database: flag, expiry, marks and queue.
    pub(super) async fn stale(
        &self,
        db: &DatabaseExecutor<'_>,
        keys: &[Key],
    ) -> Result<Vec<Key>, Error> {
        let owner = &self.model.owner;
        let status = async |backend: Backend, db: &DatabaseExecutor<'_>| {
            backend.status(db, owner, self.field, keys).await
        };
        let status = ask(db, status, owner.repeats(), [owner]).await?;
        Ok(status.into_iter().filter(|(_, stale)| *stale).map(|(key, _)| key).collect())
    }

    /// Returns the rows that are stale. If a role without rights on the library's tables cannot
    /// ask, it returns all of them.
    pub(super) async fn stale_or_unknown(
        &self,
        db: &DatabaseExecutor<'_>,
        keys: &[Key],
    ) -> Result<Vec<Key>, Error> {
        match self.stale(db, keys).await {
            // A statement that fails aborts a transaction of PostgreSQL.
            Err(Error::Database(error))
                if matches!(db, DatabaseExecutor::Connection(_))
                    && Backend::of(db)?.lacks_right(&error) =>
            {
                Ok(keys.to_vec())
            }
            stale => stale,
        }
    }

    /// Refreshes the rows, then loads them. A value that a query has stored is known only from its
    /// row. If that row has been flagged again by then, it is refreshed once more.
    async fn refresh_and_load<F: CachedField>(
        &self,
        db: &DatabaseExecutor<'_>,
        keys: &[Key],
    ) -> Result<(Recalculated, HashMap<Key, RowOf<F>>), Error> {
        let mut refreshed = Recalculated::default();
        let mut loaded = HashMap::new();
        let mut left = keys.to_vec();

        for _ in 0..READINGS {
            refreshed.extend(self.refresh(db, &left, false).await?);
            let rows = registry::load_all::<F::Entity>(db, &left).await?;
            loaded.extend(rows.into_iter().map(|row| (Key::of::<F::Entity>(&row), row)));
            left.retain(|key| {
                let is_stale = loaded.get(key).is_some_and(|row| F::stored(row).fresh().is_none());
                is_stale && !refreshed.values.contains_key(key)
            });
            if left.is_empty() || refreshed.failure.is_some() {
                return Ok((refreshed, loaded));
            }
        }

        // They are flagged again each time that they are stored. They are calculated once more, but
        // not stored.
        let preview = || async { Ok(Reading::calculated(self.preview(db, &left).await?)) };
        refreshed.extend(self.read(db, &left, preview).await?);
        Ok((refreshed, loaded))
    }

    /// Calculates the stale rows, or all, and stores the values. In a transaction it stores
    /// nothing, because that would hold the rows' locks until the user commits. Stale rows that
    /// cannot be claimed are calculated all the same. If an input of some rows fails, the rows are
    /// calculated one by one.
    async fn refresh(
        &self,
        db: &DatabaseExecutor<'_>,
        keys: &[Key],
        all: bool,
    ) -> Result<Recalculated, Error> {
        match self.refresh_together(db, keys, all).await {
            Err(error) if keys.len() > 1 && is_of_a_row(db, &error)? => {}
            ended => return ended,
        }

        let mut refreshed = Recalculated::default();
        for key in keys {
            match self.refresh_together(db, std::slice::from_ref(key), all).await {
                Ok(ended) => refreshed.extend(ended),
                Err(error) => {
                    refreshed.unreadable.insert(key.clone());
                    refreshed.failure.get_or_insert(error);
                }
            }
        }
        Ok(refreshed)
    }

    async fn refresh_together(
        &self,
        db: &DatabaseExecutor<'_>,
        keys: &[Key],
        all: bool,
    ) -> Result<Recalculated, Error> {
        let refresh = || async {
            let stale = if all { keys.to_vec() } else { self.stale_or_unknown(db, keys).await? };
            if stale.is_empty() {
                return Ok(Reading::Stored(Recalculated::default()));
            }
            let DatabaseExecutor::Connection(connection) = db else {
                return Ok(Reading::calculated(self.preview(db, &stale).await?));
            };

            let mut ended = self.recalculate(connection, stale.clone(), all).await?;
            if !all {
                let left: Vec<Key> =
                    stale.into_iter().filter(|key| !ended.claimed.contains(key)).collect();
                let previewed = self.preview(db, &left).await?;
                ended.values.extend(previewed.values);
                ended.failure = ended.failure.or(previewed.failure);
            }
            let was_marked = ended.marked;
            Ok(Reading::Calculated { value: ended, was_marked })
        };

        self.read(db, keys, refresh).await
    }

    /// Calculates the rows, and stores nothing.
    pub(super) async fn preview(
        &self,
        db: &DatabaseExecutor<'_>,
        keys: &[Key],
    ) -> Result<Recalculated, Error> {
        let mut previewed = Recalculated::default();
        if keys.is_empty() {
            return Ok(previewed);
        }

        let mut circles = protocol::find_circles(db, &self.model, self.field, keys).await?;
        let engine = Engine::at(db)?;
        let claim = |key: &Key| Claim {
            key: key.clone(),
            field: self.field,
            generation: 0,
            attempts: 0,
            waves: 0,
            claimed_at: 0,
            stale_since: None,
            taken_at: Instant::now(),
            shared: false,
        };
        let claims: Vec<Claim> =
            keys.iter().filter(|key| !circles.contains_key(key)).map(claim).collect();

        let (calculated, mut outcomes) = mpsc::channel(keys.len());
        calculate(&engine, (db, db), &self.model, claims, &Limits::of_many(), calculated).await?;
        previewed.failure = keys.iter().find_map(|key| circles.remove(key));
        while let Some(outcomes) = outcomes.recv().await {
            for Calculated { claim, outcome, .. } in outcomes {
                match outcome {
                    Outcome::Value { value, changed } => {
                        previewed.changed |= changed;
                        previewed.values.insert(claim.key, value);
                    }
                    Outcome::Failed(error) => previewed.failure = previewed.failure.or(Some(error)),
                    Outcome::Gone | Outcome::Postponed => {}
                }
            }
        }

        Ok(previewed)
    }

    /// Calculates and stores the rows. With `steal`, leases of others are taken over; without, they
    /// are shared.
    pub(super) async fn recalculate(
        &self,
        connection: &DatabaseConnection,
        keys: Vec<Key>,
        steal: bool,
    ) -> Result<Recalculated, Error> {
        if keys.is_empty() {
            return Ok(Recalculated::default());
        }
        let engine = Engine::of(connection)?;
        let connection = connection.clone();
        let rows = self.clone();
        // A task of its own, so that a caller that gives up in the middle leaves no lease behind.
        let recalculation =
            async move { rows.recalculate_claimed(&engine, &connection, &keys, steal).await };
        let recalculation = tokio::spawn(recalculation.in_current_span());
        recalculation.await.unwrap_or_else(|stopped| Err(Error::Stopped(stopped.to_string())))
    }

    async fn recalculate_claimed(
        &self,
        engine: &Engine,
        connection: &DatabaseConnection,
        keys: &[Key],
        steal: bool,
    ) -> Result<Recalculated, Error> {
        let claims = self.claim(engine, connection, keys, steal).await?;
        let held = Held { claims: Mutex::new(claims.clone()), ended: Mutex::default() };
        let recalculation = Recalculation {
            engine,
            connections: connection.into(),
            db: connection,
            model: &self.model,
            limits: &Limits::of_many(),
            retry: None,
            together: CHUNK as usize,
            holder: &held,
        };

        let left = || held.claims().clone();
        if let Err(error) =
            keep_leased(engine, connection, &self.model, left, recalculation.run(&claims)).await
        {
            let left = std::mem::take(&mut *held.claims());
            protocol::hand_back(engine, connection, &self.model, &left, Duration::ZERO).await?;
            return Err(error);
        }

        let ended = std::mem::take(&mut *held.ended());
        Ok(Recalculated { claimed: claims.into_iter().map(|claim| claim.key).collect(), ..ended })
    }

    /// Claims the rows that can be claimed. With `steal` the caller has to store what it
    /// calculates. Without `steal`, nothing is claimed if the database refuses it: to a role that
    /// may not write, or beside a busy worker.
    pub(super) async fn claim(
        &self,
        engine: &Engine,
        connection: &DatabaseConnection,
        keys: &[Key],
        steal: bool,
    ) -> Result<Vec<Claim>, Error> {
        let mut tried = 1;
        loop {
            let claims = protocol::claim_rows(
                engine,
                connection,
                &self.model,
                self.field,
                keys,
                LEASE,
                steal,
            )
            .await;

            match claims {
                Err(
                    Error::Database(DbErr::Conn(_) | DbErr::ConnectionAcquire(_))
                    | Error::NotInstalled { .. },
                ) => {
                    return claims;
                }
                Err(_) if tried < CLAIMS => tried += 1,
                Err(error) if !steal => {
                    let table = &*self.model.owner.table.name;
                    tracing::debug!(table, "a reader cannot store what it calculates: {error}");
                    return Ok(Vec::new());
                }
                ended => return ended,
            }
        }
    }
}

/// Returns whether the error is of one row, so that other rows may succeed.
fn is_of_a_row(db: &DatabaseExecutor<'_>, error: &Error) -> Result<bool, Error> {
    let is_failure = matches!(
        error,
        Error::Calculation { .. }
            | Error::Panicked { .. }
            | Error::TimedOut { .. }
            | Error::DataCycle { .. }
    );
    Ok(is_failure || Engine::at(db)?.refuses_value(error))
}

/// Runs a query on these owners. `repeats`: whether the query follows a repeated part of a path.
pub(super) async fn ask<T>(
    db: &DatabaseExecutor<'_>,
    question: impl AsyncFnOnce(Backend, &DatabaseExecutor<'_>) -> Result<T, DbErr>,
    repeats: bool,
    owners: impl IntoIterator<Item = &Owner>,
) -> Result<T, Error> {
    let backend = Backend::of(db)?;
    let answer = if repeats {
        protocol::query_recursive(db, async |db| Ok(question(backend, db).await?)).await
    } else {
        question(backend, db).await.map_err(Error::from)
    };
    answer.map_err(|error| protocol::explained(backend, owners, error))
}

/// The claims of rows that are being recalculated, and their outcomes.
struct Held {
    claims: Mutex<Vec<Claim>>,
    ended: Mutex<Recalculated>,
}

impl Held {
    fn claims(&self) -> MutexGuard<'_, Vec<Claim>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> MutexGuard<'_, Recalculated> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holder for Held {
    fn settled(&self, claims: &[Claim]) {
        let settled: HashSet<&Key> = claims.iter().map(|claim| &claim.key).collect();
        self.claims().retain(|claim| !settled.contains(&claim.key));
    }

    fn calculated(&self, calculations: &[Calculation]) {
        let values = calculations
            .iter()
            .map(|calculation| (calculation.claim.key.clone(), calculation.value.clone()));
        self.ended().values.extend(values);
    }

    fn judged(&self, claim: &Claim, verdict: Verdict, _: bool) {
        if verdict.is_stored() {
            let mut ended = self.ended();
            ended.stored.insert(claim.key.clone());
            ended.marked |= verdict == Verdict::Publish;
        }
    }

    fn failed(&self, claim: &Claim, error: Error, _: bool) {
        let mut ended = self.ended();
        ended.values.remove(&claim.key);
        ended.failure.get_or_insert(error);
    }
}
