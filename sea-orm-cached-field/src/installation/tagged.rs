//! What stands in the database with a tag of this library, whichever program has made it.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::{Change, Changes};
use crate::{Error, backend::Dialect, catalog::ObjectKind, layout::Table};

/// An object with a tag.
pub(super) struct Tagged {
    pub(super) kind: ObjectKind,
    pub(super) name: String,
    pub(super) tag: String,
    /// The table that a trigger or an index stands on; of other objects only the schema is known.
    pub(super) on: Table,
    /// Whether the database's user may drop it.
    pub(super) is_droppable: bool,
    parent: Option<String>,
}

/// All objects with a tag in this database, by the tables that they serve; or those of one owner,
/// in any database.
pub(super) async fn tagged(
    db: &impl ConnectionTrait,
    dialect: &dyn Dialect,
    owner: Option<&Table>,
) -> Result<Vec<(Table, Vec<Tagged>)>, Error> {
    let mut owners: BTreeMap<(Option<String>, String), Vec<Tagged>> = BTreeMap::new();
    for row in db.query_all_raw(dialect.tagged(owner)).await? {
        let kind: String = row.try_get("", "kind")?;
        let tag: String = row.try_get("", "tag")?;
        let (Some(kind), Some(Table { schema, name })) =
            (ObjectKind::parse(&kind), dialect.owner_of(&tag))
        else {
            continue;
        };
        let on: Option<String> = row.try_get("", "on_table")?;
        let tagged = Tagged {
            kind,
            tag,
            name: row.try_get("", "name")?,
            on: Table { schema: row.try_get("", "schema")?, name: on.unwrap_or_default() },
            is_droppable: row.try_get("", "droppable")?,
            parent: row.try_get("", "parent")?,
        };
        owners.entry((schema, name)).or_default().push(tagged);
    }
    Ok(owners
        .into_iter()
        .map(|((schema, name), tagged)| (Table { schema, name }, tagged))
        .collect())
}

/// Drops objects of an owner: triggers, functions, indexes, tables, in this order.
pub(super) async fn drop_tagged(
    db: &DatabaseTransaction,
    dialect: &dyn Dialect,
    owner: &Table,
    mut objects: Vec<Tagged>,
    changes: &mut Changes,
) -> Result<(), Error> {
    objects.sort_by(|a, b| (b.kind, &b.name).cmp(&(a.kind, &a.name)));
    for Tagged { kind, name, on, parent, .. } in objects {
        db.execute_unprepared(&dialect.drop_object(&on, kind, &name, parent.as_deref())).await?;
        changes.0.push(Change::Dropped { table: owner.name.clone(), kind: kind.name(), name });
    }
    Ok(())
}
