//! Inspection: what differs by database.

use sea_orm::Statement;

use super::{DIALECT, as_expiry, names, read, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{shared, sql::Sql},
    declaration::Key,
    layout::{Field, Owner},
};

/// The time until the value of the row `t` expires. An expiry may be infinite.
fn expires_in(field: &Field) -> Option<String> {
    let column = moment(field)?;
    let moment = as_expiry(field, &column);
    let expires_in = DIALECT.milliseconds_between(DIALECT.now(), &moment);
    Some(format!("CASE WHEN isfinite({column}) THEN {expires_in} END"))
}

/// The expiry of the row `t`, as its index has it.
fn moment(field: &Field) -> Option<String> {
    DIALECT.expiry(field).map(|expires| format!("t.{expires}"))
}

pub(crate) fn row(owner: &Owner, field: usize, key: &Key) -> Statement {
    let expires_in = expires_in(&owner.fields[field]);
    let expires_in = expires_in.as_deref().unwrap_or("CAST(NULL AS bigint)");
    shared::inspect::row(Sql::postgres(), owner, field, key, expires_in)
}

/// Whether the row is marked: by its own key, or by that of a related row.
pub(crate) fn is_marked(owner: &Owner, field: usize, key: &Key) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let is_row = sql.key_is(owner, &names.own_key_of("t"), key);
    let table = names.table();
    let marked = read::marked(owner, &names.field(field));
    let text = format!(
        "SELECT {marked} AS marked
           FROM {table} t
          WHERE {is_row}"
    );
    statement(sql, text)
}

/// Only for a field that has an expiry.
pub(crate) fn first_expiry(owner: &Owner, field: usize) -> Option<Statement> {
    let declared = &owner.fields[field];
    let (moment, expires_in) = (moment(declared)?, expires_in(declared)?);
    Some(shared::inspect::first_expiry(Sql::postgres(), owner, field, &moment, &expires_in))
}

pub(crate) fn count_expiries(owner: &Owner, field: usize) -> Statement {
    let declared = &owner.fields[field];
    let moment = moment(declared).unwrap_or_default();
    let until = shared::inspect::HORIZONS
        .map(|seconds| as_expiry(declared, &format!("(now() + interval '{seconds} seconds')")));
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
        named("is_marked", is_marked(owner, 0, &of.keys[0])),
        named("first_expiry", first_expiry(owner, 0)),
        named("count_expiries", count_expiries(owner, 0)),
        named("retry", retry(owner, 0, &of.keys)),
    ]
    .concat()
}
