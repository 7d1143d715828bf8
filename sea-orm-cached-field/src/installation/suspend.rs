//! Suspend: before a migration changes a table, drop the triggers that could stop it, or that would
//! fail after it. The next installation creates them again. Suspending also forgets the record of
//! the fields, so that the next installation flags all of their rows.

use futures_util::FutureExt;
use sea_orm::{DatabaseExecutor, DatabaseTransaction};

use super::{
    Changes,
    install::{begin, end, to_the_end},
    tagged::{drop_tagged, tagged},
};
use crate::{
    InstallError,
    backend::{
        Backend,
        sql::{name_in_schema, versions_beside},
    },
    catalog::{ObjectKind, Tagged},
    layout::Table,
};

/// Drops all triggers of each owner that has one on this table. Those on other tables may refer to
/// it, too.
pub(crate) async fn suspend(
    db: &DatabaseExecutor<'_>,
    table: &str,
) -> Result<Changes, InstallError> {
    to_the_end(db, table.to_owned(), |db, backend, table| suspend_all(db, backend, table).boxed())
        .await
}

async fn suspend_all(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    table: &str,
) -> Result<Changes, InstallError> {
    let transaction = begin(db, backend).await?;
    let suspended = suspend_owners(&transaction, backend, table).await;
    end(transaction, backend, suspended).await
}

async fn suspend_owners(
    db: &DatabaseTransaction,
    backend: Backend,
    table: &str,
) -> Result<Changes, InstallError> {
    let table = found(db, backend, table).await?;
    let mut changes = Changes::default();
    for (owner, objects) in tagged(db, backend, None).await? {
        let stands_on = |object: &Tagged| object.kind == ObjectKind::Trigger && object.on == table;
        if owner != table && !objects.iter().any(stands_on) {
            continue;
        }
        suspend_owner(db, backend, &owner, &table, &mut changes).await?;
    }
    Ok(changes)
}

/// Forgets the record of an owner's fields. Then drops its triggers, and its indexes on `table`.
pub(super) async fn suspend_owner(
    db: &DatabaseTransaction,
    backend: Backend,
    owner: &Table,
    table: &Table,
    changes: &mut Changes,
) -> Result<(), InstallError> {
    let tagged = tagged(db, backend, Some(owner)).await?;
    let objects: Vec<Tagged> = tagged.into_iter().flat_map(|(_, objects)| objects).collect();

    let versions = versions_beside(owner).name;
    let names = [name_in_schema(2, owner, &versions), versions];
    for object in objects
        .iter()
        .filter(|object| object.kind == ObjectKind::Table && names.contains(&object.name))
    {
        let versions = Table { schema: owner.schema.clone(), name: object.name.clone() };
        backend.forget(db, &versions).await?;
    }

    let in_the_way = |object: &Tagged| match object.kind {
        ObjectKind::Trigger => true,
        ObjectKind::Index => object.on == *table,
        ObjectKind::Table | ObjectKind::Function => false,
    };
    let objects = objects.into_iter().filter(in_the_way).collect();
    Ok(drop_tagged(db, backend, owner, objects, changes).await?)
}

/// Returns the table of this name, which may begin with a schema.
async fn found(
    db: &DatabaseTransaction,
    backend: Backend,
    name: &str,
) -> Result<Table, InstallError> {
    let whole = Table { schema: None, name: name.to_owned() };
    let parts = name.split_once('.');
    let parts = parts
        .map(|(schema, name)| Table { schema: Some(schema.to_owned()), name: name.to_owned() });
    for table in std::iter::once(whole).chain(parts) {
        if let Some(found) = backend.describe(db, &table).await? {
            return Ok(found.described.table);
        }
    }
    Err(InstallError::NothingToSuspend { table: name.to_owned() })
}
