//! SQLite 3.37 and later.
//!
//! What stands in the database runs in whatever program writes to it, with the SQLite of that
//! program.
//!
//! There is one writer at a time, so the triggers, one a row, set the flag always: flag = false
//! means fresh, strictly. A completion announces itself to the triggers by a row of the queue with
//! generation 0, which no other transaction can see.

pub(super) mod catalog;
pub(super) mod claim;
pub(super) mod collect;
pub(super) mod complete;
pub(super) mod inspect;
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
#[cfg(feature = "worker")]
mod watch;
mod way;

use sea_orm::{DatabaseConnection, DbErr, SqliteTransactionMode, Statement, TransactionOptions};

use super::{
    Identity, WakeUp,
    names::{Dialect, NOW_OF_SQLITE as NOW, Names},
    sql::Sql,
};
use crate::layout::{Field, Owner};

#[cfg(feature = "worker")]
pub(crate) use watch::FileWatch;

/// The way in which this database writes names and texts.
const DIALECT: Dialect = Dialect::Sqlite;

/// Returns the names of an owner, as they stand in statements.
fn names(owner: &Owner) -> Names<'_> {
    DIALECT.names(owner)
}

fn statement(sql: Sql, text: String) -> Statement {
    sql.statement(text)
}

const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
const SQLITE_READONLY: i32 = 8;

/// The lower byte of an extended code is the primary one.
fn primary_code(error: &DbErr) -> Option<i32> {
    // Those of the servers have five characters.
    let code = super::error_code(error).filter(|code| code.len() < 5)?;
    code.parse().ok().map(|code: i32| code & 0xff)
}

/// Now, as a Julian day, by the clocks that the field's expiry is written by. SQLite knows no time
/// zones.
fn now_as_expiry(field: &Field) -> String {
    match field.time_zone {
        Some(_) => {
            let ahead = field.ahead_of_utc();
            format!("julianday('now', '{ahead} seconds')")
        }
        None => "julianday('now')".to_owned(),
    }
}

pub(super) fn sql() -> Sql {
    Sql::sqlite()
}

pub(super) fn identity(db: &DatabaseConnection) -> Identity {
    Identity::of(&db.get_sqlite_connection_pool().connect_options())
}

pub(super) fn address(db: &DatabaseConnection) -> String {
    let pool = db.get_sqlite_connection_pool();
    let options = pool.connect_options();
    format!("sqlite:{file}", file = options.get_filename().display())
}

pub(super) fn wake_up() -> WakeUp {
    WakeUp::WatchFile
}

pub(super) fn transaction(_: bool) -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    }
}

/// A transaction of SQLite sees one moment, and does not lock until it writes.
pub(super) fn reading() -> TransactionOptions {
    TransactionOptions::default()
}

pub(super) fn is_read_only(error: &DbErr) -> bool {
    primary_code(error) == Some(SQLITE_READONLY)
}

pub(super) fn missing_object(owner: &Owner, error: &DbErr) -> Option<String> {
    // SQLite has no code of its own for this.
    let error_text = error.to_string();
    let of_older_release = ["no such column: ", "has no column named "];
    let is_missing = error_text.contains("no such table: ")
        || of_older_release.iter().any(|refusal| error_text.contains(refusal));
    is_missing.then(|| super::shared::object_in(owner, [], error)).flatten()
}

pub(super) fn refuses_value(error: &DbErr) -> bool {
    // SQLITE_TOOBIG, SQLITE_CONSTRAINT and SQLITE_MISMATCH.
    matches!(primary_code(error), Some(18..=20))
}

pub(super) fn is_transient(error: &DbErr) -> bool {
    matches!(primary_code(error), Some(SQLITE_BUSY | SQLITE_LOCKED))
}

/// SQLite knows no roles.
pub(super) fn lacks_right(_: &DbErr) -> bool {
    false
}

/// The files of the database.
#[cfg(feature = "worker")]
fn files() -> Statement {
    let text = "SELECT file FROM pragma_database_list WHERE file <> ''";
    statement(Sql::sqlite(), text.to_owned())
}
