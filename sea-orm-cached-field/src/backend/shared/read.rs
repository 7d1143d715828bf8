//! Keys that rows are read by.

use crate::{
    backend::{bound::Bound, sql::Sql},
    declaration::Key,
    layout::Owner,
};

/// `k (key_1, ...) AS (..)`
pub(crate) fn keys(sql: &mut Sql, owner: &Owner, keys: &[Key]) -> String {
    sql.table("k", Bound::keys(owner, keys.iter()))
}

/// `k (key_1, ..., place) AS (..)`
pub(crate) fn numbered(sql: &mut Sql, owner: &Owner, keys: &[Key]) -> String {
    let mut columns = Bound::keys(owner, keys.iter());
    columns.push(Bound::new("place", 0..keys.len() as i64));
    sql.table("k", columns)
}

/// A limit at the end of a query.
pub(crate) fn limit(rows: Option<u64>) -> String {
    rows.map_or_else(String::new, |rows| format!("\n          LIMIT {rows}"))
}
