//! `idle`: the cost of a worker that has nothing to do.

use std::{thread, time::Duration};

use anyhow::Result;

use super::{CACHED, Case};
use crate::{
    bench::{Bench, Scale},
    child::Child,
    measure::Unit,
    place::Town,
    schema::Way,
};

/// The time until the workers have fallen asleep.
const SETTLED: Duration = Duration::from_secs(2);
/// The time that workers are watched: a sleeping one that nothing wakes looks for work this often.
const WATCHED: Duration = Duration::from_secs(5);

/// Measures several workers side by side, each with a database of its own. Each is watched for
/// seconds.
pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let rows = bench.pick(case.rows);
    let mut workers = Vec::new();
    for _ in 0..bench.repeats() {
        let place = bench.places.with(Town::of(rows)).await?;
        Way::RowWise.models().install(&place.db).await?;
        workers.push(Child::worker(&place.url, Way::RowWise, 1000, 8)?);
    }

    let (settled, watched) = match bench.scale {
        Scale::Smoke => (Duration::ZERO, Duration::from_millis(50)),
        _ => (SETTLED, WATCHED),
    };

    thread::sleep(settled);
    let before = looked_at(&mut workers)?;
    thread::sleep(watched);
    let spent = looked_at(&mut workers)?.into_iter().zip(before);
    let a_second = |after: f64, before: f64| (after - before) / watched.as_secs_f64();
    let (percents, rates) = spent
        .map(|(after, before)| (100.0 * a_second(after.0, before.0), a_second(after.1, before.1)))
        .unzip();

    bench.keep(case.measured(CACHED, rows, Unit::Percent, percents).part("processor"));
    bench.keep(case.measured(CACHED, rows, Unit::QueriesPerSecond, rates).part("queries"));
    workers.into_iter().try_for_each(Child::stop)
}

/// Returns for each worker the time on a processor and the queries sent so far.
fn looked_at(workers: &mut [Child]) -> Result<Vec<(f64, f64)>> {
    workers.iter_mut().map(|worker| Ok((worker.processor_time()?, worker.queries()?))).collect()
}
