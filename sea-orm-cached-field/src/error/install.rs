use sea_orm::DbErr;

use super::Error;

/// An error of [`install`](crate::CachedFields::install), `uninstall`, `suspend`,
/// `remove_abandoned`, `doctor` or `repair`.
///
/// Everything that can be checked is checked before anything is changed. An error names the table,
/// the field and the remedy.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The database refused a statement or could not be reached.
    #[error(transparent)]
    Database(DbErr),

    /// The models themselves are wrong ([`Error::Cycle`], [`Error::UnsupportedPath`],
    /// [`Error::WrongRollUp`], [`Error::TwoEntities`]). Or the program does not support the database
    /// ([`Error::UnsupportedDatabase`], [`Error::MissingFeature`]), or a setting is unknown
    /// ([`Error::InvalidSetting`]).
    #[error(transparent)]
    Fields(Error),

    /// On MySQL and MariaDB the action of a foreign key (`ON DELETE`, `ON UPDATE`) changes rows
    /// without calling triggers. `install` creates triggers on the tables that are referred to. An
    /// action that those cannot follow is refused.
    #[error(
        "the cached fields of `{table}` ({fields}) cannot see what the foreign key `{constraint}` \
         of `{on}` changes: {reason}"
    )]
    UnseenForeignKey {
        /// The owner's table.
        table: String,
        /// The owner's cached fields.
        fields: String,
        /// The foreign key.
        constraint: String,
        /// The table that it belongs to.
        on: String,
        /// The reason, and the remedy.
        reason: &'static str,
    },

    /// On MySQL and MariaDB each change of the schema commits. So `install` and `uninstall` would
    /// end the transaction that they were called in: call them with a connection.
    #[error(
        "on this database each change of the schema commits the transaction that it is made in: \
         call `install` and `uninstall` with a connection, outside of transactions"
    )]
    CommitsTransaction,

    /// The table of an entity, or one that it depends on, does not exist: run its migration first.
    #[error(
        "the table `{missing}`, which the cached fields of `{table}` ({fields}) need, does not \
         exist: create it before `CachedFields::all().install(&db)`, for instance in an earlier \
         migration"
    )]
    NoSuchTable {
        /// The owner's table.
        table: String,
        /// The owner's cached fields.
        fields: String,
        /// The table that does not exist.
        missing: String,
    },

    /// The name that an entity gives as its table is that of a view, a foreign or temporary table
    /// or the like. No trigger can be created there, or none would see every change. A partition
    /// may be such a table, too.
    #[error(
        "`{name}`, which the cached fields of `{table}` ({fields}) need, is a {kind}: triggers \
         there do not see every change, so name the ordinary or partitioned table behind it in \
         the entity"
    )]
    NotATable {
        /// The owner's table.
        table: String,
        /// The owner's cached fields.
        fields: String,
        /// The name of the view or the like.
        name: String,
        /// Its kind.
        kind: String,
    },

    /// A table is not what the entity says: a column is missing, or only some of a field's columns
    /// are there.
    #[error(
        "the table `{table}` has no column `{column}`, which the cached field `{field}` of \
         `{owner}` needs: {remedy}"
    )]
    NoSuchColumn {
        /// The table.
        table: String,
        /// The missing column.
        column: String,
        /// The owner's table.
        owner: String,
        /// The cached field.
        field: &'static str,
        /// The remedy.
        remedy: &'static str,
    },

    /// A column of a field that already exists has a type that does not hold the field's values. Or
    /// it is the flag, and may be NULL.
    #[error(
        "the column `{column}` of `{table}` is `{found}`, but the cached field `{field}` needs \
         `{expected}`: {remedy}"
    )]
    WrongColumn {
        /// The owner's table.
        table: String,
        /// The column.
        column: String,
        /// The cached field.
        field: &'static str,
        /// The column's definition, as the database describes it.
        found: Box<str>,
        /// The definition that SeaORM would give it.
        expected: Box<str>,
        /// The remedy.
        remedy: &'static str,
    },

    /// The database does not know the time zone of a field's expiry (`expiration_time_zone`).
    #[error(
        "the database does not know the time zone `{zone}` of the cached field `{field}` of \
         `{table}`: bring its time zones up to date, or use an older name of the zone"
    )]
    UnknownTimeZone {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The time zone.
        zone: &'static str,
    },

    /// The database's user may not create a necessary object.
    #[error(
        "to install the cached fields of `{table}` ({fields}) the database's user needs \
         {privilege}: {remedy}"
    )]
    MissingPrivilege {
        /// The owner's table.
        table: String,
        /// The owner's cached fields.
        fields: String,
        /// The privileges, as the database names them.
        privilege: String,
        /// The command to run, and the account to run it as.
        remedy: String,
    },

    /// The connection is read-only.
    #[error(
        "the cached fields of `{table}` ({fields}) cannot be installed over a connection that may \
         only read: connect without `mode=ro`, `default_transaction_read_only` or `TRANSACTION \
         READ ONLY`"
    )]
    ReadOnly {
        /// The owner's table.
        table: String,
        /// The owner's cached fields.
        fields: String,
    },

    /// Another installation has been under way in this database for ten minutes (MySQL, MariaDB).
    #[error(
        "another program has been installing cached fields in this database for ten minutes: see \
         what it waits for (`SHOW PROCESSLIST`), then try again"
    )]
    OtherInstallation,

    /// No table has the name that was given to `CachedFields::suspend`.
    #[error(
        "there is no table `{table}` whose triggers could be suspended: give its name as it is \
         before the migration"
    )]
    NothingToSuspend {
        /// The name.
        table: String,
    },

    /// The objects that `CachedFields::remove_abandoned` was to remove may be needed.
    #[error("the cached fields of `{table}` are not abandoned: {reason}")]
    NotAbandoned {
        /// The table.
        table: String,
        /// The reason, and the remedy.
        reason: String,
    },

    /// A table of the library cannot be created, because something else has its name. That is left
    /// alone, by `uninstall` too.
    #[error(
        "the cached fields of `{table}` ({fields}) need the name `{name}` for a table of their \
         own, but something else in the database has it: rename that"
    )]
    NameTaken {
        /// The owner's table.
        table: String,
        /// The owner's cached fields.
        fields: String,
        /// The name.
        name: String,
    },

    /// The task that installs ended before its work was done: the runtime shut down, or it
    /// panicked. Call `install` again.
    #[error("the installation ended before its work was done: {0}")]
    Stopped(String),
}

impl From<DbErr> for InstallError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for InstallError {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => Self::Database(error),
            Error::Install(error) => *error,
            Error::Stopped(why) => Self::Stopped(why),
            other => Self::Fields(other),
        }
    }
}

impl From<InstallError> for Error {
    fn from(error: InstallError) -> Self {
        match error {
            InstallError::Database(error) => Self::Database(error),
            InstallError::Fields(error) => error,
            InstallError::Stopped(why) => Self::Stopped(why),
            other => Self::Install(Box::new(other)),
        }
    }
}

impl From<InstallError> for DbErr {
    fn from(error: InstallError) -> Self {
        Error::from(error).into()
    }
}
