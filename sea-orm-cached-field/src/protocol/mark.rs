//! Mark: by the library's own methods. The triggers make all other marks.

use sea_orm::{DatabaseExecutor, DbErr};

use super::{Connections, explained};
use crate::{
    Error,
    backend::Backend,
    declaration::{Expiry, Key},
    engine::Engine,
    event::Event,
    registry::Model,
    transaction,
};

/// Flags a row. `eager`: whether a worker recalculates it, or else the next reader does. `None`
/// leaves that to the settings.
pub(crate) async fn flag(
    db: &DatabaseExecutor<'_>,
    model: &Model,
    field: usize,
    key: &Key,
    eager: Option<bool>,
) -> Result<(), Error> {
    match eager {
        None => Backend::of(db)?.flag(db, &model.owner, field, key).await?,
        Some(eager) => flag_all(db, model, field, std::slice::from_ref(key), eager).await?,
    }
    if let DatabaseExecutor::Connection(connection) = db {
        let engine = Engine::of(connection)?;
        let table = model.owner.table.name.clone();
        let field = model.owner.fields[field].name;
        engine.publish(Event::Flagged { table, field, key: key.clone() });
        engine.wake.send_replace(());
    }
    Ok(())
}

/// Flags rows, to be recalculated by a worker or only by readers. Flags all of them or none.
pub(crate) async fn flag_all(
    db: &DatabaseExecutor<'_>,
    model: &Model,
    field: usize,
    keys: &[Key],
    eager: bool,
) -> Result<(), Error> {
    let backend = Backend::of(db)?;
    let transaction = transaction::begin_writing_within(db).await?;
    let flagged = async {
        for key in keys {
            match eager {
                true => backend.flag_eagerly(&transaction, &model.owner, field, key).await?,
                false => backend.flag_lazily(&transaction, &model.owner, field, key).await?,
            }
        }
        Ok(())
    };
    let flagged =
        flagged.await.map_err(|error: DbErr| explained(backend, [&model.owner], error.into()));
    transaction::end(transaction, flagged).await
}

/// Publishes that rows were flagged together, and wakes the worker.
pub(crate) fn flagged(
    db: &DatabaseExecutor<'_>,
    model: &Model,
    field: usize,
    rows: u64,
) -> Result<(), Error> {
    if let DatabaseExecutor::Connection(connection) = db {
        let engine = Engine::of(connection)?;
        let table = model.owner.table.name.clone();
        let field = model.owner.fields[field].name;
        engine.publish(Event::FlaggedRows { table, field, rows });
        engine.wake.send_replace(());
    }
    Ok(())
}

/// Sets the moment from which on the row counts as stale.
pub(crate) async fn set_expiry(
    db: &DatabaseExecutor<'_>,
    model: &Model,
    field: usize,
    key: &Key,
    expiry: Expiry,
) -> Result<(), Error> {
    let backend = Backend::of(db)?;
    let moment = model.owner.fields[field].stored_expiry(expiry);
    backend.set_expiry(db, &model.owner, field, key, moment).await?;
    // A sleeping worker must be woken, because it may sleep past this moment.
    backend.wake(db).await?;
    if let DatabaseExecutor::Connection(connection) = db {
        Engine::of(connection)?.wake.send_replace(());
    }
    Ok(())
}

/// Flags the rows of a model whose expiry has passed, at most `rows` a field. The triggers mark
/// them.
pub(crate) async fn flag_expired(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    rows: u64,
) -> Result<(), Error> {
    let connections = connections.into();
    let temporal =
        model.owner.fields.iter().enumerate().filter(|(_, field)| field.expires_after.is_some());

    for (index, field) in temporal {
        let flagged = connections
            .within(engine, false, async |transaction| {
                Ok(engine.backend.flag_expired(transaction, &model.owner, index, rows).await?)
            })
            .await?;
        if flagged > 0 {
            engine.publish(Event::Expired {
                table: model.owner.table.name.clone(),
                field: field.name,
                rows: flagged,
            });
        }
    }
    Ok(())
}
