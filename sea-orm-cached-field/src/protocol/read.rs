//! Queries outside of the protocol's own transactions.

use sea_orm::{DatabaseConnection, DatabaseExecutor};

use crate::{Error, backend::Backend, engine::Engine, transaction};

/// Runs queries in a transaction that writes nothing. All of them see one moment. Their plans go by
/// keys, as those of workers do.
pub(crate) async fn query_by_keys<T>(
    engine: &Engine,
    db: &DatabaseConnection,
    ask: impl AsyncFnOnce(&DatabaseExecutor<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let backend = engine.backend;
    let transaction = transaction::begin(db, backend.reading()).await?;
    let answer = match backend.set_up_to_read(&transaction).await {
        Ok(()) => ask(&DatabaseExecutor::Transaction(&transaction)).await,
        Err(error) => Err(error.into()),
    };
    transaction.rollback().await?;
    answer
}

/// Runs a query that follows a repeated part of a path. If the query needs settings, and there is
/// no transaction yet, it is run in one of its own. The user's own transaction is left as it is.
pub(crate) async fn query_recursive<T>(
    db: &DatabaseExecutor<'_>,
    ask: impl AsyncFnOnce(&DatabaseExecutor<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let backend = Backend::of(db)?;
    if !matches!(db, DatabaseExecutor::Connection(_)) || !backend.has_settings_to_recurse() {
        return ask(db).await;
    }
    let transaction = transaction::begin_within(db).await?;
    backend.set_to_recurse(&transaction).await?;
    let answer = ask(&DatabaseExecutor::Transaction(&transaction)).await;
    // Nothing was written. Awaited, so that the connection is free for the work that follows.
    transaction.rollback().await?;
    answer
}
