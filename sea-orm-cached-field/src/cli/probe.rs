//! Probes of a worker: whether it is alive, has started, reaches its database, and keeps its fields
//! fresh.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use sea_orm::DatabaseConnection;
use tokio::net::TcpListener;

use super::Failure;
use crate::{CachedFields, FieldState, Status};

/// The time that the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Probed {
    fields: CachedFields,
    db: DatabaseConnection,
    /// Whether the database has answered once.
    has_started: Arc<AtomicBool>,
}

type Answer = (StatusCode, String);

/// Listens on this address. The returned future answers until it is dropped.
pub(super) async fn answer(
    address: SocketAddr,
    fields: &CachedFields,
    db: &DatabaseConnection,
) -> Result<impl Future<Output = ()> + use<>, Failure> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| Failure::Probe(address, error))?;
    let probed = Probed {
        fields: fields.clone(),
        db: db.clone(),
        has_started: Arc::new(AtomicBool::new(false)),
    };
    let router = Router::new()
        .route("/status", get(|| async { "alive\n" }))
        .route("/status/started", get(started))
        .route("/status/connected", get(connected))
        .route("/status/fresh", get(fresh))
        .with_state(probed);

    Ok(async {
        // It retries by itself, and never ends.
        let _ = axum::serve(listener, router).await;
    })
}

impl Probed {
    /// Returns the state of the fields, or that the database does not answer.
    async fn status(&self) -> Result<Status, Answer> {
        let status = tokio::time::timeout(PATIENCE, self.fields.status(&self.db)).await;
        match status {
            Ok(Ok(status)) => Ok(status),
            Ok(Err(error)) => {
                tracing::debug!("could not answer a probe: {}", error.with_sources());
                Err(no("the database has answered with an error"))
            }
            Err(_) => Err(no("the database does not answer")),
        }
    }
}

fn yes(text: &str) -> Answer {
    (StatusCode::OK, format!("{text}\n"))
}

fn no(text: &str) -> Answer {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{text}\n"))
}

async fn started(State(probed): State<Probed>) -> Result<Answer, Answer> {
    if !probed.has_started.load(Ordering::Relaxed) {
        probed.status().await?;
        probed.has_started.store(true, Ordering::Relaxed);
    }
    Ok(yes("started"))
}

async fn connected(State(probed): State<Probed>) -> Result<Answer, Answer> {
    probed.status().await?;
    Ok(yes("connected"))
}

async fn fresh(State(probed): State<Probed>) -> Result<Answer, Answer> {
    let fields = probed.status().await?.fields;
    let is_stale = |state| {
        matches!(state, FieldState::NotInstalled | FieldState::Failing | FieldState::Behind)
    };
    let stale = fields.iter().filter(|field| is_stale(field.state));
    let stale: Vec<String> =
        stale.map(|field| format!("{}: {}", field.name(), field.state)).collect();
    if stale.is_empty() { Ok(yes("fresh")) } else { Err(no(&stale.join("\n"))) }
}
