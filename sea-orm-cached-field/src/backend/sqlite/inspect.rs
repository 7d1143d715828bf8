//! Inspection: what differs by database.

use sea_orm::Statement;

use super::{DIALECT, NOW, names, now_as_expiry, read, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{
        repeated,
        shared::{
            self,
            inspect::{Expiry, HORIZONS},
        },
        sql::Sql,
    },
    declaration::Key,
    layout::{Field, Owner},
};

const SECONDS_OF_A_DAY: f64 = 86_400.0;

pub(crate) fn expiry(field: &Field) -> Option<Expiry> {
    let moment = DIALECT.expiry(field).map(|expires| format!("julianday(t.{expires})"))?;
    let now = now_as_expiry(field);
    Some(Expiry {
        expires_in: format!("CAST(({moment} - {now}) * 86400000 AS INTEGER)"),
        horizons: HORIZONS
            .map(|seconds| format!("{now} + {days}", days = f64::from(seconds) / SECONDS_OF_A_DAY)),
        moment,
    })
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
