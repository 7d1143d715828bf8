//! Waves: a row that is marked again while it is calculated, each time.
//!
//! Of many changes from elsewhere that is as it should be, but not at any rate. Or it is the
//! calculation itself that changes what it is calculated from: a loop. After a few waves the row is
//! held back for a while after each. What is marked by others is marked then, too; of a loop
//! nothing is.

use std::time::Duration;

use super::{Connections, collect};
use crate::{Error, engine::Engine, event::Event, queue::Claim, registry::Model};

/// So many recalculations of a row follow each other at once.
const AT_ONCE: i32 = 10;

/// After so many, of which each but the first was held back for and none was disturbed, it is a
/// loop. That a change comes from elsewhere in each of the calculations, and none in the times
/// between, which are four times as long, has a probability of at most (1/5 * (4/5)^4)^5, about one
/// in 270,000, if changes come independently of each other (a Poisson process).
const LOOP: i32 = AT_ONCE + 5;

/// For how long a row is held back, at least, give or take a quarter. Otherwise changes at regular
/// times could always come while it is calculated.
const HELD_BACK: Duration = Duration::from_secs(1);

/// How often, and how far apart, this is tried. After that the row is held back by its lease.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Whether a claim whose row was marked again is kept leased until [`hold_back`] is called.
pub(super) fn is_held_back(claim: &Claim) -> bool {
    claim.waves + 1 >= AT_ONCE
}

/// Holds rows back for a while, or, of loops, until they are marked again.
pub(super) async fn hold_back(
    engine: &Engine,
    connections: Connections<'_>,
    model: &Model,
    claims: &[Claim],
) {
    for claim in claims {
        let table = model.owner.table.name.clone();
        let field = model.owner.fields[claim.field].name;
        let waves = claim.waves + 1;
        let error = (waves >= LOOP).then(|| {
            Error::Loop { table: table.clone(), field, key: claim.key.clone(), waves }.to_string()
        });
        let mut left = TRIES;
        let is_held_back = loop {
            left -= 1;
            match hold_back_one(engine, connections, model, claim, error.as_deref(), left > 0).await
            {
                Ok(true) => break true,
                _ if left == 0 => break false,
                _ => tokio::time::sleep(BETWEEN_TRIES).await,
            }
        };
        if let Some(error) = error.filter(|_| is_held_back) {
            let key = claim.key.clone();
            let attempts = claim.attempts;
            let cause = error.clone();
            engine
                .warn(Event::Failed { table, field, key, error, attempts, retry_in: None }, cause);
        }
    }
}

/// What the calculation itself has marked is collected before, so that later marks are those of
/// others. If another transaction is collecting it just now, nothing is done; `wait` for that.
async fn hold_back_one(
    engine: &Engine,
    connections: Connections<'_>,
    model: &Model,
    claim: &Claim,
    error: Option<&str>,
    wait: bool,
) -> Result<bool, Error> {
    let transaction = connections.begin(engine, true).await?;
    let hold_back = async {
        let keys = std::slice::from_ref(&claim.key);
        let collected =
            collect::collect_rows(engine, &transaction, model, claim.field, keys, 0).await?;
        collect::flag_collected(engine, &transaction, model, &collected).await?;
        if engine.backend.is_marked(&transaction, &model.owner, claim).await? && wait {
            return Ok(None);
        }
        let delay = HELD_BACK.mul_f64(0.75 + fastrand::f64() / 2.0);
        let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        engine.backend.hold_back(&transaction, &model.owner, claim, delay, error).await?;
        Ok(Some(collected))
    };
    match hold_back.await {
        Ok(Some(collected)) => {
            transaction.commit().await?;
            engine.publish_all(collect::event(&collected, model));
            Ok(true)
        }
        refused => {
            transaction.rollback().await.ok();
            refused.map(|_| false)
        }
    }
}
