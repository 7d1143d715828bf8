//! Reading, and what else a row's methods do: flag, recalculate, expire.

mod rows;
mod set;

use std::{
    future::{Future, IntoFuture},
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseExecutor, EntityTrait, TransactionTrait, Value};

use crate::{
    Error,
    calculation::{Limits, Outcome, Subject, after_recalculation, calculate_claim, run},
    dialect::{self, Claim, Written},
    engine::Engine,
    event::Event,
    field::{CachedField, Expiry, Key, Stored},
    invalidation::{self, Calculation, Retry},
    registry::{self, Below, Model},
};

pub use rows::{FlagRows, flag_rows};
pub use set::set;

/// How long a reader may calculate before a worker takes over.
const LEASE: Duration = Duration::from_secs(60);

type RowOf<F> = <<F as CachedField>::Entity as EntityTrait>::Model;

/// A cached field and one of its rows.
#[derive(Clone)]
struct Target {
    model: Arc<Model>,
    field: usize,
    key: Key,
}

impl Target {
    fn of<F: CachedField>(key: Key) -> Result<Self, Error> {
        let model = Model::of::<F::Entity>()?;
        let field = model.owner.field_index(F::NAME).expect("a model lists all of its fields");
        Ok(Self { model, field, key })
    }

    fn subject(&self) -> Subject {
        let (table, field) = (self.model.owner.table.name.clone(), self.model.owner.fields[self.field].name);
        Subject { table, field, key: self.key.clone() }
    }

    async fn load<F: CachedField>(&self, db: &DatabaseExecutor<'_>) -> Result<RowOf<F>, Error> {
        let row = registry::load_one::<F::Entity>(db, &self.key).await?;
        row.ok_or_else(|| Error::RowGone { table: self.model.owner.table.name.clone(), key: self.key.clone() })
    }

    /// The rows of a field below this one that are stale.
    async fn stale_below(&self, db: &DatabaseExecutor<'_>, below: &Below) -> Result<Vec<Self>, Error> {
        let row = |key| Self { model: Arc::clone(&below.model), field: below.field, key };
        let Some(source) = &below.source else {
            let row = row(self.key.clone());
            return Ok(if row.is_stale(db).await? { vec![row] } else { Vec::new() });
        };
        let dialect = dialect::of(db.get_database_backend())?;
        let stale = dialect.stale_behind(&self.model.owner, source, &self.key, &below.model.owner, below.field);
        let keys = if !source.repeated.is_empty() || below.model.owner.repeats() {
            invalidation::ask_around(db, async |db| Ok(db.query_all_raw(stale).await?)).await?
        } else {
            db.query_all_raw(stale).await?
        };
        keys.iter().map(|key| Ok(row(below.model.read_key(key)?))).collect()
    }

    /// Calculates and stores; not if somebody else is about to.
    async fn recalculate(self, connection: &DatabaseConnection) -> Result<bool, Error> {
        let (engine, connection) = (Engine::of(connection)?, connection.clone());
        // A task of its own: whoever gives up in the middle leaves no lease behind.
        let recalculation = tokio::spawn(async move {
            let claim = invalidation::claim_one(&engine, &connection, &self.model, self.field, &self.key, LEASE, false);
            let Some(claim) = claim.await? else { return Ok(false) };
            match self.calculate_claimed(&engine, &connection, &claim).await {
                Ok(ended) => ended.map(|()| true),
                Err(error) => {
                    invalidation::hand_back(&engine, &connection, &self.model, &[claim]).await?;
                    Err(error)
                }
            }
        });
        recalculation.await.unwrap_or_else(|stopped| Err(Error::Worker(stopped.to_string())))
    }

    /// How the calculation has ended; an error if the claim has not.
    async fn calculate_claimed(
        &self,
        engine: &Engine,
        connection: &DatabaseConnection,
        claim: &Claim,
    ) -> Result<Result<(), Error>, Error> {
        let (model, db) = (&self.model, DatabaseExecutor::Connection(connection));
        let circles = invalidation::find_circles(&db, model, self.field, std::slice::from_ref(&self.key));
        let outcome = match circles.await?.remove(&self.key) {
            Some(circle) => Outcome::Failed(circle),
            None => calculate_claim(engine, &db, model, claim).await?,
        };
        match outcome {
            Outcome::Value { value, changed } => {
                let calculation = Calculation { claim: claim.clone(), value, changed };
                if invalidation::complete(engine, connection, model, &[calculation]).await? == [true] {
                    self.call_hook(engine, &db).await;
                }
            }
            Outcome::Gone => invalidation::drop_gone(engine, connection, model, std::slice::from_ref(claim)).await?,
            Outcome::Failed(error) => {
                invalidation::fail(engine, connection, model, claim, &error, Retry::default()).await?;
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// Asks the database: flag, expiry, marks and queue. A row that is gone is not stale.
    async fn is_stale(&self, db: &DatabaseExecutor<'_>) -> Result<bool, Error> {
        let dialect = dialect::of(db.get_database_backend())?;
        let status = dialect.status(&self.model.owner, self.field, &self.key);
        let row = if self.model.owner.repeats() {
            invalidation::ask_around(db, async |db| Ok(db.query_one_raw(status).await?)).await?
        } else {
            db.query_one_raw(status).await?
        };
        Ok(row.map(|row| row.try_get("", "stale")).transpose()?.unwrap_or_default())
    }

    /// Whether what the user does after a recalculation has ended well; nothing may be done.
    async fn call_hook(&self, engine: &Engine, db: &DatabaseExecutor<'_>) -> bool {
        let row = vec![(self.key.clone(), self.field)];
        after_recalculation(engine, db, &self.model, row, &Limits::of_one()).await
    }

    /// What fails there is undone by itself: the value stays.
    async fn call_hook_in_transaction(&self, db: &DatabaseExecutor<'_>) -> Result<(), Error> {
        if !self.model.rows.has_hook(self.field) {
            return Ok(());
        }
        let savepoint = db.begin().await?;
        // Whoever listens to the events of a pool does not hear what is told in its transactions.
        let engine = Engine::new(dialect::of(db.get_database_backend())?);
        let well = self.call_hook(&engine, &DatabaseExecutor::Transaction(&savepoint)).await;
        if well {
            savepoint.commit().await?
        } else {
            savepoint.rollback().await?
        }
        Ok(())
    }

    /// The stored value if the database says that it is right.
    async fn fresh<F: CachedField>(&self, db: &DatabaseExecutor<'_>) -> Result<Option<F::Value>, Error> {
        // The row is loaded after the question, so that it is not older than the answer.
        if self.is_stale(db).await? {
            return Ok(None);
        }
        let row = self.load::<F>(db).await?;
        Ok(F::stored(&row).fresh().cloned())
    }

    /// The value, and whether it is another one than the row held when it was loaded.
    async fn calculate<F: CachedField>(&self, db: &DatabaseExecutor<'_>) -> Result<(F::Value, bool), Error> {
        let circles = invalidation::find_circles(db, &self.model, self.field, std::slice::from_ref(&self.key));
        if let Some(circle) = circles.await?.remove(&self.key) {
            return Err(circle);
        }
        let row = self.load::<F>(db).await?;
        let value = run(self.subject(), None, F::calculate(&row, db)).await?;
        let changed = F::stored(&row).value.cloned().map(Into::<Value>::into) != Some(value.clone().into());
        Ok((value, changed))
    }
}

/// The value: as loaded if the loaded row is fresh, else as of now.
pub async fn read<F: CachedField>(
    stored: Stored<'_, F::Value>,
    key: impl FnOnce() -> Key,
    db: DatabaseExecutor<'_>,
) -> Result<F::Value, Error> {
    match stored.fresh() {
        Some(value) => Ok(value.clone()),
        None => read_fresh::<F>(key(), db).await,
    }
}

/// The value, calculated of the row as it is loaded. Nothing is stored.
pub async fn preview<F: CachedField>(row: &RowOf<F>, db: DatabaseExecutor<'_>) -> Result<F::Value, Error> {
    let target = Target::of::<F>(Key::of::<F::Entity>(row))?;
    run(target.subject(), None, F::calculate(row, &db)).await
}

/// The value as of now.
pub async fn read_fresh<F: CachedField>(key: Key, db: DatabaseExecutor<'_>) -> Result<F::Value, Error> {
    let target = Target::of::<F>(key)?;
    if let DatabaseExecutor::Connection(connection) = &db {
        refresh_below(connection, &target).await?;
    }
    if let Some(value) = target.fresh::<F>(&db).await? {
        return Ok(value);
    }
    match &db {
        DatabaseExecutor::Connection(connection) => {
            let (landed, started) = fly::<F>(connection, &target).await?;
            if started {
                return landed;
            }
            // That flight may have set out before a change that this reader knows of; the next one has not.
            match target.fresh::<F>(&db).await? {
                Some(value) => Ok(value),
                None => fly::<F>(connection, &target).await?.0,
            }
        }
        // Storing would hold the row's lock until the user commits; the worker does it.
        _ => Ok(target.calculate::<F>(&db).await?.0),
    }
}

/// How often it is looked again for rows that are stale: in a tree, a child's new value makes its parent stale.
const ROUNDS: u32 = 100;

/// Recalculates what is stale of all cached fields that this one is calculated from, from the bottom up. What somebody
/// else is calculating is left to them.
async fn refresh_below(connection: &DatabaseConnection, target: &Target) -> Result<(), Error> {
    for below in target.model.all_below(target.field) {
        for _ in 0..ROUNDS {
            let mut recalculated = false;
            for row in target.stale_below(&DatabaseExecutor::Connection(connection), below).await? {
                recalculated |= row.recalculate(connection).await?;
            }
            if !recalculated {
                break;
            }
        }
    }
    Ok(())
}

/// Joins the calculation under way for readers, or starts one; and whether it was started.
async fn fly<F: CachedField>(
    connection: &DatabaseConnection,
    target: &Target,
) -> Result<(Result<F::Value, Error>, bool), Error> {
    let engine = Engine::of(connection)?;
    let start = || {
        let refresh = refresh::<F>(Arc::clone(&engine), connection.clone(), target.clone());
        Box::pin(refresh) as BoxFuture<'static, _>
    };
    Ok(engine.flights.join::<F>(&target.key, start).await)
}

async fn refresh<F: CachedField>(
    engine: Arc<Engine>,
    db: DatabaseConnection,
    target: Target,
) -> Result<F::Value, Error> {
    // An earlier flight may have landed since the question.
    if let Some(value) = target.fresh::<F>(&DatabaseExecutor::Connection(&db)).await? {
        return Ok(value);
    }
    let claim = invalidation::claim_one(&engine, &db, &target.model, target.field, &target.key, LEASE, false).await?;
    calculate_and_complete::<F>(&engine, &db, &target, claim).await
}

/// Calculates and stores now, also if nothing is stale.
pub async fn recalculate<F: CachedField>(key: Key, db: DatabaseExecutor<'_>) -> Result<F::Value, Error> {
    let target = Target::of::<F>(key)?;
    if let DatabaseExecutor::Connection(connection) = &db {
        refresh_below(connection, &target).await?;
        let (engine, connection) = (Engine::of(connection)?, (*connection).clone());
        // A task of its own: whoever gives up in the middle leaves no lease behind.
        let recalculation = tokio::spawn(async move {
            let (model, field, key) = (&target.model, target.field, &target.key);
            let claim = invalidation::claim_one(&engine, &connection, model, field, key, LEASE, true).await?;
            calculate_and_complete::<F>(&engine, &connection, &target, claim).await
        });
        return recalculation.await.unwrap_or_else(|stopped| Err(Error::Worker(stopped.to_string())));
    }
    let claimed_at = invalidation::clock(&db).await?;
    let (value, _) = target.calculate::<F>(&db).await?;
    let written = Written { key: target.key.clone(), claimed_at, values: vec![value.clone().into()] };
    if invalidation::store_in_transaction(&db, &target.model, target.field, &written).await? {
        target.call_hook_in_transaction(&db).await?;
    }
    Ok(value)
}

/// Without a claim somebody else is about to store the value: it is calculated all the same, and returned.
async fn calculate_and_complete<F: CachedField>(
    engine: &Engine,
    connection: &DatabaseConnection,
    target: &Target,
    claim: Option<Claim>,
) -> Result<F::Value, Error> {
    let db = DatabaseExecutor::Connection(connection);
    let started = Instant::now();
    let calculated = target.calculate::<F>(&db).await;
    if calculated.is_ok() {
        let Subject { table, field, key } = target.subject();
        engine.tell(Event::Calculated { table, field, key, took: started.elapsed() });
    }
    let Some(claim) = claim else { return calculated.map(|(value, _)| value) };
    match calculated {
        Ok((value, changed)) => {
            let calculation = Calculation { claim: claim.clone(), value: value.clone().into(), changed };
            match invalidation::complete(engine, connection, &target.model, &[calculation]).await {
                Ok(stored) => {
                    if stored == [true] {
                        target.call_hook(engine, &db).await;
                    }
                    Ok(value)
                }
                Err(error) if engine.refuses_value(&error) => {
                    invalidation::fail(engine, connection, &target.model, &claim, &error, Retry::default()).await?;
                    Err(error)
                }
                // The value is right all the same; a worker stores it.
                Err(_) => {
                    invalidation::hand_back(engine, connection, &target.model, &[claim]).await?;
                    Ok(value)
                }
            }
        }
        Err(error @ Error::RowGone { .. }) => {
            invalidation::drop_gone(engine, connection, &target.model, &[claim]).await?;
            Err(error)
        }
        Err(error) => {
            invalidation::fail(engine, connection, &target.model, &claim, &error, Retry::default()).await?;
            Err(error)
        }
    }
}

/// Sets the moment from which on the row counts as stale.
pub async fn expire<F: CachedField>(key: Key, db: DatabaseExecutor<'_>, when: Expiry) -> Result<(), Error> {
    let target = Target::of::<F>(key)?;
    invalidation::set_expiry(&db, &target.model, target.field, &target.key, when).await
}

/// Flags a row when it is awaited.
pub fn flag<F: CachedField>(key: Key, db: DatabaseExecutor<'_>) -> Flag<'_, F> {
    Flag { key, db, eager: true, field: PhantomData }
}

/// A row about to be flagged as stale; it is when this is awaited.
#[must_use = "nothing is flagged until this is awaited"]
#[derive(Debug)]
pub struct Flag<'c, F> {
    key: Key,
    db: DatabaseExecutor<'c>,
    eager: bool,
    field: PhantomData<fn() -> F>,
}

impl<F> Flag<'_, F> {
    /// Whether a worker recalculates the row in the background, as it does unless told otherwise; if not, the next
    /// reader does.
    pub fn and_recalculate(mut self, recalculate: bool) -> Self {
        self.eager = recalculate;
        self
    }
}

impl<'c, F: CachedField> IntoFuture for Flag<'c, F> {
    type Output = Result<(), Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'c>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let target = Target::of::<F>(self.key)?;
            invalidation::flag(&self.db, &target.model, target.field, &target.key, self.eager).await
        })
    }
}
