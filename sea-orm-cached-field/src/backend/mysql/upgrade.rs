//! What brings tables of the library from older schemas to the one of [`tables`](super::tables).

use super::{
    DIALECT,
    tables::{NAME, bound_definitions},
};
use crate::{
    backend::{
        names::Columns,
        sql::{marks, name_in_schema, recalculations, versions},
    },
    catalog::{Described, Object},
    layout::Owner,
};

/// One statement: each commits what was done before.
pub(crate) fn upgrade(
    owner: &Owner,
    described: &Described,
    table: &Object,
    from: u32,
) -> Vec<String> {
    let mut columns = Vec::new();
    if from < 3 && table.name == marks(owner).name {
        columns.extend(bound_definitions(owner, described));
    }
    if from < 2 && table.name == recalculations(owner).name {
        columns.push("waves INT NOT NULL DEFAULT 0".to_owned());
    }
    if from < 4 && table.name == recalculations(owner).name {
        columns.push("stale_since DATETIME(6) NULL".to_owned());
    }
    if from < 2 && table.name == versions(owner).name {
        columns.extend(["inputs", "kept_by"].map(|name| format!("{name} LONGTEXT {NAME} NULL")));
        columns.push("renewal BIGINT NULL".to_owned());
    }
    if from < 3 && table.name == versions(owner).name {
        columns.push(format!("declared_by VARCHAR(128) {NAME} NULL"));
    }

    let beside = |name: &str| DIALECT.beside(&owner.table, name);
    let mut changes: Vec<String> =
        columns.into_iter().map(|column| format!("ADD COLUMN {column}")).collect();
    if from < 3 && table.name == recalculations(owner).name {
        changes.push("RENAME COLUMN first_marked_at TO queued_at".to_owned());
    }

    let tag = DIALECT.literal(&table.tag);
    changes.push(format!("COMMENT = {tag}"));
    let older = name_in_schema(from, &owner.table, &table.name);
    if older != table.name {
        let new = beside(&table.name);
        changes.push(format!("RENAME TO {new}"));
    }

    let older = beside(&older);
    let changes = Columns::from_iter(changes);
    vec![format!("ALTER TABLE {older} {changes}")]
}
