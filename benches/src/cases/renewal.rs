//! `renewal`: the cost of another version of the calculation of a large table's field.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{CACHED, Case, FLOOR, work::work_off};
use crate::{
    bench::{Bench, Scale},
    child::Child,
    measure::Unit,
    place::{Place, Town},
    schema::Way,
};

/// A turn at the largest scale takes minutes, and turns hardly differ.
pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let rows = bench.pick(case.rows);
    let patience = Duration::from_secs(if bench.scale == Scale::Full { 60 } else { 2 });

    let by_hand = bench.places.new_with(Town::without_pigeons(rows)).await?;
    by_hand.sql(END_ALL_FLAGS).await?;
    by_hand.tidy().await?;
    let started = Instant::now();
    by_hand.sql(FLAG_ALL).await?;
    let floor = started.elapsed().as_secs_f64();

    let place = bench.places.new_with(Town::without_pigeons(rows)).await?;
    Way::OwnColumns.models().install(&place.db).await?;
    // If anything else ended flags, triggers would set them again.
    let worker = Way::OwnColumns.models().worker(&place.db).batch_size(1000);
    work_off(&place, worker).await?;
    place.sql("UPDATE _lamppost_cached_versions SET version = 99").await?;
    place.tidy().await?;
    let flagged: i64 = place.scalar(FLAGGED).await?;
    anyhow::ensure!(
        flagged == 0,
        "{flagged} rows are flagged before the calculation has another version"
    );
    let mut installer = Child::installer(&place.url, Way::OwnColumns)?;
    let took = installer.ask("install")?;
    let memory = installer.peak_memory()?;
    installer.stop()?;
    let flagged: i64 = place.scalar(FLAGGED).await?;
    anyhow::ensure!(u64::try_from(flagged)? == rows, "{flagged} of {rows} rows are flagged");
    let waiting = waiting(&place).await?;
    let size = size(&place).await?;
    let most = most_waiting(&place, patience).await?.max(waiting);

    bench.record(
        (case, "install"),
        rows,
        Unit::Seconds,
        [(FLOOR, vec![floor]), (CACHED, vec![took])],
    );
    bench.record((case, "memory"), rows, Unit::Bytes, [(CACHED, vec![memory])]);
    bench.record((case, "tables"), rows, Unit::Bytes, [(CACHED, vec![size])]);
    bench.record((case, "waiting"), rows, Unit::Rows, [(CACHED, vec![most])]);
    Ok(())
}

/// Returns the number of marks and rows of the queue.
async fn waiting(place: &Place) -> Result<f64> {
    let marks: i64 = place.scalar("SELECT count(*) FROM _lamppost_cached_marks").await?;
    let queued: i64 = place.scalar("SELECT count(*) FROM _lamppost_cached_recalculations").await?;
    Ok((marks + queued) as f64)
}

/// Returns the largest of these numbers while a worker works off everything, or for this long.
async fn most_waiting(place: &Place, patience: Duration) -> Result<f64> {
    let worker = Child::worker(&place.url, Way::OwnColumns, 1000, 8)?;
    let started = Instant::now();
    let mut most = 0.0_f64;
    while started.elapsed() < patience && place.scalar::<bool>(ANY_STALE).await? {
        most = most.max(waiting(place).await?);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    worker.stop()?;
    Ok(most)
}

/// Returns the size of the library's tables, with their indexes.
async fn size(place: &Place) -> Result<f64> {
    let size = if place.is_sqlite() {
        "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '\\_lamppost\\_cached\\_%' ESCAPE '\\'"
    } else if place.is_mysql() {
        "SELECT CAST(sum(file_size) AS SIGNED)
           FROM information_schema.innodb_tablespaces
          WHERE name LIKE concat(database(), '/%lamppost@5fcached%')
             OR name LIKE concat(database(), '/%lamppost_cached%')"
    } else {
        "SELECT CAST(sum(pg_total_relation_size(oid)) AS bigint)
           FROM pg_class
          WHERE relkind = 'r'
            AND relname LIKE '\\_lamppost\\_cached\\_%'"
    };

    match place.scalar::<Option<i64>>(size).await {
        Ok(size) => Ok(size.unwrap_or_default() as f64),
        // MariaDB's view has another name.
        Err(_) => Ok(place
            .scalar::<Option<i64>>(&size.replace("innodb_tablespaces", "innodb_sys_tablespaces"))
            .await?
            .unwrap_or_default() as f64),
    }
}

const END_ALL_FLAGS: &str = "UPDATE lamppost SET slow_full_name_recalculation_needed = FALSE";
const FLAG_ALL: &str = "UPDATE lamppost SET slow_full_name_recalculation_needed = TRUE";
const FLAGGED: &str = "SELECT count(*) FROM lamppost WHERE slow_full_name_recalculation_needed";
const ANY_STALE: &str =
    "SELECT EXISTS (SELECT 1 FROM lamppost WHERE slow_full_name_recalculation_needed)";
