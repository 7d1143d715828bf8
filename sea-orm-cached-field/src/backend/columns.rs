//! Columns that SeaORM defines and compares.

use sea_orm::{
    DbBackend,
    sea_query::{ColumnDef, Expr, Func},
};

/// Gives an expiry a type that holds each moment with its milliseconds. SeaORM's `timestamp` of
/// MySQL has no fractions of a second, and ends in 2038.
pub(crate) fn define_expiry(backend: DbBackend, definition: &mut ColumnDef) {
    if backend == DbBackend::MySql {
        definition.custom("datetime(6)");
    }
}

/// Returns the expression by which rows are put in the order of an enum, see
/// [`Column::order`](crate::layout::Column::order).
pub(crate) fn order_of_enum(backend: DbBackend, column: Expr) -> Expr {
    if backend == DbBackend::MySql { Func::cust("CONCAT").arg(column).into() } else { column }
}
