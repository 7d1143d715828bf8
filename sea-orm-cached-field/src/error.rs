mod install;
mod words;

use std::sync::Arc;

use sea_orm::DbErr;

use crate::declaration::{BoxError, Key};

pub use install::InstallError;
use words::circle;
pub(crate) use words::{counted, seconds, with_sources};

/// An error of reading, flagging or recalculating values.
///
/// Errors of [`install`](crate::CachedFields::install) and the related methods are
/// [`InstallError`]s. `Debug` prints the text of `Display`, followed by all causes. So a program
/// whose `main` returns the error shows all of that.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused a statement or could not be reached.
    #[error(transparent)]
    Database(#[from] DbErr),

    /// The user's calculation returned an error. The row stays flagged and is retried by a worker.
    #[error("`{field}` of `{table}` {key} could not be calculated")]
    Calculation {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The row's primary key.
        key: Key,
        /// The error that the calculation returned.
        source: BoxError,
    },

    /// The user's calculation panicked. The row stays flagged and is retried by a worker.
    #[error("the calculation of `{field}` of `{table}` {key} panicked: {message}")]
    Panicked {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The row's primary key.
        key: Key,
        /// The message of the panic.
        message: String,
    },

    /// The user's calculation took longer than the worker allows. Raise
    /// `Worker::calculation_timeout`, or make it faster.
    #[error("the calculation of `{field}` of `{table}` {key} was stopped after {seconds} s")]
    TimedOut {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The row's primary key.
        key: Key,
        /// The time after which it was stopped, in seconds.
        seconds: f64,
    },

    /// A calculation of many rows at a time (`batch`) returned more or fewer values than there were
    /// rows. The rows are then calculated one by one, as after every failure of such a calculation.
    #[error(
        "the calculation of `{field}` for {} of `{table}` returned {}: it has to return \
         one for each row, in their order",
        counted(*expected as u64, "row"), counted(*found as u64, "value")
    )]
    WrongLength {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The number of rows.
        expected: usize,
        /// The number of values that were returned.
        found: usize,
    },

    /// A unique index over the field's column refuses the value, because another row has it. A row
    /// that is to be recalculated gives its value up, and its column is NULL until then. A row that
    /// is not to be recalculated keeps its value. Workers try the refused row again, as they do
    /// when a calculation fails.
    #[error(
        "`{field}` of `{table}` {key} could not be stored, because a unique index allows its value \
         only once: {remedy}"
    )]
    NotUnique {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The row's primary key.
        key: Key,
        /// The row that has the value, and the remedy.
        remedy: &'static str,
        /// The error of the database, with the name of the index.
        source: Box<DbErr>,
    },

    /// The value could not be set by hand, because another transaction holds the row locked.
    #[error("cannot set the value: row {key} of `{table}` is locked by another transaction")]
    Locked {
        /// The owner's table.
        table: String,
        /// The row's primary key.
        key: Key,
    },

    /// A cached field had to be fresh, but stayed stale for ten seconds. It was to be read, or
    /// another field is calculated from it. Its row is locked by a transaction, may not be written
    /// by this role, or changes all the time. Nothing was lost: read again later.
    #[error("`{field}` of `{table}` {key} could not be made fresh: {reason}")]
    StaleInput {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The row's primary key.
        key: Key,
        /// The reason why it stayed stale.
        reason: &'static str,
    },

    /// The row was deleted after it had been loaded.
    #[error("the row {key} of `{table}` does not exist any more")]
    RowGone {
        /// The owner's table.
        table: String,
        /// The row's primary key.
        key: Key,
    },

    /// The cached fields are not installed in this database, or not completely. Call
    /// [`CachedFields::install`](crate::CachedFields::install). A program with several databases
    /// has to pick the models of each with [`CachedFields::of`](crate::CachedFields::of).
    #[error(
        "the cached fields of `{table}` ({fields}) are not installed in this database: it has no \
         `{missing}`; call `CachedFields::all().install(&db)` at start-up or in a migration, or, if \
         `{table}` belongs to another database of this program, pick the models of each database \
         with `CachedFields::of`"
    )]
    NotInstalled {
        /// The owner's table.
        table: String,
        /// The owner's cached fields.
        fields: String,
        /// The table or function of the library that does not exist.
        missing: String,
    },

    /// No cached field of the program has this name, or several have. A name is that of the table
    /// and that of the field, as in `lamppost.slow_full_name`. The schema may come before it.
    #[error("`{name}` does not name one cached field; there is {}", fields.join(", "))]
    NoSuchField {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        fields: Vec<String>,
    },

    /// A key has more values than the table's primary key has columns, or fewer.
    #[error("the key {key} of `{table}` has to have {columns} values, one for each key column")]
    WrongKey {
        /// The table.
        table: String,
        /// The key.
        key: Key,
        /// The number of columns of the primary key.
        columns: usize,
    },

    /// A text is no value of a key column.
    #[error(
        "`{text}` is no value of the key column `{column}` of `{table}`: it has to be {expected}"
    )]
    InvalidKey {
        /// The table.
        table: String,
        /// The key column.
        column: String,
        /// The text.
        text: String,
        /// What the column holds.
        expected: String,
    },

    /// It failed for several callers at once. A reader ran the calculation of a row for all of its
    /// readers, or one caller asked for the [status](crate::CachedFields::status) for all.
    #[error(transparent)]
    Shared(Arc<Error>),

    /// The program has no support for this database: enable the feature `sqlx-sqlite`,
    /// `sqlx-postgres` or `sqlx-mysql`.
    #[error(
        "cached fields are not supported on {database}: enable the feature `sqlx-sqlite`, \
         `sqlx-postgres` or `sqlx-mysql` and connect to such a database"
    )]
    UnsupportedDatabase {
        /// The database's name.
        database: &'static str,
    },

    /// The feature of this crate for the connected database is not enabled.
    #[error(
        "the feature `{feature}` of `sea-orm-cached-field` is not enabled: enable it in Cargo.toml"
    )]
    MissingFeature {
        /// The feature.
        feature: &'static str,
    },

    /// Cached fields depend on each other in a circle, so none of them could be calculated first.
    #[error(
        "cached fields depend on each other in a circle: {}; remove one of these dependencies",
        path.join(" -> ")
    )]
    Cycle {
        /// The fields of the circle as `table.field`; the first stands again at the end.
        path: Vec<String>,
    },

    /// The calculation of a row depends, over other rows, on its own value: the data of a field
    /// with `recursive` goes in a circle. The row is retried as after a failure, and at once when
    /// the circle is broken.
    #[error(
        "`{field}` of `{table}` is calculated from itself: the data goes in a circle, {}",
        circle(path)
    )]
    DataCycle {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The rows of the circle, each calculated from the one before; the first stands again at
        /// the end.
        path: Vec<Key>,
    },

    /// The user's calculation changes its own inputs, so that each recalculation made the row stale
    /// again. The last value is stored, and the row stays flagged. It is recalculated when
    /// something else changes, or by `CachedFields::all().repair(&db)`.
    #[error(
        "`{table}.{field}` of row {key} invalidated itself {waves} times in a row: its calculation \
         must not write what `depends_on` names"
    )]
    Loop {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The row's primary key.
        key: Key,
        /// The number of recalculations.
        waves: i32,
    },

    /// The query of a field (`query`) does not select exactly the key and a value.
    #[error(
        "the query of `{field}` of `{table}` selects {}: it has to select, after \
         `select_only()`, the key ({key}), then the value",
        counted(*found as u64, "column")
    )]
    NotKeyAndValue {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The key of the owner's table.
        key: String,
        /// The number of columns that it selects.
        found: usize,
    },

    /// The database cannot roll related rows up into this field.
    #[error("`{field}` of `{table}` cannot be `{roll_up}`: {reason}")]
    WrongRollUp {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The roll-up, such as `sum(pigeons.weight)`.
        roll_up: String,
        /// The reason, or the type that the field needs.
        reason: String,
    },

    /// A dependency path that no trigger can follow.
    #[error("`{field}` of `{table}` cannot depend on `{path}`: at `{hop}`, {reason}")]
    UnsupportedPath {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The path, as `table(column)`.
        path: String,
        /// The table of the path where it cannot be followed.
        hop: String,
        /// The reason, and the remedy.
        reason: String,
    },

    /// Two entities have cached fields of one table, whose objects can be made from only one of
    /// them.
    #[error(
        "{} and {} are two entities of the table `{table}` with cached fields: put all \
         cached fields of a table into one entity; if the tables are in different databases, name \
         the entities of each with `CachedFields::of`",
        entities[0],
        entities[1]
    )]
    TwoEntities {
        /// The table.
        table: String,
        /// The entities, each with its fields.
        entities: [String; 2],
    },

    /// An environment variable of this library has a value that it does not know.
    #[error("the environment variable `{name}` is `{value}`: expected {expected}")]
    InvalidSetting {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// The values that are allowed.
        expected: &'static str,
    },

    /// A task of the library ended before its work was done: the runtime shut down, or it panicked.
    #[error("a task of the library ended before its work was done: {0}")]
    Stopped(String),

    /// Several workers ended while they calculated a row, and each time the row was leased to the
    /// next one. The row stays flagged. It is retried when it is marked again.
    #[error(
        "{attempts} workers ended while they calculated `{field}` of `{table}` {key}: see what the \
         calculation does to its process"
    )]
    WorkersEnded {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The row's primary key.
        key: Key,
        /// The number of workers that have ended.
        attempts: i32,
    },

    /// The apalis worker could not continue.
    #[error("the worker stopped: {0}")]
    Worker(String),

    /// The cached fields could not be installed, uninstalled or examined.
    #[error(transparent)]
    Install(Box<InstallError>),
}
