use sea_orm::{DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbErr};

use crate::{Error, backend::Transactions, engine::Engine, transaction};

/// The connections that the protocol uses: the user's pool, or a worker's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connections<'c> {
    db: &'c DatabaseConnection,
    whose: Whose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// A reader's. A read-only session stays read-only.
    Readers,
    /// A worker's, over the user's pool. Its sessions have to write.
    Workers,
    /// A worker's own, whose sessions are set up once and for all.
    WorkersOwn,
}

impl<'c> From<&'c DatabaseConnection> for Connections<'c> {
    /// Returns the connections of a reader.
    fn from(db: &'c DatabaseConnection) -> Self {
        Self { db, whose: Whose::Readers }
    }
}

impl<'c> Connections<'c> {
    /// Returns the connections of a worker, over the user's pool.
    pub(crate) fn of_worker(db: &'c DatabaseConnection) -> Self {
        Self { db, whose: Whose::Workers }
    }

    /// Returns a worker's own connections, whose sessions are set up.
    pub(crate) fn set(db: &'c DatabaseConnection) -> Self {
        Self { db, whose: Whose::WorkersOwn }
    }

    /// Returns the executor for queries.
    pub(crate) fn reader(self) -> DatabaseExecutor<'c> {
        DatabaseExecutor::Connection(self.db)
    }

    /// Returns the connection for single statements that write, if they need no transaction to
    /// count as the library's own.
    pub(super) fn writer(self) -> Option<&'c DatabaseConnection> {
        (self.whose == Whose::WorkersOwn).then_some(self.db)
    }

    /// Works in a transaction of the library, which is committed, or rolled back after an error.
    /// `internal` tells triggers that the library writes.
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
    pub(super) async fn begin(
        self,
        engine: &Engine,
        internal: bool,
    ) -> Result<DatabaseTransaction, DbErr> {
        let writes = self.whose != Whose::Readers;
        let of_own_session = self.whose == Whose::WorkersOwn;
        let transaction = transaction::begin(self.db, engine.backend.transaction(writes)).await?;
        engine
            .backend
            .set_up(&transaction, Transactions { of_own_session, internal, writes })
            .await?;
        Ok(transaction)
    }
}
