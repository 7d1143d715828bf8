//! Detection of a pooler that gives the statements of one connection to several sessions. PgBouncer
//! and others that pool by transaction do. Then LISTEN and the locks of a session would fall to
//! another client.

use sqlx::{
    AssertSqlSafe, Connection,
    postgres::{PgConnectOptions, PgConnection},
};

use super::SESSION_NUMBER;

/// The number of looks: other clients may take the session that both connections would have got.
const LOOKS: usize = 4;

/// Returns whether two connections share sessions. Without a pooler, two connections that live at
/// once have a session each, which stays theirs. Through a pooler the second one gets the session
/// that the first one has just used. Or a transaction keeps the session of the second one, and then
/// the first one gets another session.
pub(super) async fn shares_sessions(options: &PgConnectOptions) -> Result<bool, sqlx::Error> {
    let mut first = PgConnection::connect_with(options).await?;
    let mut second = PgConnection::connect_with(options).await?;
    let shared = are_shared(&mut first, &mut second).await;
    first.close().await?;
    second.close().await?;
    shared
}

async fn are_shared(
    first: &mut PgConnection,
    second: &mut PgConnection,
) -> Result<bool, sqlx::Error> {
    let of_first = number(first).await?;
    for _ in 0..LOOKS {
        let mut transaction = second.begin().await?;
        let of_second = number(&mut transaction).await?;
        let still_of_first = number(first).await?;
        transaction.rollback().await?;
        if of_second == of_first || still_of_first != of_first {
            return Ok(true);
        }
    }

    Ok(false)
}

/// The statement is not prepared, because the pooler may not know prepared statements.
async fn number(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar(AssertSqlSafe(SESSION_NUMBER)).persistent(false).fetch_one(connection).await
}
