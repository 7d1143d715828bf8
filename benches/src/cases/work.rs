//! A worker in this process.

use std::time::{Duration, Instant};

use anyhow::Result;
use sea_orm_cached_field::Worker;
use tokio::sync::oneshot;

use crate::place::Place;

/// Returns the time that a worker takes until nothing is left to do.
pub(crate) async fn work_off(place: &Place, worker: Worker) -> Result<Duration> {
    // The newest mark. A search for any mark would go through all marks that were deleted a moment
    // ago.
    const LEFT: &str = "SELECT (SELECT max(id) FROM _lamppost_cached_marks) IS NOT NULL
                            OR EXISTS (SELECT 1 FROM _lamppost_cached_recalculations)";
    let (stop, stopped) = oneshot::channel::<()>();

    let started = Instant::now();
    let working = tokio::spawn(worker.run_until(async {
        let _ = stopped.await;
    }));

    while place.scalar::<bool>(LEFT).await? {
        if working.is_finished() {
            working.await??;
            anyhow::bail!("the worker has ended");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    let took = started.elapsed();
    let _ = stop.send(());
    working.await??;
    Ok(took)
}
