//! Whether a stored value is right.

use sea_orm::Statement;

use super::{
    names::{literal, owner_key, qualified, quote},
    statement,
    tables::via,
    way,
};
use crate::{
    dialect::sql::{Sql, equal, key_columns, marks, recalculations},
    field::{
        Key,
        layout::{Owner, Source},
    },
};

/// Whether the field of the row `t` is marked, which is among the rows `t` of this FROM clause; `field` is an SQL
/// expression.
pub(super) fn marked(owner: &Owner, rows: &str, field: &str) -> String {
    let (marks, keys) = (qualified(&marks(owner)), key_columns(owner));
    let own = equal("m", &keys, "t", &owner_key(owner));
    let mut tests =
        vec![format!("EXISTS (SELECT 1 FROM {marks} m FORCE INDEX (by_key) WHERE {own} AND m.field = {field})")];
    tests.extend(owner.looked_up().map(|source| {
        let via = literal(&via(source));
        let hashes = way::hashes(owner, source, rows);
        format!(
            "EXISTS (SELECT 1 FROM ({hashes}) w STRAIGHT_JOIN {marks} m FORCE INDEX (by_link)
                  ON m.link_hash = w.link_hash AND m.via = {via} WHERE {} AND m.field = {field})",
            equal("w", &keys, "t", &owner_key(owner)),
        )
    }));
    format!("({})", tests.join(" OR "))
}

/// Whether the field of the row `t` is stale, which is among the rows `t` of this FROM clause: flagged, expired, marked or
/// queued.
fn stale(owner: &Owner, rows: &str, field: usize) -> String {
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
    let rows = format!("{} t WHERE {is_row}", qualified(&owner.table));
    let text = format!("SELECT {} AS stale FROM {rows}", stale(owner, &rows, field));
    statement(sql, text)
}

pub(super) fn stale_behind(owner: &Owner, source: &Source, key: &Key, of: &Owner, field: usize) -> Statement {
    let mut sql = Sql::mysql();
    let is_row = sql.key_is(owner, "t.", &owner_key(owner), key);
    let row = format!("{} t WHERE {is_row}", qualified(&owner.table));
    let of_key = owner_key(of);
    let values: Vec<String> = (1..=of_key.len()).map(|n| format!("v_{n}")).collect();
    let rows = format!(
        "({}) b STRAIGHT_JOIN {} t FORCE INDEX (PRIMARY) ON {}",
        way::rows_of(owner, source, &row, &of_key),
        qualified(&of.table),
        equal("t", &of_key, "b", &values),
    );
    let selected: Vec<String> =
        of_key.iter().zip(key_columns(of)).map(|(own, key)| format!("t.{own} AS {key}")).collect();
    let text = format!("SELECT DISTINCT {} FROM {rows} WHERE {}", selected.join(", "), stale(of, &rows, field));
    statement(sql, text)
}
