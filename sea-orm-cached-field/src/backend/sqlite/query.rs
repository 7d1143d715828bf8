//! Fields that are calculated by a query.

use sea_orm::{ColumnType, Statement};

use super::{DIALECT, complete::assignments, names, read::are_rows, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{Backend, query, sql::Sql},
    declaration::Key,
    layout::Owner,
    queue::Claim,
};

/// Casts a value to the type of a column, if an expression may be of another one.
pub(crate) fn cast(value: &str, kind: &ColumnType) -> String {
    let name = match kind {
        ColumnType::Boolean
        | ColumnType::TinyInteger
        | ColumnType::SmallInteger
        | ColumnType::Integer
        | ColumnType::BigInteger
        | ColumnType::TinyUnsigned
        | ColumnType::SmallUnsigned
        | ColumnType::Unsigned
        | ColumnType::BigUnsigned => "INTEGER",
        ColumnType::Float | ColumnType::Double | ColumnType::Decimal(None) => "REAL",
        // Its columns do not round, and sums of decimals are none.
        ColumnType::Decimal(Some((_, scale))) => {
            return format!("round(CAST({value} AS REAL), {scale})");
        }
        ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text => "TEXT",
        _ => return value.to_owned(),
    };

    format!("CAST({value} AS {name})")
}

/// A value that the column would take, and that could not be read.
fn fits(kind: &ColumnType) -> Option<String> {
    let (least, greatest): (i64, i64) = match kind {
        ColumnType::TinyInteger => (i8::MIN.into(), i8::MAX.into()),
        ColumnType::SmallInteger => (i16::MIN.into(), i16::MAX.into()),
        ColumnType::Integer => (i32::MIN.into(), i32::MAX.into()),
        ColumnType::TinyUnsigned => (0, u8::MAX.into()),
        ColumnType::SmallUnsigned => (0, u16::MAX.into()),
        ColumnType::Unsigned => (0, u32::MAX.into()),
        ColumnType::BigUnsigned => (0, i64::MAX),
        _ => return None,
    };
    Some(format!("coalesce(CAST(c.value AS INTEGER) BETWEEN {least} AND {greatest}, true)"))
}

/// The values that these claims' rows have, as they are compared. RETURNING sees no old row.
pub(super) fn stored(owner: &Owner, claims: &[Claim]) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let field = &owner.fields[claims[0].field];
    let keys: Vec<Key> = claims.iter().map(|claim| claim.key.clone()).collect();
    let are_rows = are_rows(&mut sql, owner, &keys);

    let text = format!(
        "SELECT {keys}, {value} AS value
           FROM {table} t
          WHERE {are_rows}",
        keys = names.read_own_key(),
        value = comparable(&format!("t.{}", DIALECT.cached(field))),
        table = names.table(),
    );

    statement(sql, text)
}

/// A value as text. Texts are told apart up to their first NUL.
fn comparable(value: &str) -> String {
    format!("quote({value})")
}

/// Returns the values that are now stored, as they are compared.
pub(super) fn write(owner: &Owner, claims: &[Claim], done: bool) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let field = &owner.fields[claims[0].field];
    let own = names.own_key();
    let fits = field.query.as_ref().and_then(|query| fits(&query.kind));
    let values = query::values(Backend::Sqlite, &mut sql, owner, field, claims, fits);

    let text = format!(
        "WITH {values}
         UPDATE {table} AS t
            SET {assigned}
           FROM v
          WHERE {same_row}
         RETURNING {keys}, {value} AS value",
        table = names.table(),
        assigned = assignments(field, "v.value", done).join(",\n                "),
        same_row = names.same_row("t", "v"),
        keys = names.read(&own),
        value = comparable(&DIALECT.cached(field)),
    );

    statement(sql, text)
}

#[cfg(test)]
pub(crate) fn examples(of: &Example) -> Vec<Named> {
    of.queried()
        .iter()
        .flat_map(|owner| {
            let stored = named("stored_values", stored(owner, &of.claims));
            [stored, named("complete_query", write(owner, &of.claims, true))].concat()
        })
        .collect()
}
