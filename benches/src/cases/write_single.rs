//! `write_single`, `write_irrelevant`: one pigeon a statement, each of another lamppost.

use anyhow::Result;
use sea_orm::Statement;

use super::{
    Case,
    writer::{Write, Writer, race},
};
use crate::{
    bench::{Bench, Scale},
    measure::Unit,
    place::{Database, Place, Town},
};

pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let (rows, town) = size(bench, case);
    let mut writers = Writer::all(bench, town, 1).await?;
    writers.extend(Writer::peers(bench, town, rows).await?);
    measure(bench, (case, "1 client"), writers, change_weight).await?;
    // SQLite has one writer.
    if bench.database != Database::Sqlite {
        let writers = Writer::all(bench, town, 8).await?;
        measure(bench, (case, "8 clients"), writers, change_weight).await?;
    }
    Ok(())
}

pub(crate) async fn irrelevant(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let (_, town) = size(bench, case);
    let writers = Writer::all(bench, town, 1).await?;
    measure(bench, (case, ""), writers, rename).await
}

fn size(bench: &Bench, case: &Case) -> (u64, Town) {
    let rows = bench.pick(case.rows);
    (rows, Town::of(rows.max(if bench.scale == Scale::Smoke { 0 } else { 10_000 })))
}

async fn measure(
    bench: &mut Bench,
    (case, part): (&'static Case, &str),
    mut writers: Vec<Writer>,
    write: Write,
) -> Result<()> {
    let (rows, town) = size(bench, case);
    let reached = race(bench, &mut writers, write, town, rows).await?;
    bench.record((case, part), rows, Unit::Seconds, reached);
    Ok(())
}

fn change_weight(place: &Place, _: Town, _: u64, number: u64) -> Statement {
    place.statement("UPDATE pigeon SET weight = weight + 1 WHERE id = $1", [pigeon(number)])
}

fn rename(place: &Place, _: Town, _: u64, number: u64) -> Statement {
    place.statement("UPDATE pigeon SET name = $1 WHERE id = $2", ["Kim".into(), pigeon(number)])
}

fn pigeon(number: u64) -> sea_orm::Value {
    i32::try_from(number + 1).expect("not so many pigeons").into()
}
