//! How transactions begin.

use sea_orm::{
    DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

use crate::Error;

/// Begins a transaction in a task of its own: where a caller gives up while it begins, SQLx would
/// hand the connection on to the next one with the transaction open
/// (<https://github.com/transact-rs/sqlx/issues/4393>).
pub(crate) async fn begin(
    connection: &DatabaseConnection,
    options: TransactionOptions,
) -> Result<DatabaseTransaction, DbErr> {
    let connection = connection.clone();
    let beginning = tokio::spawn(async move { connection.begin_with_options(options).await });
    beginning.await.unwrap_or_else(|stopped| Err(DbErr::Custom(stopped.to_string())))
}

/// Commits what was done, or rolls back and returns the error. A transaction that is dropped would
/// keep its locks for a moment.
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

/// Inside a user's transaction, a savepoint.
pub(crate) async fn begin_within(db: &DatabaseExecutor<'_>) -> Result<DatabaseTransaction, DbErr> {
    begin_or_nest(db, TransactionOptions::default()).await
}

/// As [`begin_within`], to write. On SQLite a transaction that has read may not write any more if
/// another one has written since.
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
