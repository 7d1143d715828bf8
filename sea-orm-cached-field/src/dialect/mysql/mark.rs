//! Marking by our own methods; all other marks are the triggers'.

use sea_orm::Statement;

use super::{
    KEPT,
    names::{owner_key, qualified, quote},
    statement,
};
use crate::{
    dialect::sql::{Sql, equal, key_columns, marks},
    field::{Key, layout::Owner},
};

/// The trigger is kept from marking; the mark says that nothing is to be queued.
pub(super) fn flag_lazily(owner: &Owner, field: usize, key: &Key) -> Vec<Statement> {
    let mut sql = Sql::mysql();
    let flag = quote(&owner.fields[field].recalculation_needed);
    let is_row = sql.key_is(owner, "", &owner_key(owner), key);
    let text = format!("UPDATE {} SET {flag} = {KEPT} WHERE {is_row}", qualified(&owner.table));
    vec![statement(sql, text), append_mark(owner, field, key, false)]
}

pub(super) fn append_mark(owner: &Owner, field: usize, key: &Key, eager: bool) -> Statement {
    let mut sql = Sql::mysql();
    let rows = [key];
    let tuple = sql.tuples(owner, &rows, |key| key, |sql, _| vec![sql.bind(owner.fields[field].name), sql.bind(eager)]);
    let columns = key_columns(owner).join(", ");
    statement(sql, format!("INSERT INTO {} ({columns}, field, eager) VALUES {tuple}", qualified(&marks(owner))))
}

pub(super) fn flag_expired(owner: &Owner, field: usize, rows: u64) -> Statement {
    let mut sql = Sql::mysql();
    let field = &owner.fields[field];
    let (flag, expires) =
        (quote(&field.recalculation_needed), quote(field.expires_after.as_deref().unwrap_or_default()));
    let limit = sql.bind(rows as i64);
    let condition = format!("{expires} <= UTC_TIMESTAMP(6) AND NOT {flag} ORDER BY {expires} LIMIT {limit}");
    let text = flag_unlocked(owner, "", &condition, &format!("{flag} = TRUE"));
    statement(sql, text)
}

/// Writes to the rows that the condition names, except for those that somebody holds locked. STRAIGHT_JOIN: the other
/// way round all rows would be read, and locked.
pub(super) fn flag_unlocked(owner: &Owner, hint: &str, condition: &str, assignment: &str) -> String {
    let (table, key) = (qualified(&owner.table), owner_key(owner));
    format!(
        "UPDATE (SELECT {columns} FROM {table}{hint} WHERE {condition} FOR UPDATE SKIP LOCKED) u
           STRAIGHT_JOIN {table} t FORCE INDEX (PRIMARY) ON {same_row}
            SET t.{assignment}",
        columns = key.join(", "),
        same_row = equal("t", &key, "u", &key),
    )
}
