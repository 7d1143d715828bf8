//! Report: a worker writes that it is there, and what it did.

use std::time::Duration;

use sea_orm::DatabaseTransaction;

use super::Connections;
use crate::{
    Error,
    activity::{KEPT_MINUTES, Minute, WorkerRecord, this_minute},
    engine::Engine,
    registry::Model,
};

/// The time after which the record of a worker that was not seen is dropped.
const LOST: Duration = Duration::from_secs(24 * 60 * 60);

/// What a worker writes of a model.
pub(crate) struct Report<'a> {
    /// The number under which it writes what it did.
    pub(crate) worker: i64,
    /// Its record; none if it does not stay.
    pub(crate) record: Option<WorkerRecord>,
    /// What it did.
    pub(crate) minutes: &'a [Minute],
    /// Whether to drop what is old.
    pub(crate) cleans: bool,
}

pub(crate) async fn report(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    report: &Report<'_>,
) -> Result<(), Error> {
    let owner = &model.owner;
    let backend = engine.backend;
    let connections = connections.into();
    if report.cleans {
        // In a transaction of its own: it may wait for the record of another worker.
        let clean = async |transaction: &DatabaseTransaction| {
            let before = this_minute() - KEPT_MINUTES;
            let lost = i64::try_from(LOST.as_millis()).unwrap_or(i64::MAX);
            Ok(backend.forget_old_activity(transaction, owner, before, lost).await?)
        };
        connections.within(engine, false, clean).await?;
    }

    let write = async |transaction: &DatabaseTransaction| {
        if let Some(record) = &report.record {
            backend.see_worker(transaction, owner, record).await?;
        }
        for minute in report.minutes {
            backend.record_minute(transaction, owner, report.worker, minute).await?;
        }
        Ok(())
    };
    connections.within(engine, false, write).await
}

/// Drops the record of a worker that ends.
pub(crate) async fn leave(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    worker: i64,
) -> Result<(), Error> {
    let leave = async |transaction: &DatabaseTransaction| {
        Ok(engine.backend.forget_worker(transaction, &model.owner, worker).await?)
    };
    connections.into().within(engine, false, leave).await
}
