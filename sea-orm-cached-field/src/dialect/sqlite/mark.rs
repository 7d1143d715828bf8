//! Marking by our own methods; all other marks are the triggers'.

use sea_orm::Statement;

use super::{now_as_expiry, statement};
use crate::{
    dialect::{
        shared,
        sql::{Sql, key_columns, marks, owner_key, quote, recalculations},
    },
    field::{Key, layout::Owner},
};

/// The flag leaves no mark where one waits. So the newest one, which is taken back, is always that of this statement.
pub(super) fn flag_lazily(owner: &Owner, field: usize, key: &Key) -> Vec<Statement> {
    let mut sql = Sql::sqlite();
    let name = sql.bind(owner.fields[field].name);
    let key_tuple = sql.tuples(owner, std::slice::from_ref(key), |key| key, |_, _| vec![name.clone()]);
    let (marks, keys) = (quote(&marks(owner).name), key_columns(owner).join(", "));
    let mark = statement(sql, format!("INSERT INTO {marks} ({keys}, field) VALUES {key_tuple}"));
    vec![
        mark,
        shared::flag(Sql::sqlite(), owner, field, key),
        unmark(owner, field, key, "max(id)"),
        disown(owner, field, key),
    ]
}

/// The mark that the flag has left says so.
pub(super) fn flag_eagerly(owner: &Owner, field: usize, key: &Key) -> Vec<Statement> {
    let (sql, marked) = marked(owner, field, key, "max(id)");
    let eagerly = format!("UPDATE {} SET eager = 1 WHERE {marked}", quote(&marks(owner).name));
    vec![shared::flag(Sql::sqlite(), owner, field, key), statement(sql, eagerly)]
}

/// Deletes marks of a field of a row: all, or the one that an aggregate of ids names.
pub(super) fn unmark(owner: &Owner, field: usize, key: &Key, ids: &str) -> Statement {
    let (sql, marked) = marked(owner, field, key, ids);
    statement(sql, format!("DELETE FROM {} WHERE {marked}", quote(&marks(owner).name)))
}

fn marked(owner: &Owner, field: usize, key: &Key, ids: &str) -> (Sql, String) {
    let mut sql = Sql::sqlite();
    let is_row = sql.key_is(owner, "", &key_columns(owner), key);
    let name = sql.bind(owner.fields[field].name);
    let marks = quote(&marks(owner).name);
    (sql, format!("id IN (SELECT {ids} FROM {marks} WHERE {is_row} AND field = {name})"))
}

/// Makes a calculation under way miss.
fn disown(owner: &Owner, field: usize, key: &Key) -> Statement {
    let mut sql = Sql::sqlite();
    let generation = sql.bind(fastrand::i64(1..));
    let is_row = sql.key_is(owner, "", &key_columns(owner), key);
    let name = sql.bind(owner.fields[field].name);
    let queue = quote(&recalculations(owner).name);
    statement(sql, format!("UPDATE {queue} SET generation = {generation} WHERE {is_row} AND field = {name}"))
}

/// There is one writer, so nothing is locked.
pub(super) fn flag_chunk(owner: &Owner, field: usize, after: Option<&Key>, to: Option<&Key>) -> Vec<Statement> {
    let mut sql = Sql::sqlite();
    let range = shared::key_range(&mut sql, owner, after, to);
    let (table, flag) = (quote(&owner.table.name), quote(&owner.fields[field].recalculation_needed));
    vec![statement(sql, format!("UPDATE {table} AS t SET {flag} = 1 WHERE {range}"))]
}

pub(super) fn flag_expired(owner: &Owner, field: usize, rows: u64) -> Statement {
    let mut sql = Sql::sqlite();
    let (table, columns, field) = (quote(&owner.table.name), owner_key(owner).join(", "), &owner.fields[field]);
    let (flag, expires) =
        (quote(&field.recalculation_needed), quote(field.expires_after.as_deref().unwrap_or_default()));
    let (limit, now) = (sql.bind(rows as i64), now_as_expiry(field));
    let text = format!(
        "UPDATE {table} SET {flag} = 1 WHERE ({columns}) IN (
                SELECT {columns} FROM {table}
                 WHERE {expires} IS NOT NULL AND julianday({expires}) <= {now} AND NOT {flag}
                 ORDER BY julianday({expires}) LIMIT {limit})"
    );
    statement(sql, text)
}
