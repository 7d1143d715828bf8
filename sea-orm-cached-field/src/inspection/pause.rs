use std::{fmt, sync::Arc, time::Duration};

use sea_orm::DatabaseConnection;

use super::{duration, find};
use crate::{Error, engine::Engine, protocol, queue, registry::Model};

/// The pause of a cached field: workers leave it alone.
/// [`CachedFields::pause`](crate::CachedFields::pause) begins it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Pause {
    /// The time since it began.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "since_seconds", serialize_with = "crate::json::seconds")
    )]
    pub since: Duration,
    /// Who has paused the field, as given to [`CachedFields::pause`](crate::CachedFields::pause).
    pub by: String,
    /// The reason.
    pub reason: String,
}

/// `since 70 s, by ann: the deploy of 2.1`
impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { since, by, reason } = self;
        write!(f, "since {} s, by {by}: {reason}", since.as_secs())
    }
}

impl Pause {
    pub(super) fn of(queue::Paused { by, reason, paused_for, .. }: &queue::Paused) -> Self {
        Self { since: duration(*paused_for), by: by.clone(), reason: reason.clone() }
    }

    /// Returns the pause of a field among those of its model.
    pub(super) fn among(pauses: &[queue::Paused], field: &str) -> Option<Self> {
        pauses.iter().find(|paused| paused.field == field).map(Self::of)
    }
}

/// Pauses the field of this name.
pub(crate) async fn pause(
    db: &DatabaseConnection,
    models: &[Arc<Model>],
    name: &str,
    by: &str,
    reason: &str,
) -> Result<(), Error> {
    let (model, field) = find(models, name)?;
    protocol::pause(&*Engine::of(db)?, db, &model, field, by, reason).await
}

/// Waits until no row of the field of this name is claimed.
pub(crate) async fn wait_for_claims(
    db: &DatabaseConnection,
    models: &[Arc<Model>],
    name: &str,
) -> Result<(), Error> {
    let (model, field) = find(models, name)?;
    protocol::wait_for_claims(&*Engine::of(db)?, db, &model, field).await
}

/// Resumes the field of this name. Returns whether it was paused.
pub(crate) async fn resume(
    db: &DatabaseConnection,
    models: &[Arc<Model>],
    name: &str,
) -> Result<bool, Error> {
    let (model, field) = find(models, name)?;
    protocol::resume(&*Engine::of(db)?, db, &model, field).await
}
