use sea_orm::{DatabaseConnection, DatabaseExecutor, DatabaseTransaction};

/// The argument `db` of the methods of a cached field: a connection, a transaction, or SeaORM's
/// executor of either.
///
/// Reading and recalculating depend on which of the two it is. Outside a transaction a stale value
/// is stored as soon as it is calculated. Inside one, storing must not hold locks that the user did
/// not ask for.
///
/// A function that is generic over `&impl ConnectionTrait` cannot tell them apart, so it cannot
/// call these methods. Be generic over this trait instead: the executor that it gives is a
/// `ConnectionTrait`, too, for all other queries.
///
/// ```
/// use sea_orm::{EntityTrait, PaginatorTrait};
/// use sea_orm_cached_field::{Error, IntoExecutor};
///
/// async fn total_and_count<'c>(
///     order: &orders::Model,
///     db: impl IntoExecutor<'c>,
/// ) -> Result<(i64, u64), Error> {
///     let db = db.into_executor();
///     let total = order.fresh_total(&db).await?;
///     let count = orders::Entity::find().count(&db).await?;
///     Ok((total, count))
/// }
///
/// # async fn example(order: orders::Model, db: sea_orm::DatabaseConnection) -> Result<(), Error> {
/// # use sea_orm::TransactionTrait;
/// total_and_count(&order, &db).await?;
/// let transaction = db.begin().await?;
/// total_and_count(&order, &transaction).await?;
/// # Ok(())
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a database connection nor a transaction",
    label = "expected `&DatabaseConnection`, `&DatabaseTransaction` or `&DatabaseExecutor`",
    note = "inside a calculation, declare the parameter as `db: &DatabaseExecutor<'_>` to read \
            other cached fields",
    note = "in `before_save`, flag the active model, which takes no connection: \
            `self.flag_slow_full_name_as_stale()`"
)]
pub trait IntoExecutor<'c>: sealed::Sealed + Send {
    /// Borrows it as SeaORM's executor.
    fn into_executor(self) -> DatabaseExecutor<'c>;
}

mod sealed {
    use sea_orm::{DatabaseConnection, DatabaseExecutor, DatabaseTransaction};

    pub trait Sealed {}

    impl Sealed for &DatabaseConnection {}
    impl Sealed for &DatabaseTransaction {}
    impl Sealed for &DatabaseExecutor<'_> {}
}

impl<'c> IntoExecutor<'c> for &'c DatabaseConnection {
    fn into_executor(self) -> DatabaseExecutor<'c> {
        DatabaseExecutor::Connection(self)
    }
}

impl<'c> IntoExecutor<'c> for &'c DatabaseTransaction {
    fn into_executor(self) -> DatabaseExecutor<'c> {
        DatabaseExecutor::Transaction(self)
    }
}

impl<'c> IntoExecutor<'c> for &'c DatabaseExecutor<'_> {
    fn into_executor(self) -> DatabaseExecutor<'c> {
        match self {
            DatabaseExecutor::Connection(connection) => DatabaseExecutor::Connection(connection),
            DatabaseExecutor::Transaction(transaction) => {
                DatabaseExecutor::Transaction(transaction)
            }
            DatabaseExecutor::OwnedTransaction(transaction) => {
                DatabaseExecutor::Transaction(transaction)
            }
        }
    }
}
