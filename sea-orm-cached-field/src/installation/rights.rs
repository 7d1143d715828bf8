//! The rights that workers' roles need.

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::{Change, Changes};
use crate::{Error, backend::Backend, catalog::MissingRight, layout::Owner};

/// Grants the rights that workers' roles lack on functions and sequences of the library. Logs a
/// warning for each right that they lack on a table.
pub(super) async fn grant(
    db: &DatabaseTransaction,
    backend: Backend,
    owner: &Owner,
    changes: &mut Changes,
) -> Result<(), Error> {
    for MissingRight { role, privilege, remedy, can_be_granted } in
        backend.missing_rights(db, owner).await?
    {
        let table = owner.table.name.clone();
        if can_be_granted {
            db.execute_unprepared(&remedy).await?;
            changes.0.push(Change::Granted { table, role, privilege });
        } else {
            tracing::warn!(
                table,
                role,
                privilege,
                remedy,
                "{table}: workers of the role {role} lack {privilege}, and will fail: run \
                 `{remedy}`; `CachedFields::doctor` names what is still missing"
            );
        }
    }
    Ok(())
}
