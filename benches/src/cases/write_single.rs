//! `write_single`, `write_irrelevant`: one pigeon a statement, each of another lamppost.

use anyhow::Result;
use sea_orm::Statement;

use super::{
    Case,
    writer::{Write, Writer, race},
};
use crate::{
    bench::Bench,
    measure::Unit,
    place::{Database, Place, Town},
};

pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    measure(bench, case, "1 client", 1, change_weight).await?;
    // SQLite has one writer.
    if bench.database != Database::Sqlite {
        measure(bench, case, "8 clients", 8, change_weight).await?;
    }
    Ok(())
}

pub(crate) async fn irrelevant(bench: &mut Bench, case: &'static Case) -> Result<()> {
    measure(bench, case, "", 1, rename).await
}

async fn measure(bench: &mut Bench, case: &'static Case, part: &str, clients: usize, write: Write) -> Result<()> {
    let rows = bench.pick(case.rows);
    let town = Town::of(rows.max(10_000));
    let writers = Writer::all(bench, town, clients).await?;
    let reached = race(bench, &writers, write, town, rows).await?;
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
