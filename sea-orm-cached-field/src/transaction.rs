//! The beginning and the end of transactions.

use sea_orm::{
    DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tracing::Instrument;

use crate::Error;

/// Begins a transaction in a task of its own. If a caller gave up meanwhile, SQLx would hand the
/// connection to the next caller with the transaction open
/// (<https://github.com/transact-rs/sqlx/issues/4393>).
pub(crate) async fn begin(
    connection: &DatabaseConnection,
    options: TransactionOptions,
) -> Result<DatabaseTransaction, DbErr> {
    let connection = connection.clone();
    let beginning = async move { connection.begin_with_options(options).await };
    let beginning = tokio::spawn(beginning.in_current_span());
    beginning.await.unwrap_or_else(|stopped| Err(DbErr::Custom(stopped.to_string())))
}

/// Commits the transaction, or rolls it back and returns the error. A transaction that is dropped
/// would keep its locks for a moment.
pub(crate) async fn end<T>(
    transaction: DatabaseTransaction,
    done: Result<T, Error>,
) -> Result<T, Error> {
    match done {
        Ok(done) => {
            transaction.commit().await?;
            Ok(done)
        }
        Err(error) => {
            // The error may have ended the transaction already.
            transaction.rollback().await.ok();
            Err(error)
        }
    }
}

/// Begins a transaction. Inside a user's transaction it begins a savepoint.
pub(crate) async fn begin_within(db: &DatabaseExecutor<'_>) -> Result<DatabaseTransaction, DbErr> {
    begin_or_nest(db, TransactionOptions::default()).await
}

/// Begins a transaction that writes, as [`begin_within`] does. On SQLite a transaction that has
/// read cannot write any more if another one has written since.
pub(crate) async fn begin_writing_within(
    db: &DatabaseExecutor<'_>,
) -> Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    begin_or_nest(db, options).await
}

async fn begin_or_nest(
    db: &DatabaseExecutor<'_>,
    options: TransactionOptions,
) -> Result<DatabaseTransaction, DbErr> {
    match db {
        DatabaseExecutor::Connection(connection) => begin(connection, options).await,
        _ => db.begin().await,
    }
}
