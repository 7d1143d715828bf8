//! Writers of pigeons, with and without triggers.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use anyhow::Result;
use futures_util::future::try_join_all;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use super::{AT_COMMIT, CACHED, COLLECTOR, FLOOR, PG_IVM};
use crate::{
    bench::Bench,
    child::Child,
    place::{Database, Place, Town},
    schema::Way,
};

/// The number of slices in which the contenders take turns.
const SLICES: u64 = 10;

pub(crate) struct Writer {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    way: Option<Way>,
    hand: Hand,
}

enum Hand {
    Clients(Vec<DatabaseConnection>),
    Peer(Child),
}

/// A function that returns the statement of this client for this number.
pub(crate) type Write = fn(&Place, Town, client: u64, number: u64) -> Statement;

impl Writer {
    /// Returns all contenders, the floor first.
    pub(crate) async fn all(bench: &mut Bench, town: Town, clients: usize) -> Result<Vec<Self>> {
        let ways: &[_] = match bench.database {
            Database::Postgres => {
                &[(FLOOR, None), (COLLECTOR, Some(Way::Collector)), (AT_COMMIT, Some(Way::RowWise))]
            }
            // SQLite's triggers always set the flag in the statement.
            Database::Sqlite => &[(FLOOR, None), (CACHED, Some(Way::RowWise))],
            // The worker sets the flags of the owners.
            Database::Mariadb | Database::Mysql => &[(FLOOR, None), (CACHED, Some(Way::RowWise))],
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
            writers.push(Self { name, place, way: *way, hand: Hand::Clients(connected) });
        }

        writers.extend(Self::pg_ivm(bench, town, clients).await?);
        Ok(writers)
    }

    /// Returns a contender with a materialized view of the weights, which PostgreSQL's extension
    /// `pg_ivm` keeps in the transaction of the change. There is none if the server does not have
    /// it.
    async fn pg_ivm(bench: &mut Bench, town: Town, clients: usize) -> Result<Option<Self>> {
        const IS_THERE: &str =
            "SELECT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'pg_ivm')";
        const VIEW: &str = "SELECT pgivm.create_immv('weights',
            'SELECT lamppost_id, sum(weight) AS weight FROM pigeon GROUP BY lamppost_id')";
        if bench.database != Database::Postgres {
            return Ok(None);
        }
        let place = bench.places.with(town).await?;
        if !place.scalar::<bool>(IS_THERE).await? {
            return Ok(None);
        }
        place.sql("CREATE EXTENSION pg_ivm").await?;
        place.sql(VIEW).await?;

        let mut connected = Vec::new();
        for _ in 0..clients {
            connected.push(place.client().await?);
        }
        Ok(Some(Self { name: PG_IVM, place, way: None, hand: Hand::Clients(connected) }))
    }

    /// Returns the peers, with the pigeons loaded that they will write.
    pub(crate) async fn peers(bench: &mut Bench, town: Town, rows: u64) -> Result<Vec<Self>> {
        let mut writers = Vec::new();
        for (peer, place, mut process) in bench.start_peers(town).await? {
            process.ask(&format!("load 1 {rows}"))?;
            writers.push(Self { name: peer.name(), place, way: None, hand: Hand::Peer(process) });
        }
        Ok(writers)
    }

    /// Removes all marks and flags.
    pub(crate) async fn start_afresh(&self) -> Result<()> {
        match self.way {
            Some(way) => self.place.forget_marks(way.models(), way.models()).await,
            None => self.place.tidy().await,
        }
    }

    /// Runs all clients side by side, each with its share of the numbers.
    pub(crate) async fn write(
        &mut self,
        write: Write,
        town: Town,
        numbers: Range<u64>,
    ) -> Result<Duration> {
        let clients = match &mut self.hand {
            Hand::Clients(clients) => clients,
            Hand::Peer(process) => {
                let seconds =
                    process.ask(&format!("save {} {}", numbers.start + 1, numbers.end))?;
                return Ok(Duration::from_secs_f64(seconds));
            }
        };

        let step = clients.len();
        let started = Instant::now();
        let writing = clients.iter().enumerate().map(|(number, client)| {
            let client = client.clone();
            let first = numbers.start + number as u64;
            let statements = (first..numbers.end).step_by(step);
            let statements: Vec<_> =
                statements.map(|n| write(&self.place, town, number as u64, n)).collect();
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

    /// Does the work that a session does once: statements are prepared, functions compiled.
    async fn warm_up(&mut self, write: Write, town: Town) -> Result<()> {
        let once_each =
            if let Hand::Clients(clients) = &self.hand { clients.len() as u64 } else { 1 };
        self.write(write, town, 0..once_each).await.map(drop)
    }
}

/// Returns the time that each writer takes for so many statements, in seconds. The writers take
/// turns in short slices.
pub(crate) async fn race(
    bench: &Bench,
    writers: &mut [Writer],
    write: Write,
    town: Town,
    rows: u64,
) -> Result<Vec<(&'static str, Vec<f64>)>> {
    let mut samples = vec![Vec::new(); writers.len()];
    for _ in 0..bench.repeats() {
        for writer in &mut *writers {
            writer.start_afresh().await?;
            writer.warm_up(write, town).await?;
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
