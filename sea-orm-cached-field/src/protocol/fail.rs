//! Fail: a failed calculation is recorded with its row, and retried.

use std::time::Duration;

use sea_orm::DatabaseTransaction;

use super::{Connections, explained};
use crate::{
    Error,
    backend::sql::recalculations,
    declaration::Key,
    engine::Engine,
    event::Event,
    queue::{Claim, NextTry},
    registry::Model,
};

/// The number of attempts at a failing calculation, and the times between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) max_attempts: u32,
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { max_attempts: 20, first: Duration::from_secs(1), longest: Duration::from_secs(3600) }
    }
}

impl Retry {
    /// Returns the time to the next attempt after this many; `None` after the last. It grows
    /// exponentially, with "equal jitter": half of it is random, so that rows that failed together
    /// are not retried together.
    /// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>)
    fn after(self, attempts: i32) -> Option<Duration> {
        let attempts = u32::try_from(attempts).unwrap_or_default().max(1);
        if attempts >= self.max_attempts {
            return None;
        }
        let delay = self.first.saturating_mul(2_u32.saturating_pow(attempts - 1)).min(self.longest);
        Some(delay.mul_f64(0.5 + fastrand::f64() / 2.0))
    }
}

/// Makes those of these rows due again that wait after a failure. Returns their number.
pub(crate) async fn retry(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    field: usize,
    keys: &[Key],
) -> Result<u64, Error> {
    let retry = async |transaction: &DatabaseTransaction| {
        Ok(engine.backend.retry(transaction, &model.owner, field, keys).await?)
    };
    let retried = connections.into().within(engine, false, retry).await;
    retried.map_err(|error| explained(engine.backend, [&model.owner], error))
}

/// Records a failure: the row stays flagged and queued. After a worker's attempt it is due again
/// later, or, after the last attempt, only when it is marked again. A reader (without `retry`) does
/// not change the number of attempts. Nor does it change when a worker retries the row, if a worker
/// has tried. Returns the time after which a worker retries the row, if one does.
pub(crate) async fn fail(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    claim: &Claim,
    error: &Error,
    retry: Option<Retry>,
) -> Result<Option<Duration>, Error> {
    if claim.shared {
        // The holder of the lease records its own failure.
        return Ok(Some(Duration::ZERO));
    }

    let cause = error.without_values();
    let error = error.reason();
    let mut retry_in = match retry {
        Some(retry) => retry.after(claim.attempts),
        None => Retry::default().after(0),
    };
    let next_try = match retry_in.map(|delay| i64::try_from(delay.as_millis()).unwrap_or(i64::MAX))
    {
        Some(delay) if retry.is_none() => NextTry::AsItWas(delay),
        Some(delay) => NextTry::In(delay),
        None => NextTry::Never,
    };

    let record = async |transaction: &DatabaseTransaction| {
        let owner = &model.owner;
        engine.backend.record_failure(transaction, owner, claim, &error, next_try).await?;
        Ok(retry.is_none() && engine.backend.is_given_up(transaction, owner, claim).await?)
    };
    if connections.into().within(engine, false, record).await? {
        retry_in = None;
    }

    let table = model.owner.table.name.clone();
    let field = model.owner.fields[claim.field].name;
    let key = claim.key.clone();
    let attempts = if retry.is_some() { claim.attempts } else { 0 };
    let failed = Event::Failed { table, field, key, error, attempts, retry_in };
    engine.warn(failed, cause, record_of(model));
    Ok(retry_in)
}

/// Returns where the error of a recorded failure can be read.
pub(super) fn record_of(model: &Model) -> String {
    let queue = recalculations(&model.owner).name;
    format!("`last_error` of `{queue}`, and `CachedFields::doctor` shows it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_come_later_and_later_until_they_end() {
        let retry = Retry {
            max_attempts: 4,
            first: Duration::from_secs(2),
            longest: Duration::from_secs(5),
        };
        for (attempts, longest) in [(1, 2.0), (2, 4.0), (3, 5.0)] {
            let delay = retry.after(attempts).unwrap().as_secs_f64();
            assert!(
                (longest / 2.0..=longest).contains(&delay),
                "{delay} s after {attempts} attempts"
            );
        }
        assert_eq!(retry.after(4), None);
    }
}
