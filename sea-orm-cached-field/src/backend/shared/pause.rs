//! Paused fields.

use sea_orm::Statement;

use crate::{
    backend::{names::Dialect, sql::Sql},
    layout::Owner,
};

/// Who has paused which field, and when.
pub(crate) fn pauses(sql: Sql, owner: &Owner) -> Statement {
    let names = sql.names(owner);
    let text = format!(
        "SELECT s.field, s.paused_by, s.reason, {paused_for} AS paused_for
           FROM {settings} s
          WHERE s.paused_at IS NOT NULL",
        paused_for = names.dialect.milliseconds_between("s.paused_at", names.dialect.now()),
        settings = names.settings(),
    );

    sql.statement(text)
}

/// A field that is paused already stays so since then.
pub(crate) fn pause(
    mut sql: Sql,
    owner: &Owner,
    field: usize,
    by: &str,
    reason: &str,
) -> Statement {
    let names = sql.names(owner);
    let settings = names.settings();
    let field = sql.bind(owner.fields[field].name);
    let by = sql.bind(by);
    let reason = sql.bind(reason);
    let now = names.dialect.now();

    let (alias, otherwise) = match names.dialect {
        Dialect::MySql => (
            "",
            "ON DUPLICATE KEY UPDATE
                paused_at = COALESCE(paused_at, VALUES(paused_at)),
                paused_by = VALUES(paused_by),
                reason = VALUES(reason)",
        ),
        Dialect::Postgres | Dialect::Sqlite => (
            " AS s",
            "ON CONFLICT (field) DO UPDATE SET
                paused_at = coalesce(s.paused_at, excluded.paused_at),
                paused_by = excluded.paused_by,
                reason = excluded.reason",
        ),
    };

    let text = format!(
        "INSERT INTO {settings}{alias} (field, paused_at, paused_by, reason)
         VALUES ({field}, {now}, {by}, {reason})
         {otherwise}"
    );

    sql.statement(text)
}

pub(crate) fn resume(mut sql: Sql, owner: &Owner, field: usize) -> Statement {
    let names = sql.names(owner);
    let settings = names.settings();
    let field = sql.bind(owner.fields[field].name);
    sql.statement(format!("DELETE FROM {settings} WHERE field = {field}"))
}
