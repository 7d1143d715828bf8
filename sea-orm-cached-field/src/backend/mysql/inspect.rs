//! Inspection: what differs by database.

use sea_orm::Statement;

use super::{DIALECT, as_expiry, keys, names, of_expiry, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{shared, sql::Sql},
    declaration::Key,
    layout::Owner,
};

pub(crate) fn row(owner: &Owner, field: usize, key: &Key) -> Statement {
    let declared = &owner.fields[field];
    let expires_in = DIALECT.expiry(declared).map(|expires| {
        let moment = of_expiry(declared, &format!("t.{expires}"));
        DIALECT.milliseconds_between(DIALECT.now(), &moment)
    });
    let expires_in = expires_in.as_deref().unwrap_or("CAST(NULL AS SIGNED)");
    shared::inspect::row(Sql::mysql(), owner, field, key, expires_in)
}

pub(crate) fn count_expiries(owner: &Owner, field: usize) -> Statement {
    let declared = &owner.fields[field];
    let moment = DIALECT.expiry(declared).map(|expires| format!("t.{expires}"));
    let until = shared::inspect::HORIZONS.map(|seconds| {
        as_expiry(declared, &format!("(UTC_TIMESTAMP(6) + INTERVAL {seconds} SECOND)"))
    });
    let moment = moment.unwrap_or_default();
    shared::inspect::count_expiries(Sql::mysql(), owner, field, &moment, &until)
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
        waits = shared::inspect::waits_after_failure(names, "q"),
    );

    statement(sql, text)
}

#[cfg(test)]
pub(crate) fn examples(of: &Example) -> Vec<Named> {
    let owner = &of.owner;
    [
        named("row", row(owner, 0, &of.keys[0])),
        named("count_expiries", count_expiries(owner, 0)),
        named("retry", retry(owner, 0, &of.keys)),
    ]
    .concat()
}
