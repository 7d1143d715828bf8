//! Unique indexes over cached columns: which rows hold a value.

use super::complete::values_of;
use crate::{
    backend::{bound::Bound, names::All, sql::Sql},
    catalog::{IndexedColumn, UniqueIndex},
    layout::Owner,
    queue::{Shape, Written},
};

/// `v (key_1, ..., place, value_1, ...) AS (..)`: what rows are about to have, one value a field of
/// the shape. Each has its place among them, from 0 on.
pub(crate) fn wanted(sql: &mut Sql, owner: &Owner, shape: &Shape, rows: &[Written]) -> String {
    let mut columns = Bound::keys(owner, rows.iter().map(|row| &row.key));
    columns.push(Bound::new("place", 0..rows.len() as i64));
    columns.extend(values_of(owner, shape, rows));
    sql.table("v", columns)
}

/// Whether a row has, in all columns of the index, what the row `o` is about to have: these values,
/// and otherwise what it has.
pub(crate) fn holds_wanted(
    sql: &Sql,
    owner: &Owner,
    index: &UniqueIndex,
    shape: &Shape,
    row: &str,
    value: impl Fn(usize) -> String,
) -> All {
    let equal = |column: &IndexedColumn| {
        let name = sql.dialect().quote(&column.name);
        let place =
            shape.0.iter().position(|shaped| owner.fields[shaped.field].cached.name == column.name);
        let wanted = place.map_or_else(|| format!("o.{name}"), &value);
        let collation = column.collation.as_ref().map(|collation| sql.dialect().quote(collation));
        let collation = collation.map(|collation| format!(" COLLATE {collation}"));
        let collation = collation.unwrap_or_default();
        format!("{row}.{name} = {wanted}{collation}")
    };

    index.columns.iter().map(equal).collect()
}
