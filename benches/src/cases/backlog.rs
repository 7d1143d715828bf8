//! `backlog`: the memory that a worker needs for a large backlog.

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

/// The size of the large backlog, in small ones.
const TIMES: u64 = 100;

/// The number of times that the marks of a row are doubled, where a few rows have very many.
const DOUBLINGS: [u32; 2] = [4, 11];

pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let rows = bench.pick(case.rows);
    let contenders = [(rows / TIMES, 0), (rows, 0)];
    measure(bench, (case, "rows"), rows, contenders).await?;
    let few = (rows / 1_000).max(1);
    let contenders = DOUBLINGS.map(|doublings| (few, doublings));
    measure(bench, (case, "marks of few rows"), few << DOUBLINGS[1], contenders).await
}

/// Measures a contender. `rows`: the number of rows, and how often the marks of each are doubled.
async fn measure(
    bench: &mut Bench,
    case: (&'static Case, &str),
    stale: u64,
    contenders: [(u64, u32); 2],
) -> Result<()> {
    let patience = Duration::from_secs(if bench.scale == Scale::Full { 60 } else { 2 });
    let mut places = Vec::new();
    for (rows, doublings) in contenders {
        let place = bench.places.new_with(Town::without_pigeons(rows)).await?;
        Way::OwnColumns.models().install(&place.db).await?;
        places.push((place, doublings));
    }

    let samples = alternate(&mut places, bench.repeats(), async |(place, doublings)| {
        place.sql(FLAG_ALL).await?;
        if *doublings > 0 {
            place.sql(TAKE_MARKS_AWAY).await?;
            place.sql(MARK_ALL).await?;
        }
        for _ in 0..*doublings {
            place.sql(DOUBLE_MARKS).await?;
        }
        place.tidy().await?;
        peak_memory(place, patience).await
    });

    let samples = [FLOOR, CACHED].into_iter().zip(samples.await?);
    bench.record(case, stale, Unit::Bytes, samples);
    Ok(())
}

/// Returns the peak memory of a worker that has worked off everything, or for this long.
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
const TAKE_MARKS_AWAY: &str = "DELETE FROM _lamppost_cached_marks";
const MARK_ALL: &str =
    "INSERT INTO _lamppost_cached_marks (key_1, field) SELECT id, 'slow_full_name' FROM lamppost";
const DOUBLE_MARKS: &str = "INSERT INTO _lamppost_cached_marks (key_1, field)
                            SELECT key_1, field FROM _lamppost_cached_marks";
const ANY_STALE: &str =
    "SELECT EXISTS (SELECT 1 FROM lamppost WHERE slow_full_name_recalculation_needed)";
