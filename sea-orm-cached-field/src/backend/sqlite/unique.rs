//! Unique indexes over cached columns: which rows hold a value, and how they give it up.

use sea_orm::Statement;

use super::{DIALECT, names, read::are_rows, statement};
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
    let mut sql = Sql::sqlite();
    let name = sql.bind(table.name.as_str());

    let text = format!(
        "SELECT i.name AS name, c.name AS \"column\", c.coll AS collation,
                CASE WHEN n.\"notnull\" THEN 0 ELSE 1 END AS nullable
           FROM pragma_index_list({name}) i
           JOIN pragma_index_xinfo(i.name) c
           LEFT JOIN pragma_table_info({name}) n ON n.name = c.name
          WHERE i.\"unique\"
            AND c.key
            AND i.origin <> 'pk'
          ORDER BY i.name, c.seqno"
    );

    statement(sql, text)
}

pub(crate) fn holders(
    owner: &Owner,
    index: &UniqueIndex,
    shape: &Shape,
    rows: &[Written],
) -> Statement {
    let mut sql = Sql::sqlite();
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
           JOIN {table} o ON {own_row}
           JOIN {table} t ON {holds}
          WHERE NOT ({same_row})",
        selected = names.read_own_key(),
        table = names.table(),
        own_row = names.same_row("o", "v"),
        holds = shared::unique::holds_wanted(&sql, owner, index, shape, "t", value),
        same_row = names.same_row("t", "v"),
    );

    statement(sql, text)
}

/// Nothing is to be locked: this transaction is the one writer.
pub(crate) fn lock_holders(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let are_rows = are_rows(&mut sql, owner, of);
    let text = format!(
        "SELECT {selected}, t.{flag} AS flagged
           FROM {table} t
          WHERE {are_rows}",
        selected = names.read_own_key(),
        flag = names.flag(field),
        table = names.table(),
    );
    statement(sql, text)
}

/// It leaves the flag alone: naming it would mark the row. The guard flags a row that is not
/// flagged yet.
pub(crate) fn give_up_value(owner: &Owner, field: usize, of: &[Key]) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let are_rows = are_rows(&mut sql, owner, of);
    let text = format!(
        "UPDATE {table} AS t
            SET {cached} = NULL
          WHERE {are_rows}",
        table = names.table(),
        cached = DIALECT.cached(&owner.fields[field]),
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
