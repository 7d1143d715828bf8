use std::time::Duration;

use sea_orm::DbBackend;

use crate::{fragile::*, harness::TestDb};

async fn leased_until(db: &TestDb) -> i64 {
    let moment = match db.get_database_backend() {
        DbBackend::Sqlite => "leased_until",
        DbBackend::MySql => "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', leased_until) DIV 1000",
        _ => "CAST(extract(epoch FROM leased_until) * 1000 AS bigint)",
    };
    db.scalar(&format!("SELECT {moment} FROM _fragile_cached_recalculations")).await
}

async fn is_renewed(db: &TestDb) {
    let lease = leased_until(db).await;
    eventually("the lease is renewed twice", async || leased_until(db).await > lease + 1000).await;
}

#[apply(contract)]
async fn of_a_running_worker(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    let worker = start(fragiles().worker(&db).lease(Duration::from_secs(3)));
    place.arrivals(1).await;
    is_renewed(&db).await;
    assert_eq!(db.drain(fragiles()).await, 0, "nobody else may take it");
    place.open(1);
    eventually("it is completed", async || queued(&db, id).await == 0).await;
    worker.stop().await;
    assert_opinion(&db, id, "feels gate").await;
    assert_eq!(place.times(id), 1);
}

#[apply(contract)]
async fn of_drain(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    let draining = tokio::spawn(fragiles().worker(&db).lease(Duration::from_secs(3)).drain());
    place.arrivals(1).await;
    is_renewed(&db).await;
    place.open(1);
    assert_eq!(draining.await.unwrap().unwrap(), 1);
    assert_eq!(place.times(id), 1);
}

#[apply(contract)]
async fn of_a_reader(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    let row = row(&db, id).await;
    let pool = db.another_pool().await;
    let reading = tokio::spawn(async move { row.opinion(&pool).await });
    place.arrivals(1).await;
    is_renewed(&db).await;
    assert_eq!(db.drain(fragiles()).await, 0, "nobody else may take it");
    place.open(1);
    assert_eq!(reading.await.unwrap().unwrap(), "feels gate");
    assert_eq!((place.times(id), queued(&db, id).await), (1, 0));
}

#[apply(contract)]
async fn of_a_reader_of_many_rows(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    let mut rows = vec![row(&db, id).await];
    let pool = db.another_pool().await;
    let reading = tokio::spawn(async move { Opinion::load(&mut rows, &pool).await });
    place.arrivals(1).await;
    is_renewed(&db).await;
    place.open(1);
    reading.await.unwrap().expect("made fresh");
    assert_eq!((place.times(id), queued(&db, id).await), (1, 0));
}
