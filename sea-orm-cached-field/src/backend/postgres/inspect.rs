//! Inspection: what differs by database.

use sea_orm::Statement;

use super::{DIALECT, as_expiry, names, read, statement};
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
    let until = DIALECT.finite(&as_expiry(field, &moment));
    Some(Expiry {
        expires_in: DIALECT.milliseconds_between(DIALECT.now(), &until),
        horizons: HORIZONS
            .map(|seconds| as_expiry(field, &format!("(now() + interval '{seconds} seconds')"))),
        moment,
    })
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
        waits = shared::claim::waits_after_failure(names, "r"),
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
