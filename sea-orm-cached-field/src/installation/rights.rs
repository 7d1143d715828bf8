//! What workers' roles need.

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::{Change, Changes};
use crate::{Error, backend::Dialect, layout::Owner};

/// Something that a role lacks, though it works on our tables.
pub(super) struct MissingRight {
    pub(super) role: String,
    pub(super) privilege: String,
    /// A statement.
    pub(super) remedy: String,
    /// Whether it is a right on something of ours that we may grant.
    ours: bool,
}

pub(super) async fn missing_rights(
    db: &impl ConnectionTrait,
    dialect: &dyn Dialect,
    owner: &Owner,
) -> Result<Vec<MissingRight>, Error> {
    let Some(query) = dialect.missing_rights(owner) else { return Ok(Vec::new()) };
    let mut missing = Vec::new();
    for row in db.query_all_raw(query).await? {
        missing.push(MissingRight {
            role: row.try_get("", "role")?,
            privilege: row.try_get("", "privilege")?,
            remedy: row.try_get("", "remedy")?,
            ours: row.try_get("", "ours")?,
        });
    }
    Ok(missing)
}

/// Grants what workers' roles lack on functions and sequences of ours, and names what they lack on
/// tables.
pub(super) async fn grant(
    db: &DatabaseTransaction,
    dialect: &dyn Dialect,
    owner: &Owner,
    changes: &mut Changes,
) -> Result<(), Error> {
    for MissingRight { role, privilege, remedy, ours } in missing_rights(db, dialect, owner).await?
    {
        let table = owner.table.name.clone();
        if ours {
            db.execute_unprepared(&remedy).await?;
            changes.0.push(Change::Granted { table, role, privilege });
        } else {
            tracing::warn!(
                "{table}: a worker of the role {role} lacks {privilege}: run `{remedy}`"
            );
        }
    }
    Ok(())
}
