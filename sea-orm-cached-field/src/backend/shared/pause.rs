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

/// Pauses a field that was never paused.
pub(crate) fn pause_first(
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
    let (insert, otherwise) = match names.dialect {
        Dialect::MySql => ("INSERT IGNORE", ""),
        Dialect::Postgres | Dialect::Sqlite => ("INSERT", "\n         ON CONFLICT DO NOTHING"),
    };

    let text = format!(
        "{insert} INTO {settings} (field, paused_at, paused_by, reason)
         VALUES ({field}, {now}, {by}, {reason}){otherwise}"
    );

    sql.statement(text)
}

/// Pauses a field that is not paused, and was not since this moment.
pub(crate) fn pause_again(
    mut sql: Sql,
    owner: &Owner,
    field: usize,
    by: &str,
    reason: &str,
    since: i64,
) -> Statement {
    let names = sql.names(owner);
    let by = sql.bind(by);
    let reason = sql.bind(reason);
    let field = sql.bind(owner.fields[field].name);
    let since = sql.bind(since);

    let text = format!(
        "UPDATE {settings}
            SET paused_at = {now},
                paused_by = {by},
                reason = {reason}
          WHERE field = {field}
            AND paused_at IS NULL
            AND resumed_at < {since}",
        settings = names.settings(),
        now = names.dialect.now(),
        since = names.dialect.moment(&since),
    );

    sql.statement(text)
}

/// When it was resumed stays known.
pub(crate) fn resume(mut sql: Sql, owner: &Owner, field: usize) -> Statement {
    let names = sql.names(owner);
    let settings = names.settings();
    let field = sql.bind(owner.fields[field].name);
    let now = names.dialect.now();

    let text = format!(
        "UPDATE {settings}
            SET paused_at = NULL,
                resumed_at = {now}
          WHERE field = {field}
            AND paused_at IS NOT NULL"
    );

    sql.statement(text)
}
