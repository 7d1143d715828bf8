//! Versions of calculations: values that another one has calculated are stale.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DatabaseExecutor};

use super::{Change, Changes, backlog::in_chunks};
use crate::{
    Error,
    dialect::{Dialect, ObjectKind, sql::marks},
    field::{Key, layout::Owner},
    registry::Model,
};

/// Flags all rows of fields whose calculation has another version than the database knows, chunk after chunk. If it is cut
/// off, the next `install` does it again. Where nothing of ours has stood before, no value is of an older version.
pub(super) async fn renew(
    db: &DatabaseExecutor<'_>,
    dialect: &dyn Dialect,
    model: &Model,
    owner: &Owner,
    changes: &mut Changes,
) -> Result<(), Error> {
    if owner.fields.iter().all(|field| field.version == 0) {
        return Ok(());
    }
    let table = ObjectKind::Table.name();
    let is_new = changes.iter().any(
        |change| matches!(change, Change::Created { kind, name, .. } if *kind == table && *name == marks(owner).name),
    );
    let mut known: HashMap<String, i64> = HashMap::new();
    for row in db.query_all_raw(dialect.versions(owner)).await? {
        known.insert(row.try_get("", "field")?, row.try_get("", "version")?);
    }
    for (index, field) in owner.fields.iter().enumerate().filter(|(_, field)| field.version > 0) {
        if known.get(field.name) == Some(&i64::from(field.version)) {
            continue;
        }
        if !is_new {
            let flag = |field, after: Option<&Key>, to: Option<&Key>| dialect.flag_chunk(owner, field, after, to);
            let rows = in_chunks(db, dialect, model, owner, &[index], flag).await?.into_values().sum();
            let (table, field, version) = (owner.table.name.clone(), field.name, field.version);
            changes.0.push(Change::Outdated { table, field, version, rows });
        }
        for statement in dialect.set_version(owner, index) {
            db.execute_raw(statement).await?;
        }
    }
    Ok(())
}
