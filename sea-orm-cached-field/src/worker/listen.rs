//! Being woken by PostgreSQL. Not every mark notifies, which would make all writers commit one after the other: a worker
//! that falls asleep takes a lock that the triggers try, and only a writer that finds it held notifies.

use sqlx::{
    AssertSqlSafe,
    postgres::{PgListener, PgPoolOptions},
};

use super::core::Core;

pub(super) struct Listener {
    /// A connection of its own, whose session holds the locks.
    connection: PgListener,
    locked: bool,
}

impl Listener {
    pub(super) async fn connect(core: &Core, channel: &str) -> Result<Self, sqlx::Error> {
        let pool = core.db.get_postgres_connection_pool();
        // Closed when it is dropped, so that no lock outlives the sleeper, as it would in a connection of the user's pool.
        let own = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(pool.options().get_acquire_timeout())
            .connect_with(pool.connect_options().as_ref().clone())
            .await?;
        let mut connection = PgListener::connect_with(&own).await?;
        connection.listen(channel).await?;
        Ok(Self { connection, locked: false })
    }

    /// Whether all marks from now on will notify: we hold the locks, or another sleeper does. If neither, a transaction
    /// is open that has found nobody asleep.
    pub(super) async fn fall_asleep(&mut self, core: &Core) -> Result<bool, sqlx::Error> {
        self.forget_notifications();
        for model in &core.models {
            let Some((lock, _)) = core.engine.dialect.sleep_locks(&model.owner) else { continue };
            self.locked = true;
            let held: bool = sqlx::query_scalar(AssertSqlSafe(lock)).fetch_one(&mut self.connection).await?;
            if !held {
                self.wake_up(core).await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Ends once a notification has come, or the connection is lost, so that nothing can come any more.
    pub(super) async fn woken(&mut self) {
        let _ = self.connection.try_recv().await;
    }

    /// Gives up the locks: from now on nobody needs to notify.
    pub(super) async fn wake_up(&mut self, core: &Core) -> Result<(), sqlx::Error> {
        if !std::mem::take(&mut self.locked) {
            return Ok(());
        }
        if let Some((_, unlock)) = core.models.first().and_then(|model| core.engine.dialect.sleep_locks(&model.owner)) {
            sqlx::query(AssertSqlSafe(unlock)).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    fn forget_notifications(&mut self) {
        while self.connection.next_buffered().is_some() {}
    }
}
