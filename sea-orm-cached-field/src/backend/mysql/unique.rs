//! Unique indexes over cached columns: which rows hold a value, and how they give it up.

use sea_orm::Statement;

use super::{DIALECT, KEPT, names, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{shared, sql::Sql},
    catalog::UniqueIndex,
    declaration::Key,
    layout::{Owner, Table},
    queue::{Shape, Written},
};

/// What begins with a part of a column is none of whole columns.
pub(crate) fn columns(table: &Table) -> Statement {
    let mut sql = Sql::mysql();
    let schema = sql.bind(table.schema.clone());
    let name = sql.bind(table.name.as_str());

    let text = format!(
        "SELECT s.INDEX_NAME AS name,
                CASE WHEN s.SUB_PART IS NULL THEN s.COLUMN_NAME END AS `column`,
                CAST(NULL AS CHAR) AS collation,
                CASE s.NULLABLE WHEN 'YES' THEN 1 ELSE 0 END AS nullable
           FROM information_schema.STATISTICS s
          WHERE s.TABLE_SCHEMA = COALESCE({schema}, DATABASE())
            AND s.TABLE_NAME = {name}
            AND s.NON_UNIQUE = 0
            AND s.INDEX_NAME <> 'PRIMARY'
          ORDER BY s.INDEX_NAME, s.SEQ_IN_INDEX"
    );

    statement(sql, text)
}

/// One statement a row: only so is each value bound as one of its column's type. It locks nothing.
pub(crate) fn holders(
    owner: &Owner,
    index: &UniqueIndex,
    shape: &Shape,
    rows: &[Written],
) -> Vec<Statement> {
    let names = names(owner);
    let of_row = |(place, row): (i64, &Written)| {
        let mut sql = Sql::mysql();
        let table = names.table();
        let place = sql.bind(place);
        let columns = shape.0.iter().map(|shaped| &owner.fields[shaped.field].cached);
        let values: Vec<String> = columns
            .zip(&row.values)
            .map(|(column, value)| sql.bind_for(column, value.clone()))
            .collect();
        let is_row = sql.key_is(owner, &names.own_key_of("o"), &row.key);
        let text = format!(
            "SELECT CAST({place} AS SIGNED) AS place, {selected}
               FROM {table} o
               STRAIGHT_JOIN {table} t ON {holds}
              WHERE {is_row}
                AND NOT ({same_row})",
            selected = names.read_own_key(),
            holds = shared::unique::holds_wanted(&sql, owner, index, shape, "t", |at| values[at]
                .clone()),
            same_row = names.own_key_of("t").equal(&names.own_key_of("o")),
        );
        statement(sql, text)
    };

    (0..).zip(rows).map(of_row).collect()
}

pub(crate) fn lock_holders(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let text = format!(
        "SELECT {selected}, t.{flag} AS flagged
           FROM {rows}
            FOR UPDATE SKIP LOCKED",
        selected = names.read_keys_of("c"),
        flag = names.flag(field),
        rows = super::rows_of_keys(&mut sql, owner, of),
    );
    statement(sql, text)
}

pub(crate) fn give_up_value(owner: &Owner, field: usize, of: &[Key]) -> Vec<Statement> {
    let names = names(owner);
    let field = &owner.fields[field];
    let of_row = |key: &Key| {
        let mut sql = Sql::mysql();
        let is_row = sql.key_is(owner, &names.own_key(), key);
        let text = format!(
            "UPDATE {table}
                SET {cached} = NULL,
                    {flag} = {KEPT}
              WHERE {is_row}",
            table = names.table(),
            cached = DIALECT.cached(field),
            flag = DIALECT.flag(field),
        );
        statement(sql, text)
    };

    of.iter().map(of_row).collect()
}

#[cfg(test)]
pub(crate) fn examples(of: &Example) -> Vec<Named> {
    let owner = &of.owner;
    [
        named("holders", holders(owner, &of.unique_index(), &of.shape, &of.rows)),
        named("lock_holders", lock_holders(owner, 0, &of.keys)),
        named("give_up_value", give_up_value(owner, 0, &of.keys)),
    ]
    .concat()
}
