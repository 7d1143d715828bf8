//! `backlog`: how much memory a worker needs when very much is stale.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{CACHED, Case, FLOOR};
use crate::{
    bench::{Bench, Scale},
    child::Child,
    measure::{Unit, alternate},
    place::{Place, Town},
    schema::Way,
};

/// How many times as much the large backlog is.
const TIMES: u64 = 100;

pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let rows = bench.pick(case.rows);
    let patience = Duration::from_secs(if bench.scale == Scale::Full { 60 } else { 2 });
    let mut contenders = [stale(bench, rows / TIMES).await?, stale(bench, rows).await?];
    let samples = alternate(&mut contenders, bench.repeats(), async |place| {
        place.sql(FLAG_ALL).await?;
        place.tidy().await?;
        peak_memory(place, patience).await
    });
    let samples = [FLOOR, CACHED].into_iter().zip(samples.await?);
    bench.record((case, ""), rows, Unit::Bytes, samples);
    Ok(())
}

async fn stale(bench: &mut Bench, rows: u64) -> Result<Place> {
    let place = bench.places.new_with(Town::without_pigeons(rows)).await?;
    Way::OwnColumns.models().install(&place.db).await?;
    Ok(place)
}

/// Of a worker that has worked off all, or has worked for so long.
async fn peak_memory(place: &Place, patience: Duration) -> Result<f64> {
    let worker = Child::worker(&place.url, Way::OwnColumns, 1000, 8)?;
    let started = Instant::now();
    while started.elapsed() < patience && place.scalar::<bool>(ANY_STALE).await? {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let peak = worker.peak_memory()?;
    worker.stop()?;
    Ok(peak)
}

const FLAG_ALL: &str = "UPDATE lamppost SET slow_full_name_recalculation_needed = true
                         WHERE NOT slow_full_name_recalculation_needed";
const ANY_STALE: &str = "SELECT EXISTS (SELECT 1 FROM lamppost WHERE slow_full_name_recalculation_needed)";
