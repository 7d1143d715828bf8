//! What a worker writes of itself: that it is there, and what it did.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::{CancellationToken, DropGuard};

use super::context::Context;
use crate::{
    Error,
    activity::WorkerRecord,
    protocol::{self, Report},
    registry::Model,
};

/// The time between two reports. A worker that was not seen for two of them is gone.
const BETWEEN_REPORTS: Duration = Duration::from_secs(30);

/// The number of reports from one that also drops what is old to the next.
const CLEANING: u32 = 100;

/// What a worker has written of itself. It is locked while the worker writes.
#[derive(Default)]
pub(super) struct Presence(tokio::sync::Mutex<State>);

#[derive(Default)]
struct State {
    /// The number of reports.
    reports: u32,
    /// The number of claims that was last written of each model.
    claims: Vec<Option<i64>>,
    /// Whether the worker has ended, and must not be written of again.
    has_left: bool,
}

impl Context {
    /// Reports until the guard is dropped. It does not stop in the middle of a statement.
    pub(super) fn start_reporting(self: &Arc<Self>) -> DropGuard {
        let context = Arc::clone(self);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            loop {
                context.report().await;
                let pause = tokio::time::sleep(BETWEEN_REPORTS);
                if stopped.run_until_cancelled(pause).await.is_none() {
                    return;
                }
            }
        });
        stop.drop_guard()
    }

    /// Writes that the worker is there, and what it did since the last report.
    async fn report(&self) {
        let mut state = self.presence.0.lock().await;
        if state.has_left {
            return;
        }
        let cleans = state.reports % CLEANING == 0;
        state.reports = state.reports.wrapping_add(1);
        state.claims.resize(self.models.len(), None);
        for (model, last_claims) in self.models.iter().zip(&mut state.claims) {
            let claims = self.ledger.count(&model.owner.table);
            // Where a write wakes all workers, those that have nothing to do must not write.
            let is_idle = *last_claims == Some(0)
                && claims == 0
                && self.figures.unwritten(&model.owner.table).is_empty();
            if is_idle && self.engine.backend.wakes_on_writes() {
                continue;
            }
            if self.write(model, Some(claims), cleans).await {
                *last_claims = Some(claims);
            }
        }
    }

    /// Writes what a worker did that is not there for long.
    pub(super) async fn report_work(&self) {
        self.write_rest(true).await;
    }

    async fn write_rest(&self, cleans: bool) {
        for model in &self.models {
            if !self.figures.unwritten(&model.owner.table).is_empty() {
                self.write(model, None, cleans).await;
            }
        }
    }

    /// Writes the rest of what the worker did, and that it is gone.
    pub(super) async fn leave(&self) {
        let mut state = self.presence.0.lock().await;
        if std::mem::replace(&mut state.has_left, true) {
            return;
        }
        self.write_rest(false).await;
        for (model, claims) in self.models.iter().zip(&state.claims) {
            if claims.is_none() {
                continue;
            }
            let left = protocol::leave(&self.engine, self.connections(), model, self.id).await;
            told(model, left);
        }
    }

    /// Does the same in a task of its own, for callers that cannot wait.
    pub(super) fn leave_later(self: &Arc<Self>) {
        let context = Arc::clone(self);
        // Without a runtime the program is about to end.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.engine.hand_backs.spawn_on(async move { context.leave().await }, &runtime);
        }
    }

    /// Writes what was done to a model, and the worker's record if it has claims or none. Returns
    /// whether it could.
    async fn write(&self, model: &Model, claims: Option<i64>, cleans: bool) -> bool {
        let table = &model.owner.table;
        let minutes = self.figures.unwritten(table);
        let report = Report {
            worker: self.id,
            record: claims.map(|claims| self.record(model, claims)),
            minutes: &minutes,
            cleans,
        };
        let reported = protocol::report(&self.engine, self.connections(), model, &report).await;
        let is_written = reported.is_ok();
        if is_written {
            self.figures.written(table, &minutes);
        }
        told(model, reported);
        is_written
    }

    fn record(&self, model: &Model, claims: i64) -> WorkerRecord {
        let program = std::env::current_exe().ok();
        let program = program.as_deref().and_then(|path| path.file_stem());
        WorkerRecord {
            id: self.id,
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            process: std::process::id().into(),
            program: program.unwrap_or_default().to_string_lossy().into_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            fields: model.owner.fields.iter().map(|field| field.name).collect::<Vec<_>>().join(","),
            concurrency: i64::try_from(self.settings.concurrency).unwrap_or(i64::MAX),
            claims,
        }
    }
}

/// A report that is lost is no reason to stop, or to warn: what is wrong with the database is told
/// elsewhere.
fn told(model: &Model, reported: Result<(), Error>) {
    if let Err(error) = reported {
        let table = &*model.owner.table.name;
        tracing::debug!(table, "could not report: {}", error.with_sources());
    }
}
