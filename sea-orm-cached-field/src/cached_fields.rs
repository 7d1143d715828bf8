use std::{sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt};
use sea_orm::DatabaseConnection;
use tokio_stream::wrappers::BroadcastStream;

#[cfg(feature = "worker")]
use crate::worker::Worker;
use crate::{
    Error, Event, Expirations, Explanation, Failed, FailedGroup, FailedRow, FieldActivity,
    InstallError, Key, Retry, Status, WorkerStatus,
    declaration::{CachedModel, IntoExecutor},
    engine::Engine,
    inspection::{self, Graph},
    installation::{self, Changes, Diagnosis, Plan},
    registry::{self, Model},
};

/// The set-up of cached fields in a database: installation, workers and events.
///
/// [`CachedFields::all`] stands for all models of the program that have `#[cached_fields]`. A
/// program with several databases picks the models of each with [`CachedFields::of`].
///
/// ```no_run
/// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
/// use sea_orm_cached_field::CachedFields;
///
/// let fields = CachedFields::all();
/// print!("{}", fields.install(&db).await?);
/// fields.worker(&db).run().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "this only picks models"]
pub struct CachedFields(Selection);

/// Makes the model of an entity.
type ModelOf = fn() -> Result<Arc<Model>, Error>;

#[derive(Clone, Debug)]
enum Selection {
    All,
    Of(Vec<ModelOf>),
    #[cfg(test)]
    These(Vec<Arc<Model>>),
}

impl CachedFields {
    /// Returns the set-up for all models of the program.
    pub const fn all() -> Self {
        Self(Selection::All)
    }

    /// Returns the set-up for this model, and for those that are [added](CachedFields::and).
    pub fn of<E: CachedModel>() -> Self {
        Self(Selection::Of(vec![Model::of::<E>]))
    }

    /// Adds this model. [`CachedFields::all`] already has all models.
    pub fn and<E: CachedModel>(mut self) -> Self {
        if let Selection::Of(models) = &mut self.0 {
            models.push(Model::of::<E>);
        }
        self
    }

    /// Returns the set-up for models that no entity stands for.
    #[cfg(test)]
    pub(crate) fn these(models: Vec<Arc<Model>>) -> Self {
        Self(Selection::These(models))
    }

    /// Returns the models, or the error of one of them.
    pub(crate) fn models(&self) -> Result<Vec<Arc<Model>>, Error> {
        match &self.0 {
            Selection::All => registry::all(),
            Selection::Of(models) => {
                let models = models.iter().map(|model| model());
                registry::one_of_each_table(models.collect::<Result<_, _>>()?)
            }
            #[cfg(test)]
            Selection::These(models) => Ok(models.clone()),
        }
    }

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

    /// Returns what [`CachedFields::install`] would do now, and the statements that would change the
    /// schema. Nothing is changed. So a test in CI can see that a database has all that the program
    /// needs, and an administrator can read what a program is going to do.
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
    /// CachedFields::suspend(&db, "orders").await?;
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
        db: impl IntoExecutor<'c>,
        table: &str,
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
        db: impl IntoExecutor<'c>,
        table: &str,
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

    /// Returns the state of each field: what waits, what fails, and for how long.
    ///
    /// It is made for pages and probes that ask all the time. All who ask within two seconds, over
    /// this pool and its clones, get the same figures. The owner's table is read only for the first
    /// expiry. Of each part of the queue, and of the marks, 10,001 rows are counted at most
    /// ([`Count`](crate::Count)). Fields of a table beside which nothing is installed are
    /// [`FieldState::NotInstalled`](crate::FieldState::NotInstalled).
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
    /// use sea_orm_cached_field::{CachedFields, FieldState};
    ///
    /// for field in CachedFields::all().status(&db).await?.fields {
    ///     if field.state == FieldState::Behind {
    ///         println!("{}.{}: {} rows are due", field.table, field.field, field.due);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Database`], and those of the models ([`Error::UnsupportedPath`]). They may come in
    /// an [`Error::Shared`].
    pub async fn status(&self, db: &DatabaseConnection) -> Result<Status, Error> {
        inspection::status(db, &self.models()?).await
    }

    /// Returns the errors of calculations that fail, or have failed for good, and how many rows
    /// have each. At most 100 groups a model are returned.
    ///
    /// The rows are counted when those of [`CachedFields::status`] are. Rows that are being retried
    /// are among them. [`CachedFields::failed_rows`] returns the rows of a group.
    ///
    /// # Errors
    /// [`Error::NotInstalled`], [`Error::Database`], and those of the models
    /// ([`Error::UnsupportedPath`]). They may come in an [`Error::Shared`].
    pub async fn failed(&self, db: &DatabaseConnection) -> Result<Failed, Error> {
        inspection::failed(db, &self.models()?).await
    }

    /// Returns a page of the rows of a group, in the order of their keys. `after` is the key of the
    /// last row of the page before. A page has at most `limit` rows, and at most 1,000.
    ///
    /// Only failures that [`CachedFields::failed`] counts are known.
    ///
    /// # Errors
    /// [`Error::NoSuchField`] if no model of this set-up has the group's field, and
    /// [`Error::WrongKey`]. Also [`Error::NotInstalled`] and [`Error::Database`].
    pub async fn failed_rows(
        &self,
        db: &DatabaseConnection,
        group: &FailedGroup,
        after: Option<&Key>,
        limit: u64,
    ) -> Result<Vec<FailedRow>, Error> {
        inspection::failed_rows(db, &self.models()?, group, after, limit).await
    }

    /// Makes calculations that have failed due again, for good or not, with no attempt counted.
    /// Returns the number of fields of rows. It goes over the queue once for each field, however
    /// many rows have failed, and changes at most 1,000 rows in a transaction. A row whose place in
    /// the queue is locked at this moment may be left out.
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
    /// use sea_orm_cached_field::{CachedFields, Retry};
    ///
    /// let fields = CachedFields::all();
    /// for group in fields.failed(&db).await?.groups {
    ///     println!("{group}");
    ///     if group.error.contains("connection refused") {
    ///         fields.retry(&db, Retry::Group(&group)).await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::WrongKey`], [`Error::NotInstalled`], [`Error::Database`].
    pub async fn retry(&self, db: &DatabaseConnection, retry: Retry<'_>) -> Result<u64, Error> {
        inspection::retry(db, &self.models()?, retry).await
    }

    /// Makes workers leave a field alone until it is [resumed](CachedFields::resume). Changes are
    /// still recorded, and nothing is lost. Readers go on: those that ask for a fresh value
    /// calculate it.
    ///
    /// The pause stands in the database, so it survives restarts and deploys. `by` and `reason` are
    /// what [`CachedFields::status`] and [`CachedFields::explain`] say of it. A field that is
    /// paused already stays paused since then, with the new name and reason.
    ///
    /// Within a second, workers claim no row of the field any more. Calculations under way are
    /// finished: wait until [`FieldStatus::claimed`](crate::FieldStatus::claimed) is zero. Fields that
    /// are calculated from this one do not wait for it. While a large backlog of the field waits,
    /// workers find what is due of other fields of the table more slowly.
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
    /// use sea_orm_cached_field::CachedFields;
    ///
    /// let fields = CachedFields::all();
    /// fields.pause(&db, "lamppost.slow_full_name", "ann", "the deploy of 2.1").await?;
    /// // ..
    /// fields.resume(&db, "lamppost.slow_full_name").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::NotInstalled`], [`Error::Database`].
    pub async fn pause(
        &self,
        db: &DatabaseConnection,
        field: &str,
        by: &str,
        reason: &str,
    ) -> Result<(), Error> {
        inspection::pause(db, &self.models()?, field, by, reason).await
    }

    /// Ends the pause of a field, and wakes workers. Returns whether the field was paused.
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::NotInstalled`], [`Error::Database`].
    pub async fn resume(&self, db: &DatabaseConnection, field: &str) -> Result<bool, Error> {
        inspection::resume(db, &self.models()?, field).await
    }

    /// Returns whether a field of a row is stale, and why. The reasons are what has marked it, its
    /// place in the queue, its last error, and stale cached fields that it is calculated from.
    ///
    /// `field` is the name of the table and of the field, as in `lamppost.slow_full_name`. All
    /// tables are read by keys, in one transaction that shows one moment.
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
    /// use sea_orm_cached_field::{CachedFields, Key};
    ///
    /// let key = Key::new([7.into()]);
    /// print!("{}", CachedFields::all().explain(&db, "lamppost.slow_full_name", &key).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::WrongKey`], [`Error::NotInstalled`], [`Error::Database`].
    pub async fn explain(
        &self,
        db: &DatabaseConnection,
        field: &str,
        key: &Key,
    ) -> Result<Explanation, Error> {
        inspection::explain(db, &self.models()?, field, key).await
    }

    /// Returns the workers that were run to stay ([`Worker::run`]), of any program that serves these
    /// models. A worker is *gone* a minute after its last report. Records of such workers are kept
    /// for a day. All who ask within two seconds, over this pool and its clones, get the same
    /// answer.
    ///
    /// On SQLite a worker that has nothing to do reports only once an hour, because each write wakes
    /// all others. It is *idle* then.
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
    /// use sea_orm_cached_field::{CachedFields, WorkerState};
    ///
    /// let workers = CachedFields::all().workers(&db).await?;
    /// if workers.iter().all(|worker| worker.state == WorkerState::Gone) {
    ///     eprintln!("no worker runs");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotInstalled`], [`Error::Database`], and those of the models
    /// ([`Error::UnsupportedPath`]). They may come in an [`Error::Shared`].
    #[cfg_attr(
        not(feature = "worker"),
        doc = "\n[`Worker::run`]: https://docs.rs/sea-orm-cached-field"
    )]
    #[cfg_attr(feature = "worker", doc = "\n[`Worker::run`]: crate::Worker::run")]
    pub async fn workers(&self, db: &DatabaseConnection) -> Result<Vec<WorkerStatus>, Error> {
        inspection::workers(db, &self.models()?).await
    }

    /// Returns what workers did to each field within so much time, in whole minutes, and at most
    /// within a day: how many values they stored, how many of them were the same as before, for how
    /// long values were stale, and how long calculations took.
    ///
    /// Workers report every 30 seconds, and when they stop; the figures are as old as that. What
    /// readers calculate is not among them. Minutes are those of the workers' clocks. All who ask
    /// within two seconds, over this pool and its clones, get the same figures.
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
    /// use std::time::Duration;
    ///
    /// use sea_orm_cached_field::CachedFields;
    ///
    /// for field in CachedFields::all().activity(&db, Duration::from_secs(300)).await? {
    ///     println!("{field}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotInstalled`], [`Error::Database`], and those of the models
    /// ([`Error::UnsupportedPath`]). They may come in an [`Error::Shared`].
    pub async fn activity(
        &self,
        db: &DatabaseConnection,
        within: Duration,
    ) -> Result<Vec<FieldActivity>, Error> {
        inspection::activity(db, &self.models()?, within).await
    }

    /// Flags rows of a field that is known by its name, and returns their number. Without keys, all
    /// rows are flagged, chunk after chunk. Programs that know the entity call the method of the row,
    /// or `flag` of the field.
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::WrongKey`], [`Error::NotInstalled`], [`Error::Database`], and
    /// [`Error::RowGone`] if there is no row with one of the keys.
    pub async fn flag(
        &self,
        db: &DatabaseConnection,
        field: &str,
        keys: Option<&[Key]>,
    ) -> Result<u64, Error> {
        inspection::flag(db, &self.models()?, field, keys).await
    }

    /// Calculates and stores a field of these rows now, and returns their number. The field is known
    /// by its name. Programs that know the entity call the method of the row, or `recalculate` of the
    /// field. If some rows fail, the others are stored.
    ///
    /// ```no_run
    /// # async fn example(db: sea_orm::DatabaseConnection) -> Result<(), sea_orm_cached_field::Error> {
    /// use sea_orm_cached_field::CachedFields;
    ///
    /// let fields = CachedFields::all();
    /// let key = fields.parse_key("lamppost.slow_full_name", &["7"])?;
    /// fields.recalculate(&db, "lamppost.slow_full_name", &[key]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::WrongKey`], [`Error::NotInstalled`], [`Error::Database`], and
    /// [`Error::RowGone`] if there is no row with one of the keys. Also the error of the first
    /// calculation that fails.
    pub async fn recalculate(
        &self,
        db: &DatabaseConnection,
        field: &str,
        keys: &[Key],
    ) -> Result<u64, Error> {
        inspection::recalculate(db, &self.models()?, field, keys).await
    }

    /// Reads the key of a row from texts, one for each key column, as they stand on a command line or
    /// in an address. `field` is any field of the table.
    ///
    /// Key columns may hold whole numbers and texts, and UUIDs with the feature `cli`.
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::WrongKey`], [`Error::InvalidKey`].
    pub fn parse_key(&self, field: &str, texts: &[&str]) -> Result<Key, Error> {
        inspection::parse_key(&self.models()?, field, texts)
    }

    /// Returns how many values of each field expire soon. Fields without an expiry are left out.
    /// The index over the expiry is read, for 10,001 entries a count at most.
    ///
    /// # Errors
    /// [`Error::Database`], and those of the models ([`Error::UnsupportedPath`]).
    pub async fn expirations(&self, db: &DatabaseConnection) -> Result<Vec<Expirations>, Error> {
        inspection::expirations(db, &self.models()?).await
    }

    /// Returns what each field of these models is calculated from: columns of its own row, columns
    /// of related rows, and other cached fields. Columns that relate rows are among them, because
    /// they say which related rows there are. No database is asked.
    ///
    /// A [`Graph`] can be printed as a tree of text ([`Graph::tree`]), and as a drawing for Mermaid
    /// ([`Graph::mermaid`]) or Graphviz ([`Graph::dot`]).
    ///
    /// ```standalone_crate
    /// use sea_orm_cached_field::CachedFields;
    ///
    /// # mod lamppost {
    /// #     use sea_orm::entity::prelude::*;
    /// #     #[sea_orm_cached_field::cached_fields]
    /// #     #[sea_orm::model]
    /// #     #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    /// #     #[sea_orm(table_name = "lamppost")]
    /// #     pub struct Model {
    /// #         #[sea_orm(primary_key)]
    /// #         pub id: i32,
    /// #         pub first_name: String,
    /// #         #[sea_orm(has_many)]
    /// #         pub pigeons: HasMany<super::pigeon::Entity>,
    /// #         #[cached(depends_on(first_name, pigeons(weight)))]
    /// #         pub slow_full_name: String,
    /// #     }
    /// #     impl ActiveModelBehavior for ActiveModel {}
    /// #     impl Model {
    /// #         async fn calculate_slow_full_name(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
    /// #             Ok(self.first_name.clone())
    /// #         }
    /// #     }
    /// # }
    /// # mod pigeon {
    /// #     use sea_orm::entity::prelude::*;
    /// #     #[sea_orm::model]
    /// #     #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    /// #     #[sea_orm(table_name = "pigeon")]
    /// #     pub struct Model {
    /// #         #[sea_orm(primary_key)]
    /// #         pub id: i32,
    /// #         pub weight: i32,
    /// #         pub lamppost_id: i32,
    /// #         #[sea_orm(belongs_to, from = "lamppost_id", to = "id")]
    /// #         pub lamppost: BelongsTo<super::lamppost::Entity>,
    /// #     }
    /// #     impl ActiveModelBehavior for ActiveModel {}
    /// # }
    /// # fn main() -> Result<(), sea_orm_cached_field::Error> {
    /// // `slow_full_name` of the first example: `depends_on(first_name, pigeons(weight))`
    /// let graph = CachedFields::all().graph()?;
    ///
    /// print!("{}", graph.tree());
    /// # assert_eq!(graph.tree().lines().collect::<Vec<_>>(), [
    /// #     "lamppost.slow_full_name",
    /// #     "├── lamppost: first_name",
    /// #     "└── lamppost -> pigeon: weight (links: lamppost_id)",
    /// # ]);
    /// // lamppost.slow_full_name
    /// // ├── lamppost: first_name
    /// // └── lamppost -> pigeon: weight (links: lamppost_id)
    ///
    /// let columns = graph.fields[0].inputs.iter().map(|input| input.column.as_str());
    /// assert_eq!(columns.collect::<Vec<_>>(), ["first_name", "lamppost_id", "weight"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::UnsupportedPath`], [`Error::Cycle`], [`Error::TwoEntities`], and others that say
    /// what is wrong with a model.
    pub fn graph(&self) -> Result<Graph, Error> {
        Graph::of(&self.models()?)
    }

    /// Returns a worker for this database. It does nothing until it is run.
    #[cfg(feature = "worker")]
    pub fn worker(&self, db: &DatabaseConnection) -> Worker {
        Worker::new(db, self.clone())
    }

    /// Sets whether workers recalculate what is flagged, over this pool and its clones. They do
    /// unless this method or the environment variable `CACHED_FIELD_EAGER_RECALCULATION` says
    /// otherwise.
    ///
    /// If they do not, values are recalculated when they are read, and no worker is needed. Each
    /// reader that finds a stale value also collects up to 1,000 marks of other rows. A worker only
    /// sets flags then. A call of `flag_*` can decide otherwise with `and_recalculate`. The option
    /// `lazy` leaves a single field to its readers.
    ///
    /// When this is switched on again, the workers of this process queue what was flagged
    /// meanwhile. Where no worker runs in this process, the next [`CachedFields::install`] or
    /// [`CachedFields::repair`] does.
    ///
    /// # Errors
    /// [`Error::UnsupportedDatabase`], [`Error::MissingFeature`], [`Error::InvalidSetting`].
    pub fn set_eager_recalculation(db: &DatabaseConnection, eager: bool) -> Result<(), Error> {
        Engine::of(db)?.set_eager(eager);
        Ok(())
    }

    /// Returns the events of these models in this process and database, from now on.
    ///
    /// A listener that lags behind by more than 4096 events misses the oldest.
    ///
    /// # Errors
    /// [`Error::UnsupportedDatabase`], [`Error::MissingFeature`], and those of the models
    /// ([`Error::UnsupportedPath`]).
    pub fn events(
        &self,
        db: &DatabaseConnection,
    ) -> Result<impl Stream<Item = Event> + Send + Unpin + use<>, Error> {
        let tables = match &self.0 {
            Selection::All => None,
            _ => Some(self.models()?),
        };
        let is_wanted = move |event: &Event| {
            let is_of = |model: &Arc<Model>| model.owner.table.name == event.table();
            tables.as_ref().is_none_or(|models| models.iter().any(is_of))
        };
        let events = BroadcastStream::new(Engine::of(db)?.subscribe());
        Ok(events.filter_map(move |event| std::future::ready(event.ok().filter(&is_wanted))))
    }
}
