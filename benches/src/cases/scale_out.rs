//! `scale_out`: the throughput of several workers compared with one, where a calculation waits for
//! another service.

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

/// The default of a worker.
const BATCH_SIZE: u64 = 200;
const CONCURRENCY: usize = 8;

struct Contender<'a> {
    place: &'a Place,
    workers: usize,
    watched: Duration,
}

pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let rows = bench.pick(case.rows);
    let place = bench.places.with(Town::without_pigeons(rows)).await?;
    Way::Waiting.models().install(&place.db).await?;
    let watched = Duration::from_millis(match bench.scale {
        Scale::Smoke => 20,
        Scale::Quick => 1000,
        Scale::Full => 2000,
    });

    let mut contenders = [1, 2, 4, 8].map(|workers| Contender { place: &place, workers, watched });
    let samples = alternate(&mut contenders, bench.repeats(), async |contender| {
        contender.rows_per_second().await
    });
    let samples = samples.await?;

    for (contender, of_it) in contenders.iter().zip(&samples) {
        let name = if contender.workers == 1 { FLOOR } else { CACHED };
        let measured = case.measured(name, rows, Unit::RowsPerSecond, of_it.clone());
        bench.keep(measured.part(&format!("{} workers", contender.workers)).against(&samples[0]));
    }
    Ok(())
}

impl Contender<'_> {
    /// Returns the throughput while all workers are at work.
    async fn rows_per_second(&self) -> Result<f64> {
        self.place.sql(FLAG_ALL).await?;
        self.place.tidy().await?;
        let start = |_| Child::worker(&self.place.url, Way::Waiting, BATCH_SIZE, CONCURRENCY);
        let workers = (0..self.workers).map(start).collect::<Result<Vec<_>>>()?;
        tokio::time::sleep(self.watched / 3).await;
        let begun = Instant::now();
        let before: i64 = self.place.scalar(FRESH).await?;
        tokio::time::sleep(self.watched).await;
        let done = self.place.scalar::<i64>(FRESH).await? - before;
        let took = begun.elapsed();
        workers.into_iter().try_for_each(Child::stop)?;
        Ok(done as f64 / took.as_secs_f64())
    }
}

const FLAG_ALL: &str = "UPDATE lamppost SET slow_full_name_recalculation_needed = true
                         WHERE NOT slow_full_name_recalculation_needed";
const FRESH: &str = "SELECT count(*) FROM lamppost WHERE NOT slow_full_name_recalculation_needed";
