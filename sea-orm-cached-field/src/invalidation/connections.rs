use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr};

use crate::{Error, engine::Engine, transaction};

/// What the protocol is spoken over: the user's pool, or a worker's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connections<'c> {
    db: &'c DatabaseConnection,
    /// Whether the sessions are set as [`Dialect::session`](crate::dialect::Dialect::session) says.
    are_set: bool,
}

impl<'c> From<&'c DatabaseConnection> for Connections<'c> {
    fn from(db: &'c DatabaseConnection) -> Self {
        Self { db, are_set: false }
    }
}

impl<'c> Connections<'c> {
    /// Connections whose sessions are set.
    pub(crate) fn set(db: &'c DatabaseConnection) -> Self {
        Self { db, are_set: true }
    }

    /// For what is asked.
    pub(crate) fn reader(self) -> DatabaseExecutor<'c> {
        DatabaseExecutor::Connection(self.db)
    }

    /// For single statements of ours that write, where they need no transaction to be told apart from foreign ones.
    pub(super) fn writer(self) -> Option<&'c DatabaseConnection> {
        self.are_set.then_some(self.db)
    }

    /// Works in a transaction of the library, which is committed, or rolled back after an error. `internal` tells triggers that
    /// it is the library that writes.
    pub(super) async fn within<T>(
        self,
        engine: &Engine,
        internal: bool,
        work: impl AsyncFnOnce(&DatabaseTransaction) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let transaction = self.begin(engine, internal).await?;
        let done = work(&transaction).await;
        transaction::end(transaction, done).await
    }

    /// Begins such a transaction.
    pub(super) async fn begin(self, engine: &Engine, internal: bool) -> Result<DatabaseTransaction, DbErr> {
        let transaction = transaction::begin(self.db, engine.dialect.transaction()).await?;
        let settings = match (self.are_set, internal) {
            (true, true) => None,
            (true, false) => engine.dialect.external().map(str::to_owned),
            (false, _) => engine.dialect.settings(internal),
        };
        if let Some(settings) = settings {
            transaction.execute_unprepared(&settings).await?;
        }
        Ok(transaction)
    }
}
