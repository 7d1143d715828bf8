//! Fields that are calculated by a query. Their values are fetched and stored as all others. An
//! UPDATE that joins the query would lock the rows that it reads, and one that does not writes row
//! by row.

use sea_orm::ColumnType;

#[cfg(test)]
use crate::backend::example::{Example, Named};

/// Casts a value to the type of a column, if an expression may be of another one.
pub(crate) fn cast(value: &str, kind: &ColumnType) -> String {
    let name = match kind {
        ColumnType::Boolean
        | ColumnType::TinyInteger
        | ColumnType::SmallInteger
        | ColumnType::Integer
        | ColumnType::BigInteger => "SIGNED".to_owned(),
        ColumnType::TinyUnsigned
        | ColumnType::SmallUnsigned
        | ColumnType::Unsigned
        | ColumnType::BigUnsigned => "UNSIGNED".to_owned(),
        ColumnType::Float | ColumnType::Double => "DOUBLE".to_owned(),
        // Not with its digits, nor with its length: a cast would make a number smaller, and cut a
        // text, without a word.
        ColumnType::Decimal(decimal) => format!("DECIMAL(65, {})", decimal.map_or(0, |of| of.1)),
        ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text => "CHAR".to_owned(),
        _ => return value.to_owned(),
    };

    format!("CAST({value} AS {name})")
}

/// There are none.
#[cfg(test)]
pub(crate) fn examples(_: &Example) -> Vec<Named> {
    Vec::new()
}
