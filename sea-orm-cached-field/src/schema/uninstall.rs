//! Uninstall: everything of ours goes, the columns stay with their values.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseExecutor, TransactionTrait};

use super::{Change, Changes, inspect::describe, install::installed};
use crate::{Error, dialect, registry::Model};

/// Drops all that was installed for these models, in one transaction.
pub(crate) async fn uninstall(db: &DatabaseExecutor<'_>, models: &[Arc<Model>]) -> Result<Changes, Error> {
    let dialect = dialect::of(db.get_database_backend())?;
    let mut changes = Changes::default();
    let transaction = db.begin().await?;
    for model in models {
        let mut owner = model.owner.clone();
        if let Some(table) = describe(dialect, &DatabaseExecutor::Transaction(&transaction), &owner.table).await? {
            owner.table = table.table;
        }
        // Backwards: triggers, functions, indexes, tables.
        for ((kind, name, parent), _) in installed(&transaction, dialect, &owner).await?.into_iter().rev() {
            transaction.execute_unprepared(&dialect.drop_object(&owner, kind, &name, parent.as_deref())).await?;
            changes.0.push(Change::Dropped { table: owner.table.name.clone(), kind: kind.name(), name });
        }
    }
    transaction.commit().await?;
    Ok(changes)
}
