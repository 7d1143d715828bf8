//! Recalculation: claimed rows of a model, from their calculation to the store. Workers and readers
//! share it.

use std::{
    collections::{BTreeMap, HashMap},
    pin::pin,
    time::Duration,
};

use sea_orm::{DatabaseConnection, DatabaseExecutor};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};

#[cfg(feature = "metrics")]
use crate::metrics;
use crate::{
    Error,
    calculation::{Calculated, Limits, Outcome, after_recalculation, calculate},
    declaration::Key,
    engine::Engine,
    protocol::{self, Calculation, Connections, Queried, Retry, Verdict},
    queue::Claim,
    registry::Model,
};

/// The time that a calculated value may wait for others, to be stored together with them.
const STORED_WITHIN: Duration = Duration::from_millis(10);

/// The number of attempts to complete while the database refuses it.
const COMPLETIONS: u32 = 3;
const BETWEEN_COMPLETIONS: Duration = Duration::from_millis(50);

/// A holder of claims: a batch of a worker, or a reader.
pub(crate) trait Holder: Sync {
    /// Called when these claims have ended, in any way.
    fn settled(&self, claims: &[Claim]);

    /// Called when a calculation of this field has ended, of one row or of many.
    fn took(&self, _field: usize, _took: Duration) {}

    /// Called when these values were calculated, and are about to be stored.
    fn calculated(&self, _calculations: &[Calculation]) {}

    /// Called when a value was calculated for this claim, with the verdict on it. `changed`: it
    /// differs from the one before.
    fn judged(&self, _claim: &Claim, _verdict: Verdict, _changed: bool) {}

    /// Called when this claim has failed, and the failure is recorded with its row. `is_final`: it
    /// is not retried.
    fn failed(&self, _claim: &Claim, _error: Error, _is_final: bool) {}
}

/// The settings for the recalculation of claims, and their holder.
pub(crate) struct Recalculation<'a, H> {
    pub(crate) engine: &'a Engine,
    /// The connections that the protocol uses.
    pub(crate) connections: Connections<'a>,
    /// The connections of the user's code.
    pub(crate) db: &'a DatabaseConnection,
    pub(crate) model: &'a Model,
    pub(crate) limits: &'a Limits,
    /// The attempts of a worker at failing rows; none for a reader.
    pub(crate) retry: Option<Retry>,
    /// The greatest number of values that are stored together.
    pub(crate) together: usize,
    pub(crate) holder: &'a H,
}

impl<H: Holder> Recalculation<'_, H> {
    /// Calculates the claims' fields, and stores each value as soon as it is there. A calculation
    /// that fails is no error: the failure is recorded with its row. After an error, the claims
    /// that are not settled are still leased.
    pub(crate) async fn run(&self, claims: &[Claim]) -> Result<(), Error> {
        let given_up =
            self.retry.and_then(|retry| i32::try_from(retry.max_attempts).ok()).unwrap_or(i32::MAX);
        let claims = self.without_circles(claims).await?;
        let (lost, claims): (Vec<Claim>, Vec<Claim>) =
            claims.into_iter().partition(|claim| claim.attempts > given_up);

        for claim in lost {
            // Failures are recorded when they happen. More attempts than that mean that the
            // calculation has ended its workers.
            let owner = &self.model.owner;
            let error = Error::WorkersEnded {
                table: owner.table.name.clone(),
                field: owner.fields[claim.field].name,
                key: claim.key.clone(),
                attempts: claim.attempts - 1,
            };
            self.fail(&claim, error).await?;
        }

        let claims = self.have_calculated(claims).await;
        if claims.is_empty() {
            return Ok(());
        }

        let (calculated, settled) = mpsc::channel(claims.len());
        // Both run at the same time. While a value waits for a connection to be stored with, the
        // calculations go on and give theirs back.
        tokio::try_join!(self.calculate(claims, calculated), self.settle_all(settled))?;
        Ok(())
    }

    /// Fails the claims that would be calculated from themselves, and returns the rest.
    async fn without_circles(&self, claims: &[Claim]) -> Result<Vec<Claim>, Error> {
        let db = DatabaseExecutor::Connection(self.db);
        let mut left = Vec::new();
        for field in 0..self.model.owner.fields.len() {
            let claims: Vec<&Claim> = claims.iter().filter(|claim| claim.field == field).collect();
            let keys: Vec<Key> = claims.iter().map(|claim| claim.key.clone()).collect();
            let mut circles = protocol::find_circles(&db, self.model, field, &keys).await?;
            for claim in claims {
                match circles.remove(&claim.key) {
                    Some(circle) => self.fail(claim, circle).await?,
                    None => left.push(claim.clone()),
                }
            }
        }
        Ok(left)
    }

    /// Makes the database calculate and store the fields that are one query. Returns the rest:
    /// claims of rows that have more fields due, and claims that could not be stored this way.
    async fn have_calculated(&self, claims: Vec<Claim>) -> Vec<Claim> {
        let Self { engine, connections, model, limits, .. } = *self;
        if model.owner.fields.iter().all(|field| field.query.is_none()) {
            return claims;
        }

        let mut due: HashMap<Key, usize> = HashMap::new();
        for claim in &claims {
            *due.entry(claim.key.clone()).or_default() += 1;
        }
        let (queried, mut rest): (Vec<Claim>, Vec<Claim>) = claims.into_iter().partition(|claim| {
            model.owner.fields[claim.field].query.is_some() && due[&claim.key] == 1
        });
        let mut fields: BTreeMap<usize, Vec<Claim>> = BTreeMap::new();
        for claim in queried {
            fields.entry(claim.field).or_default().push(claim);
        }

        for claims in fields.into_values() {
            match protocol::complete_by_query(engine, connections, model, &claims, limits.timeout)
                .await
            {
                Ok(Some(Queried { verdicts, took })) => {
                    self.took(claims[0].field, took);
                    self.holder.settled(&claims);
                    self.have_judged(&claims, &verdicts).await;
                }
                ended => {
                    if let Err(error) = ended {
                        let table = &*model.owner.table.name;
                        tracing::debug!(table, "not stored by the query itself: {error}");
                    }
                    rest.extend(claims);
                }
            }
        }
        rest
    }

    async fn calculate(
        &self,
        claims: Vec<Claim>,
        calculated: mpsc::Sender<Vec<Calculated>>,
    ) -> Result<(), Error> {
        let db = DatabaseExecutor::Connection(self.db);
        let rows_over = self.connections.reader();
        calculate(self.engine, (&rows_over, &db), self.model, claims, self.limits, calculated).await
    }

    async fn settle_all(&self, calculated: mpsc::Receiver<Vec<Calculated>>) -> Result<(), Error> {
        let mut chunks =
            pin!(ReceiverStream::new(calculated).chunks_timeout(self.together, STORED_WITHIN));
        while let Some(chunk) = chunks.next().await {
            self.settle(chunk.into_iter().flatten().collect()).await?;
        }
        Ok(())
    }

    async fn settle(&self, calculated: Vec<Calculated>) -> Result<(), Error> {
        let mut values = Vec::new();
        let mut gone = Vec::new();
        let mut postponed = Vec::new();

        for Calculated { claim, outcome, took } in calculated {
            if let Some(took) = took {
                self.took(claim.field, took);
            }
            match outcome {
                Outcome::Value { value, changed } => {
                    values.push(Calculation { claim, value, changed })
                }
                Outcome::Failed(error) => self.fail(&claim, error).await?,
                Outcome::Postponed => postponed.push(claim),
                Outcome::Gone => gone.push(claim),
            }
        }

        if !values.is_empty() {
            self.holder.calculated(&values);
            self.complete(&values).await?;
        }
        if !postponed.is_empty() {
            protocol::hand_back(
                self.engine,
                self.connections,
                self.model,
                &postponed,
                Duration::ZERO,
            )
            .await?;
            self.holder.settled(&postponed);
        }
        if !gone.is_empty() {
            protocol::drop_gone(self.engine, self.connections, self.model, &gone).await?;
            self.holder.settled(&gone);
        }
        Ok(())
    }

    /// Completes values. A completion waits for no lock, so the database may refuse it for a
    /// moment.
    async fn complete(&self, values: &[Calculation]) -> Result<(), Error> {
        let mut tried = 1;
        let verdicts = loop {
            let error =
                match protocol::complete(self.engine, self.connections, self.model, values).await {
                    Ok(verdicts) => break verdicts,
                    Err(error) => error,
                };
            if tried == COMPLETIONS || self.engine.refuses_value(&error) {
                return match values {
                    // If the database cannot be reached, the failure cannot be recorded either, and
                    // the batch fails.
                    [only] => self.fail(&only.claim, error).await,
                    _ => self.complete_singly(values).await,
                };
            }
            tried += 1;
            tokio::time::sleep(BETWEEN_COMPLETIONS).await;
        };

        let ended: Vec<Claim> = values.iter().map(|value| value.claim.clone()).collect();
        self.holder.settled(&ended);
        let changed = values.iter().map(|value| value.changed);
        let verdicts: Vec<(Verdict, bool)> = verdicts.into_iter().zip(changed).collect();
        self.have_judged(&ended, &verdicts).await;
        Ok(())
    }

    fn took(&self, field: usize, took: Duration) {
        #[cfg(feature = "metrics")]
        metrics::took(&self.model.owner, field, took);
        self.holder.took(field, took);
    }

    /// `verdicts`: each with whether the value differs from the one before.
    async fn have_judged(&self, claims: &[Claim], verdicts: &[(Verdict, bool)]) {
        let judged = claims.iter().zip(verdicts);
        for (claim, (verdict, changed)) in judged.clone() {
            self.holder.judged(claim, *verdict, *changed);
        }
        #[cfg(feature = "metrics")]
        {
            let ended =
                judged.clone().map(|(claim, (verdict, changed))| verdict.ended(claim, *changed));
            metrics::ended(&self.model.owner, ended, self.retry.is_none());
        }
        let stored = judged.filter(|(_, (verdict, _))| verdict.is_stored());
        let stored = stored.map(|(claim, _)| (claim.key.clone(), claim.field)).collect();
        let db = DatabaseExecutor::Connection(self.db);
        after_recalculation(self.engine, &db, self.model, stored, self.limits).await;
    }

    /// Completes values one by one. One of them cannot be stored, because it does not fit its
    /// column, or a trigger objects. The others must not fail with it.
    async fn complete_singly(&self, values: &[Calculation]) -> Result<(), Error> {
        for value in values {
            Box::pin(self.complete(std::slice::from_ref(value))).await?;
        }
        Ok(())
    }

    async fn fail(&self, claim: &Claim, error: Error) -> Result<(), Error> {
        let retry_in =
            protocol::fail(self.engine, self.connections, self.model, claim, &error, self.retry)
                .await?;
        self.holder.settled(std::slice::from_ref(claim));
        #[cfg(feature = "metrics")]
        metrics::failed(&self.model.owner, claim.field, retry_in.is_none());
        self.holder.failed(claim, error, retry_in.is_none());
        Ok(())
    }
}
