//! Completing: values are stored, the queue's rows go.

use sea_orm::{Statement, Value};

use super::{
    DIALECT, as_expiry,
    collect::{AT_PLACE, lock_in_queue, place, place_in_queue},
    mark, names, statement,
};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{bound::Bound, shared, sql::Sql},
    declaration::Key,
    layout::{Field, Owner},
    queue::{Claim, NextTry, Shape, Written},
};

/// The owner's row of a row of `rows`, locked, if that can be had at once.
pub(super) fn locked_row(owner: &Owner, rows: &str) -> String {
    let names = names(owner);
    format!(
        "LATERAL (
                SELECT t.*
                  FROM {table} t
                 WHERE {same_row}
                   FOR NO KEY UPDATE SKIP LOCKED) t",
        table = names.table(),
        same_row = names.same_row("t", rows),
    )
}

pub(crate) fn lock_rows(owner: &Owner, keys: &[Key]) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let of = shared::read::keys(&mut sql, owner, keys);
    let text = format!(
        "WITH {of}
         SELECT {selected}
           FROM k, {row}",
        selected = names.read_keys_of("k"),
        row = locked_row(owner, "k"),
    );
    statement(sql, text)
}

/// The row first, then the queue's. A mark that comes after this statement has begun is not seen:
/// it is collected later, and flags the row again.
pub(super) fn lock_claimed(owner: &Owner, claims: &[Claim]) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let claimed = shared::collect::claimed(&mut sql, owner, claims);

    let text = format!(
        "WITH {claimed}
         SELECT {selected}, c.field, t.{first} IS NOT NULL AS held, q.generation,
                {marked} AS marked
           FROM claimed c
           LEFT JOIN {row} ON true
           LEFT JOIN LATERAL (
                SELECT r.generation
                  FROM {queue} r
                 WHERE t.{first} IS NOT NULL
                   AND {same_key}
                   AND r.field = c.field
                   FOR UPDATE SKIP LOCKED) q ON true",
        selected = names.read_keys_of("c"),
        first = names.own_key().first(),
        marked = super::read::marked(owner, "c.field"),
        row = locked_row(owner, "c"),
        queue = names.queue(),
        same_key = names.same_key("r", "c"),
    );

    statement(sql, text)
}

/// Locks, judges and writes. The statement's snapshot may be older than a version that it has
/// locked. Such a row is left alone, for neither the UPDATE nor the DELETE would find it.
pub(super) fn complete(owner: &Owner, field: usize, values: &[(&Claim, &Value)]) -> Statement {
    let mut sql = Sql::postgres();
    let of = &owner.fields[field];
    let mut columns = Bound::keys(owner, values.iter().map(|(claim, _)| &claim.key));
    columns.push(Bound::new("generation", values.iter().map(|(claim, _)| claim.generation)));
    columns.push(Bound::alike("claimed_at", values.iter().map(|(claim, _)| claim.claimed_at)));
    columns.push(Bound::to(&of.cached, "value", values.iter().map(|(_, value)| (*value).clone())));
    let calculated = sql.table("v", columns);
    let text = completion(owner, of, &calculated, "");
    statement(sql, text)
}

/// Completes what `calculated` defines as the table `v (key_1, ..., generation, claimed_at,
/// value)`. Selects of it, beside what has become of it, `also`: something of `j.stored` and
/// `j.value`. A row keeps its place under the names of the system's columns, which no column of the
/// user's can have. `OFFSET 0` keeps the planner from looking at all rows at once.
pub(super) fn completion(owner: &Owner, field: &Field, calculated: &str, also: &str) -> String {
    let names = names(owner);
    let table = names.table();
    let queue = names.queue();
    let name = DIALECT.literal(field.name);

    format!(
        "WITH {calculated},
              locked AS MATERIALIZED (
                SELECT v.*, t.{cached} AS stored,
                       t.tableoid AS part, t.ctid AS place,
                       q.place AS queued, q.generation AS current,
                       {marked} AS marked,
                       EXISTS (
                       SELECT
                         FROM {table} x
                        WHERE x.ctid = t.ctid
                          AND x.tableoid = t.tableoid
                       OFFSET 0) AS held
                  FROM v
                  LEFT JOIN LATERAL (
                       SELECT t.*, t.tableoid, t.ctid
                         FROM {table} t
                        WHERE {same_row}
                          FOR NO KEY UPDATE SKIP LOCKED) t ON true
                  LEFT JOIN LATERAL (
                       SELECT r.ctid AS place, r.generation
                         FROM {queue} r
                        WHERE t.ctid IS NOT NULL
                          AND {same_key}
                          AND r.field = {name}
                          FOR UPDATE SKIP LOCKED) q ON true),
              judged AS MATERIALIZED (
                SELECT l.*,
                       coalesce(l.current = l.generation AND NOT l.marked, false)
                       AND EXISTS (SELECT FROM {queue} x WHERE x.ctid = l.queued OFFSET 0) AS done
                  FROM locked l),
              gone AS (
                DELETE FROM {queue}
                 WHERE ctid = ANY (ARRAY(SELECT queued FROM judged WHERE held AND done))),
              written AS (
                UPDATE {table} t
                   SET {set}
                  FROM judged v
                 WHERE v.held AND v.current IS NOT NULL
                   AND t.ctid = v.place
                   AND t.tableoid = v.part)
         SELECT {selected}, j.held, j.current AS generation, j.done{also}
           FROM judged j",
        cached = DIALECT.cached(field),
        marked = super::read::marked(owner, &name),
        same_row = names.same_row("t", "v"),
        same_key = names.same_key("r", "v"),
        set = assignments(field, "v.value", "v.done").join(",\n                       "),
        selected = names.read_keys_of("j"),
    )
}

/// The rows are locked by [`lock_claimed`], so that none of them has another generation by now.
pub(crate) fn delete_queued(owner: &Owner, done: &[Claim]) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let claimed = shared::collect::claimed(&mut sql, owner, done);

    let text = format!(
        "WITH {claimed}
         DELETE FROM {queue}
          WHERE ctid = ANY (ARRAY(
                SELECT p.place
                  FROM claimed c, {place}))",
        queue = names.queue(),
        place = place_in_queue(owner, "c", "AND r.generation = c.generation OFFSET 0"),
    );

    statement(sql, text)
}

pub(crate) fn write(owner: &Owner, shape: &Shape, rows: &[Written]) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let written = shared::complete::written(&mut sql, owner, shape, rows);
    let assigned = shared::complete::assigned(owner, shape, |field, value, done| {
        assignments(field, value, &done.to_string())
    });

    let text = format!(
        "WITH {written}
         UPDATE {table} t
            SET {assigned}
           FROM v, {place}
          WHERE {AT_PLACE}",
        table = names.table(),
        place = place(owner, "v"),
    );

    statement(sql, text)
}

/// `cached = .., flag = .., expires_after = ..`: an expiry that had passed when the row was claimed
/// ends with the flag. A later one is kept, for the value was calculated before that moment. What
/// expires by itself does so anew.
fn assignments(field: &Field, value: &str, done: &str) -> Vec<String> {
    let cached = DIALECT.cached(field);
    let flag = DIALECT.flag(field);

    let mut assignments = vec![format!("{cached} = {value}"), format!("{flag} = NOT {done}")];
    if let Some(expires) = DIALECT.expiry(field) {
        assignments.push(match field.expires_every {
            Some(every) => {
                let next = format!("to_timestamp((v.claimed_at + {every}) / 1000.0)");
                let next = as_expiry(field, &next);
                format!("{expires} = CASE WHEN {done} THEN {next} ELSE t.{expires} END")
            }
            None => format!(
                "{expires} = CASE WHEN NOT {done} OR t.{expires} > {claimed_at}
                                     THEN t.{expires} END",
                claimed_at = as_expiry(field, "to_timestamp(v.claimed_at / 1000.0)"),
            ),
        });
    }

    assignments
}

pub(crate) fn hand_back(owner: &Owner, claims: &[Claim], delay: i64, waves: i32) -> Vec<Statement> {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let claimed = shared::collect::claimed(&mut sql, owner, claims);

    let text = format!(
        "WITH {claimed}
         UPDATE {queue} q
            SET leased_until = '-infinity',
                attempts = greatest(q.attempts - 1, 0),
                due_at = now() + {delay} * interval '1 millisecond',
                waves = q.waves + {waves}
           FROM claimed c, {place}
          WHERE q.ctid = p.place",
        queue = names.queue(),
        delay = sql.bind(delay),
        waves = sql.bind(waves),
        place = place_in_queue(owner, "c", "OFFSET 0"),
    );

    let rows: Vec<(&Key, usize)> = claims.iter().map(|claim| (&claim.key, claim.field)).collect();
    vec![lock_in_queue(owner, &rows), statement(sql, text)]
}

pub(crate) fn hold_back(
    owner: &Owner,
    claim: &Claim,
    delay: i64,
    error: Option<&str>,
) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let is_row = sql.key_is(owner, &names.keys(), &claim.key);
    let field = sql.bind(owner.fields[claim.field].name);
    let claimed_at = sql.bind(claim.claimed_at);
    let delay = sql.bind(delay);
    let error = sql.bind(error);

    let text = format!(
        "UPDATE {queue}
            SET last_error = {error},
                waves = -(abs(waves) + 1),
                attempts = greatest(attempts - 1, 0),
                due_at = CASE WHEN {error} IS NULL THEN now() END,
                leased_until = CASE WHEN {error} IS NULL
                     THEN now() + greatest({delay} * interval '1 millisecond',
                                           4 * (now() - to_timestamp({claimed_at} / 1000.0)))
                     ELSE '-infinity' END
          WHERE {is_row}
            AND field = {field}",
        queue = names.queue(),
    );

    statement(sql, text)
}

pub(crate) fn record_failure(
    owner: &Owner,
    claim: &Claim,
    error: &str,
    retry: NextTry,
) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let is_row = sql.key_is(owner, &names.keys(), &claim.key);
    let field = sql.bind(owner.fields[claim.field].name);
    let generation = sql.bind(claim.generation);
    let error = sql.bind(error);

    let due = match retry {
        NextTry::In(delay) => {
            let delay = sql.bind(delay);
            format!("now() + {delay} * interval '1 millisecond'")
        }
        NextTry::Never => "NULL".to_owned(),
        NextTry::AsItWas(delay) => {
            let delay = sql.bind(delay);
            format!(
                "CASE WHEN attempts <= 1 AND due_at IS NOT NULL
                     THEN now() + {delay} * interval '1 millisecond'
                     ELSE due_at END"
            )
        }
    };
    let attempts = if retry.counts() { "attempts" } else { "greatest(attempts - 1, 0)" };

    let text = format!(
        "UPDATE {queue}
            SET leased_until = '-infinity',
                last_error = {error},
                attempts = CASE WHEN generation = {generation} THEN {attempts} ELSE 0 END,
                due_at = CASE WHEN generation = {generation} THEN {due} ELSE now() END
          WHERE {is_row}
            AND field = {field}",
        queue = names.queue(),
    );

    statement(sql, text)
}

pub(crate) fn drop_gone(owner: &Owner, claims: &[Claim]) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let claimed = shared::collect::claimed(&mut sql, owner, claims);
    let locked = "AND r.generation = c.generation
                   FOR UPDATE SKIP LOCKED";

    let text = format!(
        "WITH {claimed}
         DELETE FROM {queue}
          WHERE ctid = ANY (ARRAY(
                SELECT p.place
                  FROM claimed c, {place}
                 WHERE NOT EXISTS (
                       SELECT
                         FROM {table} t
                        WHERE {same_row}
                       OFFSET 0)))",
        queue = names.queue(),
        place = place_in_queue(owner, "c", locked),
        table = names.table(),
        same_row = names.same_row("t", "c"),
    );

    statement(sql, text)
}

/// A calculation under way may hold a claim that this transaction cannot see. So a mark is left
/// with the value: that claim then misses, and the worker looks once more.
pub(crate) fn write_locked(owner: &Owner, field: usize, written: &Written) -> Vec<Statement> {
    let key = &written.key;
    let shape = Shape(vec![crate::queue::ShapedField { field, done: true }]);
    vec![
        mark::internal(true),
        write(owner, &shape, std::slice::from_ref(written)),
        mark::internal(false),
        shared::mark::append_mark(Sql::postgres(), owner, field, key, None),
    ]
}

pub(crate) fn see_all() -> Statement {
    let text = "SELECT set_config('row_security', 'off', true)";
    statement(Sql::postgres(), text.to_owned())
}

#[cfg(test)]
pub(crate) fn examples(of: &Example) -> Vec<Named> {
    let owner = &of.owner;

    [
        named("lock_rows", lock_rows(owner, &of.keys)),
        named("delete_queued", delete_queued(owner, &of.claims)),
        named("write", write(owner, &of.shape, &of.rows)),
        named("write_locked", write_locked(owner, 0, &of.rows[0])),
        named("hand_back", hand_back(owner, &of.claims, 0, 1)),
        named("hold_back", hold_back(owner, &of.claims[0], 1000, None)),
        named("record_failure", record_failure(owner, &of.claims[0], "error", NextTry::In(1000))),
        named("drop_gone", drop_gone(owner, &of.claims)),
        named("lock_claimed", lock_claimed(owner, &of.claims)),
        named("complete", complete(owner, 0, &of.values())),
        named("see_all", see_all()),
    ]
    .concat()
}
