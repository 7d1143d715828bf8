//! Claiming: what is due.

use sea_orm::Statement;

use crate::{
    backend::{names::Names, sql::Sql},
    layout::Owner,
};

/// How many of the oldest due rows are looked at for each that is leased: some of them may have to
/// wait.
pub(crate) const LOOKED_AT: i64 = 10;

pub(crate) fn retry_failed(sql: Sql, owner: &Owner) -> Statement {
    let names = sql.names(owner);
    sql.statement(format!(
        "UPDATE {queue} AS q
            SET due_at = {now}, attempts = 0
          WHERE {waits}",
        queue = names.queue(),
        now = names.dialect.now(),
        waits = waits_after_failure(names, "q"),
    ))
}

/// Whether a row of the queue has failed, and is not due.
pub(crate) fn waits_after_failure(names: Names<'_>, row: &str) -> String {
    let now = names.dialect.now();
    format!("({row}.due_at IS NULL OR {row}.last_error IS NOT NULL AND {row}.due_at > {now})")
}
