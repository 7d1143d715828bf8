//! Inspection: what waits, what fails, and why.

use std::time::Duration;

use sea_orm::DatabaseConnection;

use super::CachedFields;
use crate::{
    Error, Expirations, Explanation, Failed, FailedGroup, FailedRow, FieldActivity, Graph, Key,
    Status, WorkerStatus, inspection,
};

impl CachedFields {
    /// Returns the state of each field: what waits, what fails, and for how long.
    ///
    /// It is made for pages and probes that ask all the time. All who ask within two seconds, over
    /// this pool and its clones, get the same figures. The owner's table is read only for expired
    /// values, 1,000 at most. Of each part of the queue, and of the marks, 10,001 are counted at
    /// most ([`Count`](crate::Count)). Of a part of the queue, the states of 1,000 rows are read.
    /// Fields of a table beside which nothing is installed are
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
    /// have each. At most 100 groups of a model are returned.
    ///
    /// Of what is due, of what is due later, and of what has failed for good, at most 2,500 rows of
    /// a model are looked at.
    ///
    /// All who ask within two seconds get the same groups. Rows that are being retried are among
    /// them. [`CachedFields::failed_rows`] returns the rows of a group.
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
        group: &FailedGroup,
        after: Option<&Key>,
        limit: u64,
        db: &DatabaseConnection,
    ) -> Result<Vec<FailedRow>, Error> {
        inspection::failed_rows(db, &self.models()?, group, after, limit).await
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
    /// print!("{}", CachedFields::all().explain("lamppost.slow_full_name", &key, &db).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchField`], [`Error::WrongKey`], [`Error::NotInstalled`], [`Error::Database`].
    pub async fn explain(
        &self,
        field: &str,
        key: &Key,
        db: &DatabaseConnection,
    ) -> Result<Explanation, Error> {
        inspection::explain(db, &self.models()?, field, key).await
    }

    /// Returns the workers that were run to stay (`Worker::run`), of any program that serves
    /// these models. A worker is *gone* a minute after its last report. Records of such workers are
    /// kept for a day. All who ask within two seconds, over this pool and its clones, get the same
    /// answer.
    ///
    /// On SQLite a worker that has nothing to do reports only once an hour, because each write
    /// wakes all others. It is *idle* then.
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
    /// for field in CachedFields::all().activity(Duration::from_secs(300), &db).await? {
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
        within: Duration,
        db: &DatabaseConnection,
    ) -> Result<Vec<FieldActivity>, Error> {
        inspection::activity(db, &self.models()?, within).await
    }

    /// Returns how many values of each field expire soon. Fields without an expiry are left out.
    /// The index over the expiry is read, for 10,001 entries a count at most.
    ///
    /// # Errors
    /// [`Error::Database`], and those of the models ([`Error::UnsupportedPath`]).
    pub async fn expirations(&self, db: &DatabaseConnection) -> Result<Vec<Expirations>, Error> {
        inspection::expirations(db, &self.models()?).await
    }

    /// Returns the full name of a field: that of its table and its own, as in `lamppost.full_name`.
    /// The schema comes before it if the entity names one. In the given name it may be left out.
    ///
    /// # Errors
    /// [`Error::NoSuchField`], also if tables of several schemas have such a field. Those of the
    /// models ([`Error::UnsupportedPath`]).
    pub fn full_name(&self, field: &str) -> Result<String, Error> {
        inspection::name_in_full(&self.models()?, field)
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
}
