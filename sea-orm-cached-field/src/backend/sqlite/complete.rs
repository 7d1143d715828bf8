//! Completing: values are stored, the queue's rows go.

use std::time::Instant;

use sea_orm::Statement;

use super::{DIALECT, NOW, mark, names, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{repeated, shared, sql::Sql},
    declaration::Key,
    layout::{Field, Owner},
    queue::{Claim, NextTry, Shape, ShapedField, Written},
};

/// Nothing is to be locked: this transaction is the one writer. It only finds which rows there are.
pub(crate) fn lock_rows(owner: &Owner, keys: &[Key]) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let tuples = sql.keys(owner, repeated(keys));
    let text = format!(
        "SELECT {selected}
           FROM {table} t
          WHERE ({own_key}) IN (VALUES {tuples})",
        selected = names.read_own_key(),
        table = names.table(),
        own_key = names.own_key_of("t"),
    );
    statement(sql, text)
}

pub(super) fn lock_claimed(owner: &Owner, claims: &[Claim]) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let keys = names.keys();
    let claimed = shared::collect::claimed(&mut sql, owner, claims);

    let text = format!(
        "WITH {claimed}
         SELECT {selected}, c.field, t.{first} IS NOT NULL AS held, q.generation,
                {marked} AS marked
           FROM claimed c
           LEFT JOIN {table} t ON {same_row}
           LEFT JOIN {queue} q
             ON {same_key}
            AND q.field = c.field",
        selected = names.read_keys_of("c"),
        first = names.own_key().first(),
        marked = super::read::marked(owner, "c", &keys, "c.field"),
        table = names.table(),
        same_row = names.same_row("t", "c"),
        queue = names.queue(),
        same_key = names.same_key("q", "c"),
    );

    statement(sql, text)
}

pub(crate) fn write(owner: &Owner, shape: &Shape, rows: &[Written]) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let written = shared::complete::written(&mut sql, owner, shape, rows);

    let text = format!(
        "WITH {written}
         UPDATE {table} AS t
            SET {assigned}
           FROM v
          WHERE {same_row}",
        table = names.table(),
        assigned = shared::complete::assigned(owner, shape, assignments),
        same_row = names.same_row("t", "v"),
    );

    statement(sql, text)
}

/// Generation 0 lets the values pass the guard. They are of claims whose generation is still
/// theirs, whose row is there, and for which no mark is visible.
pub(super) fn announce(owner: &Owner, claims: &[Claim]) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let keys = names.keys();
    let claimed = shared::collect::claimed(&mut sql, owner, claims);

    let text = format!(
        "WITH {claimed}
         UPDATE {queue} AS q
            SET generation = 0
           FROM claimed c
          WHERE {same_key}
            AND q.field = c.field
            AND q.generation = c.generation
            AND NOT {marked}
            AND EXISTS (SELECT 1 FROM {table} t WHERE {same_row})
         RETURNING {returned}, field",
        queue = names.queue(),
        same_key = names.same_key("q", "c"),
        marked = super::read::marked(owner, "c", &keys, "c.field"),
        table = names.table(),
        same_row = names.same_row("t", "c"),
        returned = names.read(&names.keys()),
    );

    statement(sql, text)
}

/// Flags, of these claims, what is marked: the value of one row may have marked another, whose own
/// value and flag were written after that.
// On PostgreSQL the deferred trigger sets such a flag at COMMIT.
pub(super) fn flag_marked(owner: &Owner, done: &[Claim]) -> Vec<Statement> {
    let names = names(owner);
    let flag = |(at, field): (usize, &Field)| {
        let claims: Vec<Claim> = done.iter().filter(|claim| claim.field == at).cloned().collect();
        let mut sql = Sql::sqlite();
        let keys = names.keys();
        let claimed =
            (!claims.is_empty()).then(|| shared::collect::claimed(&mut sql, owner, &claims))?;
        let text = format!(
            "WITH {claimed}
             UPDATE {table} AS t
                SET {flag} = 1
               FROM claimed c
              WHERE {same_row}
                AND NOT t.{flag}
                AND {marked}",
            table = names.table(),
            flag = DIALECT.flag(field),
            same_row = names.same_row("t", "c"),
            marked = super::read::marked(owner, "c", &keys, "c.field"),
        );
        Some(statement(sql, text))
    };

    owner.fields.iter().enumerate().filter_map(flag).collect()
}

pub(super) fn delete_announced(owner: &Owner, done: &[Claim]) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let queue = names.queue();
    let keys = names.keys();
    let claimed = shared::collect::claimed(&mut sql, owner, done);
    let text = format!(
        "WITH {claimed}
         DELETE FROM {queue}
          WHERE ({keys}, field) IN (SELECT {keys}, field FROM claimed)
            AND generation = 0"
    );
    statement(sql, text)
}

/// A value that is only published leaves the flag alone: naming it would mark the row. An expiry
/// that had passed when the row was claimed ends with the flag. A later one is kept, for the value
/// was calculated before that moment. What expires by itself does so anew.
pub(super) fn assignments(field: &Field, value: &str, done: bool) -> Vec<String> {
    let cached = DIALECT.cached(field);
    let mut assignments = vec![format!("{cached} = {value}")];
    if done {
        let flag = DIALECT.flag(field);
        assignments.push(format!("{flag} = 0"));
        let expires = DIALECT.expiry(field);
        assignments.extend(expires.map(|expires| match field.expires_every {
            Some(every) => {
                let time = if field.time_zone.is_some() { " %H:%M:%f" } else { "T%H:%M:%f+00:00" };
                let ahead = every + field.ahead_of_utc_at_expiry() * 1000;
                let seconds = format!("(v.claimed_at + {ahead}) / 1000.0");
                format!("{expires} = strftime('%Y-%m-%d{time}', {seconds}, 'unixepoch')")
            }
            None => {
                let since_1970 = format!("(julianday(t.{expires}) - 2440587.5) * 86400000");
                let ahead = field.ahead_of_utc() * 1000;
                format!(
                    "{expires} = CASE WHEN {since_1970} >= v.claimed_at + {ahead}
                     THEN t.{expires} END"
                )
            }
        }));
    }

    assignments
}

pub(crate) fn hand_back(owner: &Owner, claims: &[Claim], delay: i64, waves: i32) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let claimed = shared::collect::claimed(&mut sql, owner, claims);
    let delay = sql.bind(delay);
    let waves = sql.bind(waves);

    let text = format!(
        "WITH {claimed}
         UPDATE {queue} AS q
            SET leased_until = 0,
                attempts = max(q.attempts - 1, 0),
                due_at = {NOW} + {delay},
                waves = q.waves + {waves}
           FROM claimed c
          WHERE {same_key}
            AND q.field = c.field",
        queue = names.queue(),
        same_key = names.same_key("q", "c"),
    );

    statement(sql, text)
}

pub(crate) fn hold_back(
    owner: &Owner,
    claim: &Claim,
    delay: i64,
    error: Option<&str>,
) -> Statement {
    let mut sql = Sql::sqlite();
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
                attempts = max(attempts - 1, 0),
                due_at = CASE WHEN {error} IS NULL THEN {NOW} END,
                leased_until = CASE WHEN {error} IS NULL
                     THEN {NOW} + max({delay}, 4 * ({NOW} - {claimed_at}))
                     ELSE 0 END
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
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let is_row = sql.key_is(owner, &names.keys(), &claim.key);
    let field = sql.bind(owner.fields[claim.field].name);
    let generation = sql.bind(claim.generation);
    let error = sql.bind(error);

    let due = match retry {
        NextTry::In(delay) => {
            let delay = sql.bind(delay);
            format!("{NOW} + {delay}")
        }
        NextTry::Never => "NULL".to_owned(),
        NextTry::AsItWas(delay) => {
            let delay = sql.bind(delay);
            format!(
                "CASE WHEN attempts <= 1 AND due_at IS NOT NULL
                     THEN {NOW} + {delay}
                     ELSE due_at END"
            )
        }
    };
    let attempts = if retry.counts() { "attempts" } else { "max(attempts - 1, 0)" };

    let text = format!(
        "UPDATE {queue}
            SET leased_until = 0,
                last_error = {error},
                attempts = CASE WHEN generation = {generation} THEN {attempts} ELSE 0 END,
                due_at = CASE WHEN generation = {generation} THEN {due} ELSE {NOW} END
          WHERE {is_row}
            AND field = {field}",
        queue = names.queue(),
    );

    statement(sql, text)
}

pub(crate) fn drop_gone(owner: &Owner, claims: &[Claim]) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let claimed = shared::collect::claimed(&mut sql, owner, claims);

    let text = format!(
        "WITH {claimed}
         DELETE FROM {queue}
          WHERE ({columns}, field, generation) IN (
                SELECT {selected}, c.field, c.generation
                  FROM claimed c
                 WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE {same_row}))",
        queue = names.queue(),
        table = names.table(),
        same_row = names.same_row("t", "c"),
        columns = names.keys(),
        selected = names.keys_of("c"),
    );

    statement(sql, text)
}

/// This transaction is the one writer, so the value can be completed at once; a calculation under
/// way misses, for its queue row is gone.
pub(crate) fn write_locked(owner: &Owner, field: usize, written: &Written) -> Vec<Statement> {
    let key = &written.key;
    let shape = Shape(vec![ShapedField { field, done: true }]);

    let mut statements = vec![
        announce_one(owner, field, key),
        write(owner, &shape, std::slice::from_ref(written)),
        delete_announced(
            owner,
            &[Claim {
                key: key.clone(),
                field,
                generation: 0,
                attempts: 0,
                waves: 0,
                claimed_at: 0,
                stale_since: None,
                taken_at: Instant::now(),
                shared: false,
            }],
        ),
    ];
    statements.extend(mark::unmark(owner, field, key));

    statements
}

fn announce_one(owner: &Owner, field: usize, key: &Key) -> Statement {
    let mut sql = Sql::sqlite();
    let names = names(owner);
    let queue = names.queue();
    let keys = names.keys();
    let rows = [key];
    let tuple = sql.tuples(
        owner,
        &rows,
        |key| key,
        |sql, _| vec![sql.bind(owner.fields[field].name), "0".to_owned()],
    );

    let text = format!(
        "INSERT INTO {queue} ({keys}, field, generation)
         VALUES {tuple}
         ON CONFLICT ({keys}, field) DO UPDATE SET generation = 0"
    );

    statement(sql, text)
}

/// They are announced where they are locked, and deleted after the writing.
pub(crate) fn delete_queued(_: &Owner, _: &[Claim]) -> Option<Statement> {
    None
}

pub(crate) fn after_writing(owner: &Owner, done: &[Claim]) -> Vec<Statement> {
    let mut statements = flag_marked(owner, done);
    statements.push(delete_announced(owner, done));
    statements
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
        named("announce", announce(owner, &of.claims)),
        named("lock_claimed", lock_claimed(owner, &of.claims)),
        named("after_writing", after_writing(owner, &of.claims)),
    ]
    .concat()
}
