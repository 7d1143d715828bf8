//! Columns that SeaORM defines and compares.

use sea_orm::{
    ColumnType, DbBackend,
    sea_query::{
        ColumnDef, Expr, Func, MysqlQueryBuilder, PostgresQueryBuilder, SqliteQueryBuilder,
        TableBuilder,
    },
};

use crate::layout::Cast;

/// Gives an expiry a type that holds each moment with its milliseconds. SeaORM's `timestamp` of
/// MySQL has no fractions of a second, and ends in 2038.
pub(crate) fn define_expiry(backend: DbBackend, definition: &mut ColumnDef) {
    if backend == DbBackend::MySql {
        definition.custom("datetime(6)");
    }
}

/// Returns the name of a type as the catalog of the database will have it, of a column that is not
/// there yet.
pub(crate) fn name_of_type(backend: DbBackend, kind: &ColumnType) -> String {
    let mut name = String::new();
    let others: &[(&str, &str)] = match backend {
        DbBackend::Postgres => {
            PostgresQueryBuilder.prepare_column_type(kind, &mut name);
            &[("varchar", "character varying"), ("bool", "boolean"), ("decimal", "numeric")]
        }
        DbBackend::MySql => {
            MysqlQueryBuilder.prepare_column_type(kind, &mut name);
            &[("bool", "tinyint(1)")]
        }
        _ => {
            SqliteQueryBuilder.prepare_column_type(kind, &mut name);
            &[]
        }
    };
    let other = others.iter().find_map(|(short, long)| {
        let rest = name.strip_prefix(short)?;
        (rest.is_empty() || rest.starts_with('(')).then(|| format!("{long}{rest}"))
    });
    other.unwrap_or(name)
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
