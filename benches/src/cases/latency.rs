//! `latency`: the time from the change of a pigeon by one process until another one sees the right
//! name.

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

/// The pause between two looks of the observer.
const BETWEEN_LOOKS: Duration = Duration::from_micros(200);
const PATIENCE: Duration = Duration::from_secs(20);

struct Contender {
    name: &'static str,
    place: Place,
    observer: DatabaseConnection,
    writer: Child,
    _worker: Option<Child>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let changes = bench.pick(case.rows);
    let mut contenders = contenders(bench, Town::of(10_000.min(changes * 50)), changes).await?;
    alternate(&mut contenders, bench.repeats(), async |contender| contender.turn(changes).await)
        .await?;
    let taken = |of: fn(&Contender) -> &Vec<f64>| {
        contenders
            .iter()
            .map(|contender| (contender.name, of(contender).clone()))
            .collect::<Vec<_>>()
    };
    bench.record((case, "p50"), changes, Unit::Milliseconds, taken(|contender| &contender.p50));
    bench.record((case, "p99"), changes, Unit::Milliseconds, taken(|contender| &contender.p99));
    Ok(())
}

async fn contenders(bench: &mut Bench, town: Town, changes: u64) -> Result<Vec<Contender>> {
    let by_hand = bench.places.with(town).await?;
    let writer = Child::writer(&by_hand.url, true)?;
    let mut contenders = vec![Contender::of(FLOOR, by_hand, writer, None).await?];
    let ours = bench.places.with(town).await?;
    Way::RowWise.models().install(&ours.db).await?;
    let writer = Child::writer(&ours.url, false)?;
    let worker = Child::worker(&ours.url, Way::RowWise, 1000, 8)?;
    contenders.push(Contender::of(CACHED, ours, writer, Some(worker)).await?);
    for (peer, place, mut process) in bench.start_peers(town).await? {
        process.ask(&format!("load 1 {changes}"))?;
        contenders.push(Contender::of(peer.name(), place, process, None).await?);
    }
    Ok(contenders)
}

impl Contender {
    async fn of(
        name: &'static str,
        place: Place,
        writer: Child,
        worker: Option<Child>,
    ) -> Result<Self> {
        let observer = place.client().await?;
        Ok(Self {
            name,
            place,
            observer,
            writer,
            _worker: worker,
            p50: Vec::new(),
            p99: Vec::new(),
        })
    }

    async fn turn(&mut self, changes: u64) -> Result<f64> {
        self.place.tidy().await?;
        let mut taken = Vec::new();
        for pigeon in 1..=changes {
            // So the worker is found at various stages of falling asleep.
            thread::sleep(Duration::from_millis(pigeon * 7 % 6));
            taken.push(self.change(i32::try_from(pigeon)?).await?.as_secs_f64() * 1000.0);
        }
        self.p50.push(percentile(&taken, 0.5));
        self.p99.push(percentile(&taken, 0.99));
        Ok(percentile(&taken, 0.5))
    }

    async fn change(&mut self, pigeon: i32) -> Result<Duration> {
        const BEFORE: &str = "SELECT l.id,
                                     'The '
                                     || (SELECT sum(weight) + 1
                                           FROM pigeon
                                          WHERE lamppost_id = l.id)
                                     || ' ' || first_name || ' of ' || country
                                FROM lamppost l
                                JOIN pigeon p ON p.lamppost_id = l.id
                               WHERE p.id = $1";

        let row =
            self.observer.query_one_raw(self.place.statement(BEFORE, [pigeon.into()])).await?;
        let (lamppost, wanted): (i32, String) =
            row.context("no such pigeon")?.try_get_many_by_index()?;

        let started = Instant::now();
        self.writer.tell(&format!("change {pigeon}"))?;
        while self.name_of(lamppost).await? != wanted {
            anyhow::ensure!(
                started.elapsed() < PATIENCE,
                "the name of lamppost {lamppost} never became {wanted}"
            );
            thread::sleep(BETWEEN_LOOKS);
        }
        Ok(started.elapsed())
    }

    async fn name_of(&self, lamppost: i32) -> Result<String> {
        const NAME: &str = "SELECT cached_slow_full_name FROM lamppost WHERE id = $1";
        let row =
            self.observer.query_one_raw(self.place.statement(NAME, [lamppost.into()])).await?;
        Ok(row.context("no such lamppost")?.try_get_by_index(0)?)
    }
}
