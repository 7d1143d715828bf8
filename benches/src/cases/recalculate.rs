//! `recalculate`, `recalculate_batch`, `recalculate_query`, `embedded`: the time to make all rows
//! of a stale table fresh.

use std::time::Instant;

use anyhow::{Context, Result};
use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::{CACHED, CHUNKS, Case, FLOOR, work::work_off};
use crate::{
    bench::Bench,
    child::Child,
    measure::{Unit, alternate},
    peers::Peer,
    place::{Place, Town},
    schema::Way,
};

struct Contender {
    name: &'static str,
    place: Place,
    how: How,
    rows: u64,
}

enum How {
    /// A query and an update for each row, with a commit for each, on one connection.
    Loop(DatabaseConnection),
    /// One update of all rows.
    Statement,
    /// A query and an update for a chunk of rows, on one connection.
    Chunks(DatabaseConnection),
    Worker(Way),
    Peer(Child),
}

/// The number of rows that are calculated at a time, by hand and by the worker.
const CHUNK: u64 = 1_000;

/// The number of rows that is enough for contenders that need milliseconds for each.
const FEW: u64 = 1_000;

pub(crate) async fn row_by_row(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let rows = bench.pick(case.rows);
    let place = bench.places.with(Town::of(rows)).await?;
    let floor = Contender { name: FLOOR, how: How::Loop(place.client().await?), place, rows };
    let mut contenders = vec![floor, ours(bench, rows, Way::RowWise).await?];
    for (peer, place, process) in bench.start_peers(Town::of(rows)).await? {
        let rows = if peer == Peer::CachedField { rows.min(FEW) } else { rows };
        contenders.push(Contender { name: peer.name(), place, how: How::Peer(process), rows });
    }
    race(bench, case, contenders).await
}

pub(crate) async fn in_batches(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let rows = bench.pick(case.rows);
    let floor = Contender {
        name: FLOOR,
        place: bench.places.with(Town::of(rows)).await?,
        how: How::Statement,
        rows,
    };
    let place = bench.places.with(Town::of(rows)).await?;
    let chunks = Contender { name: CHUNKS, how: How::Chunks(place.client().await?), place, rows };
    let contenders = vec![floor, chunks, ours(bench, rows, Way::Batch).await?];
    race(bench, case, contenders).await
}

pub(crate) async fn by_a_query(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let rows = bench.pick(case.rows);
    let floor = Contender {
        name: FLOOR,
        place: bench.places.with(Town::of(rows)).await?,
        how: How::Statement,
        rows,
    };
    let contenders = vec![floor, ours(bench, rows, Way::Query).await?];
    race(bench, case, contenders).await
}

async fn ours(bench: &mut Bench, rows: u64, way: Way) -> Result<Contender> {
    let place = bench.places.with(Town::of(rows)).await?;
    way.models().install(&place.db).await?;
    Ok(Contender { name: CACHED, place, how: How::Worker(way), rows })
}

async fn race(
    bench: &mut Bench,
    case: &'static Case,
    mut contenders: Vec<Contender>,
) -> Result<()> {
    let samples = alternate(&mut contenders, bench.repeats(), async |contender| {
        contender.make_stale().await?;
        let seconds = contender.recalculate().await?;
        contender.place.check_names().await?;
        Ok(contender.rows as f64 / seconds)
    });
    let samples = samples.await?;
    for (contender, of_it) in contenders.iter().zip(&samples) {
        let measured =
            case.measured(contender.name, contender.rows, Unit::RowsPerSecond, of_it.clone());
        bench.keep(measured.against(&samples[0]));
    }
    Ok(())
}

impl Contender {
    async fn make_stale(&self) -> Result<()> {
        self.place.change_pigeons(self.rows).await?;
        if matches!(self.how, How::Loop(_) | How::Statement | How::Chunks(_)) {
            self.place
                .sql("UPDATE lamppost SET slow_full_name_recalculation_needed = true")
                .await?;
        }
        self.place.tidy().await
    }

    async fn recalculate(&mut self) -> Result<f64> {
        let started = Instant::now();
        match &mut self.how {
            How::Loop(client) => row_after_row(&self.place, client, self.rows).await?,
            How::Statement => self.place.set_all_names().await?,
            How::Chunks(client) => self.place.set_names_in_chunks(client, self.rows, CHUNK).await?,
            How::Worker(way) => {
                let worker = way.models().worker(&self.place.db).batch_size(CHUNK).concurrency(8);
                return Ok(work_off(&self.place, worker).await?.as_secs_f64());
            }
            How::Peer(process) => return process.ask(&format!("recalculate {}", self.rows)),
        }
        Ok(started.elapsed().as_secs_f64())
    }
}

async fn row_after_row(place: &Place, client: &DatabaseConnection, rows: u64) -> Result<()> {
    let inputs = format!(
        "SELECT first_name, country,
                (SELECT CAST(sum(weight) AS {}) FROM pigeon WHERE lamppost_id = lamppost.id)
           FROM lamppost
          WHERE id = $1",
        place.integer()
    );
    const STORE: &str = "UPDATE lamppost
                            SET cached_slow_full_name = $1,
                                slow_full_name_recalculation_needed = false
                          WHERE id = $2";

    for id in 1..=i32::try_from(rows)? {
        let inputs = client.query_one_raw(place.statement(&inputs, [id.into()])).await?;
        let inputs = inputs.context("no such lamppost")?;
        let (first_name, country, weight): (String, String, i64) =
            inputs.try_get_many_by_index()?;
        let name = format!("The {weight} {first_name} of {country}");
        client.execute_raw(place.statement(STORE, [name.into(), id.into()])).await?;
    }
    Ok(())
}
