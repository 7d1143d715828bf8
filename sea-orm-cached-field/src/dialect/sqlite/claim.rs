//! Claiming: what is due, and the lease on it.

use sea_orm::Statement;

use super::{NOW, statement};
use crate::{
    dialect::{
        Claim, shared,
        sql::{Sql, equal, key_columns, known_fields, marks, quote, recalculations},
    },
    field::{Key, layout::Owner},
};

pub(super) fn work(owner: &Owner) -> Statement {
    let (marks, queue) = (quote(&marks(owner).name), quote(&recalculations(owner).name));
    let known = known_fields(owner);
    let mut moments = vec![
        format!("SELECT min(due_at) AS moment FROM {queue} WHERE {known} AND leased_until <= {NOW}"),
        format!("SELECT min(leased_until) FROM {queue} WHERE {known} AND leased_until > {NOW}"),
    ];
    moments.extend(owner.fields.iter().filter_map(|field| {
        let (expires, flag) = (quote(field.expires_after.as_ref()?), quote(&field.recalculation_needed));
        // The Julian day 2440587.5 is the beginning of 1970.
        Some(format!(
            "SELECT * FROM (SELECT CAST((julianday({expires}) - 2440587.5) * 86400000 AS INTEGER) + 1 FROM {}
              WHERE {expires} IS NOT NULL AND (julianday({expires}) > julianday('now') OR NOT {flag})
              ORDER BY julianday({expires}) LIMIT 1)",
            quote(&owner.table.name),
        ))
    }));
    let text = format!(
        "SELECT EXISTS (SELECT 1 FROM {marks} WHERE {known}) AS work, (SELECT min(moment) - {NOW} FROM ({})) AS wait",
        moments.join(" UNION ALL "),
    );
    statement(Sql::sqlite(), text)
}

/// Rows whose key is still marked are left alone: they come with their marks.
pub(super) fn lease_due(owner: &Owner, rows: u64, lease: i64) -> Statement {
    let mut sql = Sql::sqlite();
    let (queue, keys) = (quote(&recalculations(owner).name), key_columns(owner));
    let columns = keys.join(", ");
    let (lease, limit) = (sql.bind(lease), sql.bind(rows as i64));
    let text = format!(
        "UPDATE {queue} SET leased_until = {NOW} + {lease}, attempts = attempts + 1
          WHERE ({columns}, field) IN (
                SELECT {columns}, field FROM {queue} d
                 WHERE {known} AND d.due_at <= {NOW} AND d.leased_until <= {NOW}
                   AND NOT EXISTS (SELECT 1 FROM {marks} m WHERE {same_key})
                 ORDER BY d.due_at LIMIT {limit})
         RETURNING {columns}, field, generation, attempts, {NOW} AS claimed_at",
        marks = quote(&marks(owner).name),
        known = known_fields(owner),
        same_key = equal("m", &keys, "d", &keys),
    );
    statement(sql, text)
}

pub(super) fn lease_one(owner: &Owner, field: usize, key: &Key, lease: i64, steal: bool) -> Statement {
    let mut sql = Sql::sqlite();
    let (queue, keys) = (quote(&recalculations(owner).name), key_columns(owner).join(", "));
    // Bound once: the statement looks at the clock only here, so that the lease can be recognised.
    let lease_end = format!("{NOW} + {}", sql.bind(lease));
    let held = if steal { "false".to_owned() } else { format!("leased_until > {NOW}") };
    let generation = if steal { "excluded.generation" } else { "generation" };
    let rows = [key];
    let tuple = sql.tuples(
        owner,
        &rows,
        |key| key,
        |sql, _| {
            vec![
                sql.bind(owner.fields[field].name),
                sql.bind(fastrand::i64(1..)),
                NOW.to_owned(),
                lease_end.clone(),
                "1".to_owned(),
            ]
        },
    );
    let text = format!(
        "INSERT INTO {queue} ({keys}, field, generation, due_at, leased_until, attempts)
         VALUES {tuple}
         ON CONFLICT ({keys}, field) DO UPDATE SET
                generation = {generation},
                attempts = CASE WHEN {held} THEN attempts ELSE attempts + 1 END,
                leased_until = CASE WHEN {held} THEN leased_until ELSE excluded.leased_until END,
                due_at = min(coalesce(due_at, excluded.due_at), excluded.due_at)
         RETURNING {keys}, field, generation, attempts, {NOW} AS claimed_at, leased_until = {lease_end} AS leased"
    );
    statement(sql, text)
}

pub(super) fn renew_leases(owner: &Owner, claims: &[Claim], lease: i64) -> Statement {
    let mut sql = Sql::sqlite();
    let (queue, keys) = (quote(&recalculations(owner).name), key_columns(owner));
    let claimed = shared::claimed(&mut sql, owner, claims);
    let lease = sql.bind(lease);
    let text = format!(
        "WITH {claimed}
         UPDATE {queue} AS q SET leased_until = {NOW} + {lease}
           FROM claimed c WHERE {} AND q.field = c.field AND q.leased_until > {NOW}",
        equal("q", &keys, "c", &keys),
    );
    statement(sql, text)
}
