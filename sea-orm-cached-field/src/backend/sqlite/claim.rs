//! Claiming: what is due, and the lease on it.

use sea_orm::Statement;

use super::{DIALECT, NOW, names, now_as_expiry, statement, way};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{operations::Transactions, shared, sql::Sql},
    declaration::Key,
    layout::{Owner, Upstream},
    queue::Claim,
};

/// Between queries that are read in lines of their own.
const UNION_ALL: &str = "
                 UNION ALL
                 ";

pub(crate) fn work(owner: &Owner, fields: &[usize]) -> Statement {
    let names = names(owner);
    let marks = names.marks();
    let queue = names.queue();
    let known = names.one_of(fields);

    let mut moments = vec![
        format!(
            "SELECT min(due_at) AS moment
                   FROM {queue}
                  WHERE {known}
                    AND leased_until <= {NOW}"
        ),
        format!(
            "SELECT min(leased_until)
                   FROM {queue}
                  WHERE {known}
                    AND leased_until > {NOW}"
        ),
    ];

    moments.extend(fields.iter().map(|field| &owner.fields[*field]).filter_map(|field| {
        let expires = DIALECT.expiry(field)?;
        let flag = DIALECT.flag(field);
        // The Julian day 2440587.5 is the beginning of 1970.
        let since_1970 = format!("CAST((julianday({expires}) - 2440587.5) * 86400000 AS INTEGER)");
        Some(format!(
            "SELECT *
                   FROM (SELECT {since_1970} + 1 - {ahead}
                           FROM {table}
                          WHERE {expires} IS NOT NULL
                            AND (julianday({expires}) > {now} OR NOT {flag})
                          ORDER BY julianday({expires})
                          LIMIT 1)",
            ahead = field.ahead_of_utc() * 1000,
            table = names.table(),
            now = now_as_expiry(field),
        ))
    }));

    let text = format!(
        "SELECT EXISTS (SELECT 1 FROM {marks} WHERE {listed}) AS work,
                (SELECT min(moment) - {NOW}
                   FROM (
                 {moments})) AS wait",
        moments = moments.join(UNION_ALL),
        listed = names.lists_any("field", fields),
    );

    statement(Sql::sqlite(), text)
}

pub(crate) fn oldest(owner: &Owner, fields: &[usize]) -> Statement {
    let names = names(owner);
    let marks = names.marks();
    let queue = names.queue();
    let known = names.one_of(fields);
    let listed = names.lists_any("field", fields);

    let mut moments = vec![
        format!("SELECT min(marked_at) AS moment FROM {marks} WHERE {listed}"),
        format!(
            "SELECT min(max(due_at, leased_until, queued_at))
                   FROM {queue}
                  WHERE {known}
                    AND due_at <= {NOW}
                    AND leased_until <= {NOW}"
        ),
    ];

    moments.extend(fields.iter().map(|field| &owner.fields[*field]).filter_map(|field| {
        let expires = DIALECT.expiry(field)?;
        let flag = DIALECT.flag(field);
        Some(format!(
            "SELECT {NOW} - CAST(({now} - min(julianday({expires}))) * 86400000 AS INTEGER)
                   FROM {table}
                  WHERE {expires} IS NOT NULL
                    AND julianday({expires}) <= {now}
                    AND NOT {flag}",
            table = names.table(),
            now = now_as_expiry(field),
        ))
    }));

    let text = format!(
        "SELECT {NOW} - min(moment) AS waited,
                EXISTS (SELECT 1 FROM {queue} WHERE leased_until > {NOW}) AS leased
           FROM (
                 {moments})",
        moments = moments.join(UNION_ALL),
    );

    statement(Sql::sqlite(), text)
}

/// Rows whose key is still marked are left alone: they come with their marks. Only so many of the
/// oldest are looked at as could be taken, and some more, for all of them may have to wait.
pub(super) fn lease_due(
    owner: &Owner,
    fields: &[usize],
    upstream: &[Upstream],
    rows: u64,
    lease: i64,
    patience: i64,
) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let queue = names.queue();
    let columns = names.keys();
    let lease = sql.bind(lease);
    let limit = sql.bind(rows as i64);
    let looked_at = sql.bind(rows as i64 * shared::claim::LOOKED_AT);
    let patience = sql.bind(patience);
    let waits: String = upstream.iter().map(|upstream| waits(owner, upstream, &patience)).collect();

    let text = format!(
        "UPDATE {queue} AS d
            SET leased_until = {NOW} + {lease},
                attempts = attempts + 1,
                waves = abs(waves)
          WHERE ({columns}) IN (
                SELECT {columns}
                  FROM (SELECT *
                          FROM {queue}
                         WHERE {known}
                           AND due_at <= {NOW}
                           AND leased_until <= {NOW}
                         ORDER BY due_at
                         LIMIT {looked_at}) d
                 WHERE NOT EXISTS (
                       SELECT 1
                         FROM {marks} m
                        WHERE {marked}
                          AND {marks_known}){waits}
                 ORDER BY due_at
                 LIMIT {limit})
            AND {known}
            AND due_at <= {NOW}
            AND leased_until <= {NOW}{waits}
         RETURNING {returned}, field, generation, attempts, waves,
                {NOW} AS claimed_at,
                stale_since",
        returned = names.read(&names.keys()),
        marks = names.marks(),
        known = names.one_of(fields),
        marked = names.same_key("m", "d"),
        marks_known = names.lists_known("m.field"),
    );

    statement(sql, text)
}

/// ` AND NOT ..`: whether the queue's row `d` waits for fields that it is calculated from.
fn waits(owner: &Owner, upstream: &Upstream, patience: &str) -> String {
    let far = names(&upstream.owner);
    let names = names(owner);
    let fields = DIALECT.literals(upstream.fields.iter().copied());
    let listed = DIALECT.lists_any("p.field", upstream.fields.iter().copied());
    let queue = far.queue();

    // What was handed back a moment ago is pending too.
    let pending = format!(
        "p.field || '' IN ({fields})
                     AND p.due_at <= {NOW} + 100"
    );
    let pending = match &upstream.source {
        None => format!(
            "EXISTS (
                  SELECT 1
                    FROM {queue} p
                   WHERE {same_key}
                     AND {pending})",
            same_key = far.same_key("p", "d"),
        ),
        Some(source) => {
            let row = names.same_row("t", "d").to_string();
            let rows = way::rows_of(owner, source, &row, &far.own_key());
            let columns = far.keys_of("p");
            format!(
                "(EXISTS (
                  SELECT 1
                    FROM {queue} p
                   WHERE ({columns}) IN ({rows})
                     AND {pending})
               OR EXISTS (
                  SELECT 1
                    FROM {marks} p
                   WHERE ({columns}) IN ({rows})
                     AND {listed}))",
                marks = far.marks(),
            )
        }
    };

    format!(
        "
            AND NOT (d.field || '' = {field}
            AND d.queued_at > {NOW} - {patience}
            AND {pending})",
        field = names.field(upstream.field),
    )
}

pub(crate) fn lease_rows(
    owner: &Owner,
    field: usize,
    of: &[Key],
    lease: i64,
    steal: bool,
) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let queue = names.queue();
    let keys = names.keys();
    // Bound once: the statement looks at the clock only here, so that the lease can be recognised.
    let lease = sql.bind(lease);
    let lease_end = format!("{NOW} + {lease}");
    let held = if steal { "false".to_owned() } else { format!("leased_until > {NOW}") };
    let generation = if steal { "excluded.generation" } else { "generation" };

    let tuples = sql.padded_tuples(
        owner,
        of,
        |key| key,
        |sql, _| {
            let name = sql.bind(owner.fields[field].name);
            let generation = sql.bind(fastrand::i64(1..));
            vec![name, generation, NOW.to_owned(), lease_end.clone(), "1".to_owned()]
        },
    );

    let text = format!(
        "INSERT INTO {queue} ({keys}, field, generation, due_at, leased_until, attempts)
         SELECT *
           FROM (VALUES {tuples})
          WHERE column1 IS NOT NULL
         ON CONFLICT ({keys}, field) DO UPDATE SET
                generation = {generation},
                attempts = CASE WHEN {held} THEN attempts ELSE attempts + 1 END,
                waves = CASE WHEN {held} THEN waves ELSE abs(waves) END,
                leased_until = CASE WHEN {held} THEN leased_until ELSE excluded.leased_until END
         RETURNING {returned}, field, generation, attempts, waves,
                {NOW} AS claimed_at,
                stale_since,
                leased_until = {lease_end} AS leased",
        returned = names.read(&names.keys()),
    );

    statement(sql, text)
}

pub(crate) fn renew_leases(owner: &Owner, claims: &[Claim], lease: i64) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let queue = names.queue();
    let claimed = shared::collect::claimed(&mut sql, owner, claims);
    let lease = sql.bind(lease);

    let text = format!(
        "WITH {claimed}
         UPDATE {queue} AS q
            SET leased_until = {NOW} + {lease}
           FROM claimed c
          WHERE {same_key}
            AND q.field = c.field
            AND q.leased_until > {NOW}
            AND q.waves >= 0",
        same_key = names.same_key("q", "c"),
    );

    statement(sql, text)
}

/// Nothing has to be set.
pub(crate) fn settings(_: Transactions) -> Option<String> {
    None
}

#[cfg(test)]
pub(crate) fn examples(of: &Example) -> Vec<Named> {
    let owner = &of.owner;
    [
        named("work", work(owner, &[0])),
        named("renew_leases", renew_leases(owner, &of.claims, 1000)),
        named("lease_rows", lease_rows(owner, 0, &of.keys, 1000, false)),
        named("oldest", oldest(owner, &[0])),
        named("lease_due", lease_due(owner, &[0], &of.upstream, 100, 1000, 5000)),
    ]
    .concat()
}
