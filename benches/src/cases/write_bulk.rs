//! `write_bulk`: many pigeons in one statement, each of another lamppost.

use std::time::Instant;

use anyhow::Result;

use super::{Case, writer::Writer};
use crate::{
    bench::Bench,
    measure::{Unit, alternate},
    place::Town,
};

pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let rows = bench.pick(case.rows);
    let mut writers = Writer::all(bench, Town::of(rows), 0).await?;
    let samples = alternate(&mut writers, bench.repeats(), async |writer| {
        writer.start_afresh().await?;
        let started = Instant::now();
        writer.place.change_pigeons(rows).await?;
        Ok(started.elapsed().as_secs_f64())
    });
    let samples = samples.await?;
    let names = writers.iter().map(|writer| writer.name);
    bench.record((case, ""), rows, Unit::Seconds, names.zip(samples));
    Ok(())
}
