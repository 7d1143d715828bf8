//! Those who write pigeons, with and without triggers.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use anyhow::Result;
use futures_util::future::try_join_all;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use super::{AT_COMMIT, CACHED, COLLECTOR, FLOOR};
use crate::{
    bench::Bench,
    place::{Database, Place, Town},
    schema::Way,
};

/// In how many slices the contenders take turns.
const SLICES: u64 = 10;

pub(crate) struct Writer {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    way: Option<Way>,
    clients: Vec<DatabaseConnection>,
}

/// The statement of this client for this number.
pub(crate) type Write = fn(&Place, Town, client: u64, number: u64) -> Statement;

impl Writer {
    /// The floor first.
    pub(crate) async fn all(bench: &mut Bench, town: Town, clients: usize) -> Result<Vec<Self>> {
        let ways: &[_] = match bench.database {
            Database::Postgres => &[(FLOOR, None), (COLLECTOR, Some(Way::Collector)), (AT_COMMIT, Some(Way::RowWise))],
            // Its triggers always set the flag in the statement.
            Database::Sqlite => &[(FLOOR, None), (CACHED, Some(Way::RowWise))],
        };
        let mut writers = Vec::new();
        for (name, way) in ways {
            let place = bench.places.with(town).await?;
            if let Some(way) = way {
                way.models().install(&place.db).await?;
            }
            let mut connected = Vec::new();
            for _ in 0..clients {
                connected.push(place.client().await?);
            }
            writers.push(Self { name, place, way: *way, clients: connected });
        }
        Ok(writers)
    }

    /// Nothing is marked or flagged any more.
    pub(crate) async fn start_afresh(&self) -> Result<()> {
        match self.way {
            Some(way) => self.place.forget_marks(way.models(), way.models()).await,
            None => self.place.tidy().await,
        }
    }

    /// All clients side by side, each with its share of the numbers.
    pub(crate) async fn write(&self, write: Write, town: Town, numbers: Range<u64>) -> Result<Duration> {
        let step = self.clients.len();
        let started = Instant::now();
        let writing = self.clients.iter().enumerate().map(|(number, client)| {
            let (client, first) = (client.clone(), numbers.start + number as u64);
            let statements = (first..numbers.end).step_by(step);
            let statements: Vec<_> = statements.map(|n| write(&self.place, town, number as u64, n)).collect();
            tokio::spawn(async move {
                for statement in statements {
                    client.execute_raw(statement).await?;
                }
                anyhow::Ok(())
            })
        });
        for written in try_join_all(writing).await? {
            written?;
        }
        Ok(started.elapsed())
    }
}

/// How long each writer takes for so many statements, in seconds. They take turns in short slices.
pub(crate) async fn race(
    bench: &Bench,
    writers: &[Writer],
    write: Write,
    town: Town,
    rows: u64,
) -> Result<Vec<(&'static str, Vec<f64>)>> {
    let mut samples = vec![Vec::new(); writers.len()];
    for _ in 0..bench.repeats() {
        for writer in writers {
            writer.start_afresh().await?;
            // What a session does once: statements are prepared, functions compiled.
            writer.write(write, town, 0..writer.clients.len() as u64).await?;
        }
        let mut took = vec![Duration::ZERO; writers.len()];
        for slice in 0..SLICES {
            let numbers = slice * rows / SLICES..(slice + 1) * rows / SLICES;
            for turn in 0..writers.len() {
                let place = (slice as usize + turn) % writers.len();
                took[place] += writers[place].write(write, town, numbers.clone()).await?;
            }
        }
        took.iter().zip(&mut samples).for_each(|(took, samples)| samples.push(took.as_secs_f64()));
    }
    Ok(writers.iter().map(|writer| writer.name).zip(samples).collect())
}
