//! What the errors of the databases say.

use sea_orm::DbErr;

use crate::{Error, InstallError};

impl Error {
    /// Whether the same call may succeed a little later, although nothing was mended. Another
    /// transaction was in the way, the inputs were changed all the time, or the database could not
    /// be reached.
    ///
    /// ```
    /// # async fn example(order: orders::Model, db: sea_orm::DatabaseConnection) -> Result<i64, sea_orm_cached_field::Error> {
    /// let total = match order.fresh_total(&db).await {
    ///     Err(error) if error.is_transient() => order.fresh_total(&db).await?,
    ///     total => total?,
    /// };
    /// # Ok(total)
    /// # }
    /// # mod orders {
    /// #     use sea_orm::entity::prelude::*;
    /// #     use sea_orm_cached_field::{BoxError, cached_fields};
    /// #     #[cached_fields]
    /// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    /// #     #[sea_orm(table_name = "orders")]
    /// #     pub struct Model {
    /// #         #[sea_orm(primary_key)]
    /// #         pub id: i64,
    /// #         pub price: i64,
    /// #         #[cached(depends_on(price))]
    /// #         pub total: i64,
    /// #     }
    /// #     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    /// #     pub enum Relation {}
    /// #     impl ActiveModelBehavior for ActiveModel {}
    /// #     impl Model {
    /// #         async fn calculate_total(&self, _: &sea_orm::DatabaseExecutor<'_>) -> Result<i64, BoxError> {
    /// #             Ok(self.price)
    /// #         }
    /// #     }
    /// # }
    /// ```
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Database(error) => is_transient(error),
            Self::Locked { .. } | Self::StaleInput { .. } => true,
            Self::Shared(error) => error.is_transient(),
            Self::Install(error) => matches!(**error, InstallError::OtherInstallation),
            _ => false,
        }
    }
}

/// Whether the same statement may succeed when it is sent again: the connection was lost, or
/// another transaction was in the way.
fn is_transient(error: &DbErr) -> bool {
    let is_transient: &[fn(&DbErr) -> bool] = &[
        #[cfg(feature = "sqlx-postgres")]
        super::postgres::is_transient,
        #[cfg(feature = "sqlx-mysql")]
        super::mysql::is_transient,
        #[cfg(feature = "sqlx-sqlite")]
        super::sqlite::is_transient,
    ];
    matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_))
        || is_disconnected(error)
        || is_transient.iter().any(|is_transient| is_transient(error))
}

#[cfg(any(feature = "sqlx-sqlite", feature = "sqlx-postgres", feature = "sqlx-mysql"))]
fn is_disconnected(error: &DbErr) -> bool {
    use sea_orm::{RuntimeErr, sqlx};

    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            matches!(**error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut)
        }
        _ => false,
    }
}

#[cfg(not(any(feature = "sqlx-sqlite", feature = "sqlx-postgres", feature = "sqlx-mysql")))]
fn is_disconnected(_: &DbErr) -> bool {
    false
}

/// The database's own code of an error.
#[cfg(any(feature = "sqlx-sqlite", feature = "sqlx-postgres", feature = "sqlx-mysql"))]
pub(super) fn error_code(error: &DbErr) -> Option<String> {
    match error {
        DbErr::Exec(sea_orm::RuntimeErr::SqlxError(error))
        | DbErr::Query(sea_orm::RuntimeErr::SqlxError(error)) => {
            error.as_database_error()?.code().map(Into::into)
        }
        _ => None,
    }
}
