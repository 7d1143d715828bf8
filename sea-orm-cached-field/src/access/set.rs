//! Setting a value by hand.

use std::{sync::Arc, time::Duration};

use sea_orm::{DatabaseConnection, DatabaseExecutor};
use tracing::Instrument;

use super::{Target, lease::LEASE};
use crate::{
    Error,
    declaration::{CachedField, Key},
    engine::Engine,
    protocol::{self, Calculation},
};

/// The number of attempts while another transaction holds the row locked.
const ATTEMPTS: u32 = 500;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(20);

/// Stores a value that was not calculated. It goes through a claim and a completion, as a
/// calculation does. So a calculation under way for the row is superseded, and a mark that is made
/// meanwhile still counts.
pub async fn set<F: CachedField>(
    key: Key,
    db: &DatabaseConnection,
    value: F::Value,
) -> Result<(), Error> {
    let target = Target::of::<F>(key)?;
    let engine = Engine::of(db)?;
    let db = db.clone();
    // A task of its own, so that a caller that gives up in the middle leaves no lease behind.
    let setting = async move { target.set::<F>(engine, db, value).await };
    let setting = tokio::spawn(setting.in_current_span());
    setting.await.unwrap_or_else(|stopped| Err(Error::Stopped(stopped.to_string())))
}

impl Target {
    async fn set<F: CachedField>(
        self,
        engine: Arc<Engine>,
        db: DatabaseConnection,
        value: F::Value,
    ) -> Result<(), Error> {
        let model = &self.model;
        for _ in 0..ATTEMPTS {
            let claim =
                protocol::claim_one(&engine, &db, model, self.field, &self.key, LEASE, true)
                    .await?;
            if let Some(claim) = claim {
                let calculation = Calculation {
                    claim: claim.clone(),
                    value: value.clone().into(),
                    changed: true,
                };
                match protocol::complete(&engine, &db, model, &[calculation]).await {
                    Ok(verdicts) if verdicts.iter().all(|verdict| verdict.is_stored()) => {
                        return Ok(());
                    }
                    Ok(_) => {}
                    Err(error) => {
                        protocol::hand_back(&engine, &db, model, &[claim], Duration::ZERO).await?;
                        return Err(error);
                    }
                }
                if let Err(gone) = self.load::<F>(&DatabaseExecutor::Connection(&db)).await {
                    protocol::drop_gone(&engine, &db, model, &[claim]).await?;
                    return Err(gone);
                }
            }
            tokio::time::sleep(BETWEEN_ATTEMPTS).await;
        }

        Err(Error::Locked { table: model.owner.table.name.clone(), key: self.key.clone() })
    }
}
