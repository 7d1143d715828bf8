//! Unique indexes over cached columns: which rows hold a value, and how they give it up.

use sea_orm::Statement;

use super::{
    DIALECT,
    collect::{AT_PLACE, place},
    complete::locked_row,
    names, statement,
};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{shared, sql::Sql},
    catalog::UniqueIndex,
    declaration::Key,
    layout::{Owner, Table},
    queue::{Shape, Written},
};

pub(crate) fn columns(table: &Table) -> Statement {
    let text = format!(
        "SELECT c.relname::text AS name,
                a.attname::text AS \"column\",
                NULL::text AS \"collation\",
                CASE WHEN a.attnotnull THEN 0 ELSE 1 END AS nullable
           FROM pg_index i
           JOIN pg_class c ON c.oid = i.indexrelid
          CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place)
           LEFT JOIN pg_attribute a
             ON a.attrelid = i.indrelid
            AND a.attnum = k.attnum
            AND k.attnum > 0
          WHERE i.indrelid = to_regclass({name})
            AND i.indisunique
            AND NOT i.indisprimary
            AND k.place <= i.indnkeyatts
          ORDER BY 1, k.place",
        name = DIALECT.literal(&DIALECT.qualified(table)),
    );

    statement(Sql::postgres(), text)
}

/// `OFFSET 0` keeps the planner from looking at all rows at once.
pub(crate) fn holders(
    owner: &Owner,
    index: &UniqueIndex,
    shape: &Shape,
    rows: &[Written],
) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let wanted = shared::unique::wanted(&mut sql, owner, shape, rows);
    let value = |at| {
        let number = at + 1;
        format!("v.value_{number}")
    };

    let text = format!(
        "WITH {wanted}
         SELECT v.place, {selected}
           FROM v
          CROSS JOIN LATERAL (SELECT r.* FROM {table} r WHERE {own_row} OFFSET 0) o
          CROSS JOIN LATERAL (SELECT r.* FROM {table} r WHERE {holds} OFFSET 0) t
          WHERE NOT ({same_row})",
        selected = names.read_own_key(),
        table = names.table(),
        own_row = names.same_row("r", "v"),
        holds = shared::unique::holds_wanted(&sql, owner, index, shape, "r", value),
        same_row = names.same_row("t", "v"),
    );

    statement(sql, text)
}

pub(crate) fn lock_holders(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let keys = shared::read::keys(&mut sql, owner, of);
    let text = format!(
        "WITH {keys}
         SELECT {selected}, t.{flag} AS flagged
           FROM k, {row}",
        selected = names.read_keys_of("k"),
        flag = names.flag(field),
        row = locked_row(owner, "k"),
    );
    statement(sql, text)
}

pub(crate) fn give_up_value(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let field = &owner.fields[field];
    let keys = shared::read::keys(&mut sql, owner, of);

    let text = format!(
        "WITH {keys}
         UPDATE {table} t
            SET {cached} = NULL,
                {flag} = true
           FROM k, {place}
          WHERE {AT_PLACE}",
        table = names.table(),
        cached = DIALECT.cached(field),
        flag = DIALECT.flag(field),
        place = place(owner, "k"),
    );

    statement(sql, text)
}

#[cfg(test)]
pub(crate) fn examples(of: &Example) -> Vec<Named> {
    let owner = &of.owner;
    [
        named("holders", holders(owner, &of.unique_index(), &of.shape, &of.rows)),
        named("lock_holders", lock_holders(owner, 0, &of.keys)),
        named("give_up_value", give_up_value(owner, 0, &of.keys)),
    ]
    .concat()
}
