//! Fields that are calculated by a query.

use std::time::Duration;

use sea_orm::{ColumnType, Statement};

use super::{complete, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{Backend, query, sql::Sql},
    layout::Owner,
    queue::Claim,
};

/// Casts a value to the type of a column, if an expression may be of another one.
pub(crate) fn cast(value: &str, kind: &ColumnType) -> String {
    let name = match kind {
        ColumnType::TinyInteger
        | ColumnType::SmallInteger
        | ColumnType::TinyUnsigned
        | ColumnType::SmallUnsigned => "smallint".to_owned(),
        ColumnType::Integer | ColumnType::Unsigned => "integer".to_owned(),
        ColumnType::BigInteger | ColumnType::BigUnsigned => "bigint".to_owned(),
        ColumnType::Float => "real".to_owned(),
        ColumnType::Double => "double precision".to_owned(),
        ColumnType::Decimal(Some((precision, scale))) => format!("numeric({precision}, {scale})"),
        ColumnType::Decimal(None) => "numeric".to_owned(),
        // Not with its length, to which a cast would cut the text without a word.
        ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text => "text".to_owned(),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Time => "time".to_owned(),
        ColumnType::DateTime | ColumnType::Timestamp => "timestamp".to_owned(),
        ColumnType::TimestampWithTimeZone => "timestamptz".to_owned(),
        _ => return value.to_owned(),
    };

    format!("CAST({value} AS {name})")
}

/// The user's query may join more than our own statements do.
pub(super) fn settings(within: Duration) -> String {
    let milliseconds = within.as_millis().max(1);
    format!(
        "SET LOCAL enable_hashjoin = on;
         SET LOCAL enable_bitmapscan = on;
         SET LOCAL statement_timeout = '{milliseconds}ms'"
    )
}

/// The query's snapshot is that of the verdict: it shows just the changes whose marks are seen.
pub(super) fn complete(owner: &Owner, claims: &[Claim]) -> Option<Statement> {
    let field = &owner.fields[claims.first()?.field];
    let mut sql = Sql::postgres();
    let calculated = query::values(Backend::Postgres, &mut sql, owner, field, claims, None);
    let changed = ", ROW(j.stored)::text IS DISTINCT FROM ROW(j.value)::text AS changed";
    let text = complete::completion(owner, field, &calculated, changed);
    Some(statement(sql, text))
}

#[cfg(test)]
pub(crate) fn examples(of: &Example) -> Vec<Named> {
    of.queried()
        .iter()
        .flat_map(|owner| named("complete_query", complete(owner, &of.claims)))
        .collect()
}
