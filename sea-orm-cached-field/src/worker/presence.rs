//! What a worker writes of itself: that it is there, and what it did.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

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

/// The time between two reports that nothing has changed, where each write wakes all workers.
const BETWEEN_IDLE_REPORTS: Duration = Duration::from_secs(3_600);

/// The time that the end of a worker waits for its last report.
const LAST_REPORT: Duration = Duration::from_secs(5);

/// What a worker has written of itself. It is locked while the worker writes.
#[derive(Default)]
pub(super) struct Presence(tokio::sync::Mutex<State>);

#[derive(Default)]
struct State {
    /// The last record of each model: the number of claims, and when it was written.
    written: Vec<Option<(i64, Instant)>>,
    /// Whether the worker has ended, and must not be written of again.
    has_left: bool,
}

#[cfg(feature = "metrics")]
impl Presence {
    pub(super) async fn has_left(&self) -> bool {
        self.0.lock().await.has_left
    }
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
                #[cfg(feature = "metrics")]
                context.set_gauges().await;
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
        state.written.resize(self.models.len(), None);
        for (model, written) in self.models.iter().zip(&mut state.written) {
            let claims = self.ledger.count(&model.owner.table);
            let is_idle = claims == 0 && self.figures.is_empty(&model.owner.table);
            let is_known = written
                .is_some_and(|(claims, at)| claims == 0 && at.elapsed() < BETWEEN_IDLE_REPORTS);
            // Where a write wakes all workers, those that have nothing to do must not write.
            if is_idle && is_known && self.engine.backend.wakes_on_writes() {
                continue;
            }
            if self.write(model, Some(claims)).await {
                *written = Some((claims, Instant::now()));
            }
        }
    }

    /// Writes what a worker that does not stay did. It waits for that only for a while.
    pub(super) async fn report_work(self: &Arc<Self>) {
        let context = Arc::clone(self);
        // A task of its own, so that no statement is stopped.
        let reported = tokio::spawn(async move { context.write_rest().await });
        let _ = tokio::time::timeout(LAST_REPORT, reported).await;
    }

    /// Writes the rest of what the worker did. Returns whether it could.
    async fn write_rest(&self) -> bool {
        for model in &self.models {
            if !self.figures.is_empty(&model.owner.table) && !self.write(model, None).await {
                return false;
            }
        }
        true
    }

    /// Writes the rest of what the worker did, and that it is gone. It waits for that only for a
    /// while.
    pub(super) async fn leave(self: &Arc<Self>) {
        let context = Arc::clone(self);
        let left = tokio::spawn(async move { context.leave_now().await });
        let _ = tokio::time::timeout(LAST_REPORT, left).await;
    }

    async fn leave_now(&self) {
        let mut state = self.presence.0.lock().await;
        if std::mem::replace(&mut state.has_left, true) {
            return;
        }
        #[cfg(feature = "metrics")]
        self.clear_gauges();
        if !self.write_rest().await {
            return;
        }
        let models = self.models.iter().zip(&state.written);
        for (model, _) in models.filter(|(_, written)| written.is_some()) {
            let left = protocol::leave(&self.engine, self.connections(), model, self.id).await;
            if let Err(error) = left {
                not_reported(model, &error);
                return;
            }
        }
    }

    /// Does the same in a task of its own, for callers that cannot wait.
    pub(super) fn leave_later(self: &Arc<Self>) {
        let context = Arc::clone(self);
        // Without a runtime the program is about to end.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.engine.hand_backs.spawn_on(async move { context.leave_now().await }, &runtime);
        }
    }

    /// Writes what was done to a model, and the worker's record if the number of its claims is
    /// given. Returns whether it could.
    async fn write(&self, model: &Model, claims: Option<i64>) -> bool {
        let table = &model.owner.table;
        let minutes = self.figures.take(table);
        let report = Report {
            worker: self.engine.reporter,
            record: claims.map(|claims| self.record(model, claims)),
            minutes: &minutes,
            cleans: self.engine.is_time_to_clean(table),
        };
        match protocol::report(&self.engine, self.connections(), model, &report).await {
            Ok(()) => true,
            Err(error) => {
                self.figures.give_back(table, minutes);
                not_reported(model, &error);
                false
            }
        }
    }

    fn record(&self, model: &Model, claims: i64) -> WorkerRecord {
        WorkerRecord {
            id: self.id,
            host: host(),
            process: std::process::id().into(),
            program: program(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            fields: model.owner.fields.iter().map(|field| field.name).collect::<Vec<_>>().join(","),
            concurrency: i64::try_from(self.settings.concurrency).unwrap_or(i64::MAX),
            #[cfg(feature = "metrics")]
            sets_gauges: self.settings.gauges,
            #[cfg(not(feature = "metrics"))]
            sets_gauges: false,
            claims,
        }
    }
}

/// The name of this machine.
pub(super) fn host() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

/// The name of this program.
pub(super) fn program() -> String {
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(|path| path.file_stem());
    program.unwrap_or_default().to_string_lossy().into_owned()
}

/// A worker goes on without its reports. If the database does not work, other warnings say so.
fn not_reported(model: &Model, error: &Error) {
    let table = &*model.owner.table.name;
    tracing::debug!(table, "could not report: {}", error.with_sources());
}
