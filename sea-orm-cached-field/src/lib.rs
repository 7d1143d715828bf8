//! Cached fields for [SeaORM](sea_orm): an expensive attribute of a row, kept in columns of the row
//! itself, and kept *right*.
//!
//! A field declares the inputs of its calculation. Triggers mark each change of an input, in the
//! transaction of the change, whatever program makes it. Then a [worker](CachedFields::worker), or
//! the next reader, recalculates the value. Nothing is lost, and no write waits.
//!
//! ```standalone_crate
//! mod lamppost {
//!     use sea_orm::entity::prelude::*;
//!     use sea_orm_cached_field::cached_fields;
//!
//!     #[cached_fields] // above `sea_orm::model`: it adds columns
//!     #[sea_orm::model]
//!     #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
//!     #[sea_orm(table_name = "lamppost")]
//!     pub struct Model {
//!         #[sea_orm(primary_key)]
//!         pub id: i32,
//!         pub first_name: String,
//!         #[sea_orm(has_many)]
//!         pub pigeons: HasMany<super::pigeon::Entity>,
//!
//!         #[cached(depends_on(first_name, pigeons(weight)))]
//!         pub slow_full_name: String,
//!     }
//!
//!     impl Model {
//!         pub async fn calculate_slow_full_name(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
//!             let pigeons = self.find_related(super::pigeon::Entity).all(db).await?;
//!             let weight: i32 = pigeons.iter().map(|pigeon| pigeon.weight).sum();
//!             Ok(format!("The {weight} ton {}", self.first_name))
//!         }
//!     }
//!
//!     impl ActiveModelBehavior for ActiveModel {}
//! }
//!
//! mod pigeon {
//!     use sea_orm::entity::prelude::*;
//!
//!     #[sea_orm::model]
//!     #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
//!     #[sea_orm(table_name = "pigeon")]
//!     pub struct Model {
//!         #[sea_orm(primary_key)]
//!         pub id: i32,
//!         pub weight: i32,
//!         pub lamppost_id: i32,
//!         #[sea_orm(belongs_to, from = "lamppost_id", to = "id")]
//!         pub lamppost: BelongsTo<super::lamppost::Entity>,
//!     }
//!
//!     impl ActiveModelBehavior for ActiveModel {}
//! }
//!
//! use sea_orm::{ActiveValue::Set, Database, Schema, prelude::*};
//! use sea_orm_cached_field::CachedFields;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let db = Database::connect("sqlite::memory:").await?;
//! let schema = Schema::new(db.get_database_backend());
//! db.execute(&schema.create_table_from_entity(lamppost::Entity)).await?;
//! db.execute(&schema.create_table_from_entity(pigeon::Entity)).await?;
//! CachedFields::all().install(&db).await?;
//!
//! let lamppost = lamppost::ActiveModel { first_name: Set("Ada".into()), ..Default::default() };
//! let lamppost = lamppost.insert(&db).await?;
//! assert_eq!(lamppost.slow_full_name(&db).await?, "The 0 ton Ada"); // calculated and stored
//!
//! // The library is not told of this change.
//! db.execute_unprepared("INSERT INTO pigeon (weight, lamppost_id) VALUES (7, 1)").await?;
//! assert_eq!(lamppost.fresh_slow_full_name(&db).await?, "The 7 ton Ada");
//!
//! db.execute_unprepared("UPDATE pigeon SET weight = 8").await?;
//! // In production `run`, in this process or in others.
//! CachedFields::all().worker(&db).drain().await?;
//! let lamppost = lamppost::Entity::find_by_id(1).one(&db).await?.unwrap();
//! assert_eq!(lamppost.cached_slow_full_name.as_deref(), Some("The 8 ton Ada"));
//! # Ok(())
//! # }
//! ```
//!
//! [`cached_fields`] documents the attribute: its options, and the code that it generates.
//! [`CachedFields`] sets a database up, makes [workers](Worker) and reports [events](Event).
//!
//! Users of Django's `django-cached-field` find a comparison with this library in
#![cfg_attr(doc, doc = "[`from_django`].")]
#![cfg_attr(not(doc), doc = "`from_django`.")]
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `sqlx-sqlite` | SQLite 3.37 and later |
//! | `sqlx-postgres` | PostgreSQL 13 and later |
//! | `sqlx-mysql` | MySQL 8.0.19 and later, MariaDB 10.6 and later |
//! | `worker` | [`Worker`], which recalculates in the background; on by default |
//! | `time-zones` | expiries in the time of a zone (`expiration_time_zone`) |
//! | `serde` | `serde::Serialize` for what the inspection returns, such as [`Status`] |
//! | `cli` | a command line for operators, `cli::run` |
//! | `metrics` | metrics, by the facade of the crate `metrics` |
//! | `migration` | [`InstallCachedFields`] and [`SuspendCachedFields`], steps of a `sea-orm-migration` migrator |
//!
//! Enable the feature of your database. Without `worker` a program reads, flags and installs. Then
//! another program recalculates, or its readers do.
#![cfg_attr(not(feature = "worker"), doc = "\n[`Worker`]: https://docs.rs/sea-orm-cached-field")]
#![cfg_attr(
    not(feature = "migration"),
    doc = "\n[`InstallCachedFields`]: https://docs.rs/sea-orm-cached-field"
)]
#![cfg_attr(
    not(feature = "migration"),
    doc = "\n[`SuspendCachedFields`]: https://docs.rs/sea-orm-cached-field"
)]
#![cfg_attr(
    not(any(feature = "sqlx-sqlite", feature = "sqlx-postgres", feature = "sqlx-mysql")),
    allow(unused, clippy::never_loop, reason = "there is no database")
)]

mod access;
#[cfg_attr(
    not(feature = "worker"),
    allow(dead_code, unused_imports, reason = "only workers need all of it")
)]
mod activity;
#[cfg(all(
    test,
    feature = "worker",
    feature = "sqlx-sqlite",
    feature = "sqlx-postgres",
    feature = "sqlx-mysql"
))]
mod any_name;
mod backend;
mod cached_fields;
#[cfg_attr(
    not(feature = "worker"),
    allow(dead_code, unused_imports, reason = "only workers need all of it")
)]
mod calculation;
#[cfg_attr(
    not(all(feature = "sqlx-sqlite", feature = "sqlx-postgres", feature = "sqlx-mysql")),
    allow(dead_code, reason = "not every database needs all of it")
)]
mod catalog;
#[cfg(feature = "cli")]
pub mod cli;
mod declaration;
#[cfg_attr(
    not(feature = "worker"),
    allow(dead_code, unused_imports, reason = "only workers need all of it")
)]
mod engine;
mod error;
mod event;
mod inspection;
#[cfg_attr(
    not(feature = "worker"),
    allow(dead_code, unused_imports, reason = "only workers need all of it")
)]
mod installation;
#[cfg(feature = "serde")]
mod json;
#[cfg_attr(
    not(all(feature = "sqlx-sqlite", feature = "sqlx-postgres", feature = "sqlx-mysql")),
    allow(dead_code, reason = "not every database needs all of it")
)]
mod layout;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "migration")]
mod migration;
#[cfg_attr(
    not(feature = "worker"),
    allow(dead_code, unused_imports, reason = "only workers need all of it")
)]
mod protocol;
#[cfg_attr(
    not(all(feature = "sqlx-sqlite", feature = "sqlx-postgres", feature = "sqlx-mysql")),
    allow(dead_code, reason = "not every database needs all of it")
)]
mod queue;
mod recalculation;
#[cfg_attr(
    not(feature = "worker"),
    allow(dead_code, unused_imports, reason = "only workers need all of it")
)]
mod registry;
mod transaction;
#[cfg(feature = "worker")]
mod worker;

pub use access::{Flag, FlagRows};
pub use cached_fields::CachedFields;
pub use declaration::{BoxError, CachedField, CachedModel, Expiry, IntoExecutor, Key};
pub use error::{Error, InstallError};
pub use event::Event;
pub use inspection::{
    Count, Durations, Expirations, Explanation, Failed, FailedGroup, FailedRow, FieldActivity,
    FieldState, FieldStatus, Graph, GraphField, GraphInput, GraphStep, Pause, Reason, Retry,
    Status, WorkerState, WorkerStatus,
};
pub use installation::{Change, Changes, Diagnosis, Finding, Plan};
#[cfg(feature = "migration")]
pub use migration::{InstallCachedFields, SuspendCachedFields};
#[doc = include_str!("docs/depends_on.md")]
#[doc = include_str!("docs/roll_ups.md")]
pub use sea_orm_cached_field_macros::cached_fields;
#[cfg(feature = "worker")]
pub use worker::Worker;

/// The parts of a [`Worker`], for programs that run it in an apalis worker or `Monitor` of their
/// own.
#[cfg(feature = "worker")]
pub mod apalis {
    pub use crate::worker::{Backend, Batch, HandBack, HandBackLayer, recalculate};
}

#[cfg(any(doc, doctest))]
#[doc = include_str!("docs/from-django.md")]
pub mod from_django {}

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

/// The imports for writing models with cached fields.
pub mod prelude {
    pub use crate::{CachedField, CachedFields, cached_fields};
}

/// The items that the code generated by `#[cached_fields]` uses. No part of the public interface.
#[doc(hidden)]
pub mod __private {
    #[cfg(feature = "__mutations")]
    pub use super::backend::mutation::matched;

    pub use inventory;
    pub use sea_orm;

    #[cfg(feature = "time-zones")]
    pub use crate::declaration::moment_in;
    pub use crate::{
        Error,
        access::{
            Flag, FlagRows, expire, flag, flag_rows, load_rows, preview, read, read_fresh,
            recalculate, recalculate_rows, set,
        },
        calculation::{blocking, calculate_one},
        declaration::{
            BoxError, CachedField, CachedModel, CachedValue, Calculation, Call, Comparison,
            Dependency, Expiry, FieldEntry, FieldSpec, Flagging, FollowBack, FollowUnrelated,
            Function, Generated, Hop, IntoExecutor, Key, Path, PathError, Query, Read, RollUp,
            RolledUp, Stored, Takes, TakesOthers, boxed, literal, stale,
        },
        registry::{Registration, select},
    };
}
