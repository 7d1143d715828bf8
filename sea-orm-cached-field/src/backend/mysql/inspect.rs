//! Inspection: what differs by database.

use sea_orm::Statement;

use super::{DIALECT, as_expiry, keys, names, of_expiry, read, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{
        shared::{
            self,
            inspect::{Expiry, HORIZONS},
        },
        sql::Sql,
    },
    declaration::Key,
    layout::{Field, Owner},
};

pub(crate) fn expiry(field: &Field) -> Option<Expiry> {
    let moment = DIALECT.expiry(field).map(|expires| format!("t.{expires}"))?;
    Some(Expiry {
        expires_in: DIALECT.milliseconds_between(DIALECT.now(), &of_expiry(field, &moment)),
        horizons: HORIZONS.map(|seconds| {
            as_expiry(field, &format!("(UTC_TIMESTAMP(6) + INTERVAL {seconds} SECOND)"))
        }),
        moment,
    })
}

/// Whether the row is marked: by its own key, or by that of a related row.
pub(crate) fn is_marked(owner: &Owner, field: usize, key: &Key) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let is_row = sql.key_is(owner, &names.own_key_of("t"), key);
    let table = names.table();
    let row = format!("{table} t WHERE {is_row}");
    let marked = read::marked(owner, &row, &names.field(field));
    let text = format!(
        "SELECT {marked} AS marked
           FROM {row}"
    );
    statement(sql, text)
}

pub(crate) fn retry(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let keys = keys(&mut sql, owner, of);

    let text = format!(
        "UPDATE {keys}
           STRAIGHT_JOIN {queue} q FORCE INDEX (PRIMARY)
             ON {same_key}
            AND q.field = {field}
            SET q.due_at = UTC_TIMESTAMP(6), q.attempts = 0
          WHERE {waits}",
        queue = names.queue(),
        same_key = names.same_key("q", "c"),
        field = names.field(field),
        waits = shared::claim::waits_after_failure(names, "q"),
    );

    statement(sql, text)
}

#[cfg(test)]
pub(crate) fn examples(of: &Example) -> Vec<Named> {
    let owner = &of.owner;
    [
        named("is_marked", is_marked(owner, 0, &of.keys[0])),
        named("retry", retry(owner, 0, &of.keys)),
    ]
    .concat()
}
