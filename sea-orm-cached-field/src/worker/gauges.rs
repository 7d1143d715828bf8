//! The gauges of what waits. One worker of a model sets them.

use std::sync::Arc;

use super::{context::Context, presence::host};
use crate::{
    Count, Error, WorkerState, WorkerStatus, inspection,
    metrics::{self, Waiting},
    registry::Model,
};

impl Context {
    /// Sets the gauges of all models: to what waits, or to 0 if another worker does.
    pub(super) async fn set_gauges(&self) {
        if !self.settings.gauges || self.presence.has_left().await {
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
        match setter(&workers, self.id, std::process::id(), &host()) {
            Setter::This => {}
            Setter::AnotherOfThisProcess | Setter::Unknown => return Ok(()),
            Setter::AnotherProcess => {
                set_to_zero(model);
                return Ok(());
            }
        }

        metrics::set_workers(&model.owner.table.name, workers.len());
        for status in inspection::status(&self.db, models).await?.fields {
            let waiting =
                [status.changes, status.due, status.claimed, status.later, status.failing];
            let backlog = number(&waiting);
            let oldest = match status.waiting_for {
                Some(waiting) => waiting.as_secs_f64(),
                None if backlog > 0.0 => f64::NAN,
                None => 0.0,
            };
            metrics::set_gauges(&Waiting {
                table: &status.table,
                field: status.field,
                backlog,
                oldest: if backlog.is_nan() { backlog } else { oldest },
                failed: number(&[status.failed]),
                is_paused: status.paused.is_some(),
            });
        }
        Ok(())
    }

    /// Sets the gauges of a worker that has ended to 0. Another one of this process sets them
    /// again.
    pub(super) fn clear_gauges(&self) {
        if self.settings.gauges {
            self.models.iter().for_each(|model| set_to_zero(model));
        }
    }
}

/// Returns the sum, or no number if nothing was counted and not everything was looked at.
fn number(counts: &[Count]) -> f64 {
    let sum: u64 = counts.iter().map(|count| count.at_least()).sum();
    if sum == 0 && counts.contains(&Count::Unknown) { f64::NAN } else { sum as f64 }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setter {
    This,
    AnotherOfThisProcess,
    AnotherProcess,
    /// None was found, as in the moment before this worker's first report.
    Unknown,
}

/// Returns which of these workers sets the gauges. It is the youngest: an older one may have been
/// killed, and a newer release knows all fields.
fn setter(workers: &[WorkerStatus], this: i64, process: u32, host: &str) -> Setter {
    let setting = workers.iter().filter(|worker| worker.sets_gauges);
    match setting.min_by_key(|worker| (worker.started, worker.id)) {
        Some(youngest) if youngest.id == this => Setter::This,
        Some(youngest) if youngest.process == process && youngest.host == host => {
            Setter::AnotherOfThisProcess
        }
        Some(_) => Setter::AnotherProcess,
        None => Setter::Unknown,
    }
}

/// What this process has set before would stay.
fn set_to_zero(model: &Model) {
    let table = &*model.owner.table.name;
    metrics::set_workers(table, 0);
    for field in &model.owner.fields {
        metrics::set_gauges(&Waiting { table, field: field.name, ..Waiting::default() });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn worker(id: i64, process: u32, started: u64, sets_gauges: bool) -> WorkerStatus {
        WorkerStatus {
            id,
            host: "lantern".to_owned(),
            process,
            program: "shop".to_owned(),
            version: "1.0.0".to_owned(),
            fields: Vec::new(),
            concurrency: 8,
            sets_gauges,
            claims: 0,
            started: Duration::from_secs(started),
            seen: Duration::ZERO,
            state: WorkerState::Alive,
        }
    }

    #[test]
    fn unknown_is_not_shown_as_0() {
        assert!(number(&[Count::Exactly(0), Count::Unknown]).is_nan());
        assert_eq!(number(&[Count::Exactly(2), Count::Unknown]), 2.0);
        assert_eq!(number(&[Count::Exactly(0)]), 0.0);
    }

    #[test]
    fn the_youngest_worker_sets_them() {
        let workers = [worker(1, 7, 20, true), worker(2, 7, 10, true), worker(3, 8, 5, false)];
        let of = |id, process, host| setter(&workers, id, process, host);
        assert_eq!(of(2, 7, "lantern"), Setter::This);
        assert_eq!(of(1, 7, "lantern"), Setter::AnotherOfThisProcess);
        assert_eq!(of(4, 9, "lantern"), Setter::AnotherProcess);
        assert_eq!(of(4, 7, "candle"), Setter::AnotherProcess, "a container has process 7, too");
        assert_eq!(setter(&workers[2..], 3, 8, "lantern"), Setter::Unknown);
    }
}
