//! Fields that are calculated by a query.

use std::time::Duration;

use sea_orm::{ColumnType, Statement};

use super::{Postgres, collect::AT_PLACE, complete::assignments, statement};
use crate::{
    dialect::{
        query,
        sql::{Sql, equal, key_columns, owner_key, prefixed, qualified, quote},
    },
    field::{Key, layout::Owner},
};

/// The type that a value is cast to for a column, where an expression may be of another one, as sums are.
pub(super) fn cast_to(kind: &ColumnType) -> Option<String> {
    let name = match kind {
        ColumnType::TinyInteger | ColumnType::SmallInteger | ColumnType::TinyUnsigned | ColumnType::SmallUnsigned => {
            "smallint".to_owned()
        }
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
        _ => return None,
    };
    Some(name)
}

/// The user's query may join more than the plans of our own statements do. Its rows are locked meanwhile.
pub(super) fn settings(within: Duration) -> String {
    format!(
        "SET LOCAL enable_hashjoin = on; SET LOCAL enable_bitmapscan = on; SET LOCAL statement_timeout = '{}ms'",
        within.as_millis().max(1)
    )
}

pub(super) fn write(owner: &Owner, field: usize, keys: &[Key], claimed_at: i64, done: bool) -> Statement {
    let mut sql = Sql::postgres();
    let values = query::values(&mut sql, owner, field, keys, claimed_at, None);
    let (columns, of) = (key_columns(owner), &owner.fields[field]);
    let cached = quote(&of.cached.name);
    let text = format!(
        "WITH {values}
         UPDATE {table} t SET {assigned}
           FROM v, LATERAL (
                SELECT r.tableoid AS part, r.ctid AS place, r.{cached} AS stored FROM {table} r WHERE {same} OFFSET 0) p
          WHERE {AT_PLACE}
         RETURNING {selected}, ROW(p.stored) *<> ROW(t.{cached}) AS changed",
        table = qualified(&owner.table),
        assigned = assignments(of, &query::value(&Postgres, &sql, owner, field), done).join(", "),
        same = equal("r", &owner_key(owner), "v", &columns),
        selected = prefixed("v", &columns),
    );
    statement(sql, text)
}
