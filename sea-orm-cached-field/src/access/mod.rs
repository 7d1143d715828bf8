//! The methods of a row: reading, flagging, recalculating, expiring.

mod below;
mod flag;
mod lease;
mod rows;
mod set;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use sea_orm::{DatabaseConnection, DatabaseExecutor, EntityTrait, Value};
use tracing::Instrument;

#[cfg(feature = "metrics")]
use crate::metrics;
use crate::{
    Error,
    backend::Backend,
    calculation::{Limits, Subject, after_recalculation, run},
    declaration::{CachedField, Expiry, Key, Stored},
    engine::{CalculatedValue, Engine},
    event::Event,
    protocol::{self, Calculation, Verdict},
    queue::{Claim, Written},
    registry::{self, Model},
    transaction,
};

pub(crate) use below::{StaleRows, stale_inputs};
pub use flag::{Flag, FlagRows, flag, flag_rows};
pub(crate) use rows::{existing, recalculate_keys};
pub use rows::{load_rows, recalculate_rows};
pub use set::set;

use below::Reading;
use lease::keep_leased;
use rows::FieldRows;

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
        let FieldRows { model, field } = FieldRows::field::<F>()?;
        Ok(Self { model, field, key })
    }

    fn subject(&self) -> Subject {
        let table = self.model.owner.table.name.clone();
        let field = self.model.owner.fields[self.field].name;
        Subject { table, field, key: self.key.clone() }
    }

    async fn load<F: CachedField>(&self, db: &DatabaseExecutor<'_>) -> Result<RowOf<F>, Error> {
        let row = registry::load_one::<F::Entity>(db, &self.key).await?;
        row.ok_or_else(|| Error::RowGone {
            table: self.model.owner.table.name.clone(),
            key: self.key.clone(),
        })
    }

    /// Returns whether the database says that the row is stale, by its flag, expiry, marks and
    /// queue. A row that is gone is not stale.
    async fn is_stale(&self, db: &DatabaseExecutor<'_>) -> Result<bool, Error> {
        let stale =
            FieldRows::of(self).stale_or_unknown(db, std::slice::from_ref(&self.key)).await?;
        Ok(!stale.is_empty())
    }

    /// Returns whether the database says that the row is fresh and has this value, or that it is
    /// gone. If no write of the row itself makes the field stale, it need not be asked.
    async fn is_confirmed(&self, db: &DatabaseExecutor<'_>, value: Value) -> Result<bool, Error> {
        let owner = &self.model.owner;
        if owner.fields[self.field].own_columns.is_empty() {
            return Ok(true);
        }

        let backend = Backend::of(db)?;
        let confirmed = backend.confirm(db, owner, self.field, &self.key, value).await;
        confirmed.map_err(|error| protocol::explained(backend, [owner], error.into()))
    }

    async fn claim(
        &self,
        engine: &Engine,
        connection: &DatabaseConnection,
        steal: bool,
    ) -> Result<Option<Claim>, Error> {
        let key = std::slice::from_ref(&self.key);
        Ok(FieldRows::of(self).claim(engine, connection, key, steal).await?.pop())
    }

    /// Calls the user's hook after a recalculation, and returns whether it has ended well. Without
    /// a hook it has.
    async fn call_hook(&self, engine: &Engine, db: &DatabaseExecutor<'_>) -> bool {
        let row = vec![(self.key.clone(), self.field)];
        after_recalculation(engine, db, &self.model, row, &Limits::of_one()).await
    }

    /// Calls the user's hook inside the user's transaction. A hook that fails is undone by itself,
    /// and the value stays.
    async fn call_hook_in_transaction(&self, db: &DatabaseExecutor<'_>) -> Result<(), Error> {
        if !self.model.rows.has_hook(self.field) {
            return Ok(());
        }
        let savepoint = transaction::begin_within(db).await?;
        let engine = Engine::at(db)?;
        let well = self.call_hook(&engine, &DatabaseExecutor::Transaction(&savepoint)).await;
        if well {
            savepoint.commit().await?
        } else {
            savepoint.rollback().await?
        }
        Ok(())
    }

    /// Returns the stored value if the database says that it is fresh.
    async fn fresh<F: CachedField>(
        &self,
        db: &DatabaseExecutor<'_>,
    ) -> Result<Option<F::Value>, Error> {
        // The row is loaded after the question, so that it is not older than the answer.
        if self.is_stale(db).await? {
            return Ok(None);
        }
        let row = self.load::<F>(db).await?;
        Ok(F::stored(&row).fresh().cloned())
    }

    /// Returns the value as its column holds it, which may have rounded it.
    async fn as_stored<F: CachedField>(
        &self,
        db: &DatabaseExecutor<'_>,
        value: F::Value,
    ) -> Result<F::Value, Error> {
        if self.model.owner.fields[self.field].exact {
            return Ok(value);
        }
        match self.load::<F>(db).await {
            Ok(row) => Ok(F::stored(&row).value.cloned().unwrap_or(value)),
            Err(Error::RowGone { .. }) => Ok(value),
            Err(error) => Err(error),
        }
    }

    /// Returns the value, and whether it differs from the one that the row held when it was loaded.
    async fn calculate<F: CachedField>(
        &self,
        db: &DatabaseExecutor<'_>,
    ) -> Result<(F::Value, bool), Error> {
        let circles =
            protocol::find_circles(db, &self.model, self.field, std::slice::from_ref(&self.key));
        if let Some(circle) = circles.await?.remove(&self.key) {
            return Err(circle);
        }
        let row = self.load::<F>(db).await?;
        let value = run(self.subject(), None, F::calculate(&row, db)).await?;
        let changed =
            F::stored(&row).value.cloned().map(Into::<Value>::into) != Some(value.clone().into());
        Ok((value, changed))
    }
}

/// Returns the value: as loaded if the loaded row is fresh, else as of now.
pub async fn read<F: CachedField>(
    stored: Stored<'_, F::Value>,
    key: impl FnOnce() -> Key,
    db: DatabaseExecutor<'_>,
) -> Result<F::Value, Error> {
    let Some(value) = stored.fresh() else { return read_fresh::<F>(key(), db).await };
    if !Backend::of(&db)?.returns_rows_before_triggers() {
        return Ok(value.clone());
    }
    let target = Target::of::<F>(key())?;
    if target.is_confirmed(&db, value.clone().into()).await? {
        return Ok(value.clone());
    }
    read_fresh::<F>(target.key, db).await
}

/// Returns the value, calculated from the row as it is loaded. Nothing is stored.
pub async fn preview<F: CachedField>(
    row: &RowOf<F>,
    db: DatabaseExecutor<'_>,
) -> Result<F::Value, Error> {
    let target = Target::of::<F>(Key::of::<F::Entity>(row))?;
    run(target.subject(), None, F::calculate(row, &db)).await
}

/// Returns the value as of now.
pub async fn read_fresh<F: CachedField>(
    key: Key,
    db: DatabaseExecutor<'_>,
) -> Result<F::Value, Error> {
    let target = Target::of::<F>(key)?;
    let read = || async {
        if let Some(value) = target.fresh::<F>(&db).await? {
            return Ok(Reading::Stored(value));
        }
        let DatabaseExecutor::Connection(connection) = &db else {
            // Storing would hold the row's lock until the user commits; the worker does it.
            return Ok(Reading::calculated(target.calculate::<F>(&db).await?.0));
        };

        let (mut landed, started) = fly::<F>(connection, &target).await?;
        if !started {
            // That calculation may have begun before a change that this reader knows of. The next
            // one has not.
            if let Some(value) = target.fresh::<F>(&db).await? {
                return Ok(Reading::Stored(value));
            }
            landed = fly::<F>(connection, &target).await?.0;
        }
        let (value, was_marked) = landed?;
        Ok(Reading::Calculated { value, was_marked })
    };

    FieldRows::of(&target).read(&db, std::slice::from_ref(&target.key), read).await
}

/// Joins the calculation under way for readers, or starts one. Returns also whether it was started.
async fn fly<F: CachedField>(
    connection: &DatabaseConnection,
    target: &Target,
) -> Result<(Result<CalculatedValue<F>, Error>, bool), Error> {
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
) -> Result<CalculatedValue<F>, Error> {
    // An earlier calculation may have ended since the question.
    if let Some(value) = target.fresh::<F>(&DatabaseExecutor::Connection(&db)).await? {
        return Ok((value, false));
    }
    let claim = target.claim(&engine, &db, false).await?;
    calculate_and_complete::<F>(&engine, &db, &target, claim).await
}

/// Calculates and stores the value now, even if nothing is stale.
pub async fn recalculate<F: CachedField>(
    key: Key,
    db: DatabaseExecutor<'_>,
) -> Result<F::Value, Error> {
    let target = Target::of::<F>(key)?;
    let rows = FieldRows::of(&target);
    let recalculate = || async {
        let DatabaseExecutor::Connection(connection) = &db else {
            return recalculate_within::<F>(&db, &target).await.map(Reading::calculated);
        };
        let (value, was_marked) = recalculate_now::<F>(connection, &target).await?;
        Ok(Reading::Calculated { value, was_marked })
    };
    rows.read(&db, std::slice::from_ref(&target.key), recalculate).await
}

/// Recalculates in a task of its own, so that a caller that gives up leaves no lease behind.
async fn recalculate_now<F: CachedField>(
    connection: &DatabaseConnection,
    target: &Target,
) -> Result<CalculatedValue<F>, Error> {
    let engine = Engine::of(connection)?;
    let connection = connection.clone();
    let target = target.clone();
    let recalculation = async move {
        let claim = target.claim(&engine, &connection, true).await?;
        calculate_and_complete::<F>(&engine, &connection, &target, claim).await
    };
    let recalculation = tokio::spawn(recalculation.in_current_span());
    recalculation.await.unwrap_or_else(|stopped| Err(Error::Stopped(stopped.to_string())))
}

/// Recalculates within the user's transaction.
async fn recalculate_within<F: CachedField>(
    db: &DatabaseExecutor<'_>,
    target: &Target,
) -> Result<F::Value, Error> {
    let claimed_at = protocol::clock(db).await?;
    let (value, _) = target.calculate::<F>(db).await?;
    let written =
        Written { key: target.key.clone(), claimed_at, values: vec![value.clone().into()] };
    if !protocol::store_in_transaction(db, &target.model, target.field, &written).await? {
        return Ok(value);
    }
    target.call_hook_in_transaction(db).await?;
    target.as_stored::<F>(db, value).await
}

/// Calculates a claimed field, and completes the claim. Without a claim the value is calculated and
/// returned all the same.
async fn calculate_and_complete<F: CachedField>(
    engine: &Engine,
    connection: &DatabaseConnection,
    target: &Target,
    claim: Option<Claim>,
) -> Result<CalculatedValue<F>, Error> {
    let db = DatabaseExecutor::Connection(connection);
    let started = Instant::now();
    let claims = || claim.iter().cloned().collect();
    let calculated =
        keep_leased(engine, connection, &target.model, claims, target.calculate::<F>(&db)).await;

    let took = started.elapsed();
    #[cfg(feature = "metrics")]
    metrics::took(&target.model.owner, target.field, took);
    if calculated.is_ok() {
        let Subject { table, field, key } = target.subject();
        engine.publish(Event::Calculated { table, field, key, took });
    }

    let Some(claim) = claim else { return calculated.map(|(value, _)| (value, false)) };
    match calculated {
        Ok((value, changed)) => {
            let calculation =
                Calculation { claim: claim.clone(), value: value.clone().into(), changed };
            match protocol::complete(engine, connection, &target.model, &[calculation]).await {
                Ok(verdicts) => {
                    #[cfg(feature = "metrics")]
                    metrics::ended(
                        &target.model.owner,
                        verdicts.iter().map(|verdict| verdict.ended(&claim, changed)),
                        true,
                    );
                    if !verdicts.iter().all(|verdict| verdict.is_stored()) {
                        return Ok((value, false));
                    }
                    target.call_hook(engine, &db).await;
                    Ok((
                        target.as_stored::<F>(&db, value).await?,
                        verdicts.contains(&Verdict::Publish),
                    ))
                }
                Err(error) if engine.refuses_value(&error) => {
                    target.fail(engine, connection, &claim, &error).await?;
                    Err(error)
                }
                // The value is right all the same; a worker stores it.
                Err(_) => {
                    protocol::hand_back(
                        engine,
                        connection,
                        &target.model,
                        &[claim],
                        Duration::ZERO,
                    )
                    .await?;
                    Ok((value, false))
                }
            }
        }
        Err(error @ Error::RowGone { .. }) => {
            protocol::drop_gone(engine, connection, &target.model, &[claim]).await?;
            Err(error)
        }
        Err(error) => {
            target.fail(engine, connection, &claim, &error).await?;
            Err(error)
        }
    }
}

impl Target {
    /// Records that the calculation has failed.
    async fn fail(
        &self,
        engine: &Engine,
        connection: &DatabaseConnection,
        claim: &Claim,
        error: &Error,
    ) -> Result<(), Error> {
        let retry_in = protocol::fail(engine, connection, &self.model, claim, error, None).await?;
        #[cfg(feature = "metrics")]
        metrics::failed(&self.model.owner, self.field, retry_in.is_none());
        #[cfg(not(feature = "metrics"))]
        let _ = retry_in;
        Ok(())
    }
}

/// Sets the moment from which on the row counts as stale.
pub async fn expire<F: CachedField>(
    key: Key,
    db: DatabaseExecutor<'_>,
    when: Expiry,
) -> Result<(), Error> {
    let target = Target::of::<F>(key)?;
    protocol::set_expiry(&db, &target.model, target.field, &target.key, when).await
}
