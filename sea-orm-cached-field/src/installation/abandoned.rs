//! Objects in the database for tables that have no cached fields in this program.
//!
//! Two programs with different models may share a database, and a program has many versions. These
//! rules decide which objects are still needed:
//!
//! - An owner is dead if its table is gone, was renamed, or lacks a column that its triggers read.
//!   Its objects serve no program, and make writes fail. `install` drops them.
//! - `install` records which crate declares the model of an owner. If that crate is not part of
//!   this program, the owner belongs to another program. It is left alone.
//! - Any other object may serve another version of this program. It is reported, and removed only
//!   on request.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::FutureExt;
use sea_orm::{ConnectionTrait, DatabaseExecutor, DatabaseTransaction};

use super::{
    Change, Changes,
    install::{begin, end, to_the_end},
    tagged::{drop_tagged, tagged},
};
use crate::{
    InstallError,
    backend::{Backend, sql::versions_beside},
    catalog::{Found, Object, ObjectKind, Tagged},
    layout::{Table, own_columns, written_column},
    registry::{Model, declared},
};

/// The objects of an owner that has no cached fields in this program.
pub(super) struct Abandoned {
    pub(super) owner: Table,
    pub(super) objects: Vec<Tagged>,
    /// Whether they serve no program at all.
    pub(super) is_dead: bool,
    /// The crates that have declared its fields; none if they were never recorded.
    declared_by: BTreeSet<String>,
}

impl Abandoned {
    /// Returns whether another program may need it.
    fn is_foreign(&self, crates: &BTreeSet<&str>) -> bool {
        !self.is_dead && self.declared_by.iter().any(|name| !crates.contains(name.as_str()))
    }
}

/// Returns the crates that declare models of this program.
fn crates(models: &[Arc<Model>]) -> BTreeSet<&'static str> {
    declared()
        .into_iter()
        .map(|(_, name)| name)
        .chain(models.iter().map(|model| model.declared_by))
        .collect()
}

/// Returns whether a model of this program has cached fields of this table.
fn is_declared(models: &[Arc<Model>], owner: &Table) -> bool {
    let mut tables = declared().into_iter().map(|(table, _)| table);
    let is_it = |table: &Table| {
        table.name == owner.name && (table.schema.is_none() || table.schema == owner.schema)
    };
    tables.any(|table| is_it(&table)) || models.iter().any(|model| is_it(&model.owner.table))
}

/// Returns everything that serves no model of this program, except for what belongs to another
/// program.
pub(super) async fn abandoned(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    models: &[Arc<Model>],
) -> Result<Vec<Abandoned>, InstallError> {
    let crates = crates(models);
    let all = unneeded(db, backend, models).await?;
    Ok(all.into_iter().filter(|abandoned| !abandoned.is_foreign(&crates)).collect())
}

/// Returns everything that serves no model of this program.
async fn unneeded(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    models: &[Arc<Model>],
) -> Result<Vec<Abandoned>, InstallError> {
    let mut unneeded = Vec::new();
    for (owner, objects) in tagged(db, backend, None).await? {
        let has_tables = objects.iter().any(|object| object.kind == ObjectKind::Table);
        if backend.hides_tables() && !has_tables {
            // Its triggers can be seen on related tables, while the table itself cannot.
            continue;
        }

        let mut is_dead = true;
        let mut declared_by = BTreeSet::new();
        if let Some(Found { kind, described }) = backend.describe(db, &owner).await?
            && kind == "table"
        {
            if is_declared(models, &owner) {
                continue;
            }
            let declarations = declarations(db, backend, &owner, &objects).await?;
            let has = |column: &str| {
                described.columns.keys().any(|found| written_column(found) == column)
            };
            is_dead = declarations.iter().any(|(inputs, _)| !own_columns(inputs).all(has));
            declared_by =
                declarations.into_iter().filter_map(|(_, declared_by)| declared_by).collect();
        }

        unneeded.push(Abandoned { owner, objects, is_dead, declared_by });
    }
    Ok(unneeded)
}

/// Returns the recorded inputs of an owner's fields, and the crate that declares them. They are
/// recorded only if the release of this library that installed the fields did so.
async fn declarations(
    db: &impl ConnectionTrait,
    backend: Backend,
    owner: &Table,
    objects: &[Tagged],
) -> Result<Vec<(String, Option<String>)>, InstallError> {
    let versions = versions_beside(owner);
    let is_versions =
        |object: &&Tagged| object.kind == ObjectKind::Table && object.name == versions.name;
    let mut declarations = Vec::new();
    if objects.iter().find(is_versions).is_some_and(|object| Object::schema(&object.tag) >= 3) {
        let found = backend.declarations(db, owner).await?.into_iter();
        declarations
            .extend(found.map(|(inputs, declared_by)| (inputs.unwrap_or_default(), declared_by)));
    }
    Ok(declarations)
}

/// Drops the objects that serve no program, and reports the rest.
pub(super) async fn drop_dead(
    db: &DatabaseTransaction,
    backend: Backend,
    models: &[Arc<Model>],
    changes: &mut Changes,
) -> Result<(), InstallError> {
    for Abandoned { owner, objects, is_dead, .. } in
        abandoned(&DatabaseExecutor::Transaction(db), backend, models).await?
    {
        // If a program does need it, its next `install` flags all rows. But until then no change
        // would be seen. So all else is only reported.
        if is_dead && objects.iter().all(|object| object.is_droppable) {
            drop_owner(db, backend, &owner, changes).await?;
        } else {
            changes.0.push(Change::Abandoned { table: owner.name });
        }
    }
    Ok(())
}

async fn drop_owner(
    db: &DatabaseTransaction,
    backend: Backend,
    owner: &Table,
    changes: &mut Changes,
) -> Result<(), InstallError> {
    for (owner, objects) in tagged(db, backend, Some(owner)).await? {
        drop_tagged(db, backend, &owner, objects, changes).await?;
    }
    Ok(())
}

/// Drops the objects of the table that the caller names.
pub(crate) async fn remove_abandoned(
    db: &DatabaseExecutor<'_>,
    table: &str,
) -> Result<Changes, InstallError> {
    to_the_end(db, table.to_owned(), |db, backend, table| remove_all(db, backend, table).boxed())
        .await
}

async fn remove_all(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    table: &str,
) -> Result<Changes, InstallError> {
    let transaction = begin(db, backend).await?;
    let removed = remove(&transaction, backend, table).await;
    end(transaction, backend, removed).await
}

async fn remove(
    db: &DatabaseTransaction,
    backend: Backend,
    table: &str,
) -> Result<Changes, InstallError> {
    let mut changes = Changes::default();
    let crates = crates(&[]);
    let is_meant = |owner: &Table| {
        let with_schema = owner.schema.iter().map(|schema| format!("{schema}.{}", owner.name));
        owner.name == table || with_schema.into_iter().any(|name| name == table)
    };
    let refused = |reason| Err(InstallError::NotAbandoned { table: table.to_owned(), reason });

    if declared().iter().any(|(declared, _)| is_meant(declared)) {
        return refused(
            "a model of this program declares them: to drop what serves it, use `uninstall`"
                .to_owned(),
        );
    }

    for abandoned in unneeded(&DatabaseExecutor::Transaction(db), backend, &[]).await? {
        if !is_meant(&abandoned.owner) {
            continue;
        }
        if abandoned.is_foreign(&crates) {
            let names = Vec::from_iter(abandoned.declared_by).join(", ");
            let versions = backend.qualified(&versions_beside(&abandoned.owner));
            return refused(format!(
                "they were declared by the crate {names}, which is no part of this program: call \
                 `uninstall` in the program that has it; if there is none any more, first run \
                 `UPDATE {versions} SET declared_by = NULL`"
            ));
        }
        drop_owner(db, backend, &abandoned.owner, &mut changes).await?;
    }

    Ok(changes)
}
