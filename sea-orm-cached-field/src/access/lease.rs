//! The leases of readers.

use std::{future::Future, pin::pin, time::Duration};

use sea_orm::DatabaseConnection;

use crate::{engine::Engine, error::seconds, protocol, queue::Claim, registry::Model};

/// The time after which a worker takes over the claims of a reader whose process has ended.
pub(super) const LEASE: Duration = Duration::from_secs(10);

/// Runs a piece of work for as long as it takes, and renews its leases for as long.
pub(super) async fn keep_leased<T>(
    engine: &Engine,
    connection: &DatabaseConnection,
    model: &Model,
    claims: impl Fn() -> Vec<Claim>,
    work: impl Future<Output = T>,
) -> T {
    let renew = async || {
        let claims = claims();
        if !claims.is_empty()
            && let Err(error) = protocol::renew(engine, connection, model, &claims, LEASE).await
        {
            tracing::warn!(
                table = model.owner.table.name,
                claims = claims.len(),
                error = engine.without_values(&error),
                lease_seconds = seconds(LEASE),
                retry_in_seconds = seconds(LEASE / 3),
                "a reader could not renew the leases of its rows; if a lease ends, a worker \
                 calculates the row, too"
            );
        }
    };

    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(LEASE / 3) => {}
        }

        let mut renewal = pin!(renew());
        tokio::select! {
            done = &mut work => {
                // The renewal runs to its end: SQLx would lose a connection of MySQL if a statement
                // were dropped while it is prepared.
                renewal.await;
                return done;
            }
            () = &mut renewal => {}
        }
    }
}
