//! MySQL 8.0.19 and later, MariaDB 10.6 and later.
//!
//! Triggers, one a row, set the flag on the row at hand and append marks. They touch no other table
//! of the user, so that no statement of his fails for using that table itself (error 1442). The
//! flags of other rows are set by the worker, who also looks up the owners. Neither database has
//! all of RETURNING, LATERAL, functions without special privileges and plans that can be asked for.
//! So a worker selects what it takes and then deletes or updates that, by keys, in an order of
//! joins that is fixed.

pub(super) mod cascades;
pub(super) mod catalog;
pub(super) mod claim;
pub(super) mod collect;
pub(super) mod complete;
pub(super) mod inspect;
mod link;
mod lists;
pub(super) mod mark;
pub(super) mod operations;
mod own_triggers;
#[cfg(test)]
mod plans;
pub(super) mod query;
pub(super) mod read;
pub(super) mod recursion;
mod related_triggers;
pub(super) mod tables;
pub(super) mod unique;
pub(super) mod upgrade;
mod way;

use sea_orm::{
    AccessMode, DatabaseConnection, DbErr, IsolationLevel, Statement, TransactionOptions,
};

use super::{
    Identity, WakeUp,
    names::{Columns, Dialect, Names},
    repeated,
    sql::{Sql, marks, recalculations},
};
use crate::{
    declaration::Key,
    layout::{Field, Owner, Table},
    queue::Claim,
};

/// A flag that our own write ends. See [`own_triggers`].
const DONE: u8 = 100;

/// A flag that our own write sets or keeps, so that no mark is needed.
const KEPT: u8 = 101;

/// The end of a lease that is none.
const NEVER: &str = "'1970-01-01 00:00:00'";

/// The way in which this database writes names and texts.
const DIALECT: Dialect = Dialect::MySql;

/// Returns the names of an owner, as they stand in statements.
fn names(owner: &Owner) -> Names<'_> {
    DIALECT.names(owner)
}

fn statement(sql: Sql, text: String) -> Statement {
    sql.statement(text)
}

/// A query of these columns of a table, which give them their types and collations, and of rows of
/// values. MySQL wants `ROW` before each row. MariaDB does not know it there, and reads it as a
/// comment.
fn values(columns: &Columns, table: &Table, rows: &Columns) -> String {
    let table = DIALECT.qualified(table);
    let first = format!("SELECT {columns} FROM {table} m WHERE FALSE");
    if rows.is_empty() {
        return first;
    }

    // One VALUES for all rows. The server would plan a SELECT for each row one by one.
    let rows = rows.each(|row| format!("/*!80019 ROW*/{row}"));
    format!(
        "
                {first}
                UNION ALL
                VALUES {rows}"
    )
}

/// A table `c` of these keys, `key_1`, ..., each with what `rest` binds for the columns `more` of
/// the library's table `like`. The list is filled up with its last row: a NULL would make a text of
/// the whole column.
///
/// It is joined with STRAIGHT_JOIN. So the server looks up each row by its whole key. It locks no
/// other, not even for the moment in which another transaction would skip it. For a list of keys in
/// a condition it may read a range, or the whole table.
fn keyed<T>(
    sql: &mut Sql,
    owner: &Owner,
    like: &Table,
    more: &[&str],
    rows: &[T],
    key: impl Fn(&T) -> &Key,
    rest: impl Fn(&mut Sql, &T) -> Vec<String>,
) -> String {
    let columns = names(owner).keys().and(more.iter().copied());
    let rows: Vec<&T> = repeated(rows);
    let rows = sql.tuples(owner, &rows, |row| key(row), |sql, row| rest(sql, row));
    let values = values(&columns.of("m"), like, &rows);

    format!("({values}) c")
}

/// The keys alone.
fn keys(sql: &mut Sql, owner: &Owner, keys: &[Key]) -> String {
    keyed(sql, owner, &marks(owner), &[], keys, |key| key, |_, _| Vec::new())
}

/// The owner's rows `t` with these keys.
fn rows_of_keys(sql: &mut Sql, owner: &Owner, of: &[Key]) -> String {
    let names = names(owner);
    let keys = keys(sql, owner, of);
    let row = names.same_row("t", "c");
    let table = names.table();
    format!(
        "{keys}
           STRAIGHT_JOIN {table} t FORCE INDEX (PRIMARY) ON {row}"
    )
}

/// The queue's rows `q` of these claims.
fn queued(sql: &mut Sql, owner: &Owner, claims: &[Claim]) -> String {
    let names = names(owner);
    let queue = recalculations(owner);
    let field = |sql: &mut Sql, claim: &Claim| vec![sql.bind(owner.fields[claim.field].name)];
    let claims = keyed(sql, owner, &queue, &["field"], claims, |claim| &claim.key, field);
    let row = names.same_key("q", "c");
    let queue = names.queue();
    format!(
        "{claims}
           STRAIGHT_JOIN {queue} q FORCE INDEX (PRIMARY)
             ON {row}
            AND q.field = c.field"
    )
}

/// Keeps the time of a statement, by which the next one tells what it has done.
fn remember_now() -> Statement {
    statement(Sql::mysql(), "SET @cached_field_now = UTC_TIMESTAMP(6)".to_owned())
}

/// The time that was kept.
fn now() -> String {
    "CAST(@cached_field_now AS DATETIME(6))".to_owned()
}

/// A moment so many milliseconds after another, or a hundred years.
fn after(moment: &str, milliseconds: &str) -> String {
    format!("({moment} + INTERVAL (LEAST({milliseconds}, 3153600000000) * 1000) MICROSECOND)")
}

/// A moment in milliseconds since 1970.
fn milliseconds(moment: &str) -> String {
    DIALECT.milliseconds(moment)
}

/// The moment so many milliseconds after the beginning of 1970.
fn moment(milliseconds: &str) -> String {
    DIALECT.moment(milliseconds)
}

/// A moment in UTC, by the clocks that the field's expiry is written by. Servers know time zones
/// only if they were told.
fn as_expiry(field: &Field, moment: &str) -> String {
    match field.time_zone {
        Some(_) => {
            let ahead = field.ahead_of_utc();
            format!("({moment} + INTERVAL {ahead} SECOND)")
        }
        None => moment.to_owned(),
    }
}

/// The moment, in UTC, that an expiry means.
fn of_expiry(field: &Field, expiry: &str) -> String {
    match field.time_zone {
        Some(_) => {
            let ahead = field.ahead_of_utc();
            format!("({expiry} - INTERVAL {ahead} SECOND)")
        }
        None => expiry.to_owned(),
    }
}

/// Assigns a moment to an expiry, cut off to what its column can tell. MySQL rounds, MariaDB does
/// not, and no value may expire later than it is said to. An assignment sees those before it. So
/// what was rounded up in a column of milliseconds, or of seconds, is set once more.
fn expires(column: &str, moment: &str) -> String {
    let earlier = |by: u32| {
        format!(
            "{column} = IF({column} > {moment}, {moment} - INTERVAL {by} MICROSECOND, {column})"
        )
    };
    let (milliseconds, seconds) = (earlier(500), earlier(500_000));
    format!(
        "{column} = {moment},
                {milliseconds},
                {seconds}"
    )
}

pub(super) fn sql() -> Sql {
    Sql::mysql()
}

pub(super) fn identity(db: &DatabaseConnection) -> Identity {
    Identity::of(&db.get_mysql_connection_pool().connect_options())
}

pub(super) fn address(db: &DatabaseConnection) -> String {
    let pool = db.get_mysql_connection_pool();
    let options = pool.connect_options();
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    format!("mysql://{host}/{database}", database = options.get_database().unwrap_or_default())
}

pub(super) fn wake_up() -> WakeUp {
    WakeUp::Poll
}

/// With any other isolation the gaps between the keys that a worker looks for would be locked, too.
pub(super) fn transaction(writes: bool) -> TransactionOptions {
    TransactionOptions {
        isolation_level: Some(IsolationLevel::ReadCommitted),
        access_mode: writes.then_some(AccessMode::ReadWrite),
        ..Default::default()
    }
}

pub(super) fn reading() -> TransactionOptions {
    TransactionOptions {
        isolation_level: Some(IsolationLevel::RepeatableRead),
        access_mode: Some(AccessMode::ReadOnly),
        ..Default::default()
    }
}

pub(super) fn is_read_only(error: &DbErr) -> bool {
    // The server, the transaction, and the storage engine.
    matches!(catalog::error_number(error), Some(1290 | 1792 | 1836))
}

pub(super) fn missing_object(owner: &Owner, error: &DbErr) -> Option<String> {
    // ER_NO_SUCH_TABLE, and ER_BAD_FIELD_ERROR: of an older release.
    let is_missing = matches!(catalog::error_number(error), Some(1146 | 1054));
    is_missing.then(|| super::shared::object_in(owner, [], error)).flatten()
}

pub(super) fn refuses_value(error: &DbErr) -> bool {
    // Classes 22, data exception, and 23, integrity constraint violation, and what a trigger
    // signals. Some have a class of their own on one of the databases: truncated data, a wrong
    // string, a violated check.
    let class = super::error_code(error);
    class.is_some_and(|class| ["22", "23", "45"].iter().any(|refusal| class.starts_with(refusal)))
        || matches!(catalog::error_number(error), Some(1265 | 1366 | 3819))
}

/// A deadlock, a lock that was waited for too long, and a server that shuts down or is gone.
pub(super) fn is_transient(error: &DbErr) -> bool {
    matches!(catalog::error_number(error), Some(1053 | 1205 | 1213 | 2006 | 2013 | 3572))
}

pub(super) fn lacks_right(error: &DbErr) -> bool {
    // Of a table, and of a column.
    matches!(catalog::error_number(error), Some(1142 | 1143))
}
