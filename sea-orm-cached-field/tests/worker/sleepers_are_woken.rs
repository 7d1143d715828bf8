use std::time::Duration;

use sea_orm::{Database, DbBackend, TransactionTrait};
use sea_orm_cached_field::Worker;
use sqlx::postgres::PgListener;

use crate::{fragile::*, harness::TestDb};

/// A worker that has nothing to do, and one fresh row.
async fn idle(db: &TestDb) -> (Started, i32) {
    set_up_fragiles(db).await;
    let [id] = rows_of(db, ["fine"]).await;
    let mut narration = db.narration();
    let worker = start(worker(db));
    narration.wait_for(completes(id)).await;
    if db.get_database_backend() == DbBackend::Postgres && !db.is_pooled().await {
        eventually("the worker sleeps", async || asleep(db).await).await;
    }
    (worker, id)
}

fn worker(db: &TestDb) -> Worker {
    fragiles().worker(db)
}

/// A worker that listens, also where the tests reach the server through a pooler.
async fn listening(db: &TestDb) -> Worker {
    if db.is_pooled().await { worker(db).listen_on(&db.direct_url().await) } else { worker(db) }
}

/// Whether a session of this database holds the lock of a sleeper.
async fn asleep(db: &TestDb) -> bool {
    let held = "SELECT count(*)
                  FROM pg_locks l
                  JOIN pg_database d ON d.oid = l.database
                 WHERE l.locktype = 'advisory'
                   AND l.mode = 'ExclusiveLock'
                   AND d.datname = current_database()";
    db.scalar::<i64>(held).await > 0
}

/// Returns the number of notifications for the changes meanwhile, and for a last one of the test's
/// own.
async fn notifications(listener: &mut PgListener, db: &TestDb) -> usize {
    db.sql("SELECT pg_notify('cached_fields', 'last')").await;
    let mut heard = 0;
    while listener.recv().await.expect("a notification").payload() != "last" {
        heard += 1;
    }
    heard
}

async fn listener(db: &TestDb) -> PgListener {
    let mut listener = PgListener::connect(&db.direct_url().await).await.expect("connected");
    listener.listen("cached_fields").await.expect("listening");
    listener
}

#[apply(contract)]
async fn by_a_change_of_their_pool(db: TestDb) {
    let (worker, id) = idle(&db).await;
    let mut narration = db.narration();
    set_mood(&*db, id, "other").await;
    narration.wait_for(completes(id)).await;
    worker.stop().await;
}

#[apply(contract)]
async fn by_a_change_of_another_pool(db: TestDb) {
    let (worker, id) = idle(&db).await;
    let other = db.another_pool().await;
    let mut narration = db.narration();
    set_mood(&other, id, "other").await;
    narration.wait_for(completes(id)).await;
    row(&other, id).await.flag_opinion_as_stale(&other).await.unwrap();
    narration.wait_for(completes(id)).await;
    worker.stop().await;
}

/// Forty changes, one after the other, each seen to be done: polling alone would take minutes.
#[apply(contract)]
async fn each_time(db: TestDb) {
    let (worker, id) = idle(&db).await;
    let mut narration = db.narration();
    let all = async {
        for n in 0..40 {
            set_mood(&*db, id, &format!("other {n}")).await;
            narration.wait_for(completes(id)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(40), all)
        .await
        .expect("something should wake the worker each time");
    worker.stop().await;
}

#[apply(contract)]
async fn by_a_transaction_that_was_open_when_they_fell_asleep(db: TestDb) {
    set_up_fragiles(&db).await;
    let [first, second] = rows_of(&db, ["fine", "fine"]).await;
    db.drain(fragiles()).await;
    let other = db.another_pool().await;
    let mut narration = db.narration();

    let writer = other.begin().await.unwrap();
    set_mood(&writer, first, "late").await;
    let worker = start(worker(&db));
    if !db.is_sqlite() {
        set_mood(&*db, second, "early").await;
        narration.wait_for(completes(second)).await;
    }

    writer.commit().await.unwrap();
    narration.wait_for(completes(first)).await;
    worker.stop().await;
}

#[apply(contract)]
async fn by_an_expiry_that_another_pool_sets(db: TestDb) {
    let (worker, id) = idle(&db).await;
    let other = db.another_pool().await;
    let mut narration = db.narration();
    let moment = chrono::Utc::now() + chrono::TimeDelta::milliseconds(300);
    row(&other, id).await.expire_opinion_after(moment, &other).await.unwrap();
    narration.wait_for(completes(id)).await;
    worker.stop().await;
}

#[apply(on_postgres)]
async fn only_a_sleeper_is_notified(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    let mut listener = listener(&db).await;
    set_mood(&*db, id, "nobody there").await;
    assert_eq!(notifications(&mut listener, &db).await, 0, "there is no worker");

    let worker = start(listening(&db).await);
    // A worker may be awake for a moment between two sleeps; then it needs no notification.
    let mut changes = 0;
    loop {
        eventually("the worker sleeps", async || asleep(&db).await).await;
        changes += 1;
        set_mood(&*db, id, &format!("change {changes}")).await;
        if notifications(&mut listener, &db).await > 0 {
            break;
        }
        assert!(changes < 50, "nobody notified the sleeping worker");
    }

    eventually("the worker sleeps", async || asleep(&db).await).await;
    worker.stop().await;
    eventually("it gives up its lock", async || !asleep(&db).await).await;
    notifications(&mut listener, &db).await;
    set_mood(&*db, id, "nobody there").await;
    assert_eq!(notifications(&mut listener, &db).await, 0, "the worker has stopped");
}

#[apply(on_postgres)]
async fn nobody_is_notified_while_the_worker_is_awake(db: TestDb) {
    set_up_fragiles(&db).await;
    let worker = start(listening(&db).await);
    eventually("the worker sleeps", async || asleep(&db).await).await;
    many_rows(&db, 2000, "fine").await;
    eventually("it is awake", async || !asleep(&db).await).await;
    eventually("all are done", async || db.pending("fragile").await == 0).await;
    worker.stop().await;
}

/// The connection that listens is none of the user's.
#[apply(on_postgres)]
async fn in_a_pool_of_one_connection_too(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;

    let mut options = sea_orm::ConnectOptions::new(&db.url);
    options.max_connections(1).sqlx_logging(false);
    let small = Database::connect(options).await.unwrap();
    let mut worker = fragiles().worker(&small);
    if db.is_pooled().await {
        worker = worker.listen_on(&db.direct_url().await);
    }
    let worker = start(worker);

    eventually("the worker sleeps", async || asleep(&db).await && queued(&db, id).await == 0).await;
    set_mood(&*db, id, "other").await;
    eventually("it is done", async || {
        row(&db, id).await.cached_opinion.as_deref() == Some("feels other")
    })
    .await;
    worker.stop().await;
}

/// Through a pooler that gives each transaction to another session, the lock and the notifications
/// would fall to another client.
#[apply(on_postgres)]
async fn a_session_that_is_not_the_workers_own_gets_no_lock(db: TestDb) {
    let (worker, id) = idle(&db).await;
    let mut narration = db.narration();
    let mut slept = asleep(&db).await;
    for n in 0..3 {
        set_mood(&*db, id, &format!("other {n}")).await;
        narration.wait_for(completes(id)).await;
        slept |= asleep(&db).await;
    }
    if db.is_pooled().await {
        assert!(!slept);
    } else {
        eventually("the worker sleeps", async || asleep(&db).await).await;
    }
    worker.stop().await;
}

#[apply(on_postgres)]
async fn on_a_server_that_is_named(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    let worker = start(worker(&db).listen_on(&db.direct_url().await));
    eventually("the worker sleeps", async || asleep(&db).await && queued(&db, id).await == 0).await;
    let mut narration = db.narration();
    set_mood(&db.another_pool().await, id, "other").await;
    narration.wait_for(completes(id)).await;
    worker.stop().await;

    let wrong = fragiles().worker(&db).listen_on("not a URL with a secret").drain().await;
    let wrong = wrong.expect_err("it is no URL").to_string();
    assert!(wrong.contains("cannot listen on the URL of `Worker::listen_on`"), "{wrong}");
    assert!(!wrong.contains("secret"), "{wrong}");
}
