//! The stress test: clients write at random, with open transactions, rollbacks, every isolation level and stale saves of
//! whole rows, while workers in processes of their own are killed at random. An observer looks at consistent snapshots
//! all the time (invariant I4), and at the end every stored value must be right.
//!
//! `cargo test --all-features --test stress` runs it for some seconds on each database;
//! `CACHED_FIELD_STRESS_SECONDS=60` for longer, `CACHED_FIELD_STRESS_ONLY=mysql` on one of them alone, `CACHED_FIELD_STRESS_SEED` repeats the choices of a run.

#[path = "../harness/mod.rs"]
#[macro_use]
mod harness;

mod client;
mod observer;
mod workers;

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use harness::{TestDb, lampposts::*};
use observer::Observer;

/// How many lampposts there are: few, so that everybody meets at them.
const LAMPPOSTS: i32 = 40;
const CLIENTS: u64 = 6;
const WORKERS: usize = 3;

/// How long the workers may take to catch up in the end.
const CATCHING_UP: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    if let Ok(url) = std::env::var(workers::WORKER_OF) {
        workers::work(&url);
        return ExitCode::SUCCESS;
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seconds = Duration::from_secs(number("CACHED_FIELD_STRESS_SECONDS").unwrap_or(8));
    let seed = number("CACHED_FIELD_STRESS_SEED").unwrap_or_else(|| fastrand::u64(..));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut failed = 0;
    let only = std::env::var("CACHED_FIELD_STRESS_ONLY").ok();
    let databases =
        ["sqlite", "postgres", "mysql"].into_iter().filter(|name| only.as_deref().is_none_or(|only| only == *name));
    let databases: Vec<&str> = databases.collect();
    for name in &databases {
        println!("stress on {name} for {} s, seed {seed}", seconds.as_secs());
        let ended = runtime.block_on(async {
            let db = match *name {
                "sqlite" => TestDb::sqlite().await,
                "postgres" => TestDb::postgres().await,
                _ => TestDb::mysql().await,
            };
            run(db, seconds, seed).await
        });
        match ended {
            Ok(report) => println!("  {report}"),
            Err(violation) => {
                failed += 1;
                println!("  FAILED: {violation}");
            }
        }
    }
    println!("{} passed, {failed} failed", databases.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(db: TestDb, seconds: Duration, seed: u64) -> Result<String, String> {
    set_up_lampposts(&db).await;
    client::populate(&db).await;
    let db = Arc::new(db);
    let (writing, watching) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true)));
    let clients: Vec<_> =
        (0..CLIENTS).map(|n| tokio::spawn(client::write(Arc::clone(&db), seed ^ n, Arc::clone(&writing)))).collect();
    let observer = tokio::spawn(Observer::new(Arc::clone(&db)).watch(Arc::clone(&watching)));
    let mut workers = workers::Workers::start(&db.url, WORKERS, seed);
    let kills = workers.kill_at_random(seconds).await;
    writing.store(false, Ordering::Relaxed);
    let mut tally = client::Tally::default();
    for client in clients {
        tally.add(client.await.map_err(|error| error.to_string())?);
    }
    let caught_up = wait_until_fresh(&db, &mut workers).await;
    watching.store(false, Ordering::Relaxed);
    let snapshots = observer.await.map_err(|error| error.to_string())??;
    let took = caught_up?;
    drop(workers);
    Observer::new(Arc::clone(&db)).check_at_rest().await?;
    if tally.committed == 0 || kills == 0 || snapshots == 0 {
        return Err(format!("nothing was stressed: {tally}, {kills} workers killed, {snapshots} snapshots"));
    }
    Ok(format!("{tally}, {kills} workers killed, {snapshots} snapshots, 0 violations, caught up in {took:.1?}"))
}

async fn wait_until_fresh(db: &TestDb, workers: &mut workers::Workers) -> Result<Duration, String> {
    let begun = Instant::now();
    while db.pending("lamppost").await > 0 {
        if begun.elapsed() > CATCHING_UP {
            return Err(format!(
                "{} marks and queue rows are left after {CATCHING_UP:?}",
                db.pending("lamppost").await
            ));
        }
        workers.replace_the_dead();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(begun.elapsed())
}
