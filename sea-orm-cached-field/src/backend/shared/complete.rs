//! Completing: what is written, and what became of a claim.

use sea_orm::Statement;

use crate::{
    backend::{bound::Bound, names::Columns, sql::Sql},
    layout::{Field, Owner},
    queue::{Claim, Shape, ShapedField, Written},
};

pub(crate) fn is_marked(mut sql: Sql, owner: &Owner, claim: &Claim) -> Statement {
    let names = sql.names(owner);
    let marks = names.marks();
    let is_row = sql.key_is(owner, &names.keys(), &claim.key);
    let is_listed = names.dialect.is_listed(&names.field(claim.field), "field");
    sql.statement(format!(
        "SELECT EXISTS (
                SELECT 1
                  FROM {marks}
                 WHERE {is_row}
                   AND {is_listed}) AS marked"
    ))
}

pub(crate) fn is_given_up(mut sql: Sql, owner: &Owner, claim: &Claim) -> Statement {
    let names = sql.names(owner);
    let queue = names.queue();
    let is_row = sql.key_is(owner, &names.keys(), &claim.key);
    let field = sql.bind(owner.fields[claim.field].name);
    sql.statement(format!(
        "SELECT due_at IS NULL AS given_up
           FROM {queue}
          WHERE {is_row}
            AND field = {field}"
    ))
}

/// `v (key_1, ..., claimed_at, value_1, ...) AS (..)`, one value a field of the shape.
pub(crate) fn written(sql: &mut Sql, owner: &Owner, shape: &Shape, rows: &[Written]) -> String {
    let mut columns = Bound::keys(owner, rows.iter().map(|row| &row.key));
    columns.push(Bound::alike("claimed_at", rows.iter().map(|row| row.claimed_at)));
    columns.extend(values_of(owner, shape, rows));
    sql.table("v", columns)
}

/// The columns `value_1, ...`, one a field of the shape.
pub(super) fn values_of<'o>(owner: &'o Owner, shape: &Shape, rows: &[Written]) -> Vec<Bound<'o>> {
    let column = |(at, shaped): (usize, &ShapedField)| {
        let values = rows.iter().map(|row| row.values[at].clone());
        let number = at + 1;
        Bound::to(&owner.fields[shaped.field].cached, format!("value_{number}"), values)
    };
    shape.0.iter().enumerate().map(column).collect()
}

/// What is assigned to each field of the shape, from the table [`written`].
pub(crate) fn assigned(
    owner: &Owner,
    shape: &Shape,
    assignments: impl Fn(&Field, &str, bool) -> Vec<String>,
) -> String {
    let assigned = shape.0.iter().enumerate().flat_map(|(at, shaped)| {
        let number = at + 1;
        assignments(&owner.fields[shaped.field], &format!("v.value_{number}"), shaped.done)
    });
    assigned.collect::<Columns>().join(",\n                ")
}
