//! Waking by PostgreSQL's notifications. If every mark notified, all writers would commit one after
//! the other. So a worker that falls asleep takes a lock that the triggers try. Only a writer that
//! finds it held notifies.

use sea_orm::{DatabaseConnection, DbErr, RuntimeErr};
use sqlx::{
    AssertSqlSafe,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};

use super::{CHANNEL, SESSION_NUMBER, lock_of_sleeper, pooler, unlock_all};
use crate::{Error, layout::Owner};

/// A connection that listens, and holds the locks of a sleeping worker.
pub(crate) struct Listener {
    /// A connection of its own, whose session holds the locks.
    connection: PgListener,
    /// The number of that session.
    session: i32,
    locked: bool,
}

/// Reads a URL to listen on. The error does not contain the URL, which may hold a password.
pub(crate) fn listen_options(url: &str) -> Result<PgConnectOptions, Error> {
    url.parse().map_err(|error: sqlx::Error| {
        Error::Database(DbErr::Conn(RuntimeErr::Internal(format!(
            "the worker cannot listen on the URL of `Worker::listen_on`, which has to be like \
             `postgres://user@host/database`: {error}"
        ))))
    })
}

impl Listener {
    /// Connects as `listen_on` says, or else as the user's pool does. Returns `None` if a pooler
    /// would share the session.
    pub(crate) async fn connect(
        db: &DatabaseConnection,
        listen_on: Option<&PgConnectOptions>,
    ) -> Result<Option<Self>, sqlx::Error> {
        let pool = db.get_postgres_connection_pool();
        let options = listen_on.unwrap_or(&pool.connect_options()).clone();
        if pooler::shares_sessions(&options).await? {
            return Ok(None);
        }

        // It is closed when it is dropped, so that no lock outlives the sleeping worker. In a
        // connection of the user's pool a lock would.
        let own = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(pool.options().get_acquire_timeout())
            .connect_with(options)
            .await?;

        let mut connection = PgListener::connect_with(&own).await?;
        connection.listen(CHANNEL).await?;
        let session =
            sqlx::query_scalar(AssertSqlSafe(SESSION_NUMBER)).fetch_one(&mut connection).await?;
        Ok(Some(Self { connection, session, locked: false }))
    }

    /// Returns whether all marks from now on will notify: this worker holds the locks, or another
    /// sleeping one does. If not, a transaction is open that has found no sleeping worker.
    pub(crate) async fn fall_asleep(
        &mut self,
        owners: impl Iterator<Item = &Owner>,
    ) -> Result<bool, sqlx::Error> {
        self.forget_notifications();

        for owner in owners {
            let lock = lock_of_sleeper(owner, self.session);
            self.locked = true;
            let held: Option<bool> = sqlx::query_scalar(AssertSqlSafe(lock))
                .fetch_optional(&mut self.connection)
                .await?;
            let Some(held) = held else {
                return Err(sqlx::Error::Protocol(
                    "a pooler has given the connection another session: name the server itself \
                     with `Worker::listen_on`"
                        .to_owned(),
                ));
            };
            if !held {
                self.wake_up().await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits for a notification, or for the loss of the connection, after which none can come.
    pub(crate) async fn woken(&mut self) {
        let _ = self.connection.try_recv().await;
    }

    /// Releases the locks: from now on no transaction needs to notify.
    pub(crate) async fn wake_up(&mut self) -> Result<(), sqlx::Error> {
        if !std::mem::take(&mut self.locked) {
            return Ok(());
        }
        let unlock = unlock_all(self.session);
        sqlx::query(AssertSqlSafe(unlock)).execute(&mut self.connection).await?;
        Ok(())
    }

    fn forget_notifications(&mut self) {
        while self.connection.next_buffered().is_some() {}
    }
}
