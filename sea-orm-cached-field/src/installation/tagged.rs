//! Objects with a tag of this library, whichever program has made them.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::{Change, Changes};
use crate::{Error, backend::Backend, catalog::Tagged, layout::Table};

/// Returns all objects with a tag in this database, by the tables that they serve. For a given
/// owner, it returns the objects of that owner, in any database.
pub(super) async fn tagged(
    db: &impl ConnectionTrait,
    backend: Backend,
    owner: Option<&Table>,
) -> Result<Vec<(Table, Vec<Tagged>)>, Error> {
    let mut owners: BTreeMap<(Option<String>, String), Vec<Tagged>> = BTreeMap::new();
    for (Table { schema, name }, tagged) in backend.tagged(db, owner).await? {
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
    backend: Backend,
    owner: &Table,
    mut objects: Vec<Tagged>,
    changes: &mut Changes,
) -> Result<(), Error> {
    objects.sort_by(|a, b| (b.kind, &b.name).cmp(&(a.kind, &a.name)));
    for Tagged { kind, name, on, parent, .. } in objects {
        db.execute_unprepared(&backend.drop_object(&on, kind, &name, parent.as_deref())).await?;
        changes.0.push(Change::dropped(owner, kind, name));
    }
    Ok(())
}
