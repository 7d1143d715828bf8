//! Columns that SeaORM defines and compares.

use sea_orm::{
    DbBackend,
    sea_query::{ColumnDef, Expr, Func},
};

use crate::layout::Cast;

/// Gives an expiry a type that holds each moment with its milliseconds. SeaORM's `timestamp` of
/// MySQL has no fractions of a second, and ends in 2038.
pub(crate) fn define_expiry(backend: DbBackend, definition: &mut ColumnDef) {
    if backend == DbBackend::MySql {
        definition.custom("datetime(6)");
    }
}

/// Returns the text around an enum by which rows are put in an order. MySQL sorts an enum by the
/// numbers of its values, but compares it with a text as text.
pub(crate) fn cast_for_order() -> Cast {
    Cast { mysql: ("CONCAT(".to_owned(), ")".to_owned()), ..Cast::default() }
}

/// Returns the same as an expression.
pub(crate) fn order_of_enum(backend: DbBackend, column: Expr) -> Expr {
    if backend == DbBackend::MySql { Func::cust("CONCAT").arg(column).into() } else { column }
}
