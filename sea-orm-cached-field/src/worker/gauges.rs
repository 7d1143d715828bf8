//! The gauges of what waits. One worker of a model sets them.

use std::sync::Arc;

use super::context::Context;
use crate::{
    Error, WorkerState, inspection,
    metrics::{self, Waiting},
    registry::Model,
};

impl Context {
    /// Sets the gauges of all models, unless another worker does.
    pub(super) async fn set_gauges(&self) {
        if !self.settings.gauges {
            return;
        }
        for model in &self.models {
            if let Err(error) = self.set_gauges_of(model).await {
                let table = &*model.owner.table.name;
                tracing::debug!(table, "could not set gauges: {}", error.with_sources());
            }
        }
    }

    async fn set_gauges_of(&self, model: &Arc<Model>) -> Result<(), Error> {
        let models = std::slice::from_ref(model);
        let mut workers = inspection::workers(&self.db, models).await?;
        workers.retain(|worker| worker.state != WorkerState::Gone);
        if workers.iter().map(|worker| worker.id).min() != Some(self.id) {
            return Ok(());
        }

        metrics::set_workers(&model.owner.table.name, workers.len());
        for status in inspection::status(&self.db, models).await?.fields {
            let waiting =
                [status.changes, status.due, status.claimed, status.later, status.failing];
            metrics::set_gauges(&Waiting {
                table: &status.table,
                field: status.field,
                backlog: waiting.iter().map(|count| count.at_least()).sum(),
                oldest: status.waiting_for.unwrap_or_default(),
                failed: status.failed.at_least(),
                is_paused: status.paused.is_some(),
            });
        }
        Ok(())
    }
}
