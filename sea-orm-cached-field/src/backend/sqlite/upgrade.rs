//! What brings tables of the library from older schemas to the one of [`tables`](super::tables).
//!
//! SQLite keeps the text that made a table, with its tag. So each is made anew, and its rows are
//! carried over. Not by a new name for the old one, which would go into the text of triggers.

use super::{DIALECT, names};
use crate::{
    backend::sql::{marks, name_in_schema, recalculations},
    catalog::{Described, Object},
    layout::Owner,
};

/// The name that a column of the queue had before schema 3, and the one that it has.
const SINCE_1: &str = "first_marked_at";
const SINCE_3: &str = "queued_at";

pub(crate) fn upgrade(owner: &Owner, _: &Described, table: &Object, from: u32) -> Vec<String> {
    let name = DIALECT.quote(&table.name);
    let carried = "sea_orm_cached_field_carried";
    let columns = columns(owner, table, from);
    let older = DIALECT.quote(&name_in_schema(from, &owner.table, &table.name));

    let mut steps = vec![
        format!("CREATE TEMP TABLE {carried} AS SELECT {columns} FROM {older}"),
        format!("DROP TABLE {older}"),
    ];
    steps.extend_from_slice(&table.create);
    let now = columns.replace(SINCE_1, SINCE_3);
    steps.push(format!("INSERT INTO {name} ({now}) SELECT {columns} FROM temp.{carried}"));
    steps.push(format!("DROP TABLE temp.{carried}"));

    steps
}

/// The columns that the table had.
fn columns(owner: &Owner, table: &Object, schema: u32) -> String {
    let names = names(owner);
    let keys = names.keys();
    let (columns, since_2, since_3) = if table.name == marks(owner).name {
        let bounds = ["after", "to"].map(|bound| names.bound(bound));
        let bounds = bounds.map(|columns| format!(", {columns}")).concat();
        (format!("id, field, {keys}, eager, marked_at"), "", bounds)
    } else if table.name == recalculations(owner).name {
        let since = if schema < 3 { SINCE_1 } else { SINCE_3 };
        let columns = "field, generation, due_at, leased_until, attempts, last_error";
        (format!("{keys}, {columns}, {since}"), ", waves", String::new())
    } else {
        ("field, version".to_owned(), ", inputs, kept_by, renewal", ", declared_by".to_owned())
    };

    let since_2 = if schema >= 2 { since_2 } else { "" };
    let since_3 = if schema >= 3 { since_3.as_str() } else { "" };
    format!("{columns}{since_2}{since_3}")
}
