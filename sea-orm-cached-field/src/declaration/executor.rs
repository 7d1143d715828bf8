use sea_orm::{DatabaseConnection, DatabaseExecutor, DatabaseTransaction};

/// What the methods of a cached field take as `db`: a connection, a transaction, or SeaORM's
/// executor of either.
///
/// Reading and recalculating tell the two apart: outside a transaction a stale value is stored as
/// soon as it is calculated; inside one, storing must not hold locks that the user did not ask for.
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
