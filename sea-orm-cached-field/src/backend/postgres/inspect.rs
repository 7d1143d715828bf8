//! Inspection: what differs by database.

use sea_orm::Statement;

use super::{DIALECT, as_expiry, names, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{shared, sql::Sql},
    declaration::Key,
    layout::Owner,
};

/// An expiry may be infinite.
pub(crate) fn row(owner: &Owner, field: usize, key: &Key) -> Statement {
    let declared = &owner.fields[field];
    let expires_in = DIALECT.expiry(declared).map(|expires| {
        let column = format!("t.{expires}");
        let moment = as_expiry(declared, &column);
        let expires_in = DIALECT.milliseconds_between(DIALECT.now(), &moment);
        format!("CASE WHEN isfinite({column}) THEN {expires_in} END")
    });
    let expires_in = expires_in.as_deref().unwrap_or("CAST(NULL AS bigint)");
    shared::inspect::row(Sql::postgres(), owner, field, key, expires_in)
}

pub(crate) fn count_expiries(owner: &Owner, field: usize) -> Statement {
    let declared = &owner.fields[field];
    let moment = DIALECT.expiry(declared).map(|expires| format!("t.{expires}"));
    let until = shared::inspect::HORIZONS
        .map(|seconds| as_expiry(declared, &format!("(now() + interval '{seconds} seconds')")));
    let moment = moment.unwrap_or_default();
    shared::inspect::count_expiries(Sql::postgres(), owner, field, &moment, &until)
}

pub(crate) fn retry(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let queue = names.queue();
    let keys = shared::read::keys(&mut sql, owner, of);

    let text = format!(
        "WITH {keys}
         UPDATE {queue} q
            SET due_at = now(), attempts = 0
           FROM k,
                LATERAL (
                SELECT r.ctid AS place
                  FROM {queue} r
                 WHERE {same_key}
                   AND r.field = {field}
                   AND {waits}
                   FOR UPDATE SKIP LOCKED) p
          WHERE q.ctid = p.place",
        same_key = names.same_key("r", "k"),
        field = names.field(field),
        waits = shared::inspect::waits_after_failure(names, "r"),
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
