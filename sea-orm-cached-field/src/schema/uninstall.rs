//! Uninstall: everything of ours goes, the columns stay with their values.

use std::sync::Arc;

use futures_util::FutureExt;
use sea_orm::{ConnectionTrait, DatabaseExecutor, DatabaseTransaction};

use super::{
    Change, Changes,
    inspect::describe,
    install::{begin, end, installed, to_the_end},
};
use crate::{
    Error,
    dialect::{Dialect, sql::marks},
    field::layout::Owner,
    registry::Model,
};

/// Drops all that was installed for these models, in one transaction.
pub(crate) async fn uninstall(db: &DatabaseExecutor<'_>, models: &[Arc<Model>]) -> Result<Changes, Error> {
    to_the_end(db, models, |db, dialect, models| uninstall_all(db, dialect, models).boxed()).await
}

async fn uninstall_all(
    db: &DatabaseExecutor<'_>,
    dialect: &dyn Dialect,
    models: &[Arc<Model>],
) -> Result<Changes, Error> {
    let transaction = begin(db, dialect).await?;
    let dropped = drop_all(&transaction, dialect, models).await;
    end(transaction, dialect, dropped).await
}

async fn drop_all(db: &DatabaseTransaction, dialect: &dyn Dialect, models: &[Arc<Model>]) -> Result<Changes, Error> {
    let mut changes = Changes::default();
    for model in models {
        let owner = with_schema(db, dialect, &model.owner).await?;
        let installed = installed(db, dialect, &owner).await?;
        // Backwards: triggers, functions, indexes, tables. What has no tag is not ours.
        for ((kind, name, parent), _) in installed.into_iter().rev().filter(|(_, tag)| !tag.is_empty()) {
            db.execute_unprepared(&dialect.drop_object(&owner, kind, &name, parent.as_deref())).await?;
            changes.0.push(Change::Dropped { table: owner.table.name.clone(), kind: kind.name(), name });
        }
    }
    Ok(changes)
}

/// The owner with the real schema of its table; if that was dropped, of our table of marks.
async fn with_schema(db: &DatabaseTransaction, dialect: &dyn Dialect, owner: &Owner) -> Result<Owner, Error> {
    let (db, mut owner) = (DatabaseExecutor::Transaction(db), owner.clone());
    for table in [owner.table.clone(), marks(&owner)] {
        if let Some(found) = describe(dialect, &db, &table).await? {
            owner.table.schema = found.described.table.schema;
            break;
        }
    }
    Ok(owner)
}
