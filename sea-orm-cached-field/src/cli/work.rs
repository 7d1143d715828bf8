//! Working as a worker.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt};
use sea_orm::DatabaseConnection;
use serde::Serialize;

use super::{
    Code, Failure,
    args::Work,
    output::{Output, Progress},
    probe,
};
use crate::{CachedFields, Event};

/// The time between two looks at what was done.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// What was done.
#[derive(Default)]
struct Done {
    completed: AtomicU64,
    failed: AtomicU64,
}

#[derive(Serialize)]
struct Report {
    completed: u64,
    failed: u64,
    /// Whether there may be more to do.
    is_interrupted: bool,
}

impl Done {
    fn count(&self, event: &Event) {
        match event {
            Event::Completed { .. } => self.completed.fetch_add(1, Ordering::Relaxed),
            Event::Failed { .. } => self.failed.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }

    fn report(&self, is_interrupted: bool) -> Report {
        Report {
            completed: self.completed.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            is_interrupted,
        }
    }
}

impl Report {
    fn text(&self) -> String {
        let Self { completed, failed, .. } = self;
        let values = if *completed == 1 { "value" } else { "values" };
        format!("{completed} {values} recalculated, {failed} failed")
    }
}

/// Waits for Ctrl-C, or for the signal to terminate.
pub(super) async fn interrupted() {
    let ctrl_c = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                () = ctrl_c => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    ctrl_c.await;
}

pub(super) async fn work(
    args: &Work,
    fields: &CachedFields,
    db: &DatabaseConnection,
    output: Output,
) -> Result<Code, Failure> {
    let mut worker = fields.worker(db);
    if let Some(concurrency) = args.concurrency {
        worker = worker.concurrency(concurrency);
    }
    if let Some(rows) = args.fuse {
        worker = worker.fuse(rows);
    }

    let probed = match args.probe {
        None => std::future::pending().boxed(),
        Some(address) => probe::answer(address, fields, db).await?.boxed(),
    };

    let done = Done::default();
    let mut events = std::pin::pin!(fields.events(db)?);
    let counted = async {
        while let Some(event) = events.next().await {
            done.count(&event);
        }
        std::future::pending::<()>().await
    };
    let shown = async {
        if !args.until_empty {
            return;
        }
        let progress = Progress::new();
        loop {
            progress.show(|| done.report(false).text());
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    };
    let beside = async {
        tokio::join!(counted, shown, probed);
    };

    let is_interrupted = if args.until_empty {
        tokio::select! {
            biased;
            () = interrupted() => true,
            drained = worker.drain() => {
                drained?;
                false
            }
            () = beside => true,
        }
    } else {
        tokio::select! {
            ended = worker.run_until(interrupted()) => ended?,
            () = beside => {}
        }
        false
    };

    // The last events may not have been counted yet.
    while let Some(Some(event)) = events.next().now_or_never() {
        done.count(&event);
    }
    let report = done.report(is_interrupted);
    output.write("work", &report, || report.text())?;
    Ok(match report {
        Report { is_interrupted: true, .. } => Code::Interrupted,
        Report { failed: 1.., .. } if args.until_empty => Code::Findings,
        _ => Code::Done,
    })
}
