//! Marking by our own methods; all other marks are the triggers'.

use sea_orm::{Statement, Value};

use super::{DIALECT, KEPT, as_expiry, expires, milliseconds, names, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{shared, sql::Sql},
    declaration::{Chunk, Key},
    layout::Owner,
};

/// The trigger is kept from marking; the mark says that nothing is to be queued.
pub(crate) fn flag_lazily(owner: &Owner, field: usize, key: &Key) -> Vec<Statement> {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let flag = names.flag(field);
    let is_row = sql.key_is(owner, &names.own_key(), key);

    let text = format!(
        "UPDATE {table}
            SET {flag} = {KEPT}
          WHERE {is_row}",
        table = names.table(),
    );

    vec![
        statement(sql, text),
        shared::mark::append_mark(Sql::mysql(), owner, field, key, Some(false)),
    ]
}

/// No trigger marks what is flagged here. Rows that another transaction holds locked are passed
/// over: neither waits for the other.
pub(super) fn flag_chunk(owner: &Owner, field: usize, chunk: &Chunk) -> Statement {
    let names = names(owner);
    let table = names.table();
    let flag = names.flag(field);

    let mut sql = Sql::mysql();
    let range = shared::chunks::rows_of(&mut sql, owner, chunk);
    let all = u32::MAX;
    let rows = format!(
        "{table} t
                 WHERE {range}
                   AND NOT t.{flag}
                 LIMIT {all}"
    );

    let set = write_unlocked(owner, &rows, &format!("{flag} = {KEPT}"));
    statement(sql, set)
}

pub(super) fn passed_over(owner: &Owner, field: usize, chunk: &Chunk) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let keys = names.read_own_key();
    let now = milliseconds("UTC_TIMESTAMP(6)");
    let read = format!("{keys}, {now} AS marked_at");
    let text = shared::chunks::passed_over(&mut sql, owner, field, chunk, &read);
    statement(sql, text)
}

/// The moment is bound as a `DATETIME`. SQLx would bind it as a `TIMESTAMP`, and of one after 2038
/// MariaDB makes NULL.
pub(crate) fn set_expiry(owner: &Owner, field: usize, key: &Key, moment: Value) -> Statement {
    let names = names(owner);
    let moment = match moment {
        Value::ChronoDateTimeUtc(moment) => {
            Value::ChronoDateTime(moment.map(|moment| moment.naive_utc()))
        }
        other => other,
    };

    let mut sql = Sql::mysql();
    let column = DIALECT.quote(owner.fields[field].expires_after.as_deref().unwrap_or_default());
    let moment = sql.bind(moment);
    let moment = format!("CAST({moment} AS DATETIME(6))");
    let is_row = sql.key_is(owner, &names.own_key(), key);

    let text = format!(
        "UPDATE {table}
            SET {assigned}
          WHERE {is_row}",
        table = names.table(),
        assigned = expires(&column, &moment),
    );

    statement(sql, text)
}

pub(crate) fn flag_expired(owner: &Owner, field: usize, rows: u64) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let field = &owner.fields[field];
    let flag = DIALECT.flag(field);
    let expires = DIALECT.quote(field.expires_after.as_deref().unwrap_or_default());
    let limit = sql.bind(rows as i64);

    let rows = format!(
        "{table} t
                 WHERE t.{expires} <= {now}
                   AND NOT t.{flag}
                 ORDER BY t.{expires}
                 LIMIT {limit}",
        table = names.table(),
        now = as_expiry(field, "UTC_TIMESTAMP(6)"),
    );

    let text = write_unlocked(owner, &rows, &format!("{flag} = TRUE"));
    statement(sql, text)
}

/// Writes to the rows `t` of a FROM clause, which has a limit, except for those that another
/// transaction holds locked. Because of the limit it is a table of its own, whose rows are locked
/// as it says.
pub(super) fn write_unlocked(owner: &Owner, rows: &str, assignment: &str) -> String {
    let names = names(owner);
    format!(
        "UPDATE (
                SELECT {columns}
                  FROM {rows}
                   FOR UPDATE SKIP LOCKED) u
           STRAIGHT_JOIN {table} t FORCE INDEX (PRIMARY) ON {same_row}
            SET t.{assignment}",
        columns = names.own_key_of("t"),
        table = names.table(),
        same_row = names.own_key_of("t").equal(&names.own_key_of("u")),
    )
}

pub(crate) fn flag_eagerly(owner: &Owner, field: usize, key: &Key) -> [Statement; 2] {
    [
        shared::mark::flag(Sql::mysql(), owner, field, key),
        shared::mark::append_mark(Sql::mysql(), owner, field, key, Some(true)),
    ]
}

#[cfg(test)]
pub(crate) fn examples(of: &Example) -> Vec<Named> {
    let owner = &of.owner;
    [
        named("flag_expired", flag_expired(owner, 0, 100)),
        named("flag_lazily", flag_lazily(owner, 0, &of.keys[0])),
        named("flag_eagerly", flag_eagerly(owner, 0, &of.keys[0])),
        named("flag_chunk", flag_chunk(owner, 0, &of.chunk)),
        named("set_expiry", set_expiry(owner, 0, &of.keys[0], of.moment.clone())),
        named("passed_over", passed_over(owner, 0, &of.chunk)),
    ]
    .concat()
}
