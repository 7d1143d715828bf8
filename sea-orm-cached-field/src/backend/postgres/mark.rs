//! Marking by our own methods; all other marks are the triggers'.

use sea_orm::{Statement, Value};

use super::{CHANNEL, DIALECT, as_expiry, collect::AT_PLACE, names, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{shared, sql::Sql},
    declaration::{Chunk, Key},
    layout::Owner,
};

/// The trigger is kept from marking; the mark says that nothing is to be queued.
pub(crate) fn flag_lazily(owner: &Owner, field: usize, key: &Key) -> Vec<Statement> {
    let lazily = shared::mark::append_mark(Sql::postgres(), owner, field, key, Some(false));
    vec![
        internal(true),
        shared::mark::flag(Sql::postgres(), owner, field, key),
        internal(false),
        lazily,
    ]
}

pub(crate) fn flag_eagerly(owner: &Owner, field: usize, key: &Key) -> Vec<Statement> {
    vec![
        shared::mark::flag(Sql::postgres(), owner, field, key),
        shared::mark::append_mark(Sql::postgres(), owner, field, key, Some(true)),
    ]
}

/// Whether the writes that follow in this transaction are those of the library.
pub(super) fn internal(on: bool) -> Statement {
    let value = if on { "on" } else { "off" };
    let text = format!("SELECT set_config('cached_field.internal', '{value}', true)");
    statement(Sql::postgres(), text)
}

/// No trigger marks what is flagged here. Rows that another transaction holds locked are marked,
/// for the collector to flag: neither waits for the other. So are rows that stand in the queue.
pub(super) fn flag_chunk(owner: &Owner, field: usize, chunk: &Chunk) -> Vec<Statement> {
    let names = names(owner);
    let table = names.table();
    let flag = names.flag(field);
    let mut sql = Sql::postgres();

    let set = format!(
        "WITH p AS (
                SELECT t.tableoid AS part, t.ctid AS place
                  FROM {table} t
                 WHERE {rows}
                   AND NOT t.{flag}
                   FOR NO KEY UPDATE SKIP LOCKED)
         UPDATE {table} t
            SET {flag} = true
           FROM p
          WHERE {AT_PLACE}",
        rows = shared::chunks::rows_of(&mut sql, owner, chunk),
    );

    let mut mark = Sql::postgres();
    let own_key = names.own_key_of("t");
    let name = mark.bind(owner.fields[field].name);
    let read = format!("{own_key}, {name}");
    let rows = shared::chunks::passed_over(&mut mark, owner, field, chunk, &read);

    let text = format!(
        "INSERT INTO {marks} ({columns}, field)
         {rows}",
        marks = names.marks(),
        columns = names.keys(),
    );

    vec![internal(true), statement(sql, set), internal(false), statement(mark, text)]
}

/// A row of which a newer version was locked than this statement sees is left to the next look.
pub(crate) fn flag_expired(owner: &Owner, field: usize, rows: u64) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let table = names.table();
    let field = &owner.fields[field];
    let flag = DIALECT.flag(field);
    let expires = DIALECT.quote(field.expires_after.as_deref().unwrap_or_default());
    let limit = sql.bind(rows as i64);
    let now = as_expiry(field, "now()");

    let text = format!(
        "WITH p AS (
                SELECT tableoid AS part, ctid AS place
                  FROM {table}
                 WHERE {expires} <= {now}
                   AND NOT {flag}
                 ORDER BY {expires}
                 LIMIT {limit}
                   FOR NO KEY UPDATE SKIP LOCKED)
         UPDATE {table} t
            SET {flag} = true
           FROM p
          WHERE {AT_PLACE}"
    );

    statement(sql, text)
}

pub(crate) fn wake() -> Statement {
    let channel = DIALECT.literal(CHANNEL);
    statement(Sql::postgres(), format!("SELECT pg_notify({channel}, '')"))
}

pub(crate) fn set_expiry(owner: &Owner, field: usize, key: &Key, moment: Value) -> Statement {
    shared::mark::set_expiry(Sql::postgres(), owner, field, key, moment)
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
        named("wake", wake()),
    ]
    .concat()
}
