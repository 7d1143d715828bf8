//! What brings tables of the library from older schemas to the one of [`tables`](super::tables).

use super::{
    DIALECT,
    tables::{bound_definitions, comment, key_index},
};
use crate::{
    backend::{
        names::Columns,
        sql::{fitted, marks, name_in_schema, recalculations, versions},
    },
    catalog::{Described, Object, ObjectKind},
    layout::Owner,
};

pub(crate) fn upgrade(
    owner: &Owner,
    described: &Described,
    table: &Object,
    from: u32,
) -> Vec<String> {
    let name = DIALECT.beside(&owner.table, &table.name);
    let mut steps = if from < 3 { new_names(owner, table, from) } else { Vec::new() };

    if from < 3 && table.name == marks(owner).name {
        let marks = &table.name;
        let index = fitted(format!("{marks}_key"));
        let index = DIALECT.beside(&owner.table, &index);
        steps.extend([format!("DROP INDEX IF EXISTS {index}"), key_index(owner)]);
        let columns = bound_definitions(owner, described)
            .into_iter()
            .map(|column| format!("ADD COLUMN {column}"));
        let columns = columns.collect::<Columns>();
        steps.push(format!("ALTER TABLE {name} {columns}"));
    }
    if from < 2 && table.name == recalculations(owner).name {
        steps.push(format!("ALTER TABLE {name} ADD COLUMN waves integer NOT NULL DEFAULT 0"));
    }
    if from < 3 && table.name == recalculations(owner).name {
        steps.push(format!("ALTER TABLE {name} RENAME COLUMN first_marked_at TO queued_at"));
    }
    if from < 4 && table.name == recalculations(owner).name {
        steps.push(format!("ALTER TABLE {name} ADD COLUMN stale_since timestamptz"));
    }
    if from < 2 && table.name == versions(owner).name {
        steps.push(format!(
            "ALTER TABLE {name}
                ADD COLUMN inputs text,
                ADD COLUMN kept_by text,
                ADD COLUMN renewal bigint"
        ));
    }
    if from < 3 && table.name == versions(owner).name {
        steps.push(format!("ALTER TABLE {name} ADD COLUMN declared_by text"));
    }

    steps.push(comment(owner, ObjectKind::Table, &table.name, None, &table.tag));
    steps
}

/// The table, its indexes and its sequence.
fn new_names(owner: &Owner, table: &Object, from: u32) -> Vec<String> {
    let older = name_in_schema(from, &owner.table, &table.name);
    let beside = |name: &str| DIALECT.beside(&owner.table, name);
    let renamed = |kind: &str, suffix: &str| {
        let [older, new] = [&older, &table.name].map(|name| fitted(format!("{name}_{suffix}")));
        let (older, new) = (beside(&older), DIALECT.quote(&new));
        format!("ALTER {kind} IF EXISTS {older} RENAME TO {new}")
    };

    let older_table = beside(&older);
    let new = DIALECT.quote(&table.name);
    let mut steps = vec![format!("ALTER TABLE {older_table} RENAME TO {new}")];
    steps.extend(["pkey", "key", "via", "due"].map(|suffix| renamed("INDEX", suffix)));
    steps.push(renamed("SEQUENCE", "id_seq"));
    steps
}
