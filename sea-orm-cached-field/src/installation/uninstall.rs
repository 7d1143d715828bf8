//! Uninstall: drop all objects of the library, and keep the columns with their values.

use std::sync::Arc;

use futures_util::FutureExt;
use sea_orm::{DatabaseExecutor, DatabaseTransaction};

use super::{
    Changes,
    abandoned::drop_dead,
    inspect::own_tables,
    install::{begin, drop_all as drop_objects, end, installed, to_the_end},
};
use crate::{
    InstallError,
    backend::{
        Backend,
        sql::{marks, records},
    },
    catalog::ObjectKind,
    layout::{Owner, Table},
    registry::Model,
};

/// Drops everything that was installed for these models, in one transaction.
pub(crate) async fn uninstall(
    db: &DatabaseExecutor<'_>,
    models: &[Arc<Model>],
) -> Result<Changes, InstallError> {
    to_the_end(db, models.to_vec(), |db, backend, models| {
        uninstall_all(db, backend, models).boxed()
    })
    .await
}

async fn uninstall_all(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    models: &[Arc<Model>],
) -> Result<Changes, InstallError> {
    let transaction = begin(db, backend).await?;
    let dropped = drop_all(&transaction, backend, models).await;
    end(transaction, backend, dropped).await
}

async fn drop_all(
    db: &DatabaseTransaction,
    backend: Backend,
    models: &[Arc<Model>],
) -> Result<Changes, InstallError> {
    let mut changes = Changes::default();
    for model in models {
        let owner = with_schema(db, backend, &model.owner).await?;
        drop_installed(db, backend, &owner, &mut changes).await?;
    }
    drop_dead(db, backend, models, &mut changes).await?;
    Ok(changes)
}

/// Drops everything that was installed for an owner.
async fn drop_installed(
    db: &DatabaseTransaction,
    backend: Backend,
    owner: &Owner,
    changes: &mut Changes,
) -> Result<(), InstallError> {
    drop_but(db, backend, owner, &[], changes).await
}

/// Drops everything but the tables that have no keys.
pub(super) async fn drop_for_another_key(
    db: &DatabaseTransaction,
    backend: Backend,
    owner: &Owner,
    changes: &mut Changes,
) -> Result<(), InstallError> {
    drop_but(db, backend, owner, &records(owner), changes).await
}

async fn drop_but(
    db: &DatabaseTransaction,
    backend: Backend,
    owner: &Owner,
    kept: &[Table],
    changes: &mut Changes,
) -> Result<(), InstallError> {
    let tables = own_tables(owner);
    let mut standing = installed(db, backend, owner).await?;
    standing.retain(|(kind, name, _), _| {
        *kind != ObjectKind::Table || !kept.iter().any(|table| table.name == *name)
    });
    // An object without a tag is not the library's. An index may be a copy, made with a copy of the
    // table.
    standing.retain(|(kind, ..), standing| {
        let is_copy = *kind == ObjectKind::Index && standing.is_on_none_of(&tables);
        !is_copy && !standing.tag.is_empty()
    });
    drop_objects(db, backend, owner, standing, changes).await
}

/// Returns the owner with the real schema of its table. If that was dropped, the schema is that of
/// the library's table of marks.
async fn with_schema(
    db: &DatabaseTransaction,
    backend: Backend,
    owner: &Owner,
) -> Result<Owner, InstallError> {
    let mut owner = owner.clone();
    for table in [owner.table.clone(), marks(&owner)] {
        if let Some(found) = backend.describe(db, &table).await? {
            owner.table.schema = found.described.table.schema;
            break;
        }
    }
    Ok(owner)
}
