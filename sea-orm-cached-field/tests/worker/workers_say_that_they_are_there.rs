//! Workers that run to stay have a record in the database.

use sea_orm_cached_field::{CachedFields, WorkerState, WorkerStatus};

use crate::{
    fragile::*,
    harness::{TestDb, connect},
    league::{club, set_up_clubs},
};

const WORKERS: &str = "_fragile_cached_workers";

async fn workers(db: &TestDb, models: CachedFields) -> Vec<WorkerStatus> {
    let pool = connect(&db.url).await;
    let workers = models.workers(&pool).await.expect("workers");
    pool.close().await.expect("closed");
    workers
}

async fn count(db: &TestDb) -> usize {
    workers(db, fragiles()).await.len()
}

async fn only(db: &TestDb) -> WorkerStatus {
    let mut workers = workers(db, fragiles()).await;
    assert_eq!(workers.len(), 1, "{workers:?}");
    workers.remove(0)
}

/// The state of a worker that has nothing to do.
fn idle(db: &TestDb) -> WorkerState {
    if db.is_sqlite() { WorkerState::Idle } else { WorkerState::Alive }
}

#[apply(contract)]
async fn until_they_stop(db: TestDb) {
    set_up_fragiles(&db).await;
    assert_eq!(workers(&db, fragiles()).await, []);
    let worker = start(fragiles().worker(&db).concurrency(3));
    eventually("the worker is there", async || count(&db).await == 1).await;

    let seen = only(&db).await;
    assert_eq!(seen.state, idle(&db), "{seen}");
    assert_eq!(seen.process, std::process::id());
    assert_eq!(
        (seen.fields.as_slice(), seen.concurrency),
        (&["fragile.opinion".to_owned()][..], 3)
    );
    assert!(seen.program.starts_with("worker"), "{}", seen.program);
    assert!(!seen.host.is_empty());
    assert_eq!(seen.version, env!("CARGO_PKG_VERSION"));
    assert!(seen.seen.as_secs() < 60 && seen.started.as_secs() < 60, "{seen}");

    worker.stop().await;
    assert_eq!(workers(&db, fragiles()).await, []);
}

/// It writes nothing when it ends.
#[apply(contract)]
async fn or_are_gone_a_minute_later(db: TestDb) {
    set_up_fragiles(&db).await;
    let worker = start_elsewhere(&db, |worker| worker);
    eventually("the worker is there", async || count(&db).await == 1).await;
    worker.kill();

    assert_eq!(only(&db).await.state, idle(&db));
    db.shift(WORKERS, "seen_at", -70).await;
    let seen = only(&db).await;
    let gone = if db.is_sqlite() { WorkerState::Idle } else { WorkerState::Gone };
    assert_eq!(seen.state, gone, "{seen}");
    assert!((70..600).contains(&seen.seen.as_secs()), "{seen}");
    db.shift(WORKERS, "seen_at", -7_200).await;
    assert_eq!(only(&db).await.state, WorkerState::Gone, "an idle one reports once an hour");
    db.shift(WORKERS, "seen_at", 7_200).await;

    // While it has claims, it writes on SQLite, too.
    db.sql(&format!("UPDATE {WORKERS} SET claims = 2")).await;
    let seen = only(&db).await;
    assert_eq!((seen.state, seen.claims), (WorkerState::Gone, 2), "{seen}");
    let shown = seen.to_string();
    assert!(shown.starts_with("gone: worker-") && shown.contains(", 2 claims, seen "), "{shown}");
}

/// The record of such a worker is dropped by another.
#[apply(contract)]
async fn and_are_known_for_a_day(db: TestDb) {
    set_up_fragiles(&db).await;
    let killed = start_elsewhere(&db, |worker| worker);
    eventually("the worker is there", async || count(&db).await == 1).await;
    killed.kill();

    db.shift(WORKERS, "seen_at", -80_000).await;
    let another = start(fragiles().worker(&db));
    eventually("both are known", async || count(&db).await == 2).await;
    another.stop().await;
    assert!(only(&db).await.seen.as_secs() >= 80_000);

    db.shift(WORKERS, "seen_at", -6_500).await;
    // A process drops what is old once an hour.
    let pool = connect(&db.url).await;
    let another = start(fragiles().worker(&pool));
    let only_the_new_one = async || {
        let workers = workers(&db, fragiles()).await;
        workers.len() == 1 && workers[0].seen.as_secs() < 600
    };
    eventually("only the new one is known", only_the_new_one).await;
    another.stop().await;
}

#[apply(contract)]
async fn with_all_models_that_they_serve(db: TestDb) {
    set_up_fragiles(&db).await;
    set_up_clubs(&db).await;
    let both = || fragiles().and::<club::Entity>();
    let worker = start(both().worker(&db));
    let serves_all = async || {
        let workers = workers(&db, both()).await;
        let mut fields = workers.iter().flat_map(|worker| &worker.fields).collect::<Vec<_>>();
        fields.sort();
        workers.len() == 1 && fields == ["club.rank", "club.seat", "club.title", "fragile.opinion"]
    };
    eventually("it is one worker", serves_all).await;
    worker.stop().await;
    assert_eq!(workers(&db, both()).await, []);
}

/// What drains or runs once is not there to stay.
#[apply(contract)]
async fn but_not_those_that_only_drain(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    assert_eq!(workers(&db, fragiles()).await, []);
}
