//! Questions: what is read outside of the protocol's own transactions.

use sea_orm::DatabaseExecutor;

use crate::{Error, backend::Backend, transaction};

/// Asks what follows a repeated part of a way. Where that takes settings, it is asked in a
/// transaction of its own, if this is none yet; the user's own transaction is left as it is.
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
    // Nothing was written. Awaited, so that the connection is free for what the answer leads to.
    transaction.rollback().await?;
    answer
}
