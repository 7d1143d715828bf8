//! The databases. The only room that has SQL text, and that asks which database it is.
//!
//! An operation of [`Backend`] takes a request and returns data (`operations/`). It chooses how
//! many statements that takes, and in which order locks are taken. It decides nothing: what becomes
//! of marks and claims is written in `protocol/`.
//!
//! Statements are pure functions in a folder for each database, which have the same files.
#![cfg_attr(
    not(all(feature = "sqlx-sqlite", feature = "sqlx-postgres", feature = "sqlx-mysql")),
    allow(dead_code, unused_imports, reason = "not every database needs all that they share")
)]

#[macro_use]
mod dispatch;

mod apart;
mod bound;
mod columns;
mod errors;
#[cfg(test)]
mod example;
#[cfg(feature = "__mutations")]
pub(crate) mod mutation;
#[cfg(feature = "sqlx-mysql")]
mod mysql;
mod names;
mod operations;
#[cfg(feature = "sqlx-postgres")]
pub(crate) mod postgres;
mod query;
mod roll_up;
mod shared;
mod sizes;
pub(crate) mod sql;
#[cfg(feature = "sqlx-sqlite")]
pub(crate) mod sqlite;
#[cfg(test)]
pub(crate) mod words;

use std::sync::Arc;

use sea_orm::{
    ColumnType, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, TransactionOptions,
    sea_query::ColumnDef,
};

use crate::{
    Error,
    catalog::{Cascade, Described, Object, ObjectKind},
    layout::{Owner, Table},
};

use sql::Sql;

pub(crate) use columns::{cast_for_order, define_expiry, name_of_type, order_of_enum};
#[cfg(any(feature = "sqlx-sqlite", feature = "sqlx-postgres", feature = "sqlx-mysql"))]
use errors::error_code;
pub(crate) use operations::{Calculated, Transactions};
pub(crate) use sizes::repeated;

/// A database that cached fields work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    #[cfg(feature = "sqlx-postgres")]
    Postgres,
    /// MySQL and MariaDB.
    #[cfg(feature = "sqlx-mysql")]
    MySql,
    #[cfg(feature = "sqlx-sqlite")]
    Sqlite,
}

/// What tells a connection pool from the others of the process: the options that it shares with all
/// its clones.
pub(crate) struct Identity {
    pub(crate) address: usize,
    /// Whether the pool still exists. Until this is dropped its address is not used again.
    pub(crate) is_alive: Box<dyn Fn() -> bool + Send>,
}

impl Identity {
    fn of<T: Send + Sync + 'static>(options: &Arc<T>) -> Self {
        let weak = Arc::downgrade(options);
        Self {
            address: Arc::as_ptr(options).addr(),
            is_alive: Box::new(move || weak.strong_count() > 0),
        }
    }
}

/// How a sleeping worker learns at once that something was marked.
pub(crate) enum WakeUp {
    /// By a notification. While the worker sleeps it holds, on the listening connection, the lock
    /// that the triggers try: only a transaction that finds it held notifies.
    #[cfg(feature = "sqlx-postgres")]
    Listen,
    /// By a change of the database's files.
    #[cfg(feature = "sqlx-sqlite")]
    WatchFile,
    /// Not at all: it looks.
    #[cfg(feature = "sqlx-mysql")]
    Poll,
}

impl Backend {
    /// Those of which the feature is enabled.
    #[cfg(test)]
    pub(crate) const ALL: &[Self] = &[
        #[cfg(feature = "sqlx-postgres")]
        Self::Postgres,
        #[cfg(feature = "sqlx-mysql")]
        Self::MySql,
        #[cfg(feature = "sqlx-sqlite")]
        Self::Sqlite,
    ];

    /// The database behind a connection.
    pub(crate) fn of(db: &impl ConnectionTrait) -> Result<Self, Error> {
        match db.get_database_backend() {
            #[cfg(feature = "sqlx-postgres")]
            DbBackend::Postgres => Ok(Self::Postgres),
            #[cfg(feature = "sqlx-mysql")]
            DbBackend::MySql => Ok(Self::MySql),
            #[cfg(feature = "sqlx-sqlite")]
            DbBackend::Sqlite => Ok(Self::Sqlite),
            #[cfg(not(feature = "sqlx-postgres"))]
            DbBackend::Postgres => Err(Error::MissingFeature { feature: "sqlx-postgres" }),
            #[cfg(not(feature = "sqlx-mysql"))]
            DbBackend::MySql => Err(Error::MissingFeature { feature: "sqlx-mysql" }),
            #[cfg(not(feature = "sqlx-sqlite"))]
            DbBackend::Sqlite => Err(Error::MissingFeature { feature: "sqlx-sqlite" }),
            other => Err(Error::UnsupportedDatabase { database: other.as_str() }),
        }
    }

    /// As SeaORM names it.
    pub(crate) fn kind(self) -> DbBackend {
        self.sql().backend()
    }

    /// A statement in the making.
    pub(crate) fn sql(self) -> Sql {
        of_database!(self, sql())
    }

    /// An identifier, quoted.
    pub(crate) fn quote(self, identifier: &str) -> String {
        self.sql().quote(identifier)
    }

    /// A table, quoted and with its schema if it has one.
    pub(crate) fn qualified(self, table: &Table) -> String {
        self.sql().dialect().qualified(table)
    }

    /// What tells this database's pool from the others of the process.
    pub(crate) fn identity(self, db: &DatabaseConnection) -> Identity {
        of_database!(self, identity(db))
    }

    /// Where the database is, for the log: without the user and the password.
    pub(crate) fn address(self, db: &DatabaseConnection) -> String {
        of_database!(self, address(db))
    }

    pub(crate) fn wake_up(self) -> WakeUp {
        of_database!(self, wake_up())
    }

    /// What has to end a statement for the database's own client, if that would take a semicolon
    /// within a trigger for its end.
    pub(crate) fn delimiter(self) -> Option<&'static str> {
        match self.kind() {
            DbBackend::MySql => Some(";;"),
            _ => None,
        }
    }

    /// Whether each write wakes all workers, also those that it does not concern.
    pub(crate) fn wakes_on_writes(self) -> bool {
        match self.wake_up() {
            #[cfg(feature = "sqlx-sqlite")]
            WakeUp::WatchFile => true,
            #[allow(unreachable_patterns, reason = "it may be the only database")]
            _ => false,
        }
    }

    /// How a transaction of the library begins; `writes`: also where the session is read-only.
    pub(crate) fn transaction(self, writes: bool) -> TransactionOptions {
        of_database!(self, transaction(writes))
    }

    /// How a transaction begins that only reads, and whose queries are all of one moment.
    pub(crate) fn reading(self) -> TransactionOptions {
        of_database!(self, reading())
    }

    // ---- Errors of the database

    /// Whether this error says that the connection may only read.
    pub(crate) fn is_read_only(self, error: &DbErr) -> bool {
        of_database!(self, is_read_only(error))
    }

    /// The table or function of the library for this owner that does not exist, if that is what the
    /// error says.
    pub(crate) fn missing_object(self, owner: &Owner, error: &DbErr) -> Option<String> {
        of_database!(self, missing_object(owner, error))
    }

    /// Whether this error is about a value, not about the moment or the connection.
    pub(crate) fn refuses_value(self, error: &DbErr) -> bool {
        of_database!(self, refuses_value(error))
    }

    /// Whether the database says that this role lacks a right on a table.
    pub(crate) fn lacks_right(self, error: &DbErr) -> bool {
        of_database!(self, lacks_right(error))
    }

    // ---- What the databases do differently

    /// Whether a list of values can stand where a table can. MySQL has such lists, and MariaDB has
    /// others.
    pub(crate) fn supports_values_lists(self) -> bool {
        self.kind() != DbBackend::MySql
    }

    /// Whether each statement that changes the schema commits what was done before it.
    pub(crate) fn commits_schema_changes(self) -> bool {
        self.kind() == DbBackend::MySql
    }

    /// Whether installations are kept out by a lock of the session, which the end of a transaction
    /// does not give up.
    pub(crate) fn locks_sessions_to_install(self) -> bool {
        self.kind() == DbBackend::MySql
    }

    /// Whether a table that the database's user may not use looks as if there were none.
    pub(crate) fn hides_tables(self) -> bool {
        self.kind() == DbBackend::MySql
    }

    /// Whether the values of queries are stored by the statement that calculates them. MySQL would
    /// lock what such a statement reads.
    pub(crate) fn stores_queries(self) -> bool {
        self.kind() != DbBackend::MySql
    }

    /// Whether the row that a statement returns of what it writes (`RETURNING`) does not show the
    /// flags that triggers then set.
    pub(crate) fn returns_rows_before_triggers(self) -> bool {
        self.kind() == DbBackend::Sqlite
    }

    // ---- Schemas

    /// Everything that has to stand in the database for this owner. `owner.table` has its real
    /// schema.
    pub(crate) fn objects(
        self,
        owner: &Owner,
        table: &Described,
        related: &[Described],
    ) -> Vec<Object> {
        of_database!(self, tables::objects(owner, table, related))
    }

    /// The table that an object with this tag serves.
    pub(crate) fn owner_of(self, tag: &str) -> Option<Table> {
        of_database!(self, tables::owner_of(tag))
    }

    /// What drops an object that stands beside this table, or, if it is an index, on it.
    pub(crate) fn drop_object(
        self,
        beside: &Table,
        kind: ObjectKind,
        name: &str,
        parent: Option<&str>,
    ) -> String {
        of_database!(self, catalog::drop_object(beside, kind, name, parent))
    }

    /// Whether a column of the type that the database names so can hold, and SeaORM reads from it,
    /// values of this type. It is true if that cannot be told.
    pub(crate) fn holds(self, kind: &ColumnType, found: &str) -> bool {
        of_database!(self, catalog::holds(kind, found))
    }

    /// Gives a column that is to be added a type that the table takes.
    pub(crate) fn fit_column(self, table: &Described, column: &mut ColumnDef) {
        of_one_database!(self, Sqlite => catalog::fit_column(table, column), otherwise: ());
    }

    /// Whether triggers can tell that columns of these types are equal, whatever stands in them.
    pub(crate) fn can_link(self, owner: &str, related: &str) -> bool {
        of_database!(self, catalog::can_link(owner, related))
    }

    /// Whether a value of a linked column stands for all keys that it equals when it is written to
    /// a column of the key's type.
    pub(crate) fn can_name(self, key: &str, linked: &str) -> bool {
        of_one_database!(self, MySql => catalog::can_name(key, linked), otherwise: true)
    }

    /// Whether a change of the table at the end of these foreign keys changes rows of that at their
    /// beginning, and calls no triggers there.
    pub(crate) fn has_effect(self, way: &[Cascade]) -> bool {
        of_one_database!(self, MySql => cascades::has_effect(way), otherwise: false)
    }
}
