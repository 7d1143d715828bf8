//! What brings tables of ours from older schemas to the one of [`tables`](super::tables).

use super::tables::comment;
use crate::{
    dialect::{
        Object, ObjectKind,
        sql::{qualified, recalculations, versions},
    },
    field::layout::{Owner, Table},
};

pub(super) fn upgrade(owner: &Owner, table: &Object, from: u32) -> Vec<String> {
    let name = qualified(&Table { schema: owner.table.schema.clone(), name: table.name.clone() });
    let mut steps = Vec::new();
    if from < 2 && table.name == recalculations(owner).name {
        steps.push(format!("ALTER TABLE {name} ADD COLUMN waves integer NOT NULL DEFAULT 0"));
    }
    if from < 2 && table.name == versions(owner).name {
        steps.push(format!(
            "ALTER TABLE {name} ADD COLUMN inputs text, ADD COLUMN kept_by text, ADD COLUMN renewal bigint"
        ));
    }
    if from < 3 && table.name == versions(owner).name {
        steps.push(format!("ALTER TABLE {name} ADD COLUMN declared_by text"));
    }
    steps.push(comment(owner, ObjectKind::Table, &table.name, None, &table.tag));
    steps
}
