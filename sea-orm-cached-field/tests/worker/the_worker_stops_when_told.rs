use std::{future::ready, time::Duration};

use crate::{fragile::*, harness::TestDb};

const NEVER: Duration = Duration::from_secs(3600);

async fn attempts(db: &TestDb) -> i64 {
    db.scalar(if db.is_mysql() {
        "SELECT CAST(sum(attempts) AS SIGNED) FROM _fragile_cached_recalculations"
    } else {
        "SELECT sum(attempts) FROM _fragile_cached_recalculations"
    })
    .await
}

#[apply(contract)]
async fn it_finishes_what_ends_in_time(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    let worker = start(fragiles().worker(&db).shutdown_timeout(NEVER));
    place.arrivals(1).await;
    let stopped = tokio::spawn(worker.stop());
    place.open(1);
    stopped.await.unwrap();
    assert_opinion(&db, id, "feels gate").await;
}

#[apply(contract)]
async fn it_claims_nothing_afterwards(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    many_rows(&db, 12, "gate").await;
    let worker = start(fragiles().worker(&db).batch_size(2).concurrency(2).shutdown_timeout(NEVER));
    place.arrivals(2).await;
    let stopped = tokio::spawn(worker.stop());
    place.open(12);
    stopped.await.unwrap();
    // At most two batches were under way, and a third was being claimed.
    assert!(place.all_times() <= 6, "{}", place.all_times());
    assert_eq!(leased(&db).await, 0);
    assert_eq!(place.all_times() as i64 + db.pending("fragile").await, 12);
}

#[apply(contract)]
async fn it_hands_back_what_does_not_end_in_time(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    many_rows(&db, 4, "gate").await;
    let mut narration = db.narration();
    let worker =
        start(fragiles().worker(&db).batch_size(2).shutdown_timeout(Duration::from_millis(100)));
    place.arrivals(4).await;
    worker.stop().await;
    assert_eq!((leased(&db).await, attempts(&db).await, db.pending("fragile").await), (0, 0, 4));
    let handed_back =
        narration.said().iter().filter(|said| said.starts_with("handed back")).count();
    assert_eq!(handed_back, 4);
    place.open(4);
    assert_eq!(db.drain(fragiles()).await, 4);
}

#[apply(contract)]
async fn it_stops_at_once_when_it_sleeps(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    let mut narration = db.narration();
    let worker = start(fragiles().worker(&db).shutdown_timeout(NEVER));
    narration.wait_for(completes(id)).await;
    worker.stop().await;
    set_mood(&*db, id, "other").await;
    assert_eq!(row(&db, id).await.cached_opinion.as_deref(), Some("feels fine"));
}

#[apply(contract)]
async fn it_does_not_begin_if_told_before(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    rows_of(&db, ["fine"]).await;
    for _ in 0..20 {
        let stopped = fragiles().worker(&db).shutdown_timeout(NEVER).run_until(ready(()));
        tokio::time::timeout(Duration::from_secs(20), stopped)
            .await
            .expect("it should end")
            .unwrap();
    }
    assert!(place.all_times() <= 1);
    assert_eq!(leased(&db).await, 0);
}

#[apply(contract)]
async fn it_stops_while_the_database_cannot_be_reached(db: TestDb) {
    set_up_fragiles(&db).await;
    let pool = db.another_pool().await;
    pool.clone().close().await.unwrap();
    let worker = start(fragiles().worker(&pool).shutdown_timeout(NEVER));
    worker.stop().await;
}
