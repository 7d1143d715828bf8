//! `latency`: a pigeon is changed by another process; how long until somebody else sees the right name.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::{CACHED, Case, FLOOR};
use crate::{
    bench::Bench,
    child::Child,
    measure::{Unit, alternate, percentile},
    place::{Place, Town},
    schema::Way,
};

/// Between two looks of the observer.
const BETWEEN_LOOKS: Duration = Duration::from_micros(200);
const PATIENCE: Duration = Duration::from_secs(20);

struct Contender {
    place: Place,
    observer: DatabaseConnection,
    writer: Child,
    _worker: Option<Child>,
    p99: Vec<f64>,
    p50: Vec<f64>,
}

pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let (changes, town) = (bench.pick(case.rows), Town::of(10_000.min(bench.pick(case.rows) * 50)));
    let mut contenders = [contender(bench, town, None).await?, contender(bench, town, Some(Way::RowWise)).await?];
    alternate(&mut contenders, bench.repeats(), async |contender| {
        contender.place.tidy().await?;
        let mut taken = Vec::new();
        for change in 1..=i32::try_from(changes)? {
            // So that the worker is found at various stages of falling asleep.
            thread::sleep(Duration::from_millis(change.unsigned_abs() as u64 * 7 % 10));
            taken.push(contender.change(change).await?.as_secs_f64() * 1000.0);
        }
        contender.p50.push(percentile(&taken, 0.5));
        contender.p99.push(percentile(&taken, 0.99));
        Ok(0.0)
    })
    .await?;
    let [floor, ours] = contenders;
    bench.record((case, "p50"), changes, Unit::Milliseconds, [(FLOOR, floor.p50), (CACHED, ours.p50)]);
    bench.record((case, "p99"), changes, Unit::Milliseconds, [(FLOOR, floor.p99), (CACHED, ours.p99)]);
    Ok(())
}

async fn contender(bench: &mut Bench, town: Town, way: Option<Way>) -> Result<Contender> {
    let place = bench.places.with(town).await?;
    let mut worker = None;
    if let Some(way) = way {
        way.models().install(&place.db).await?;
        worker = Some(Child::worker(&place.url, way, 1000, 8)?);
    }
    let writer = Child::writer(&place.url, way.is_none())?;
    Ok(Contender { observer: place.client().await?, place, writer, _worker: worker, p50: Vec::new(), p99: Vec::new() })
}

impl Contender {
    async fn change(&mut self, pigeon: i32) -> Result<Duration> {
        const BEFORE: &str = "SELECT l.id, 'The ' || (SELECT sum(weight) + 1 FROM pigeon WHERE lamppost_id = l.id)
                                           || ' ' || first_name || ' of ' || country
                                FROM lamppost l JOIN pigeon p ON p.lamppost_id = l.id WHERE p.id = $1";
        let row = self.observer.query_one_raw(self.place.statement(BEFORE, [pigeon.into()])).await?;
        let (lamppost, wanted): (i32, String) = row.context("no such pigeon")?.try_get_many_by_index()?;
        let started = Instant::now();
        self.writer.tell(&pigeon.to_string())?;
        while self.name(lamppost).await? != wanted {
            anyhow::ensure!(started.elapsed() < PATIENCE, "the name of lamppost {lamppost} never became {wanted}");
            thread::sleep(BETWEEN_LOOKS);
        }
        Ok(started.elapsed())
    }

    async fn name(&self, lamppost: i32) -> Result<String> {
        const NAME: &str = "SELECT cached_slow_full_name FROM lamppost WHERE id = $1";
        let row = self.observer.query_one_raw(self.place.statement(NAME, [lamppost.into()])).await?;
        Ok(row.context("no such lamppost")?.try_get_by_index(0)?)
    }
}
