//! Sessions and transactions of the library.

use sea_orm::{ConnectionTrait, DbErr};

use super::{execute, query};
use crate::backend::Backend;

/// What the transactions of the library are set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transactions {
    /// Whether the session is one of a worker's own, which is set once and for all.
    pub(crate) of_own_session: bool,
    /// Whether triggers are to tell its writes of flags and values from those of others.
    pub(crate) internal: bool,
    /// Whether it writes also where the session is read-only.
    pub(crate) writes: bool,
}

impl Backend {
    /// Sets a transaction that has begun.
    pub(crate) async fn set_up(
        self,
        db: &impl ConnectionTrait,
        transactions: Transactions,
    ) -> Result<(), DbErr> {
        let settings: Option<String> = of_database!(self, claim::settings(transactions));
        if let Some(settings) = settings {
            db.execute_unprepared(&settings).await?;
        }
        Ok(())
    }

    /// Sets a transaction that only reads, so that plans go by keys.
    pub(crate) async fn set_up_to_read(self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        let settings = of_one_database!(
            self,
            Postgres => claim::settings_to_read(),
            otherwise: String::new()
        );
        if !settings.is_empty() {
            db.execute_unprepared(&settings).await?;
        }
        Ok(())
    }

    /// Keeps other installations out until the transaction ends, or they are let in again. Returns
    /// whether it could.
    pub(crate) async fn lock_out_installations(
        self,
        db: &impl ConnectionTrait,
    ) -> Result<bool, DbErr> {
        let locked = query(db, statements!(self, catalog::lock_out_installations())).await?;
        locked.first().map_or(Ok(true), |row| row.try_get("", "locked"))
    }

    /// Lets other installations in, where the end of the transaction does not: the lock is the
    /// session's. Sets the session as it was, too.
    pub(crate) async fn let_installations_in(self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        execute(db, statements!(self, MySql => catalog::let_installations_in())).await?;
        Ok(())
    }
    /// Keeps notices back: that something which is dropped does not exist, for example. Warnings
    /// still come. It holds until the transaction ends, or notices are let through again.
    pub(crate) async fn silence_notices(self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        execute(db, statements!(self, Postgres => catalog::silence_notices())).await?;
        Ok(())
    }

    /// Lets notices through as before. A transaction that is rolled back, if only to a savepoint,
    /// lets them through anyway.
    pub(crate) async fn let_notices_through(self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        execute(db, statements!(self, Postgres => catalog::let_notices_through())).await?;
        Ok(())
    }
}
