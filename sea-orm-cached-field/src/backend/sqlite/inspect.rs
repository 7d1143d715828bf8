//! Inspection: what differs by database.

use sea_orm::Statement;

use super::{DIALECT, NOW, names, now_as_expiry, read, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{repeated, shared, sql::Sql},
    declaration::Key,
    layout::{Field, Owner},
};

const SECONDS_OF_A_DAY: f64 = 86_400.0;

/// The time until the value of the row `t` expires.
fn expires_in(field: &Field) -> Option<String> {
    let moment = moment(field)?;
    let now = now_as_expiry(field);
    Some(format!("CAST(({moment} - {now}) * 86400000 AS INTEGER)"))
}

/// The expiry of the row `t`, as its index has it.
fn moment(field: &Field) -> Option<String> {
    DIALECT.expiry(field).map(|expires| format!("julianday(t.{expires})"))
}

pub(crate) fn row(owner: &Owner, field: usize, key: &Key) -> Statement {
    let expires_in = expires_in(&owner.fields[field]);
    let expires_in = expires_in.as_deref().unwrap_or("NULL");
    shared::inspect::row(Sql::sqlite(), owner, field, key, expires_in)
}

/// Whether the row is marked: by its own key, or by that of a related row.
pub(crate) fn is_marked(owner: &Owner, field: usize, key: &Key) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let is_row = sql.key_is(owner, &names.own_key_of("t"), key);
    let table = names.table();
    let marked = read::marked(owner, "t", &names.own_key(), &names.field(field));
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
    Some(shared::inspect::first_expiry(Sql::sqlite(), owner, field, &moment, &expires_in))
}

pub(crate) fn count_expiries(owner: &Owner, field: usize) -> Statement {
    let declared = &owner.fields[field];
    let moment = moment(declared).unwrap_or_default();
    let now = now_as_expiry(declared);
    let until = shared::inspect::HORIZONS
        .map(|seconds| format!("{now} + {days}", days = f64::from(seconds) / SECONDS_OF_A_DAY));
    shared::inspect::count_expiries(Sql::sqlite(), owner, field, &moment, &until)
}

pub(crate) fn retry(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let tuples = sql.keys(owner, repeated(of));

    let text = format!(
        "UPDATE {queue} AS q
            SET due_at = {NOW}, attempts = 0
          WHERE ({keys}) IN (VALUES {tuples})
            AND q.field = {field}
            AND {waits}",
        queue = names.queue(),
        keys = names.keys_of("q"),
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
        named("is_marked", is_marked(owner, 0, &of.keys[0])),
        named("first_expiry", first_expiry(owner, 0)),
        named("count_expiries", count_expiries(owner, 0)),
        named("retry", retry(owner, 0, &of.keys)),
    ]
    .concat()
}
