//! Claiming: what is due, and the lease on it.

use sea_orm::Statement;

use super::{
    DIALECT, after, as_expiry, lists::is_one_of, names, now, of_expiry, queued, remember_now,
    statement, way,
};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{
        operations::Transactions,
        shared, sizes,
        sql::{Sql, recalculations},
    },
    declaration::Key,
    layout::{Owner, Upstream},
    queue::Claim,
};

/// How many of the oldest due rows are looked at for leases that end: when a worker is idle, all
/// due rows are leased.
const LEASES_LOOKED_AT: u32 = 1000;

/// Between queries that are read in lines of their own.
const UNION_ALL: &str = "
                 UNION ALL
                 ";

pub(crate) fn work(owner: &Owner, fields: &[usize]) -> Statement {
    let names = names(owner);
    let known = is_one_of(names, "q", fields);
    let listed = names.lists_any("m.field", fields);
    let marks = names.marks();
    let queue = names.queue();

    let mut moments = vec![
        format!(
            "(SELECT q.due_at
                           FROM {queue} q FORCE INDEX (by_due)
                          WHERE q.due_at IS NOT NULL
                            AND q.leased_until <= UTC_TIMESTAMP(6)
                            AND {known}
                          ORDER BY q.due_at
                          LIMIT 1)"
        ),
        format!(
            "(SELECT MIN(d.leased_until)
                           FROM (SELECT q.leased_until
                                   FROM {queue} q FORCE INDEX (by_due)
                                  WHERE q.due_at <= UTC_TIMESTAMP(6)
                                  ORDER BY q.due_at
                                  LIMIT {LEASES_LOOKED_AT}) d
                          WHERE d.leased_until > UTC_TIMESTAMP(6))"
        ),
    ];

    moments.extend(fields.iter().map(|field| &owner.fields[*field]).filter_map(|field| {
        let expires = DIALECT.expiry(field)?;
        let flag = DIALECT.flag(field);
        let table = names.table();
        let moment = format!("t.{expires}");
        Some(format!(
            "(SELECT {moment}
                           FROM {table} t
                          WHERE t.{expires} IS NOT NULL
                            AND (t.{expires} > {now} OR NOT t.{flag})
                          ORDER BY t.{expires}
                          LIMIT 1)",
            moment = of_expiry(field, &moment),
            now = as_expiry(field, "UTC_TIMESTAMP(6)"),
        ))
    }));

    // `LEAST` of nothing is nothing, and so is it if one of them is nothing.
    let moments = moments.into_iter().map(|moment| format!("SELECT {moment} AS moment"));
    let moments: Vec<String> = moments.collect();
    let wait = "TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), MIN(w.moment))";

    let text = format!(
        "SELECT EXISTS (SELECT 1 FROM {marks} m WHERE {listed}) AS work,
                (SELECT GREATEST(CAST(CEIL({wait} / 1000) AS SIGNED), 0)
                   FROM (
                 {moments}) w) AS wait",
        moments = moments.join(UNION_ALL),
    );

    statement(Sql::mysql(), text)
}

pub(crate) fn oldest(owner: &Owner, fields: &[usize]) -> Statement {
    let names = names(owner);
    let known = is_one_of(names, "q", fields);
    let listed = names.lists_any("m.field", fields);
    let marks = names.marks();
    let queue = names.queue();

    let mut moments = vec![
        format!("SELECT MIN(m.marked_at) AS moment FROM {marks} m WHERE {listed}"),
        format!(
            "SELECT MIN(GREATEST(q.due_at, q.leased_until, q.queued_at))
                   FROM {queue} q
                  WHERE {known}
                    AND q.due_at <= UTC_TIMESTAMP(6)
                    AND q.leased_until <= UTC_TIMESTAMP(6)"
        ),
    ];

    moments.extend(fields.iter().map(|field| &owner.fields[*field]).filter_map(|field| {
        let expires = DIALECT.expiry(field)?;
        let flag = DIALECT.flag(field);
        let moment = format!("t.{expires}");
        Some(format!(
            "SELECT MIN({moment})
                   FROM {table} t
                  WHERE t.{expires} <= {now}
                    AND NOT t.{flag}",
            moment = of_expiry(field, &moment),
            table = names.table(),
            now = as_expiry(field, "UTC_TIMESTAMP(6)"),
        ))
    }));

    let text = format!(
        "SELECT CAST({waited} DIV 1000 AS SIGNED) AS waited,
                EXISTS (SELECT 1 FROM {queue} q WHERE q.leased_until > UTC_TIMESTAMP(6)) AS leased
           FROM (
                 {moments}) s",
        waited = "TIMESTAMPDIFF(MICROSECOND, MIN(s.moment), UTC_TIMESTAMP(6))",
        moments = moments.join(UNION_ALL),
    );

    statement(Sql::mysql(), text)
}

/// Rows whose key is still marked are left alone: they come with their marks. Only so many of the
/// oldest are looked at as could be taken, and some more, for all of them may have to wait.
pub(super) fn lease_due(
    owner: &Owner,
    fields: &[usize],
    upstream: &[Upstream],
    rows: u64,
    patience: i64,
) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let queue = names.queue();
    let limit = sql.bind(rows as i64);
    let looked_at = sql.bind(rows as i64 * shared::claim::LOOKED_AT);
    let patience = sql.bind(patience);

    let due = |row: &str| {
        let known = is_one_of(names, row, fields);
        format!(
            "{known}
            AND {row}.due_at <= UTC_TIMESTAMP(6)
            AND {row}.leased_until <= UTC_TIMESTAMP(6)"
        )
    };

    let oldest = format!(
        "
         SELECT e.*
           FROM {queue} e FORCE INDEX (by_due)
          WHERE {due}
          ORDER BY e.due_at
          LIMIT {looked_at}",
        due = due("e"),
    );
    let waits = upstream.iter().map(|upstream| waits(owner, upstream, &oldest, &patience));
    let waits: String = waits.collect();

    let text = format!(
        "SELECT {returned}, d.field, d.generation,
                d.attempts + 1 AS attempts,
                ABS(d.waves) AS waves,
                {now} AS claimed_at,
                {since} AS stale_since
           FROM (SELECT DISTINCT {of_oldest}
                   FROM (SELECT {of_due}, d.due_at
                           FROM ({oldest}) d
                          WHERE NOT EXISTS (
                                SELECT 1
                                  FROM {marks} m FORCE INDEX (by_key)
                                 WHERE {marked}
                                   AND {known}){waits}
                          ORDER BY d.due_at
                          LIMIT {limit}) o) k
           STRAIGHT_JOIN {queue} d FORCE INDEX (PRIMARY) ON {same_key}
          WHERE {due}{waits}
            FOR UPDATE SKIP LOCKED",
        returned = names.read_keys_of("d"),
        now = super::milliseconds("UTC_TIMESTAMP(6)"),
        since = super::milliseconds("d.stale_since"),
        of_oldest = names.keys_of("o"),
        of_due = names.keys_of("d"),
        marks = names.marks(),
        marked = names.same_key("m", "d"),
        known = names.lists_known("m.field"),
        same_key = names.same_key("d", "k"),
        due = due("d"),
    );

    statement(sql, text)
}

/// ` AND NOT ..`: whether the queue's row `d`, which is among the oldest, waits for fields that it
/// is calculated from.
fn waits(owner: &Owner, upstream: &Upstream, oldest: &str, patience: &str) -> String {
    let far = names(&upstream.owner);
    let names = names(owner);
    let fields = DIALECT.literals(upstream.fields.iter().copied());
    let listed = DIALECT.lists_any("p.field", upstream.fields.iter().copied());
    let queue = far.queue();

    // What was handed back a moment ago is pending too.
    let pending = format!(
        "p.field IN ({fields})
            AND p.due_at <= UTC_TIMESTAMP(6) + INTERVAL 100000 MICROSECOND"
    );
    let pending = match &upstream.source {
        // Counted: of an EXISTS the optimizer may make a table of all that is due.
        None => format!(
            "(
         SELECT COUNT(*)
           FROM {queue} p FORCE INDEX (PRIMARY)
          WHERE {same_key}
            AND {pending}) > 0",
            same_key = far.same_key("p", "d"),
        ),
        Some(source) => {
            let row = names.same_row("t", "d");
            let table = names.table();
            let rows = format!(
                "({oldest}) d
           STRAIGHT_JOIN {table} t FORCE INDEX (PRIMARY) ON {row}"
            );
            let rows = way::rows_of(owner, source, &rows, &far.own_key());
            let pending_in = |table: String, index: &str, condition: &str| {
                format!(
                    "EXISTS (
         SELECT 1
           FROM ({rows}) w
           STRAIGHT_JOIN {table} p FORCE INDEX ({index}) ON {same_key}
          WHERE {is_row}
            AND {condition})",
                    same_key = far.keys_of("p").equal(&way::values(far.keys().len()).of("w")),
                    is_row = names.same_key("w", "d"),
                )
            };
            let marked = pending_in(far.marks(), "by_key", &listed);
            let queued = pending_in(queue, "PRIMARY", &pending);
            format!("({queued} OR {marked})")
        }
    };

    let patience = format!("-{patience}");
    format!(
        "
            AND NOT (d.field = {field}
            AND d.queued_at > {since}
            AND {pending})",
        field = names.field(upstream.field),
        since = after("UTC_TIMESTAMP(6)", &patience),
    )
}

pub(super) fn lease(owner: &Owner, claims: &[Claim], lease: i64) -> Statement {
    let mut sql = Sql::mysql();
    let end = after("UTC_TIMESTAMP(6)", &sql.bind(lease));
    let queued = queued(&mut sql, owner, claims);
    let text = format!(
        "UPDATE {queued}
            SET q.leased_until = {end},
                q.attempts = q.attempts + 1,
                q.waves = ABS(q.waves)"
    );
    statement(sql, text)
}

/// What stands in the queue under these keys after a statement that has leased until then.
/// DISTINCT: the rows may spell a key in several ways.
pub(super) fn leased(owner: &Owner, rows: &[(&Key, usize)], lease: i64) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let queue = recalculations(owner);
    let end = after(&now(), &sql.bind(lease));
    let field = |sql: &mut Sql, row: &(&Key, usize)| vec![sql.bind(owner.fields[row.1].name)];

    let text = format!(
        "SELECT DISTINCT {selected}, q.field, q.generation, q.attempts, q.waves,
                {now} AS claimed_at,
                {since} AS stale_since,
                q.leased_until = {end} AS leased
           FROM {rows}
           STRAIGHT_JOIN {queue} q FORCE INDEX (PRIMARY)
             ON {same_key}
            AND q.field = c.field",
        selected = names.read_keys_of("q"),
        now = super::milliseconds(&now()),
        since = super::milliseconds("q.stale_since"),
        rows = super::keyed(&mut sql, owner, &queue, &["field"], rows, |row| row.0, field),
        queue = names.queue(),
        same_key = names.same_key("q", "c"),
    );

    statement(sql, text)
}

pub(crate) fn lease_rows(
    owner: &Owner,
    field: usize,
    of: &[Key],
    lease: i64,
    steal: bool,
) -> Vec<Statement> {
    let names = names(owner);
    let queue = names.queue();
    let keys = names.keys();
    let now = now();
    let held = if steal { "FALSE".to_owned() } else { format!("leased_until > {now}") };
    let generation = if steal { "VALUES(generation)" } else { "generation" };

    // A row that stood there twice would be leased twice.
    let insert = |of: &[Key]| {
        let mut sql = Sql::mysql();
        let rest = |sql: &mut Sql, _: &Key| {
            let name = sql.bind(owner.fields[field].name);
            let generation = sql.bind(fastrand::i64(1..));
            vec![name, generation, now.clone(), after(&now, &sql.bind(lease)), "1".to_owned()]
        };
        let tuples = sql.tuples(owner, of, |key| key, rest);
        let text = format!(
            "INSERT INTO {queue} ({keys}, field, generation, due_at, leased_until, attempts)
             VALUES {tuples}
             ON DUPLICATE KEY UPDATE
                    generation = {generation},
                    attempts = IF({held}, attempts, attempts + 1),
                    waves = IF({held}, waves, ABS(waves)),
                    leased_until = IF({held}, leased_until, VALUES(leased_until))"
        );
        statement(sql, text)
    };

    let mut statements = vec![remember_now()];
    statements.extend(sizes::parts(of).into_iter().map(insert));
    let rows: Vec<(&Key, usize)> = of.iter().map(|key| (key, field)).collect();
    statements.push(leased(owner, &rows, lease));

    statements
}

pub(crate) fn renew_leases(owner: &Owner, claims: &[Claim], lease: i64) -> Statement {
    let mut sql = Sql::mysql();
    let end = after("UTC_TIMESTAMP(6)", &sql.bind(lease));
    let queued = queued(&mut sql, owner, claims);
    let text = format!(
        "UPDATE {queued}
            SET q.leased_until = {end}
          WHERE q.leased_until > UTC_TIMESTAMP(6)
            AND q.waves >= 0"
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
        named("lease_due", lease_due(owner, &[0], &of.upstream, 100, 5000)),
        named("lease", lease(owner, &of.claims, 1000)),
    ]
    .concat()
}
