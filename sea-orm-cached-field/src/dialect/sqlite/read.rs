//! Whether a stored value is right.

use sea_orm::Statement;

use super::{statement, way};
use crate::{
    dialect::sql::{Sql, equal, key_columns, literal, marks, owner_key, prefixed, quote, recalculations},
    field::{
        Key,
        layout::{Owner, Source},
    },
};

/// Whether the field of the row with this key is marked; `field` is an SQL expression.
pub(super) fn marked(owner: &Owner, row: &str, row_key: &[String], field: &str) -> String {
    let same_key = equal("m", &key_columns(owner), row, row_key);
    format!("EXISTS (SELECT 1 FROM {} m WHERE {same_key} AND m.field = {field})", quote(&marks(owner).name))
}

/// Whether the field of the row `t` is stale: flagged, expired, marked or queued.
fn stale(owner: &Owner, field: usize) -> String {
    let column = &owner.fields[field];
    let name = literal(column.name);
    let expired =
        column.expires_after.as_ref().map(|expires| format!("julianday(t.{}) <= julianday('now')", quote(expires)));
    format!(
        "(t.{flag} OR coalesce({expired}, false) OR {marked}
                OR EXISTS (SELECT 1 FROM {queue} q WHERE {queued} AND q.field = {name}))",
        flag = quote(&column.recalculation_needed),
        expired = expired.as_deref().unwrap_or("false"),
        marked = marked(owner, "t", &owner_key(owner), &name),
        queue = quote(&recalculations(owner).name),
        queued = equal("q", &key_columns(owner), "t", &owner_key(owner)),
    )
}

pub(super) fn status(owner: &Owner, field: usize, key: &Key) -> Statement {
    let mut sql = Sql::sqlite();
    let is_row = sql.key_is(owner, "t.", &owner_key(owner), key);
    let text = format!("SELECT {} AS stale FROM {} t WHERE {is_row}", stale(owner, field), quote(&owner.table.name));
    statement(sql, text)
}

pub(super) fn stale_behind(owner: &Owner, source: &Source, key: &Key, of: &Owner, field: usize) -> Statement {
    let mut sql = Sql::sqlite();
    let is_row = sql.key_is(owner, "t.", &owner_key(owner), key);
    let of_key = owner_key(of);
    let selected: Vec<String> =
        of_key.iter().zip(key_columns(of)).map(|(own, key)| format!("t.{own} AS {key}")).collect();
    let text = format!(
        "SELECT {} FROM {} t WHERE ({}) IN ({}) AND {}",
        selected.join(", "),
        quote(&of.table.name),
        prefixed("t", &of_key),
        way::rows_of(owner, source, &is_row, &of_key),
        stale(of, field),
    );
    statement(sql, text)
}
