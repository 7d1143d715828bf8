//! Pause: workers leave a field alone until it is resumed. Marks are made, and readers recalculate,
//! as before.

use std::time::Duration;

use sea_orm::DatabaseConnection;

use super::{Connections, explained};
use crate::{Error, engine::Engine, queue::Paused, registry::Model};

/// The time after which a worker asks again which fields are paused.
const ASKED_AGAIN: Duration = Duration::from_secs(1);

/// Pauses a field. Workers of other processes claim it for another second at most.
pub(crate) async fn pause(
    engine: &Engine,
    db: &DatabaseConnection,
    model: &Model,
    field: usize,
    by: &str,
    reason: &str,
) -> Result<(), Error> {
    let owner = &model.owner;
    let paused = engine.backend.pause(db, owner, field, by, reason).await;
    paused.map_err(|error| explained(engine.backend, [owner], error.into()))?;
    engine.paused.forget(&owner.table);
    tracing::info!(
        table = owner.table.name,
        field = owner.fields[field].name,
        by,
        reason,
        "the field is paused"
    );
    Ok(())
}

/// Resumes a field. Returns whether it was paused.
pub(crate) async fn resume(
    engine: &Engine,
    db: &DatabaseConnection,
    model: &Model,
    field: usize,
) -> Result<bool, Error> {
    let owner = &model.owner;
    let resumed = engine.backend.resume(db, owner, field).await;
    let was_paused = resumed.map_err(|error| explained(engine.backend, [owner], error.into()))?;
    engine.paused.forget(&owner.table);
    if was_paused {
        engine.wake.send_replace(());
        engine.backend.wake(db).await?;
        tracing::info!(
            table = owner.table.name,
            field = owner.fields[field].name,
            "the field is resumed"
        );
    }
    Ok(was_paused)
}

/// Returns those of these fields that were not paused when that was last read. If some were, it is
/// read again now and then, so that a worker learns that they are resumed.
pub(crate) async fn not_known_as_paused(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    fields: &[usize],
) -> Result<Vec<usize>, Error> {
    if !engine.paused.is_any(&model.owner.table) {
        return Ok(fields.to_vec());
    }
    not_paused(engine, connections, model, fields).await
}

/// Returns those of these fields that are not paused, as of a second ago or later.
pub(crate) async fn not_paused(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    fields: &[usize],
) -> Result<Vec<usize>, Error> {
    let owner = &model.owner;
    let paused = match engine.paused.known(&owner.table, ASKED_AGAIN) {
        Some(paused) => paused,
        None => {
            let pauses = engine.backend.pauses(&connections.into().reader(), owner).await?;
            let names = pauses.into_iter().map(|Paused { field, .. }| field);
            engine.paused.know(&owner.table, names)
        }
    };
    let is_paused = |field: &usize| paused.contains(owner.fields[*field].name);
    Ok(fields.iter().copied().filter(|field| !is_paused(field)).collect())
}
