//! Installation: what the database needs, and whether it has it.

use super::CachedFields;
use crate::{
    InstallError,
    declaration::IntoExecutor,
    installation::{self, Changes, Diagnosis, Plan},
};

impl CachedFields {
    /// Creates everything that the fields need in the database: the tables of marks and
    /// recalculations, triggers, and an index on each expiry column. It also adds the columns of
    /// the fields if the tables do not have them. Rows that are already stale are queued.
    ///
    /// It can be called any number of times, best at each start of the program:
    ///
    /// - What is already there is left alone.
    /// - What has changed is replaced.
    /// - What is not needed any more is dropped. That includes the objects of a table that is gone.
    /// - Tables of an older release of this library are upgraded.
    ///
    /// All rows of a field are flagged if its calculation has another `version`. They are also
    /// flagged if something that the field depends on was not watched for a while:
    ///
    /// - An older version of the program had installed.
    /// - A trigger was lost or suspended.
    /// - A dependency is new.
    /// - The fields were uninstalled.
    /// - The table was renamed, or has another primary key.
    /// - The table had the columns before, and nothing says who has filled them.
    ///
    /// In a rolling deployment no older version may call it after the newer one. Dependencies that
    /// only the newer version declares would not be watched until the newer version installs again.
    ///
    /// Everything happens in one transaction, except for flagging and queueing, which follow in
    /// chunks. If it is cut off, the next call continues. On MySQL and MariaDB each statement
    /// commits. There the installation runs to its end even if its caller does not wait for it any
    /// more.
    ///
    /// The log has a line of counts for each table that was changed, at level `INFO`, and each
    /// change at level `DEBUG`. It has no line if nothing was changed.
    ///
    /// # Errors
    /// Everything that can be checked is checked before anything is changed:
    /// [`InstallError::Fields`], [`InstallError::NoSuchTable`], [`InstallError::NotATable`],
    /// [`InstallError::NoSuchColumn`], [`InstallError::WrongColumn`],
    /// [`InstallError::UnknownTimeZone`], [`InstallError::MissingPrivilege`],
    /// [`InstallError::ReadOnly`], [`InstallError::NameTaken`]. On MySQL and MariaDB also
    /// [`InstallError::UnseenForeignKey`], [`InstallError::OtherInstallation`] and, within a
    /// transaction, [`InstallError::CommitsTransaction`].
    pub async fn install<'c>(&self, db: impl IntoExecutor<'c>) -> Result<Changes, InstallError> {
        installation::install(&db.into_executor(), &self.models()?).await
    }

    /// Returns what [`CachedFields::install`] would do now, and the statements that would change
    /// the schema. Nothing is changed. So a test in CI can see that a database has all that the
    /// program needs, and an administrator can read what a program is going to do.
    ///
    /// Rows that are flagged and not queued are not looked for. Where the tables of an older
    /// release have to be upgraded, or were made for another primary key, an installation may do
    /// more than that: it may replace triggers, and flag rows.
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::InstallError> {
    /// use sea_orm_cached_field::CachedFields;
    ///
    /// let plan = CachedFields::all().plan(&db).await?;
    /// assert!(plan.is_empty(), "the database is behind the program:\n{plan}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`CachedFields::install`].
    pub async fn plan<'c>(&self, db: impl IntoExecutor<'c>) -> Result<Plan, InstallError> {
        installation::plan(&db.into_executor(), &self.models()?).await
    }

    /// Drops everything that [`CachedFields::install`] created, except for the columns, which keep
    /// their values. Objects that serve no program any more are dropped, too.
    ///
    /// No trigger sees the changes from then on. The next [`CachedFields::install`] flags all rows.
    ///
    /// # Errors
    /// [`InstallError::Database`]; then nothing is dropped.
    pub async fn uninstall<'c>(&self, db: impl IntoExecutor<'c>) -> Result<Changes, InstallError> {
        installation::uninstall(&db.into_executor(), &self.models()?).await
    }

    /// Drops all triggers that refer to a table, as the first step of a migration that changes it.
    /// Then no statement of the migration is refused because of them. No write fails between the
    /// migration and the next [`CachedFields::install`].
    ///
    /// `table` is the name of the table before the migration, with its schema if it is not found
    /// without (`"sales.shop"`). The call goes by the triggers in the database, not by the
    /// program's models. On PostgreSQL and SQLite it can be a part of the migration's transaction.
    ///
    /// No trigger sees what is written from then on. The next [`CachedFields::install`] creates the
    /// triggers again, and flags all rows of the owners that were concerned. Workers may run
    /// meanwhile.
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), Box<dyn std::error::Error>> {
    /// use sea_orm::ConnectionTrait;
    /// use sea_orm_cached_field::CachedFields;
    ///
    /// CachedFields::suspend("orders", &db).await?;
    /// db.execute_unprepared("ALTER TABLE orders RENAME COLUMN amount TO total").await?;
    /// CachedFields::all().install(&db).await?; // by the program that knows the new name
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`InstallError::NothingToSuspend`] if there is no such table. On MySQL and MariaDB
    /// [`InstallError::CommitsTransaction`] within a transaction, and
    /// [`InstallError::OtherInstallation`].
    pub async fn suspend<'c>(
        table: &str,
        db: impl IntoExecutor<'c>,
    ) -> Result<Changes, InstallError> {
        installation::suspend(&db.into_executor(), table).await
    }

    /// Drops everything that was installed for a table that has no cached fields in this program
    /// any more. Its model has lost its last one, or is gone. The columns stay; drop them in a
    /// migration.
    ///
    /// [`CachedFields::doctor`] and [`CachedFields::install`] report such tables, but remove
    /// nothing by themselves. Another version of the program may need these objects, as in a
    /// rolling deployment. Call this when no such version will run again. If one does, its
    /// `install` creates everything again, and flags all rows.
    ///
    /// Several programs may share a database. `install` records which crate declares the model of a
    /// table. Tables that are declared by a crate that is not part of this program belong to
    /// another program. They are neither reported nor removed.
    ///
    /// # Errors
    /// [`InstallError::NotAbandoned`] if a model of this program, or a crate that is no part of it,
    /// declares the fields.
    pub async fn remove_abandoned<'c>(
        table: &str,
        db: impl IntoExecutor<'c>,
    ) -> Result<Changes, InstallError> {
        installation::remove_abandoned(&db.into_executor(), table).await
    }

    /// Looks for problems in the database. Each finding says what to run. It finds:
    ///
    /// - triggers that were dropped or disabled, or that were lost when a table was built anew,
    /// - objects of the library that a dump did not bring along,
    /// - renamed columns,
    /// - objects that another version of the program has installed,
    /// - flagged rows that no worker will see,
    /// - calculations that fail, or have failed for good,
    /// - changes that have waited for more than a minute, because no worker runs, or too few.
    ///
    /// Nothing is changed. Each flagged row is looked at, which takes a while on large tables.
    ///
    /// [`CachedFields::install`] repairs much of it by itself. It does not flag what was written
    /// while triggers were disabled. Nor does it retry what has failed. For that, call
    /// [`CachedFields::repair`].
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
    /// use sea_orm_cached_field::CachedFields;
    ///
    /// let diagnosis = CachedFields::all().doctor(&db).await?;
    /// if !diagnosis.is_healthy() {
    ///     print!("{diagnosis}");
    ///     print!("{}", CachedFields::all().repair(&db).await?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`InstallError::Database`].
    pub async fn doctor<'c>(&self, db: impl IntoExecutor<'c>) -> Result<Diagnosis, InstallError> {
        installation::doctor(&db.into_executor(), &self.models()?).await
    }

    /// Does whatever a program can do of what [`CachedFields::doctor`] advises:
    ///
    /// - It enables triggers, and installs.
    /// - It flags all rows of models of which writes may have gone unseen.
    /// - It queues what is flagged.
    /// - It retries at once what has failed, for good or not.
    ///
    /// Returns an empty list if there is nothing to repair.
    ///
    /// # Errors
    /// As [`CachedFields::install`].
    pub async fn repair<'c>(&self, db: impl IntoExecutor<'c>) -> Result<Changes, InstallError> {
        installation::repair(&db.into_executor(), &self.models()?).await
    }
}
