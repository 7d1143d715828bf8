//! `read_fresh`: rows are loaded, and the attribute of each is read. Then the cost of reading it by
//! itself.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::Result;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, Schema};

use super::{CACHED, Case, FLOOR};
use crate::{
    bench::{Bench, Scale},
    measure::{Unit, alternate},
    place::{Place, Town},
    schema::{Way, number, plain, row_wise::lamppost},
};

/// The number of repetitions: loading takes milliseconds, so it is repeated more often than other
/// cases.
const TIMES: usize = 8;

#[derive(Clone, Copy, PartialEq)]
enum Column {
    Plain,
    Cached,
}

pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let rows = bench.pick(case.rows);
    let place = bench.places.with(Town::of(rows)).await?;
    // On SQLite the accessor asks the database.
    Way::RowWise.models().install(&place.db).await?;
    Way::RowWise.models().worker(&place.db).drain().await?;

    place
        .db
        .execute(
            &Schema::new(place.db.get_database_backend()).create_table_from_entity(plain::Entity),
        )
        .await?;
    place
        .sql(
            "INSERT INTO plain_lamppost
             SELECT id, first_name, country, cached_slow_full_name
               FROM lamppost",
        )
        .await?;
    place.tidy().await?;

    let client = place.client().await?;
    let mut columns = [Column::Plain, Column::Cached];
    let samples = alternate(&mut columns, bench.repeats() * TIMES, async |column| {
        let started = Instant::now();
        match column {
            Column::Plain => load_plain(&client).await?,
            Column::Cached => load_cached(&client).await?,
        }
        Ok(started.elapsed().as_secs_f64() * 1000.0)
    });

    let reached = [FLOOR, CACHED].into_iter().zip(samples.await?);
    bench.record((case, ""), rows, Unit::Milliseconds, reached);
    accessors(bench, case, &place).await
}

async fn load_plain(client: &DatabaseConnection) -> Result<()> {
    for row in plain::Entity::find().all(client).await? {
        black_box(&row.slow_full_name);
    }
    Ok(())
}

async fn load_cached(client: &DatabaseConnection) -> Result<()> {
    for row in lamppost::Entity::find().all(client).await? {
        black_box(row.slow_full_name(client).await?);
    }
    Ok(())
}

/// Measures the accessors, which return the value itself: the floor is a copy of it.
async fn accessors(bench: &mut Bench, case: &'static Case, place: &Place) -> Result<()> {
    let rows = lamppost::Entity::find().all(&place.db).await?;
    let number = |id| number::Model {
        id,
        cached_square: Some(i64::from(id)),
        square_recalculation_needed: false,
    };
    let numbers: Vec<_> = (0..i32::try_from(rows.len())?).map(number).collect();
    let is_asked = place.db.get_database_backend() == DbBackend::Sqlite;
    let rounds = if bench.scale == Scale::Smoke || is_asked { 1 } else { 100 };

    let mut columns = [Column::Plain, Column::Cached];
    let strings = alternate(&mut columns, bench.repeats(), async |column| {
        let started = Instant::now();
        for row in rows.iter().cycle().take(rows.len() * rounds) {
            match column {
                Column::Plain => drop(black_box(row.cached_slow_full_name.clone())),
                Column::Cached => drop(black_box(row.slow_full_name(&place.db).await?)),
            }
        }
        Ok(nanoseconds_each(started.elapsed(), rows.len() * rounds))
    });
    let strings = strings.await?;

    let integers = alternate(&mut columns, bench.repeats(), async |column| {
        let started = Instant::now();
        for row in numbers.iter().cycle().take(numbers.len() * rounds) {
            match column {
                Column::Plain => drop(black_box(row.cached_square)),
                Column::Cached => drop(black_box(row.square(&place.db).await?)),
            }
        }
        Ok(nanoseconds_each(started.elapsed(), numbers.len() * rounds))
    });
    let integers = integers.await?;

    let count = rows.len() as u64;
    bench.record(
        (case, "accessor String"),
        count,
        Unit::Nanoseconds,
        [FLOOR, CACHED].into_iter().zip(strings),
    );
    bench.record(
        (case, "accessor i64"),
        count,
        Unit::Nanoseconds,
        [FLOOR, CACHED].into_iter().zip(integers),
    );
    Ok(())
}

fn nanoseconds_each(took: Duration, times: usize) -> f64 {
    took.as_secs_f64() * 1e9 / times as f64
}
