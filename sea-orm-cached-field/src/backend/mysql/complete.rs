//! Completing: values are stored, the queue's rows go.

use sea_orm::{Statement, Value};

use super::{DIALECT, DONE, KEPT, NEVER, after, as_expiry, moment, names, queued, statement};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{
        names::{Any, Columns},
        repeated, shared,
        sql::{Sql, recalculations},
    },
    declaration::Key,
    layout::{Field, Owner},
    queue::{Claim, NextTry, Shape, ShapedField, Written},
};

pub(crate) fn lock_rows(owner: &Owner, keys: &[Key]) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let text = format!(
        "SELECT {selected}
           FROM {rows}
            FOR UPDATE SKIP LOCKED",
        selected = names.read_keys_of("c"),
        rows = super::rows_of_keys(&mut sql, owner, keys),
    );
    statement(sql, text)
}

/// Only what stands in the outermost query is locked. The owner's rows are, already.
pub(super) fn lock_queued(owner: &Owner, claims: &[Claim]) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let claimed: Vec<Key> = claims.iter().map(|claim| claim.key.clone()).collect();
    let rows = super::rows_of_keys(&mut sql, owner, &claimed);

    let text = format!(
        "SELECT {selected}, q.field, 1 AS held, q.generation,
                {marked} AS marked
           FROM {queued}
           STRAIGHT_JOIN {table} t FORCE INDEX (PRIMARY) ON {row}
            FOR UPDATE SKIP LOCKED",
        selected = names.read_keys_of("c"),
        marked = super::read::marked(owner, &rows, "q.field"),
        table = names.table(),
        row = names.same_row("t", "q"),
        queued = queued(&mut sql, owner, claims),
    );

    statement(sql, text)
}

/// The rows are locked by [`lock_queued`], so that none of them has another generation by now.
pub(crate) fn delete_queued(owner: &Owner, done: &[Claim]) -> Statement {
    let mut sql = Sql::mysql();
    let done = of_generation(&mut sql, owner, done);
    statement(sql, format!("DELETE q FROM {done}"))
}

/// The queue's rows `q` of these claims, if they still have the generation that was claimed.
fn of_generation(sql: &mut Sql, owner: &Owner, claims: &[Claim]) -> String {
    let names = names(owner);
    let queue = recalculations(owner);
    let rest = |sql: &mut Sql, claim: &Claim| {
        vec![sql.bind(owner.fields[claim.field].name), sql.bind(claim.generation)]
    };
    let columns = ["field", "generation"];
    let claimed = super::keyed(sql, owner, &queue, &columns, claims, |claim| &claim.key, rest);

    format!(
        "{claimed}
           STRAIGHT_JOIN {queue} q FORCE INDEX (PRIMARY)
             ON {same_key}
            AND q.field = c.field
            AND q.generation = c.generation",
        queue = names.queue(),
        same_key = names.same_key("q", "c"),
    )
}

/// Between assignments.
const SEPARATOR: &str = ",
                ";

/// `t.cached = .., t.flag = .., t.expires_after = ..`: an expiry that had passed when the row was
/// claimed ends with the flag. A later one is kept, for the value was calculated before that
/// moment. What expires by itself does so anew.
fn assignments(field: &Field, value: &str, claimed_at: &str, done: bool) -> Vec<String> {
    let flag = if done { DONE } else { KEPT };
    let column = |name: &str| format!("t.{column}", column = DIALECT.quote(name));
    let cached = column(&field.cached.name);
    let needed = column(&field.recalculation_needed);

    let mut assignments = vec![format!("{cached} = {value}"), format!("{needed} = {flag}")];
    if let Some(expires) = field.expires_after.as_ref().filter(|_| done).map(|name| column(name)) {
        assignments.push(match field.expires_every {
            Some(every) => {
                let moment = moment(&format!("({claimed_at} + {every})"));
                let ahead = field.ahead_of_utc_at_expiry();
                let moment = format!("{moment} + INTERVAL {ahead} SECOND");
                super::expires(&expires, &moment)
            }
            None => {
                let claimed_at = as_expiry(field, &moment(claimed_at));
                format!("{expires} = CASE WHEN {expires} > {claimed_at} THEN {expires} END")
            }
        });
    }

    assignments
}

/// One statement for all rows, if each value keeps its type in a list. Else one statement a row,
/// where each value is bound with the type of its column.
pub(crate) fn write(owner: &Owner, shape: &Shape, rows: &[Written]) -> Vec<Statement> {
    // What expires by itself is written row by row. Only an UPDATE of one table sees its own
    // assignments.
    let is_listed = rows.len() > 1
        && shape.0.iter().all(|shaped| owner.fields[shaped.field].expires_every.is_none());
    match is_listed.then(|| write_list(owner, shape, rows)).flatten() {
        Some(statement) => vec![statement],
        None => rows.iter().map(|row| write_row(owner, shape, row)).collect(),
    }
}

fn write_row(owner: &Owner, shape: &Shape, row: &Written) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let claimed_at = sql.bind(row.claimed_at);

    let set: Vec<String> = shape
        .0
        .iter()
        .zip(&row.values)
        .flat_map(|(shaped, value)| {
            let field = &owner.fields[shaped.field];
            let value = sql.bind_for(&field.cached, value.clone());
            assignments(field, &value, &claimed_at, shaped.done)
        })
        .collect();
    let is_row = sql.key_is(owner, &names.own_key_of("t"), &row.key);

    let text = format!(
        "UPDATE {table} t
            SET {set}
          WHERE {is_row}",
        table = names.table(),
        set = set.join(SEPARATOR),
    );

    statement(sql, text)
}

/// The rows are locked already. The earliest claim stands for all: it decides which expiries had
/// passed. One that passed after it is kept, and flags its row once more.
fn write_list(owner: &Owner, shape: &Shape, rows: &[Written]) -> Option<Statement> {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let fields: Vec<&Field> = shape.0.iter().map(|shaped| &owner.fields[shaped.field]).collect();
    let values = fields.iter().zip(&rows.first()?.values);
    let kinds: Vec<Listed> =
        values.map(|(field, value)| Listed::of(field, value)).collect::<Option<_>>()?;

    let typed: Columns =
        kinds.iter().zip(&fields).map(|(kind, field)| kind.column(field)).collect();
    let listed = Columns::numbered("value", kinds.len());
    let columns = names.own_key_as_keys("m").and(typed.named(&listed));
    let rows_of_values: Vec<&Written> = repeated(rows);
    let bind = |sql: &mut Sql, row: &&Written| {
        let values = kinds.iter().zip(&row.values);
        values.map(|(kind, value)| kind.value(sql.bind(value.clone()))).collect()
    };
    let list = sql.tuples(owner, &rows_of_values, |row| &row.key, bind);
    let list = super::values(&columns, &owner.table, &list);

    let claimed_at = sql.bind(rows.iter().map(|row| row.claimed_at).min());
    let values = listed.of("c");
    let set = shape.0.iter().zip(&fields).zip(&values);
    let set = set
        .flat_map(|((shaped, field), value)| assignments(field, value, &claimed_at, shaped.done));
    let set: Vec<String> = set.collect();
    let text = format!(
        "UPDATE ({list}) c
           STRAIGHT_JOIN {table} t FORCE INDEX (PRIMARY) ON {same_row}
            SET {set}",
        table = names.table(),
        same_row = names.same_row("t", "c"),
        set = set.join(SEPARATOR),
    );
    Some(statement(sql, text))
}

/// How a value is written in a list, so that the column gets what it would get from a bound value.
#[derive(Clone, Copy)]
enum Listed {
    Text,
    /// A type, and a value that makes a column of it as wide as it can be.
    Cast(&'static str, &'static str),
}

impl Listed {
    /// By name: most types of values exist only with a feature of SeaORM. None of bytes, documents
    /// and moments with a time zone: of a `TIMESTAMP` after 2038, as which SQLx binds those,
    /// MariaDB would make NULL.
    fn of(field: &Field, value: &Value) -> Option<Self> {
        let is_cast = field.cached.cast.mysql != Default::default();

        Some(match format!("{:?}", value.array_type()).as_str() {
            _ if is_cast => return None,
            "String" | "Char" => Self::Text,
            "Bool" | "TinyInt" | "SmallInt" | "Int" | "BigInt" => {
                Self::Cast("SIGNED", "9223372036854775807")
            }
            "TinyUnsigned" | "SmallUnsigned" | "Unsigned" | "BigUnsigned" => {
                Self::Cast("UNSIGNED", "18446744073709551615")
            }
            "Float" | "Double" => Self::Cast("DOUBLE", "NULL"),
            "Decimal" => Self::Cast("DECIMAL(65, 30)", "NULL"),
            "ChronoDate" | "TimeDate" => Self::Cast("DATE", "NULL"),
            "ChronoTime" | "TimeTime" => Self::Cast("TIME(6)", "NULL"),
            "ChronoDateTime" | "TimeDateTime" => Self::Cast("DATETIME(6)", "NULL"),
            _ => return None,
        })
    }

    /// What gives the list's column its type. A text is as long as the field's column takes, for
    /// MariaDB cuts off one that is cast, or refuses it. Its characters are those of that column
    /// only once it is written there.
    fn column(self, field: &Field) -> String {
        match self {
            Self::Text => {
                let cached = DIALECT.cached(field);
                format!("CONVERT(m.{cached} USING utf8mb4)")
            }
            Self::Cast(kind, widest) => format!("CAST({widest} AS {kind})"),
        }
    }

    fn value(self, bound: String) -> String {
        match self {
            Self::Text => bound,
            Self::Cast(kind, _) => format!("CAST({bound} AS {kind})"),
        }
    }
}

pub(crate) fn hand_back(owner: &Owner, claims: &[Claim], delay: i64, waves: i32) -> Statement {
    let mut sql = Sql::mysql();
    let due = after("UTC_TIMESTAMP(6)", &sql.bind(delay));
    let waves = sql.bind(waves);
    let text = format!(
        "UPDATE {queued}
            SET q.leased_until = {NEVER},
                q.attempts = GREATEST(q.attempts - 1, 0),
                q.due_at = {due},
                q.waves = q.waves + {waves}",
        queued = queued(&mut sql, owner, claims),
    );
    statement(sql, text)
}

pub(crate) fn hold_back(
    owner: &Owner,
    claim: &Claim,
    delay: i64,
    error: Option<&str>,
) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let is_row = sql.key_is(owner, &names.keys(), &claim.key);
    let field = sql.bind(owner.fields[claim.field].name);

    let (due, held, error) = match error {
        None => {
            let now = super::milliseconds("UTC_TIMESTAMP(6)");
            let claimed_at = sql.bind(claim.claimed_at);
            let delay = sql.bind(delay);
            let delay = format!("GREATEST({delay}, 4 * ({now} - {claimed_at}))");
            ("UTC_TIMESTAMP(6)", after("UTC_TIMESTAMP(6)", &delay), "NULL".to_owned())
        }
        Some(error) => ("NULL", NEVER.to_owned(), sql.bind(error)),
    };

    let text = format!(
        "UPDATE {queue}
            SET last_error = {error},
                waves = -(ABS(waves) + 1),
                attempts = GREATEST(attempts - 1, 0),
                due_at = {due},
                leased_until = {held}
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
    let mut sql = Sql::mysql();
    let names = names(owner);
    let is_row = sql.key_is(owner, &names.keys(), &claim.key);
    let field = sql.bind(owner.fields[claim.field].name);
    let generation = sql.bind(claim.generation);
    let error = sql.bind(error);

    let due = match retry {
        NextTry::In(delay) => after("UTC_TIMESTAMP(6)", &sql.bind(delay)),
        NextTry::Never => "NULL".to_owned(),
        NextTry::AsItWas(delay) => {
            let later = after("UTC_TIMESTAMP(6)", &sql.bind(delay));
            format!("IF(attempts <= 1 AND due_at IS NOT NULL, {later}, due_at)")
        }
    };

    // An assignment sees those before it, so the count comes last.
    let attempts = if retry.counts() { "attempts" } else { "GREATEST(attempts - 1, 0)" };

    let text = format!(
        "UPDATE {queue}
            SET leased_until = {NEVER},
                last_error = {error},
                due_at = IF(generation = {generation}, {due}, UTC_TIMESTAMP(6)),
                attempts = IF(generation = {generation}, {attempts}, 0)
          WHERE {is_row}
            AND field = {field}",
        queue = names.queue(),
    );

    statement(sql, text)
}

/// In two steps, for only an UPDATE of one table looks at others without locking their rows. Nobody
/// else sees generation 0.
pub(crate) fn drop_gone(owner: &Owner, claims: &[Claim]) -> Vec<Statement> {
    let names = names(owner);
    let queue = names.queue();
    let of_claim = |claim: &Claim| {
        let mut sql = Sql::mysql();
        let table = names.table();
        let is_row = sql.key_is(owner, &names.keys_of("q"), &claim.key);
        let is_owner = sql.key_is(owner, &names.own_key_of("t"), &claim.key);
        let field = sql.bind(owner.fields[claim.field].name);
        let generation = sql.bind(claim.generation);
        let text = format!(
            "UPDATE {queue} q
                SET q.generation = 0
              WHERE {is_row}
                AND q.field = {field}
                AND q.generation = {generation}
                AND NOT EXISTS (SELECT 1 FROM {table} t WHERE {is_owner})"
        );
        statement(sql, text)
    };

    let mut statements: Vec<Statement> = claims.iter().map(of_claim).collect();
    let gone: Vec<Claim> =
        claims.iter().map(|claim| Claim { generation: 0, ..claim.clone() }).collect();
    statements.push(delete_queued(owner, &gone));
    statements
}

/// A calculation under way may hold a claim that this transaction cannot see. So a mark is left
/// with the value: that claim then misses, and the worker looks once more.
///
/// The flag is set before it ends. An UPDATE that changes nothing makes no version of the row.
/// Under `REPEATABLE READ` the transaction would then go on to read an older value, where another
/// one has stored the same value meanwhile.
pub(crate) fn write_locked(owner: &Owner, field: usize, written: &Written) -> Vec<Statement> {
    let key = &written.key;
    let shape = Shape(vec![ShapedField { field, done: true }]);
    let mut statements = vec![keep_flag(owner, field, key)];
    statements.extend(write(owner, &shape, std::slice::from_ref(written)));
    statements.push(shared::mark::append_mark(Sql::mysql(), owner, field, key, None));
    statements
}

/// Once a transaction writes to a row, it sees all of it as it is now, also what others have stored
/// since its snapshot. Their marks it does not see. So the row gets the values of the snapshot and
/// then those of now. By these the triggers mark what is calculated from those that differ. Its
/// flags stay. A SELECT alone reads the snapshot, one that locks does not.
pub(crate) fn mark_stored_since(owner: &Owner, fields: &[usize], key: &Key) -> Vec<Statement> {
    let names = names(owner);
    let fields: Vec<&Field> = fields.iter().map(|field| &owner.fields[*field]).collect();
    if fields.is_empty() {
        return Vec::new();
    }

    let table = names.table();
    let columns: Columns = fields.iter().map(|field| DIALECT.cached(field)).collect();
    let seen = Columns::numbered("@cached_field_seen", columns.len());
    let now = Columns::numbered("@cached_field_now", columns.len());
    let of_row = |text: String, own_key: &Columns, rest: &str| {
        let mut sql = Sql::mysql();
        let is_row = sql.key_is(owner, own_key, key);
        statement(sql, format!("{text} {is_row}{rest}"))
    };

    let write = |values: &Columns, condition: &str| {
        let set = fields.iter().zip(values.iter()).flat_map(|(field, value)| {
            let flag = DIALECT.flag(field);
            let cached = DIALECT.cached(field);
            [format!("{cached} = {value}"), format!("{flag} = IF({flag}, {KEPT}, {DONE})")]
        });
        // By their bytes, of whatever type they are.
        let bytes = |value: &String| format!("CAST(CONCAT('', {value}) AS BINARY)");
        let differ = columns
            .iter()
            .zip(values.iter())
            .map(|(column, value)| (bytes(column), bytes(value)))
            .map(|(column, value)| format!("NOT ({column} <=> {value})"));
        let set = set.collect::<Columns>();
        let differ = differ.collect::<Any>();
        let rest = format!("{condition} AND ({differ})");
        of_row(format!("UPDATE {table} SET {set} WHERE"), &names.own_key(), &rest)
    };

    vec![
        // Of a row that the snapshot does not have, nothing.
        of_row(
            format!(
                "SELECT {columns}, t.{first} IS NOT NULL INTO {variables}, @cached_field_seen
                   FROM (SELECT 1) o
                   LEFT JOIN {table} t ON",
                columns = columns.of("t"),
                first = names.own_key().first(),
                variables = seen,
            ),
            &names.own_key_of("t"),
            "",
        ),
        of_row(
            format!(
                "SELECT {columns} INTO {now}
                   FROM {table}
                  WHERE",
            ),
            &names.own_key(),
            " FOR UPDATE",
        ),
        write(&seen, " AND @cached_field_seen"),
        write(&now, ""),
    ]
}

/// Sets the flag, and leaves no mark.
fn keep_flag(owner: &Owner, field: usize, key: &Key) -> Statement {
    let mut sql = Sql::mysql();
    let names = names(owner);
    let is_row = sql.key_is(owner, &names.own_key(), key);
    let flag = names.flag(field);
    let table = names.table();
    let text = format!(
        "UPDATE {table}
            SET {flag} = {KEPT}
          WHERE {is_row}"
    );
    statement(sql, text)
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
        named("lock_queued", lock_queued(owner, &of.claims)),
        named("mark_stored_since", mark_stored_since(owner, &[0], &of.keys[0])),
    ]
    .concat()
}
