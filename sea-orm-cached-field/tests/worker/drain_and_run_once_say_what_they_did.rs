use std::time::Duration;

use crate::fragile::*;

#[apply(contract)]
async fn run_once_works_on_one_batch(db: TestDb) {
    set_up_fragiles(&db).await;
    many_rows(&db, 5, "fine").await;
    let once = || fragiles().worker(&db).batch_size(2).run_once();
    let worked = [
        once().await.unwrap(),
        once().await.unwrap(),
        once().await.unwrap(),
        once().await.unwrap(),
    ];
    assert_eq!(worked, [2, 2, 1, 0]);
    assert_eq!(db.pending("fragile").await, 0);
}

#[apply(contract)]
async fn drain_ends_although_rows_fail(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let ids = rows_of(&db, ["error", "fine", "panic", "fine", "refused"]).await;
    assert_eq!(fragiles().worker(&db).batch_size(2).drain().await.unwrap(), 5);
    assert_eq!(ids.map(|id| place.times(id)), [1; 5]);
    assert_eq!((db.pending("fragile").await, leased(&db).await), (3, 0));
}

/// What has failed is due again while other rows are calculated, and is left to a later worker.
#[apply(contract)]
async fn drain_ends_although_rows_are_due_again_and_again(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let ids = rows_of(&db, ["error", "panic", "error"]).await;
    let soon = Duration::from_millis(1);
    fragiles().worker(&db).backoff(soon, soon).drain().await.unwrap();
    assert_eq!(ids.map(|id| place.times(id)), [1; 3]);
    set_mood(&*db, ids[0], "panic").await;
    db.let_time_pass("fragile").await;
    fragiles().worker(&db).backoff(soon, soon).drain().await.unwrap();
    assert_eq!(ids.map(|id| place.times(id)), [2; 3]);
    assert_eq!((db.pending("fragile").await, leased(&db).await), (3, 0));
}

#[apply(contract)]
async fn no_more_than_a_batch_is_claimed_at_a_time(db: TestDb) {
    set_up_fragiles(&db).await;
    many_rows(&db, 10, "fine").await;
    let mut narration = db.narration();
    fragiles().worker(&db).batch_size(3).drain().await.unwrap();
    let collected: Vec<String> =
        narration.said().into_iter().filter(|said| said.starts_with("collected")).collect();
    let three = "collected 3 marks of 3 rows of fragile";
    let one = "collected 1 mark of 1 row of fragile";
    assert_eq!(collected, [one, three, three, three]);
}

#[apply(contract)]
async fn no_more_calculations_run_at_a_time_than_allowed(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    many_rows(&db, 12, "gate").await;
    let worker = start(fragiles().worker(&db).batch_size(4).concurrency(3));
    place.arrivals(3).await;
    place.open(12);
    eventually("all are done", async || db.pending("fragile").await == 0).await;
    worker.stop().await;
    assert_eq!(place.most_at_a_time(), 3);
}

/// The second batch is claimed while the first uses up what is allowed; once that is done it gets
/// its share.
#[apply(contract)]
async fn the_next_batch_gets_all_that_the_one_before_leaves(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    many_rows(&db, 4, "gate").await;
    let worker = start(fragiles().worker(&db).batch_size(4).concurrency(4));
    place.arrivals(4).await;
    many_rows(&db, 4, "gate").await;
    place.open(1);
    place.arrivals(1).await;
    place.open(3);
    place.arrivals(3).await;
    place.open(4);
    eventually("all are done", async || db.pending("fragile").await == 0).await;
    worker.stop().await;
}

/// Of two backlogs, neither waits for the other to end.
#[apply(contract)]
async fn what_is_due_does_not_wait_for_all_that_is_marked(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [failed] = rows_of(&db, ["error"]).await;
    fragiles().worker(&db).drain().await.unwrap();
    db.let_time_pass("fragile").await;
    many_rows(&db, 8, "gate").await;
    let worker = start(fragiles().worker(&db).batch_size(2).concurrency(4));
    place.arrivals(2).await;
    eventually("the row that was due is tried again", async || place.times(failed) == 2).await;
    place.open(8);
    eventually("all are done", async || db.pending("fragile").await == 1).await;
    worker.stop().await;
}

/// Calculations under way must not keep the connections that storing waits for.
#[apply(contract)]
async fn a_pool_of_one_connection_is_enough(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    many_rows(&db, 60, "fine").await;
    let mut options = sea_orm::ConnectOptions::new(&db.url);
    options.max_connections(1).sqlx_logging(false);
    let small = sea_orm::Database::connect(options).await.unwrap();
    let worker = start(fragiles().worker(&small).batch_size(25));
    eventually("all are done", async || db.pending("fragile").await == 0).await;
    worker.stop().await;
    assert_eq!(place.all_times(), 60);
}
