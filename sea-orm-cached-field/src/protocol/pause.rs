//! Pause: workers leave a field alone until it is resumed. Marks are made, and readers recalculate,
//! as before.

use std::time::Duration;

use sea_orm::DatabaseConnection;

use super::{Connections, explained};
use crate::{Error, engine::Engine, queue::Paused, registry::Model};

/// The time after which a worker asks again which fields are paused.
pub(crate) const ASKED_AGAIN: Duration = Duration::from_secs(1);

/// Pauses a field. Workers claim it for another second at most.
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

/// Waits until no row of a field is claimed. A worker that has read the pauses before may still
/// claim some. So two looks in a row have to find none.
pub(crate) async fn wait_for_claims(
    engine: &Engine,
    db: &DatabaseConnection,
    model: &Model,
    field: usize,
) -> Result<(), Error> {
    let mut without_claims = 0;
    while without_claims < 2 {
        tokio::time::sleep(ASKED_AGAIN).await;
        let is_claimed = engine.backend.is_claimed(db, &model.owner, field).await;
        let is_claimed =
            is_claimed.map_err(|error| explained(engine.backend, [&model.owner], error.into()))?;
        without_claims = if is_claimed { 0 } else { without_claims + 1 };
    }
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

/// Reads the names of the paused fields. A role that may not read them, and a table that was lost,
/// are no reason to stop all work.
async fn names_of_paused(
    engine: &Engine,
    connections: Connections<'_>,
    model: &Model,
) -> Result<Vec<String>, Error> {
    let Engine { backend, .. } = engine;
    let owner = &model.owner;
    match backend.pauses(&connections.reader(), owner).await {
        Ok(pauses) => Ok(pauses.into_iter().map(|Paused { field, .. }| field).collect()),
        Err(error)
            if backend.lacks_right(&error) || backend.missing_object(owner, &error).is_some() =>
        {
            if engine.paused.is_first_refusal(&owner.table) {
                tracing::warn!(
                    table = owner.table.name,
                    error = %error,
                    "the worker cannot read which fields are paused, and takes none as paused: \
                     call `CachedFields::install`, and see `CachedFields::doctor`"
                );
            }
            Ok(Vec::new())
        }
        Err(error) => Err(error.into()),
    }
}

/// Fails if the tables of an owner are those of an older release.
pub(crate) async fn check_tables(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
) -> Result<(), Error> {
    let owner = &model.owner;
    match engine.backend.pauses(&connections.into().reader(), owner).await {
        Err(error) if !engine.backend.lacks_right(&error) => {
            Err(explained(engine.backend, [owner], error.into()))
        }
        _ => Ok(()),
    }
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
            let asked = engine.paused.ask();
            let names = names_of_paused(engine, connections.into(), model).await?;
            engine.paused.know(&owner.table, names, asked)
        }
    };
    let is_paused = |field: &usize| paused.contains(owner.fields[*field].name);
    Ok(fields.iter().copied().filter(|field| !is_paused(field)).collect())
}
