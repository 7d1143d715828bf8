//! `growth`: the cost of claiming and completing a row when the table grows, but no more rows are
//! stale.

use anyhow::Result;

use super::{CACHED, Case, FLOOR, work::work_off};
use crate::{
    bench::{Bench, Scale},
    measure::{Unit, alternate},
    place::{Place, Town},
    schema::Way,
};

struct Contender {
    place: Place,
    rows: u64,
    turn: u32,
}

pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let stale = bench.pick(case.rows);
    let largest = if bench.scale == Scale::Full { 1_000 } else { 100 };
    let mut contenders = Vec::new();
    for times in [1, 10, 100, 1_000].into_iter().filter(|times| *times <= largest) {
        let place = bench.places.new_with(Town::without_pigeons(stale * times)).await?;
        Way::OwnColumns.models().install(&place.db).await?;
        contenders.push(Contender { place, rows: stale * times, turn: 0 });
    }

    let samples = alternate(&mut contenders, bench.repeats(), async |contender| {
        contender.place.tidy().await?;
        contender.make_stale(stale).await?;
        let worker = Way::OwnColumns.models().worker(&contender.place.db).batch_size(1000);
        Ok(work_off(&contender.place, worker).await?.as_secs_f64() * 1000.0 / stale as f64)
    });
    let samples = samples.await?;

    for (contender, of_it) in contenders.iter().zip(&samples) {
        let name = if contender.rows == stale { FLOOR } else { CACHED };
        let measured = case.measured(name, contender.rows, Unit::Milliseconds, of_it.clone());
        bench.keep(measured.against(&samples[0]));
    }
    Ok(())
}

impl Contender {
    /// Makes rows all over the table stale.
    async fn make_stale(&mut self, stale: u64) -> Result<()> {
        self.turn += 1;
        let sql = format!(
            "UPDATE lamppost SET first_name = 'Name' || id || '.' || {} WHERE id % {} = 0",
            self.turn,
            self.rows / stale
        );
        self.place.sql(&sql).await.map(drop)
    }
}
