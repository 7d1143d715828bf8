//! The leases of readers.

use std::{convert::Infallible, future::Future, time::Duration};

use sea_orm::DatabaseConnection;

use crate::{dialect::Claim, engine::Engine, invalidation, registry::Model};

/// How soon a worker takes over what a reader has left behind whose process has ended.
pub(super) const LEASE: Duration = Duration::from_secs(10);

/// Does something for as long as it takes, with leases that last as long.
pub(super) async fn keep_leased<T>(
    engine: &Engine,
    connection: &DatabaseConnection,
    model: &Model,
    claims: impl Fn() -> Vec<Claim>,
    work: impl Future<Output = T>,
) -> T {
    let renew = async || -> Infallible {
        loop {
            tokio::time::sleep(LEASE / 3).await;
            let claims = claims();
            if !claims.is_empty()
                && let Err(error) = invalidation::renew(engine, connection, model, &claims, LEASE).await
            {
                tracing::warn!(target: "sea_orm_cached_field", "cannot renew leases: {error}");
            }
        }
    };
    tokio::select! {
        done = work => done,
        never = renew() => match never {},
    }
}
