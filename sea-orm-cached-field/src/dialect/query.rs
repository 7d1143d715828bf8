//! Queries of the user: fields that are calculated by one.

use sea_orm::Statement;

use super::{
    Dialect,
    bound::Bound,
    sql::{Sql, equal, key_columns, prefixed},
};
use crate::field::{
    Key,
    layout::{Owner, Query},
};

/// The name of the query: that of no table which it could be of.
const QUERY: &str = "cached_field_query";

/// The query of a field that has one.
fn query(owner: &Owner, field: usize) -> &Query {
    owner.fields[field].query.as_ref().expect("the field is calculated by a query")
}

pub(super) fn select(dialect: &(impl Dialect + ?Sized), owner: &Owner, field: usize, keys: &[Key]) -> Statement {
    let mut sql = dialect.sql();
    let rows = written(&mut sql, owner, field);
    let (own, columns) = (sql.owner_key(owner), key_columns(owner));
    let among = among(&mut sql, owner, keys);
    let selected: Vec<String> = own.iter().zip(&columns).map(|(own, key)| format!("t.{own} AS {key}")).collect();
    let text = format!(
        "WITH {rows}
         SELECT {}, {} AS value
           FROM {} t LEFT JOIN (SELECT * FROM {QUERY} WHERE {}) v ON {}
          WHERE {}",
        selected.join(", "),
        sql.cast(&query(owner, field).read, &value(dialect, &sql, owner, field)),
        sql.qualified(&owner.table),
        is_among("", &columns, &among),
        equal("v", &columns, "t", &own),
        is_among("t.", &own, &among),
    );
    sql.statement(text)
}

/// `.. , v (key_1, ..., value, claimed_at) AS (..)`, for a WITH clause: the values of these rows, where there is one, or
/// where there need be none. Of the others, `fits` says which can be stored.
pub(super) fn values(
    sql: &mut Sql,
    owner: &Owner,
    field: usize,
    of: &[Key],
    claimed_at: i64,
    fits: Option<String>,
) -> String {
    let rows = written(sql, owner, field);
    let columns = key_columns(owner);
    let among = among(sql, owner, of);
    let keys = sql.table("k", Bound::keys(owner, of.iter()));
    let mut is_sound = vec!["coalesce(c.times, 1) = 1".to_owned()];
    is_sound.extend((!query(owner, field).optional).then(|| "c.value IS NOT NULL".to_owned()));
    is_sound.extend(fits);
    format!(
        "{rows}, {keys},
         c AS (SELECT r.*, count(*) OVER (PARTITION BY {partition}) AS times FROM {QUERY} r WHERE {restricted}),
         v AS (
             SELECT {selected}, c.value, {claimed_at} AS claimed_at FROM k LEFT JOIN c ON {same} WHERE {is_sound})",
        partition = prefixed("r", &columns),
        restricted = is_among("r.", &columns, &among),
        selected = prefixed("k", &columns),
        claimed_at = sql.bind(claimed_at),
        same = equal("c", &columns, "k", &columns),
        is_sound = is_sound.join(" AND "),
    )
}

/// `cached_field_query (key_1, ..., value) AS (..)`: the query as the user has written it.
fn written(sql: &mut Sql, owner: &Owner, field: usize) -> String {
    let select = sql.embed(&(query(owner, field).select)());
    format!("{QUERY} ({}, value) AS ({select})", key_columns(owner).join(", "))
}

/// What each key column is compared with. Every planner takes such a condition into the query, to where its rows come
/// from, if that does not change the result. Of several columns more keys fulfil it than these.
fn among(sql: &mut Sql, owner: &Owner, keys: &[Key]) -> Vec<String> {
    let columns = owner.key.iter().enumerate();
    columns.map(|(at, column)| sql.among(column, keys.iter().map(|key| key.values()[at].clone()))).collect()
}

fn is_among(prefix: &str, columns: &[String], among: &[String]) -> String {
    let conditions = columns.iter().zip(among).map(|(column, among)| format!("{prefix}{column} {among}"));
    conditions.collect::<Vec<_>>().join(" AND ")
}

/// The value of `v`, as one of the column that it is for.
pub(super) fn value(dialect: &(impl Dialect + ?Sized), sql: &Sql, owner: &Owner, field: usize) -> String {
    let value = match dialect.cast_to(&query(owner, field).kind) {
        Some(kind) => format!("CAST(v.value AS {kind})"),
        None => "v.value".to_owned(),
    };
    sql.cast_for(&owner.fields[field].cached, &value)
}
