//! Fields that are calculated by a query: the user's, or that of a roll-up.

use sea_orm::Statement;

use super::{
    Backend,
    bound::Bound,
    names::{All, Columns},
    roll_up,
    sql::Sql,
};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    declaration::Key,
    layout::{Field, Owner, Query, Select},
    queue::Claim,
};

/// The name of the query: that of no table which it could be of.
const QUERY: &str = "cached_field_query";

/// Its name where its keys are still to be cast.
const AS_WRITTEN: &str = "cached_field_query_as_written";

/// The query of a field that has one.
fn query(field: &Field) -> &Query {
    field.query.as_ref().expect("the field is calculated by a query")
}

pub(super) fn select(backend: Backend, owner: &Owner, field: usize, keys: &[Key]) -> Statement {
    let mut sql = backend.sql();
    let field = &owner.fields[field];
    let rows = written(&mut sql, owner, field);
    let names = sql.names(owner);
    // The condition stands outside of the query. Inside, it would change the result of some, such
    // as a window over all rows. MySQL takes it through no LEFT JOIN, so the rows without a value
    // come from a second SELECT. MariaDB takes no placeholder into the query, and looks it up row
    // by row.
    let among = among(&mut sql, owner, keys.iter());

    let text = format!(
        "WITH {rows}
         SELECT {keys}, {value} AS value, true AS found
           FROM {QUERY} v JOIN {table} t ON {same}
          WHERE {restricted} AND {wanted}
          UNION ALL
         SELECT {keys}, NULL, false
           FROM {table} t
          WHERE {wanted}",
        keys = names.read_own_key(),
        value = names.dialect.cast(&field.cached.read, &value(backend, field, "v.value")),
        table = names.table(),
        same = names.is_of("v", "t"),
        restricted = is_among(&names.keys_of("v"), &among),
        wanted = is_among(&names.own_key_of("t"), &among),
    );

    sql.statement(text)
}

/// `.., v (key_1, ..., generation, claimed_at, value) AS (..)`, for a WITH clause: what the query
/// says of these claims. Without those of which it says nothing, if it has to, or several things,
/// or something that does not fit.
pub(super) fn values(
    backend: Backend,
    sql: &mut Sql,
    owner: &Owner,
    field: &Field,
    claims: &[Claim],
    fits: Option<String>,
) -> String {
    let rows = written(sql, owner, field);
    let names = sql.names(owner);
    let keys = claims.iter().map(|claim| &claim.key);
    // Planners take constants into the query, but no join. So the keys are bound twice.
    let among = among(sql, owner, keys.clone());

    let mut claimed = Bound::keys(owner, keys);
    claimed.push(Bound::new("generation", claims.iter().map(|claim| claim.generation)));
    claimed.push(Bound::alike("claimed_at", claims.iter().map(|claim| claim.claimed_at)));
    let claimed = sql.table("k", claimed);
    let is_found = (!query(field).optional).then(|| "c.value IS NOT NULL".to_owned());
    let is_once = "coalesce(c.times, 1) = 1".to_owned();
    let is_sound: All = [Some(is_once), is_found, fits].into_iter().flatten().collect();

    format!(
        "{rows}, {claimed},
              c AS (
                SELECT r.*, count(*) OVER (PARTITION BY {partition}) AS times
                  FROM {QUERY} r
                 WHERE {restricted}),
              v AS (
                SELECT k.*, {value} AS value
                  FROM k
                  LEFT JOIN c ON {same}
                 WHERE {is_sound})",
        partition = names.keys_of("r"),
        restricted = is_among(&names.keys_of("r"), &among),
        value = sql.cast_for(&field.cached, &value(backend, field, "c.value")),
        same = names.same_key("c", "k"),
    )
}

/// `cached_field_query (key_1, ..., value) AS (..)`: the user's query, or that of a roll-up. It
/// selects the key as SeaORM reads it, or as it is stored: the cast for writing takes both.
fn written(sql: &mut Sql, owner: &Owner, field: &Field) -> String {
    let query = query(field);
    let select = match &query.select {
        Select::Written(select) => select(),
        Select::RolledUp(roll_up) => roll_up::select(owner, roll_up, &query.kind),
    };
    let select = sql.embed(&select);
    let columns = sql.names(owner).keys();
    let keys = owner.key.iter().zip(columns.iter());
    let stored: Columns = keys.map(|(key, column)| sql.cast_for(key, column)).collect();
    if stored == columns {
        return format!("{QUERY} ({columns}, value) AS ({select})");
    }
    format!(
        "{AS_WRITTEN} ({columns}, value) AS ({select}),
              {QUERY} ({columns}, value) AS (SELECT {stored}, value FROM {AS_WRITTEN})"
    )
}

/// What each key column is compared with. Every planner takes such a condition into the query, to
/// where its rows come from, if that does not change the result. Of several columns more keys
/// fulfil it than these.
fn among<'k>(
    sql: &mut Sql,
    owner: &Owner,
    keys: impl Iterator<Item = &'k Key> + Clone,
) -> Vec<String> {
    let columns = owner.key.iter().enumerate();
    columns
        .map(|(at, column)| sql.among(column, keys.clone().map(|key| key.values()[at].clone())))
        .collect()
}

fn is_among(columns: &Columns, among: &[String]) -> All {
    columns.iter().zip(among).map(|(column, among)| format!("{column} {among}")).collect()
}

/// A value as one of the column that it is for. An expression may be of another type, as sums are.
fn value(backend: Backend, field: &Field, value: &str) -> String {
    of_database!(backend, query::cast(value, &query(field).kind))
}

#[cfg(test)]
pub(super) fn examples(of: &Example, backend: Backend) -> Vec<Named> {
    let queried = of.queried();
    let of_owner = |owner: &Owner| {
        [
            named("select", select(backend, owner, 0, &of.keys)),
            named("select of a row", select(backend, owner, 0, &of.keys[..1])),
        ]
        .concat()
    };
    queried.iter().flat_map(of_owner).collect()
}
