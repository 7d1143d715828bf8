//! Working as a worker.

use std::{
    io::IsTerminal,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use sea_orm::DatabaseConnection;
use serde::Serialize;

use super::{Code, Failure, args::Work, output::Output};
use crate::{CachedFields, Event};

/// The time between two lines of progress where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

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

/// Waits until the process is told to end.
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

    let done = Done::default();
    let mut events = std::pin::pin!(fields.events(db)?);
    let counted = async {
        while let Some(event) = events.next().await {
            done.count(&event);
        }
        std::future::pending::<()>().await
    };
    let progress = show(&done);
    let beside = async {
        tokio::join!(counted, progress);
    };

    let is_interrupted = if args.until_empty {
        tokio::select! {
            drained = worker.drain() => {
                drained?;
                false
            }
            () = interrupted() => true,
            () = beside => true,
        }
    } else {
        tokio::select! {
            ended = worker.run_until(interrupted()) => ended?,
            () = beside => {}
        }
        false
    };

    let report = done.report(is_interrupted);
    output.write("work", &report, || report.text())?;
    Ok(if is_interrupted { Code::Interrupted } else { Code::Done })
}

/// Shows on stderr what was done so far, again and again.
async fn show(done: &Done) {
    if !std::io::stderr().is_terminal() {
        loop {
            tokio::time::sleep(BETWEEN_LINES).await;
            eprintln!("{}", done.report(false).text());
        }
    }

    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
        bar.set_style(style);
    }
    loop {
        bar.set_message(done.report(false).text());
        bar.tick();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
