//! PostgreSQL 13 and later.
//!
//! A trigger only appends marks and never waits. Workers go by keys and `ctid`s with planner
//! settings of their own. Our two tables look tiny whenever they were last empty, and a plan made
//! then would be slow for good.

mod append;
pub(super) mod catalog;
pub(super) mod claim;
pub(super) mod collect;
pub(super) mod complete;
#[cfg(feature = "worker")]
mod connections;
mod functions;
pub(super) mod inspect;
#[cfg(feature = "worker")]
mod listen;
pub(super) mod mark;
pub(super) mod operations;
mod own_triggers;
mod own_updates;
#[cfg(test)]
mod plans;
#[cfg(feature = "worker")]
mod pooler;
pub(super) mod query;
pub(super) mod read;
pub(super) mod recursion;
mod related_triggers;
pub(super) mod rights;
pub(super) mod tables;
pub(super) mod unique;
pub(super) mod upgrade;
mod way;

use sea_orm::{
    AccessMode, DatabaseConnection, DbErr, IsolationLevel, Statement, TransactionOptions,
};

use super::{
    Identity, WakeUp,
    names::{Dialect, Names},
    sql::Sql,
};
use crate::layout::{Field, Owner};

#[cfg(feature = "worker")]
pub(crate) use connections::dedicated;
#[cfg(feature = "worker")]
pub(crate) use listen::{Listener, listen_options};

/// The channel on which sleeping workers are woken.
const CHANNEL: &str = "cached_fields";

/// Now, in milliseconds since 1970: never later than it is.
const NOW: &str = "CAST(floor(extract(epoch FROM now()) * 1000) AS bigint)";

/// The way in which this database writes names and texts.
const DIALECT: Dialect = Dialect::Postgres;

/// Returns the names of an owner, as they stand in statements.
fn names(owner: &Owner) -> Names<'_> {
    DIALECT.names(owner)
}

fn statement(sql: Sql, text: String) -> Statement {
    sql.statement(text)
}

/// A moment as the field's expiry is written.
fn as_expiry(field: &Field, moment: &str) -> String {
    match field.time_zone {
        Some(zone) => {
            let zone = DIALECT.literal(zone.name());
            format!("({moment} AT TIME ZONE {zone})")
        }
        None => moment.to_owned(),
    }
}

/// A query of the number that tells the session from all others of the server.
const SESSION_NUMBER: &str = "SELECT pg_backend_pid()";

/// What the advisory locks of the library begin with.
const LOCKS: i64 = 0x5e_a0cf << 32;

/// The advisory lock that a sleeping worker holds, as an SQL expression. The upper half is the
/// library's, the lower half is the table of marks.
fn sleep_lock(marks: &str) -> String {
    let marks = DIALECT.literal(marks);
    format!("{LOCKS} + {marks}::regclass::oid::bigint")
}

pub(super) fn sql() -> Sql {
    Sql::postgres()
}

pub(super) fn identity(db: &DatabaseConnection) -> Identity {
    Identity::of(&db.get_postgres_connection_pool().connect_options())
}

pub(super) fn address(db: &DatabaseConnection) -> String {
    let pool = db.get_postgres_connection_pool();
    let options = pool.connect_options();
    let host = match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    // By default the database has the user's name.
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("postgres://{host}/{database}")
}

pub(super) fn wake_up() -> WakeUp {
    WakeUp::Listen
}

pub(super) fn transaction(_: bool) -> TransactionOptions {
    TransactionOptions::default()
}

pub(super) fn reading() -> TransactionOptions {
    TransactionOptions {
        isolation_level: Some(IsolationLevel::RepeatableRead),
        access_mode: Some(AccessMode::ReadOnly),
        ..Default::default()
    }
}

pub(super) fn is_read_only(error: &DbErr) -> bool {
    super::error_code(error).as_deref() == Some("25006")
}

pub(super) fn missing_object(owner: &Owner, error: &DbErr) -> Option<String> {
    // undefined_table, undefined_function, and undefined_column: of an older release.
    let is_missing = matches!(super::error_code(error)?.as_str(), "42P01" | "42883" | "42703");
    let work = functions::function_name(owner, "work");
    is_missing.then(|| super::shared::object_in(owner, [work], error)).flatten()
}

pub(super) fn refuses_value(error: &DbErr) -> bool {
    // Classes 22, data exception, 23, integrity constraint violation, and P0, what a trigger
    // raises.
    let class = super::error_code(error);
    class.is_some_and(|class| ["22", "23", "P0"].iter().any(|refusal| class.starts_with(refusal)))
}

/// Classes 08, connection exception, 40, transaction rollback, and 57, operator intervention, and a
/// lock that was not available.
pub(super) fn is_transient(error: &DbErr) -> bool {
    let code = super::error_code(error);
    code.is_some_and(|code| {
        code.len() == 5
            && (["08", "40", "57"].iter().any(|class| code.starts_with(class)) || code == "55P03")
    })
}

pub(super) fn lacks_right(error: &DbErr) -> bool {
    super::error_code(error).as_deref() == Some("42501")
}

/// Takes the lock of a sleeping worker. Returns no row in another session than that with this
/// number.
pub(super) fn lock_of_sleeper(owner: &Owner, session: i32) -> String {
    let lock = sleep_lock(&DIALECT.names(owner).marks());
    // A shared lock that cannot be had says that another worker sleeps, and will be notified, too.
    let asleep = format!(
        "CASE WHEN pg_try_advisory_lock({lock}) THEN true
                     ELSE NOT pg_try_advisory_xact_lock_shared({lock}) END"
    );
    format!("SELECT {asleep} WHERE pg_backend_pid() = {session}")
}

/// Gives up all locks of the session, if it is the one with this number.
pub(super) fn unlock_all(session: i32) -> String {
    format!("SELECT pg_advisory_unlock_all() WHERE pg_backend_pid() = {session}")
}
