//! A worker's own connections: their sessions are set once, not each transaction, and none is tried
//! before it is used.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, RuntimeErr, SqlxPostgresConnector};

use super::{core::Core, pooler};
use crate::{Error, backend::Session};

/// Connects as the user's pool does. `None` if something between us and the server does not let
/// sessions be set, or does not leave them to us.
pub(super) async fn connect(
    core: &Core,
    session: &Session,
) -> Result<Option<DatabaseConnection>, Error> {
    let pool = core.db.get_postgres_connection_pool();
    let options = pool.connect_options().as_ref().clone().options(session.settings.iter().copied());
    let own = pool
        .options()
        .clone()
        .min_connections(0)
        .max_connections(core.settings.connections)
        .test_before_acquire(false);
    let own = SqlxPostgresConnector::from_sqlx_postgres_pool(own.connect_lazy_with(options));
    let stands = match own.query_one_raw(session.check.clone()).await {
        Ok(stands) => stands.and_then(|row| row.try_get("", "stands").ok()).unwrap_or(false),
        // PgBouncer refuses a connection with settings that it does not know. If it is the server
        // that does not answer, it does not over the pool either.
        Err(_) => {
            core.db.query_one_raw(session.check.clone()).await?;
            false
        }
    };
    Ok((stands && !shares_sessions(core).await?).then_some(own))
}

/// Looked at once a pool.
async fn shares_sessions(core: &Core) -> Result<bool, Error> {
    let Some(number) = core.engine.dialect.session_number() else { return Ok(false) };
    let options = core.db.get_postgres_connection_pool().connect_options();
    let look = || pooler::shares_sessions(&options, number);
    let shared = core.engine.shares_sessions.get_or_try_init(look).await.copied();
    shared.map_err(|error| Error::Database(DbErr::Conn(RuntimeErr::SqlxError(error.into()))))
}
