//! The queue: rows that are to stand there, and claims of them.

use sea_orm::Statement;

use crate::{
    backend::{bound::Bound, sql::Sql},
    layout::Owner,
    queue::{Claim, Enqueued},
};

/// `v (key_1, ..., field, generation, marked_at, lease) AS (..)`
pub(crate) fn queued(sql: &mut Sql, owner: &Owner, rows: &[Enqueued], lease: i64) -> String {
    let mut columns = Bound::keys(owner, rows.iter().map(|row| &row.key));
    columns.push(Bound::alike("field", rows.iter().map(|row| owner.fields[row.field].name)));
    columns.push(Bound::new("generation", rows.iter().map(|row| row.generation)));
    columns.push(Bound::new("marked_at", rows.iter().map(|row| row.marked_at)));
    columns.push(Bound::alike("lease", rows.iter().map(|row| if row.lease { lease } else { 0 })));
    sql.table("v", columns)
}

/// `claimed (key_1, ..., field, generation) AS (..)`
pub(crate) fn claimed(sql: &mut Sql, owner: &Owner, claims: &[Claim]) -> String {
    let mut columns = Bound::keys(owner, claims.iter().map(|claim| &claim.key));
    columns.push(Bound::alike("field", claims.iter().map(|claim| owner.fields[claim.field].name)));
    columns.push(Bound::new("generation", claims.iter().map(|claim| claim.generation)));
    sql.table("claimed", columns)
}

pub(crate) fn change_generation(mut sql: Sql, owner: &Owner, rows: &[Enqueued]) -> Statement {
    let names = sql.names(owner);
    let queued = queued(&mut sql, owner, rows, 0);
    let queue = names.queue();

    let text = format!(
        "WITH {queued}
         UPDATE {queue} AS q
            SET generation = v.generation
           FROM v
          WHERE {same_key}
            AND q.field = v.field",
        same_key = names.same_key("q", "v"),
    );

    sql.statement(text)
}
