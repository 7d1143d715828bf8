//! A worker's own connections: their sessions are set once, not each transaction, and none is tried before it is used.

use sea_orm::{ConnectionTrait, DatabaseConnection, SqlxPostgresConnector};

use super::core::Core;
use crate::{Error, dialect::Session};

/// Connects as the user's pool does. `None` if something between us and the server does not let sessions be set.
pub(super) async fn connect(core: &Core, session: &Session) -> Result<Option<DatabaseConnection>, Error> {
    let pool = core.db.get_postgres_connection_pool();
    let options = pool.connect_options().as_ref().clone().options(session.settings.iter().copied());
    let own =
        pool.options().clone().min_connections(0).max_connections(core.settings.connections).test_before_acquire(false);
    let own = SqlxPostgresConnector::from_sqlx_postgres_pool(own.connect_lazy_with(options));
    let stands = own.query_one_raw(session.check.clone()).await?;
    let stands = stands.and_then(|row| row.try_get("", "stands").ok()).unwrap_or(false);
    Ok(stands.then_some(own))
}
