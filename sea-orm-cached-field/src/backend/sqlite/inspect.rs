//! Inspection: what differs by database.

use sea_orm::Statement;

use super::{DIALECT, NOW, names, now_as_expiry, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{repeated, shared, sql::Sql},
    declaration::Key,
    layout::Owner,
};

const SECONDS_OF_A_DAY: f64 = 86_400.0;

pub(crate) fn row(owner: &Owner, field: usize, key: &Key) -> Statement {
    let declared = &owner.fields[field];
    let expires_in = DIALECT.expiry(declared).map(|expires| {
        let now = now_as_expiry(declared);
        format!("CAST((julianday(t.{expires}) - {now}) * 86400000 AS INTEGER)")
    });
    let expires_in = expires_in.as_deref().unwrap_or("NULL");
    shared::inspect::row(Sql::sqlite(), owner, field, key, expires_in)
}

pub(crate) fn count_expiries(owner: &Owner, field: usize) -> Statement {
    let declared = &owner.fields[field];
    let moment = DIALECT.expiry(declared).map(|expires| format!("julianday(t.{expires})"));
    let now = now_as_expiry(declared);
    let until = shared::inspect::HORIZONS
        .map(|seconds| format!("{now} + {days}", days = f64::from(seconds) / SECONDS_OF_A_DAY));
    let moment = moment.unwrap_or_default();
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
        named("count_expiries", count_expiries(owner, 0)),
        named("retry", retry(owner, 0, &of.keys)),
    ]
    .concat()
}
