//! Whether a stored value is right.

use sea_orm::Statement;

use super::{
    names::{literal, owner_key, qualified, quote},
    statement,
    tables::via,
    way,
};
use crate::{
    dialect::sql::{Sql, equal, key_columns, marks, prefixed, recalculations},
    field::{
        Key,
        layout::{Owner, Source},
    },
};

/// Whether the field of the row `t` is marked, which is among the rows that this condition names; `field` is an SQL
/// expression.
pub(super) fn marked(owner: &Owner, rows: &str, field: &str) -> String {
    let (table, marks, keys) = (qualified(&owner.table), qualified(&marks(owner)), key_columns(owner));
    let own = equal("m", &keys, "t", &owner_key(owner));
    let mut tests =
        vec![format!("EXISTS (SELECT 1 FROM {marks} m FORCE INDEX (by_key) WHERE {own} AND m.field = {field})")];
    tests.extend(owner.looked_up().map(|source| {
        let via = literal(&via(source));
        let hashes = way::hashes(owner, source, &format!("{table} t FORCE INDEX (PRIMARY) WHERE {rows}"));
        format!(
            "EXISTS (SELECT 1 FROM ({hashes}) w STRAIGHT_JOIN {marks} m FORCE INDEX (by_link)
                  ON m.link_hash = w.link_hash AND m.via = {via} WHERE {} AND m.field = {field})",
            equal("w", &keys, "t", &owner_key(owner)),
        )
    }));
    format!("({})", tests.join(" OR "))
}

/// Whether the field of the row `t`, which is among the rows that this condition names, is stale: flagged, expired,
/// marked or queued.
fn stale(owner: &Owner, field: usize, rows: &str) -> String {
    let column = &owner.fields[field];
    let name = literal(column.name);
    let expired = column.expires_after.as_ref().map(|expires| format!("t.{} <= UTC_TIMESTAMP(6)", quote(expires)));
    format!(
        "(t.{flag} OR COALESCE({expired}, FALSE) OR {marked}
                OR EXISTS (SELECT 1 FROM {queue} q WHERE {queued} AND q.field = {name}))",
        flag = quote(&column.recalculation_needed),
        expired = expired.as_deref().unwrap_or("FALSE"),
        marked = marked(owner, rows, &name),
        queue = qualified(&recalculations(owner)),
        queued = equal("q", &key_columns(owner), "t", &owner_key(owner)),
    )
}

pub(super) fn status(owner: &Owner, field: usize, key: &Key) -> Statement {
    let mut sql = Sql::mysql();
    let is_row = sql.key_is(owner, "t.", &owner_key(owner), key);
    let stale = stale(owner, field, &is_row);
    statement(sql, format!("SELECT {stale} AS stale FROM {} t WHERE {is_row}", qualified(&owner.table)))
}

pub(super) fn stale_behind(owner: &Owner, source: &Source, key: &Key, of: &Owner, field: usize) -> Statement {
    let mut sql = Sql::mysql();
    let is_row = sql.key_is(owner, "t.", &owner_key(owner), key);
    let of_key = owner_key(of);
    let rows = way::rows_of(owner, source, &format!("{} t WHERE {is_row}", qualified(&owner.table)), &of_key);
    let values: Vec<String> = (1..=of_key.len()).map(|n| format!("v_{n}")).collect();
    let is_behind = format!("({}) IN (SELECT {} FROM ({rows}) b)", prefixed("t", &of_key), prefixed("b", &values));
    let selected: Vec<String> =
        of_key.iter().zip(key_columns(of)).map(|(own, key)| format!("t.{own} AS {key}")).collect();
    let text = format!(
        "SELECT DISTINCT {} FROM ({rows}) w STRAIGHT_JOIN {} t ON {} WHERE {}",
        selected.join(", "),
        qualified(&of.table),
        equal("t", &of_key, "w", &values),
        stale(of, field, &is_behind),
    );
    statement(sql, text)
}
