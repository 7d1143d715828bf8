//! `write_hot`: all clients change a pigeon of the same lamppost.

use anyhow::Result;
use sea_orm::Statement;

use super::{
    Case,
    writer::{Writer, race},
};
use crate::{
    bench::{Bench, Scale},
    measure::Unit,
    place::{Place, Town},
};

const CLIENTS: usize = 8;

pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let rows = bench.pick(case.rows);
    let town = Town::of(if bench.scale == Scale::Smoke { 100 } else { 10_000 });
    let mut writers = Writer::all(bench, town, CLIENTS).await?;
    let reached = race(bench, &mut writers, change_own_pigeon, town, rows).await?;
    bench.record((case, ""), rows, Unit::Seconds, reached);
    let mut waits = Vec::new();
    for writer in &mut writers {
        waits.push((writer.name, vec![watch(writer, town, rows).await? as f64]));
    }
    bench.record((case, "waits"), rows, Unit::Waits, waits);
    Ok(())
}

/// Returns a change of the client's own pigeon, so that no client waits for another without
/// triggers.
fn change_own_pigeon(place: &Place, town: Town, client: u64, _: u64) -> Statement {
    let pigeon = i32::try_from(1 + client * town.lampposts).expect("not so many pigeons");
    place.statement("UPDATE pigeon SET weight = weight + 1 WHERE id = $1", [pigeon.into()])
}

/// Returns how often a client was seen waiting for another one's transaction. Tables that grow are
/// waited for with and without triggers.
async fn watch(writer: &mut Writer, town: Town, rows: u64) -> Result<i64> {
    let waiting = if writer.place.is_mysql() {
        "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
    } else {
        "SELECT count(*)
           FROM pg_stat_activity
          WHERE datname = current_database()
            AND wait_event_type = 'Lock'
            AND wait_event <> 'extend'"
    };

    let mut waits = 0;
    let observer = Place::open(writer.place.url.clone()).await?;
    let writing = writer.write(change_own_pigeon, town, 0..rows);
    let mut writing = std::pin::pin!(writing);

    loop {
        tokio::select! {
            ended = &mut writing => return ended.map(|_| waits),
            seen = observer.scalar::<i64>(waiting) => waits += seen?,
        }
    }
}
