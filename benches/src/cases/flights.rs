//! `flights`: a year of real data is loaded under eight fields, worked off, and edited.

use std::time::Instant;

use anyhow::Result;
use sea_orm::{ConnectionTrait, TransactionTrait};

use super::{CACHED, Case, FLOOR};
use crate::{
    bench::Bench,
    flights::{self, Flight, models},
    measure::Unit,
    place::Place,
};

/// The number of flights in a statement, and the number of statements in a transaction.
const FLIGHTS: usize = 1_000;
const STATEMENTS: usize = 10;

/// The number of flights that are edited, one by one.
const EDITS: usize = 200;

/// The number of runs, each of which takes minutes.
const REPEATS: usize = 3;

/// The parts that are measured, in this order.
const PARTS: [&str; 4] = ["load", "drain", "edits", "drain of edits"];

pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let rows = bench.pick(case.rows);
    let flights = flights::read(rows)?;
    let contenders = [FLOOR, CACHED];
    let mut samples = PARTS.map(|_| contenders.map(|_| Vec::new()));

    for repeat in 0..bench.repeats().min(REPEATS) {
        for turn in 0..contenders.len() {
            let at = (repeat + turn) % contenders.len();
            let place = bench.places.blank().await?;
            place.open_airports(&flights).await?;
            let is_cached = contenders[at] == CACHED;
            if is_cached {
                models().install(&place.db).await?;
                models().worker(&place.db).drain().await?;
            }
            for (part, taken) in samples.iter_mut().zip(year(&place, &flights, is_cached).await?) {
                part[at].push(taken);
            }
            place.db.close().await?;
            bench.places.clear().await?;
        }
    }

    for (part, samples) in PARTS.iter().zip(samples) {
        bench.record((case, part), rows, Unit::Seconds, contenders.into_iter().zip(samples));
    }
    Ok(())
}

/// Returns the time of each part.
async fn year(place: &Place, flights: &[Flight], is_cached: bool) -> Result<[f64; PARTS.len()]> {
    let load = timed(async {
        for flights in flights.chunks(FLIGHTS * STATEMENTS) {
            let transaction = place.db.begin().await?;
            for flights in flights.chunks(FLIGHTS) {
                place.land(&transaction, flights).await?;
            }
            transaction.commit().await?;
        }
        Ok(())
    });
    let load = load.await?;
    place.tidy().await?;

    let drain = timed(work_off(place, is_cached)).await?;
    place.check_flights().await?;

    let edits = timed(async {
        for flight in 1..=EDITS.min(flights.len()) {
            let edit = format!(
                "UPDATE flight SET arr_delay = 1, distance = distance + 1 WHERE id = {flight}"
            );
            place.db.execute_unprepared(&edit).await?;
        }
        Ok(())
    });
    let edits = edits.await?;
    let drain_of_edits = timed(work_off(place, is_cached)).await?;
    place.check_flights().await?;

    Ok([load, drain, edits, drain_of_edits])
}

async fn work_off(place: &Place, is_cached: bool) -> Result<()> {
    if is_cached {
        models().worker(&place.db).batch_size(1000).drain().await?;
        return Ok(());
    }
    place.count_flights().await
}

async fn timed(work: impl Future<Output = Result<()>>) -> Result<f64> {
    let started = Instant::now();
    work.await?;
    Ok(started.elapsed().as_secs_f64())
}
