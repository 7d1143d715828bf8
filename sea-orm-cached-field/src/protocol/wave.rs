//! Waves: a row that is marked again each time while it is calculated.
//!
//! If many changes come from elsewhere, that is correct, but it must not go on at any rate.
//! Otherwise the calculation itself changes its own inputs: a loop. After a few waves the row is
//! held back for a while after each wave. Other transactions still mark it meanwhile. A loop marks
//! nothing then.

use std::time::Duration;

use super::{Connections, collect, fail::record_of};
use crate::{Error, engine::Engine, event::Event, queue::Claim, registry::Model};

/// The number of recalculations of a row that follow each other at once.
const AT_ONCE: i32 = 10;

/// The number of recalculations after which it is a loop. Before each of the last five of them, the
/// row was held back, and nothing marked it in that pause.
///
/// It may also be that a change from elsewhere came during each of these calculations, and none in
/// the pauses. Those are four times as long. If changes are independent of each other (a Poisson
/// process), that has a probability of at most (1/5 * (4/5)^4)^5. This is about one in 270,000.
const LOOP: i32 = AT_ONCE + 5;

/// The shortest time for which a row is held back, give or take a quarter. Otherwise changes at
/// regular times could always come while it is calculated.
const HELD_BACK: Duration = Duration::from_secs(1);

/// The number of attempts to hold a row back. After that its lease holds it back.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Returns whether a claim whose row was marked again is kept leased until [`hold_back`] is called.
pub(super) fn is_held_back(claim: &Claim) -> bool {
    claim.waves + 1 >= AT_ONCE
}

/// Holds rows back for a while. Loops are held back until they are marked again.
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
            Error::Loop { table: table.clone(), field, key: claim.key.clone(), waves }.reason()
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
            let failed = Event::Failed { table, field, key, error, attempts, retry_in: None };
            engine.warn(failed, cause, record_of(model));
        }
    }
}

/// Holds one row back. The marks of the calculation itself are collected before, so that later
/// marks are those of other transactions. If another transaction is collecting such a mark just
/// now, nothing is done. That holds with `wait`, until the last attempt.
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
            collect::tell(engine, model, &collected);
            Ok(true)
        }
        refused => {
            transaction.rollback().await.ok();
            refused.map(|_| false)
        }
    }
}
