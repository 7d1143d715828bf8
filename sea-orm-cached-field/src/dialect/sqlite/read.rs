//! Whether a stored value is right.

use sea_orm::Statement;

use super::statement;
use crate::{
    dialect::sql::{Sql, equal, key_columns, marks, owner_key, quote, recalculations},
    field::{Key, layout::Owner},
};

/// Whether the field of the row with this key is marked; `field` is an SQL expression.
pub(super) fn marked(owner: &Owner, row: &str, row_key: &[String], field: &str) -> String {
    let same_key = equal("m", &key_columns(owner), row, row_key);
    format!("EXISTS (SELECT 1 FROM {} m WHERE {same_key} AND m.field = {field})", quote(&marks(owner).name))
}

pub(super) fn status(owner: &Owner, field: usize, key: &Key) -> Statement {
    let mut sql = Sql::sqlite();
    let column = &owner.fields[field];
    let name = sql.bind(column.name);
    let is_row = sql.key_is(owner, "t.", &owner_key(owner), key);
    let expired =
        column.expires_after.as_ref().map(|expires| format!("julianday(t.{}) <= julianday('now')", quote(expires)));
    let text = format!(
        "SELECT t.{flag} OR coalesce({expired}, false) OR {marked}
                OR EXISTS (SELECT 1 FROM {queue} q WHERE {queued} AND q.field = {name}) AS stale
           FROM {table} t WHERE {is_row}",
        flag = quote(&column.recalculation_needed),
        expired = expired.as_deref().unwrap_or("false"),
        marked = marked(owner, "t", &owner_key(owner), &name),
        queue = quote(&recalculations(owner).name),
        queued = equal("q", &key_columns(owner), "t", &owner_key(owner)),
        table = quote(&owner.table.name),
    );
    statement(sql, text)
}
