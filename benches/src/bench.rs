//! A run of cases on one database.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::{
    cases::Case,
    child::Child,
    measure::{Measured, Unit},
    peers::{Peer, Peers},
    place::{Database, Place, Places, Town},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Smoke,
    Quick,
    Full,
}

/// The size of a case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) smoke: u64,
    pub(crate) quick: u64,
    pub(crate) full: u64,
}

pub(crate) struct Bench {
    pub(crate) scale: Scale,
    pub(crate) database: Database,
    pub(crate) places: Places,
    pub(crate) peers: Option<Peers>,
    results: Vec<Measured>,
}

/// The number of turns of each contender.
const REPEATS: usize = 5;

impl Bench {
    pub(crate) async fn on(database: Database, scale: Scale) -> Result<Self> {
        let places = Places::on(database).await?;
        eprintln!("{}", places.version().await?);
        Ok(Self { scale, database, places, peers: None, results: Vec::new() })
    }

    pub(crate) async fn run(&mut self, case: &'static Case) -> Result<()> {
        let started = Instant::now();
        let ended = case.run(self).await;
        self.places.clear().await?;
        ended.with_context(|| format!("{} on {}", case.name, self.database.name()))?;
        eprintln!("{} took {:.1} s", case.name, started.elapsed().as_secs_f64());
        Ok(())
    }

    /// Removes everything that was made.
    pub(crate) async fn close(self) -> Result<Vec<Measured>> {
        self.places.close().await?;
        Ok(self.results)
    }

    /// Starts the peers, each on a place of its own; none if they are not wanted.
    pub(crate) async fn start_peers(&mut self, town: Town) -> Result<Vec<(Peer, Place, Child)>> {
        let mut started = Vec::new();
        for peer in Peer::ALL {
            if let Some(peers) = &self.peers {
                let place = self.places.with(town).await?;
                let process = peers.start(peer, &place.url)?;
                started.push((peer, place, process));
            }
        }
        Ok(started)
    }

    pub(crate) fn repeats(&self) -> usize {
        if self.scale == Scale::Smoke { 1 } else { REPEATS }
    }

    pub(crate) fn pick(&self, size: Size) -> u64 {
        match self.scale {
            Scale::Smoke => size.smoke,
            Scale::Quick => size.quick,
            Scale::Full => size.full,
        }
    }

    /// Records the measurements of the contenders, of which the first is the floor.
    pub(crate) fn record(
        &mut self,
        (case, part): (&'static Case, &str),
        rows: u64,
        unit: Unit,
        reached: impl IntoIterator<Item = (&'static str, Vec<f64>)>,
    ) {
        let mut floor = None;
        for (contender, samples) in reached {
            let floor = floor.get_or_insert_with(|| samples.clone());
            self.keep(case.measured(contender, rows, unit, samples).part(part).against(floor));
        }
    }

    pub(crate) fn keep(&mut self, measured: Measured) {
        let measured = Measured { database: self.database.name(), ..measured };
        let name = measured.name();
        let contender = &measured.contender;
        let ratio =
            measured.ratio_to_floor().map(|ratio| format!(", x {ratio:.3}")).unwrap_or_default();
        eprintln!(
            "  {name:26} {contender:17} {:12.4} {}{ratio}",
            measured.median(),
            measured.unit.name()
        );
        self.results.push(measured);
    }
}
