//! Waking by PostgreSQL's notifications. If every mark notified, all writers would commit one after
//! the other. So a worker that falls asleep takes a lock that the triggers try. Only a writer that
//! finds it held notifies.

use sea_orm::{DbErr, RuntimeErr};
use sqlx::{
    AssertSqlSafe,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};

use super::{context::Context, pooler};
use crate::{Error, backend::postgres::SESSION_NUMBER};

pub(super) struct Listener {
    /// A connection of its own, whose session holds the locks.
    connection: PgListener,
    /// The number of that session.
    session: i32,
    locked: bool,
}

/// Parses the URL of [`Worker::listen_on`](super::Worker::listen_on). The error leaves the URL out,
/// which may hold a password.
pub(super) fn parse(url: &str) -> Result<PgConnectOptions, Error> {
    url.parse().map_err(|error: sqlx::Error| {
        Error::Database(DbErr::Conn(RuntimeErr::Internal(format!(
            "the worker cannot listen on this URL: {error}"
        ))))
    })
}

impl Listener {
    /// Connects. Returns `None` if a pooler would share the session.
    pub(super) async fn connect(
        context: &Context,
        channel: &str,
    ) -> Result<Option<Self>, sqlx::Error> {
        let pool = context.db.get_postgres_connection_pool();
        let listen_on = context.listen_on.clone();
        let options = listen_on.unwrap_or_else(|| pool.connect_options().as_ref().clone());
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
        connection.listen(channel).await?;
        let session =
            sqlx::query_scalar(AssertSqlSafe(SESSION_NUMBER)).fetch_one(&mut connection).await?;
        Ok(Some(Self { connection, session, locked: false }))
    }

    /// Returns whether all marks from now on will notify: this worker holds the locks, or another
    /// sleeping one does. If not, a transaction is open that has found no sleeping worker.
    pub(super) async fn fall_asleep(&mut self, context: &Context) -> Result<bool, sqlx::Error> {
        self.forget_notifications();

        for model in &context.models {
            let (lock, _) = context.engine.backend.sleep_locks(&model.owner, self.session);
            self.locked = true;
            let held: Option<bool> = sqlx::query_scalar(AssertSqlSafe(lock))
                .fetch_optional(&mut self.connection)
                .await?;
            let Some(held) = held else {
                return Err(sqlx::Error::Protocol(
                    "the session is another one than it was".to_owned(),
                ));
            };
            if !held {
                self.wake_up(context).await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits for a notification, or for the loss of the connection, after which none can come.
    pub(super) async fn woken(&mut self) {
        let _ = self.connection.try_recv().await;
    }

    /// Releases the locks: from now on no transaction needs to notify.
    pub(super) async fn wake_up(&mut self, context: &Context) -> Result<(), sqlx::Error> {
        if !std::mem::take(&mut self.locked) {
            return Ok(());
        }
        let locks = context
            .models
            .first()
            .map(|model| context.engine.backend.sleep_locks(&model.owner, self.session));
        if let Some((_, unlock)) = locks {
            sqlx::query(AssertSqlSafe(unlock)).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    fn forget_notifications(&mut self) {
        while self.connection.next_buffered().is_some() {}
    }
}
