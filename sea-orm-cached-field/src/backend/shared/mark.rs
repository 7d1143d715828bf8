//! Marking by our own methods; all other marks are the triggers'.

use sea_orm::{Statement, Value};

use crate::{backend::sql::Sql, declaration::Key, layout::Owner};

pub(crate) fn flag(mut sql: Sql, owner: &Owner, field: usize, key: &Key) -> Statement {
    let names = sql.names(owner);
    let flag = names.flag(field);
    let table = names.table();
    let is_row = sql.key_is(owner, &names.own_key(), key);
    sql.statement(format!(
        "UPDATE {table}
            SET {flag} = true
          WHERE {is_row}"
    ))
}

/// Appends a mark of a field of a row; `eager` says whether it is to be queued, if that is not left
/// to the field.
pub(crate) fn append_mark(
    mut sql: Sql,
    owner: &Owner,
    field: usize,
    key: &Key,
    eager: Option<bool>,
) -> Statement {
    let names = sql.names(owner);
    let rows = [key];
    let tuple = sql.tuples(
        owner,
        &rows,
        |key| key,
        |sql, _| vec![sql.bind(owner.fields[field].name), sql.bind(eager)],
    );

    let marks = names.marks();
    let columns = names.keys();
    sql.statement(format!(
        "INSERT INTO {marks} ({columns}, field, eager)
         VALUES {tuple}"
    ))
}

pub(crate) fn set_expiry(
    mut sql: Sql,
    owner: &Owner,
    field: usize,
    key: &Key,
    moment: Value,
) -> Statement {
    let names = sql.names(owner);
    let expires =
        sql.dialect().quote(owner.fields[field].expires_after.as_deref().unwrap_or_default());
    let moment = sql.bind(moment);
    let table = names.table();
    let is_row = sql.key_is(owner, &names.own_key(), key);

    sql.statement(format!(
        "UPDATE {table}
            SET {expires} = {moment}
          WHERE {is_row}"
    ))
}
