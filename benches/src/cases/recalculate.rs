//! `recalculate`, `recalculate_batch`, `embedded`: all rows are stale; how long until none is.

use std::time::{Duration, Instant};

use anyhow::Result;
use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::{CACHED, Case, FLOOR, work::work_off};
use crate::{
    bench::Bench,
    measure::{Unit, alternate},
    place::{Place, SET_ALL_NAMES, Town},
    schema::Way,
};

struct Contender {
    place: Place,
    how: How,
}

enum How {
    /// A query and an update for each row, with a commit each, on one connection.
    Loop(DatabaseConnection),
    /// One update of all rows.
    Statement,
    Worker(Way),
}

pub(crate) async fn row_by_row(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let town = Town::of(bench.pick(case.rows));
    let floor = bench.places.with(town).await?;
    let floor = Contender { how: How::Loop(floor.client().await?), place: floor };
    let ours = installed(bench, town, Way::RowWise).await?;
    race(bench, case, town.lampposts, floor, ours).await
}

pub(crate) async fn in_batches(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let town = Town::of(bench.pick(case.rows));
    let floor = Contender { place: bench.places.with(town).await?, how: How::Statement };
    let ours = installed(bench, town, Way::Batch).await?;
    race(bench, case, town.lampposts, floor, ours).await
}

async fn installed(bench: &mut Bench, town: Town, way: Way) -> Result<Contender> {
    let place = bench.places.with(town).await?;
    way.models().install(&place.db).await?;
    Ok(Contender { place, how: How::Worker(way) })
}

async fn race(bench: &mut Bench, case: &'static Case, rows: u64, floor: Contender, ours: Contender) -> Result<()> {
    let mut contenders = [floor, ours];
    let samples = alternate(&mut contenders, bench.repeats(), async |contender| {
        contender.make_stale(rows).await?;
        let took = contender.recalculate(rows).await?;
        contender.place.check_names().await?;
        Ok(rows as f64 / took.as_secs_f64())
    });
    let reached = [FLOOR, CACHED].into_iter().zip(samples.await?);
    bench.record((case, ""), rows, Unit::RowsPerSecond, reached);
    Ok(())
}

impl Contender {
    async fn make_stale(&self, rows: u64) -> Result<()> {
        self.place.change_pigeons(rows).await?;
        if !matches!(self.how, How::Worker(_)) {
            self.place.sql("UPDATE lamppost SET slow_full_name_recalculation_needed = true").await?;
        }
        self.place.tidy().await
    }

    async fn recalculate(&self, rows: u64) -> Result<Duration> {
        let started = Instant::now();
        match &self.how {
            How::Loop(client) => row_after_row(&self.place, client, rows).await?,
            How::Statement => drop(self.place.sql(SET_ALL_NAMES).await?),
            How::Worker(way) => {
                let worker = way.models().worker(&self.place.db).batch_size(1000).concurrency(8);
                return work_off(&self.place, worker).await;
            }
        }
        Ok(started.elapsed())
    }
}

async fn row_after_row(place: &Place, client: &DatabaseConnection, rows: u64) -> Result<()> {
    const INPUTS: &str = "SELECT first_name, country, (SELECT sum(weight) FROM pigeon WHERE lamppost_id = lamppost.id)
                            FROM lamppost WHERE id = $1";
    const STORE: &str = "UPDATE lamppost SET cached_slow_full_name = $1, slow_full_name_recalculation_needed = false
                          WHERE id = $2";
    for id in 1..=i32::try_from(rows)? {
        let inputs = client.query_one_raw(place.statement(INPUTS, [id.into()])).await?;
        let inputs = inputs.ok_or_else(|| anyhow::anyhow!("no lamppost {id}"))?;
        let (first_name, country, weight): (String, String, i64) = inputs.try_get_many_by_index()?;
        let name = format!("The {weight} {first_name} of {country}");
        client.execute_raw(place.statement(STORE, [name.into(), id.into()])).await?;
    }
    Ok(())
}
