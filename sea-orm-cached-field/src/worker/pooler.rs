//! Whether something between us and the server gives each statement to another session: PgBouncer and others that pool by
//! transaction do. What belongs to a session, such as LISTEN and its locks, would then fall to another client.

use sqlx::{
    Connection,
    postgres::{PgConnectOptions, PgConnection},
};

/// Such a pooler may give a session back to whoever has just left it, for a while.
const LOOKS: usize = 4;

/// Two connections that live at once have sessions of their own, which stay theirs. Through a pooler a second connection gets
/// the session that the first one has just used, or else the first one gets another while the second one keeps its own.
pub(super) async fn shares_sessions(options: &PgConnectOptions) -> Result<bool, sqlx::Error> {
    let mut first = PgConnection::connect_with(options).await?;
    let mut second = PgConnection::connect_with(options).await?;
    let shared = are_shared(&mut first, &mut second).await;
    first.close().await?;
    second.close().await?;
    shared
}

async fn are_shared(first: &mut PgConnection, second: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let session = session(first).await?;
    for _ in 0..LOOKS {
        let mut transaction = second.begin().await?;
        let other = self::session(&mut transaction).await?;
        let again = self::session(first).await?;
        transaction.rollback().await?;
        if other == session || again != session {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn session(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_backend_pid()").persistent(false).fetch_one(connection).await
}
