//! Whether a stored value is right.

use sea_orm::Statement;

use super::{statement, tables::via, way};
use crate::{
    dialect::sql::{Sql, equal, key_columns, literal, marks, owner_key, qualified, quote, recalculations},
    field::{
        Key,
        layout::{Owner, Source},
    },
};

/// PostgreSQL expects so many rows of a recursion that it would compile each question that follows one, for seconds.
pub(super) fn settings() -> Statement {
    statement(Sql::postgres(), "SELECT set_config('jit', 'off', true)".to_owned())
}

/// Whether the field of the row `t` is marked; `field` is an SQL expression. `OFFSET 0` keeps the planner from looking at
/// all marks at once, as it does where it takes them for few.
pub(super) fn marked(owner: &Owner, field: &str) -> String {
    let marks = qualified(&marks(owner));
    let own = equal("m", &key_columns(owner), "t", &owner_key(owner));
    let mut tests = vec![format!("EXISTS (SELECT FROM {marks} m WHERE {own} AND m.field = {field} OFFSET 0)")];
    tests.extend(owner.looked_up().map(|source| {
        let (via, (before, link)) = (literal(&via(source)), way::from_owner(source));
        // Mostly nothing waits there, and the way need not be gone.
        format!(
            "(EXISTS (SELECT FROM {marks} WHERE via = {via} ORDER BY link, id OFFSET 0)
                  AND EXISTS (SELECT FROM {before}
  CROSS JOIN LATERAL (SELECT FROM {marks} m WHERE m.via = {via} AND m.link = {link} AND m.field || '' = {field} OFFSET 0) m OFFSET 0))"
        )
    }));
    format!("({})", tests.join(" OR "))
}

/// Whether the field of the row `t` is stale: flagged, expired, marked or queued.
fn stale(owner: &Owner, field: usize) -> String {
    let column = &owner.fields[field];
    let name = literal(column.name);
    let expired = column.expires_after.as_ref().map(|expires| format!("t.{} <= now()", quote(expires)));
    format!(
        "(t.{flag} OR coalesce({expired}, false) OR {marked}
                OR EXISTS (SELECT FROM {queue} q WHERE {queued} AND q.field = {name} OFFSET 0))",
        flag = quote(&column.recalculation_needed),
        expired = expired.as_deref().unwrap_or("false"),
        marked = marked(owner, &name),
        queue = qualified(&recalculations(owner)),
        queued = equal("q", &key_columns(owner), "t", &owner_key(owner)),
    )
}

pub(super) fn status(owner: &Owner, field: usize, key: &Key) -> Statement {
    let mut sql = Sql::postgres();
    let is_row = sql.key_is(owner, "t.", &owner_key(owner), key);
    let text = format!("SELECT {} AS stale FROM {} t WHERE {is_row}", stale(owner, field), qualified(&owner.table));
    statement(sql, text)
}

pub(super) fn stale_behind(owner: &Owner, source: &Source, key: &Key, of: &Owner, field: usize) -> Statement {
    let mut sql = Sql::postgres();
    let is_row = sql.key_is(owner, "t.", &owner_key(owner), key);
    let (rows, row) = way::rows_of(source);
    let selected: Vec<String> =
        owner_key(of).iter().zip(key_columns(of)).map(|(own, key)| format!("t.{own} AS {key}")).collect();
    let text = format!(
        "SELECT DISTINCT {}
           FROM (SELECT s.* FROM {} t CROSS JOIN LATERAL (SELECT {row}.* FROM {rows}) s WHERE {is_row}) t
          WHERE {}",
        selected.join(", "),
        qualified(&owner.table),
        stale(of, field),
    );
    statement(sql, text)
}
