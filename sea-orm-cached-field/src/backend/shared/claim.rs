//! Claiming: what is due.

use sea_orm::Statement;

use crate::{backend::sql::Sql, layout::Owner};

/// How many of the oldest due rows are looked at for each that is leased: some of them may have to
/// wait.
pub(crate) const LOOKED_AT: i64 = 10;

/// `now`: the moment, as the queue has it.
pub(crate) fn retry_failed(sql: Sql, owner: &Owner, now: &str) -> Statement {
    let names = sql.names(owner);
    let queue = names.queue();
    sql.statement(format!(
        "UPDATE {queue}
            SET due_at = {now}, attempts = 0
          WHERE due_at IS NULL
             OR (last_error IS NOT NULL AND due_at > {now})"
    ))
}
