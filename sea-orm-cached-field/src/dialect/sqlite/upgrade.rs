//! What brings tables of ours from older schemas to the one of [`tables`](super::tables).
//!
//! SQLite keeps the text that made a table, with its tag. So each is made anew, and its rows are carried over. Not by a new
//! name for the old one, which would go into the text of triggers.

use crate::{
    dialect::{
        Object,
        sql::{key_columns, marks, quote, recalculations},
    },
    field::layout::Owner,
};

pub(super) fn upgrade(owner: &Owner, table: &Object, _from: u32) -> Vec<String> {
    let (name, carried, columns) = (quote(&table.name), "sea_orm_cached_field_carried", columns(owner, table));
    let mut steps =
        vec![format!("CREATE TEMP TABLE {carried} AS SELECT {columns} FROM {name}"), format!("DROP TABLE {name}")];
    steps.extend_from_slice(&table.create);
    steps.push(format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM temp.{carried}"));
    steps.push(format!("DROP TABLE temp.{carried}"));
    steps
}

/// The columns of schema 1, the only older one.
fn columns(owner: &Owner, table: &Object) -> String {
    let keys = key_columns(owner).join(", ");
    if table.name == marks(owner).name {
        format!("id, field, {keys}, eager, marked_at")
    } else if table.name == recalculations(owner).name {
        format!("{keys}, field, generation, due_at, leased_until, attempts, last_error, first_marked_at")
    } else {
        "field, version".to_owned()
    }
}
