//! A worker's dedicated connections. Their sessions are set up once, not for each transaction, and
//! no connection is tested before it is used.

use sea_orm::{DatabaseConnection, DbErr, RuntimeErr, SqlxPostgresConnector};
use tokio::sync::OnceCell;

use super::{claim::session, pooler};
use crate::Error;

/// Connects as the user's pool does. Returns `None` if a pooler in front of the server does not
/// allow these settings, or does not keep a session for one client. `shares_sessions` keeps the
/// answer for the pool.
pub(crate) async fn dedicated(
    db: &DatabaseConnection,
    connections: u32,
    shares_sessions: &OnceCell<bool>,
) -> Result<Option<DatabaseConnection>, Error> {
    let session = session();
    let pool = db.get_postgres_connection_pool();
    let options = pool.connect_options().as_ref().clone().options(session.settings.iter().copied());
    let own = pool
        .options()
        .clone()
        .min_connections(0)
        .max_connections(connections)
        .test_before_acquire(false);
    let own = SqlxPostgresConnector::from_sqlx_postgres_pool(own.connect_lazy_with(options));

    // Without the settings, the worker's own writes would count as foreign.
    let stands = match session.stands(&own).await {
        Ok(stands) => stands,
        // PgBouncer refuses a connection with settings that it does not know. If the server itself
        // does not answer, it does not answer over the pool either.
        Err(_) => {
            session.stands(db).await?;
            false
        }
    };
    if !stands {
        return Ok(None);
    }

    let options = pool.connect_options();
    let look = || pooler::shares_sessions(&options);
    let shared = shares_sessions.get_or_try_init(look).await.copied();
    let shared = shared
        .map_err(|error| Error::Database(DbErr::Conn(RuntimeErr::SqlxError(error.into()))))?;
    Ok((!shared).then_some(own))
}
