//! Questions: what is read outside of the protocol's own transactions.

use sea_orm::{ConnectionTrait, DatabaseExecutor};

use crate::{Error, backend, transaction};

/// Asks what follows a repeated part of a way. Where that takes settings, it is asked in a
/// transaction of its own, if this is none yet; the user's own transaction is left as it is.
pub(crate) async fn query_recursive<T>(
    db: &DatabaseExecutor<'_>,
    ask: impl AsyncFnOnce(&DatabaseExecutor<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let settings = backend::of(db.get_database_backend())?.read_settings();
    let (DatabaseExecutor::Connection(_), Some(settings)) = (db, settings) else {
        return ask(db).await;
    };
    let transaction = transaction::begin_within(db).await?;
    transaction.execute_raw(settings).await?;
    let answer = ask(&DatabaseExecutor::Transaction(&transaction)).await;
    // Nothing was written. Awaited, so that the connection is free for what the answer leads to.
    transaction.rollback().await?;
    answer
}
