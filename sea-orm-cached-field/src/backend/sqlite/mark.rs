//! Marking by our own methods; all other marks are the triggers'.

use sea_orm::{Statement, Value};

use super::{DIALECT, names, now_as_expiry, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{names::Columns, shared, sql::Sql},
    declaration::{Chunk, Key},
    layout::Owner,
};

/// The flag leaves no mark where one waits. So the newest one of this field alone, which is taken
/// back, is always that of this statement.
pub(crate) fn flag_lazily(owner: &Owner, field: usize, key: &Key) -> Vec<Statement> {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let marks = names.marks();
    let is_row = sql.key_is(owner, &names.keys(), key);
    let name = sql.bind(owner.fields[field].name);

    let unmark = format!(
        "DELETE FROM {marks}
          WHERE id = (
                SELECT max(id)
                  FROM {marks}
                 WHERE {is_row}
                   AND field = {name})"
    );

    vec![
        shared::mark::append_mark(Sql::sqlite(), owner, field, key, None),
        shared::mark::flag(Sql::sqlite(), owner, field, key),
        statement(sql, unmark),
        disown(owner, field, key),
    ]
}

pub(crate) fn flag_eagerly(owner: &Owner, field: usize, key: &Key) -> Vec<Statement> {
    vec![
        shared::mark::flag(Sql::sqlite(), owner, field, key),
        shared::mark::append_mark(Sql::sqlite(), owner, field, key, Some(true)),
    ]
}

/// Takes a field out of all marks of a row.
pub(super) fn unmark(owner: &Owner, field: usize, key: &Key) -> [Statement; 2] {
    let names = names(owner);
    let name = names.field(field);
    let marks = names.marks();
    let of_row = |change: String, condition: String| {
        let mut sql = Sql::sqlite();
        let is_row = sql.key_is(owner, &names.keys(), key);
        let text = format!(
            "{change}
              WHERE {is_row}
                AND {condition}"
        );
        statement(sql, text)
    };

    let others = format!("trim(replace(',' || field || ',', ',' || {name} || ',', ','), ',')");
    [
        of_row(format!("DELETE FROM {marks}"), format!("field = {name}")),
        of_row(
            format!(
                "UPDATE {marks}
                SET field = {others}"
            ),
            DIALECT.is_listed(&name, "field"),
        ),
    ]
}

/// Makes a calculation under way miss.
fn disown(owner: &Owner, field: usize, key: &Key) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let generation = sql.bind(fastrand::i64(1..));
    let is_row = sql.key_is(owner, &names.keys(), key);
    let name = sql.bind(owner.fields[field].name);
    let queue = names.queue();

    let text = format!(
        "UPDATE {queue}
            SET generation = {generation}
          WHERE {is_row}
            AND field = {name}"
    );

    statement(sql, text)
}

/// There is one writer, so nothing is locked. The trigger marks each row that is flagged; these
/// marks are deleted: they come after a mark that is made for this. What stands in the queue is
/// marked, for a calculation that is under way has to miss.
pub(super) fn flag_chunk(owner: &Owner, field: usize, chunk: &Chunk) -> Vec<Statement> {
    let names = names(owner);
    let table = names.table();
    let flag = names.flag(field);
    let marks = names.marks();
    let queue = names.queue();
    let keys = names.keys();
    let name = names.field(field);
    let newest = format!("(SELECT max(id) FROM {marks} WHERE key_1 IS NULL)");

    let in_chunk = |text: &dyn Fn(String) -> String, columns: &Columns| {
        let mut sql = Sql::sqlite();
        let range = shared::chunks::range_of(&mut sql, owner, columns, chunk);
        statement(sql, text(range))
    };

    let plain = |text: String| statement(Sql::sqlite(), text);
    vec![
        plain(format!("INSERT INTO {marks} (field) VALUES ('')")),
        in_chunk(
            &|range| {
                format!(
                    "UPDATE {table}
                        SET {flag} = 1
                      WHERE {range}
                        AND NOT {flag}"
                )
            },
            &names.own_key(),
        ),
        in_chunk(
            &|range| {
                format!(
                    "DELETE FROM {marks}
                      WHERE id > {newest}
                        AND {range}
                        AND field = {name}
                        AND eager IS NULL"
                )
            },
            &keys,
        ),
        plain(format!("DELETE FROM {marks} WHERE id = {newest}")),
        in_chunk(
            &|range| {
                format!(
                    "INSERT INTO {marks} ({keys}, field)
                     SELECT {keys}, {name}
                       FROM {queue}
                      WHERE {range}
                        AND field = {name}"
                )
            },
            &keys,
        ),
    ]
}

pub(crate) fn flag_expired(owner: &Owner, field: usize, rows: u64) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let table = names.table();
    let columns = names.own_key();
    let field = &owner.fields[field];
    let flag = DIALECT.flag(field);
    let expires = DIALECT.quote(field.expires_after.as_deref().unwrap_or_default());
    let limit = sql.bind(rows as i64);
    let now = now_as_expiry(field);

    let text = format!(
        "UPDATE {table}
            SET {flag} = 1
          WHERE ({columns}) IN (
                SELECT {columns}
                  FROM {table}
                 WHERE {expires} IS NOT NULL
                   AND julianday({expires}) <= {now}
                   AND NOT {flag}
                 ORDER BY julianday({expires})
                 LIMIT {limit})"
    );

    statement(sql, text)
}

pub(crate) fn set_expiry(owner: &Owner, field: usize, key: &Key, moment: Value) -> Statement {
    shared::mark::set_expiry(Sql::sqlite(), owner, field, key, moment)
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
    ]
    .concat()
}
