use std::{sync::atomic::Ordering, time::Duration};

use sea_orm::DbBackend;
use sea_orm_cached_field::{CachedFields, Finding, Worker};

use crate::{fragile::*, harness::TestDb};

/// A row that has failed is due again in an hour.
fn patient(db: &TestDb) -> Worker {
    let hour = Duration::from_secs(3600);
    fragiles().worker(db).backoff(hour, hour)
}

async fn diagnosis(db: &TestDb) -> String {
    fragiles().doctor(&**db).await.expect("examined").to_string()
}

async fn repaired(db: &TestDb) -> String {
    format!("{:#}", fragiles().repair(&**db).await.expect("repaired"))
}

/// Moves columns of moments two minutes back.
async fn age(db: &TestDb, table: &str, columns: &[&str]) {
    let earlier = |column: &&str| match db.get_database_backend() {
        DbBackend::Sqlite => format!("{column} = {column} - 120000"),
        DbBackend::MySql => format!("{column} = {column} - INTERVAL 120 SECOND"),
        _ => format!("{column} = {column} - interval '120 seconds'"),
    };
    let set: Vec<String> = columns.iter().map(earlier).collect();
    db.sql(&format!("UPDATE {table} SET {}", set.join(", "))).await;
}

/// The one finding is that something waits.
async fn waits(db: &TestDb, wanted_claimed: bool) {
    let found: Vec<Finding> =
        fragiles().doctor(&**db).await.expect("examined").iter().cloned().collect();
    let [Finding::Waiting { table, seconds, claimed }] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((table.as_str(), *claimed), ("fragile", wanted_claimed));
    assert!((120..600).contains(seconds), "{seconds} s");
}

#[apply(contract)]
async fn a_failure_that_is_tried_again_later(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [bad, _] = rows_of(&db, ["error until repaired", "fine"]).await;
    patient(&db).drain().await.unwrap();
    let seen = diagnosis(&db).await;
    let expected = "fragile: opinion of 1 row fails and is tried again later (broken); fix the cause, then run `CachedFields::all().repair(&db)`, which tries again at once\n";
    assert_eq!(seen, expected);
    place.repaired.store(true, Ordering::SeqCst);
    assert_eq!(repaired(&db).await, "fragile: retried 1 row that had failed\n");
    assert_eq!(repaired(&db).await, "nothing to do\n");
    db.drain(fragiles()).await;
    assert_opinion(&db, bad, "feels error until repaired").await;
    assert_eq!(diagnosis(&db).await, "nothing is wrong\n");
}

#[apply(contract)]
async fn a_failure_of_which_only_readers_know(db: TestDb) {
    set_up_fragiles(&db).await;
    let [bad] = rows_of(&db, ["error"]).await;
    row(&db, bad).await.opinion(&*db).await.unwrap_err();
    assert!(
        diagnosis(&db).await.starts_with("fragile: opinion of 1 row fails"),
        "{}",
        diagnosis(&db).await
    );
}

#[apply(contract)]
async fn a_mark_that_no_worker_takes(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine"]).await;
    assert_eq!(diagnosis(&db).await, "nothing is wrong\n", "a worker may be about to take it");
    age(&db, "_fragile_cached_marks", &["marked_at"]).await;
    waits(&db, false).await;
    assert!(
        diagnosis(&db).await.contains("no worker runs for this table"),
        "{}",
        diagnosis(&db).await
    );
    db.drain(fragiles()).await;
    assert_eq!(diagnosis(&db).await, "nothing is wrong\n");
}

#[apply(contract)]
async fn a_due_row_that_no_worker_takes(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine"]).await;
    db.sql("DELETE FROM _fragile_cached_marks").await;
    let queue = "INSERT INTO _fragile_cached_recalculations (key_1, field, generation)";
    db.sql(&format!("{queue} SELECT id, 'opinion', 1 FROM fragile")).await;
    age(&db, "_fragile_cached_recalculations", &["due_at", "queued_at"]).await;
    waits(&db, false).await;
}

#[apply(contract)]
async fn a_chunk_of_flagged_rows_that_no_worker_takes(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine"]).await;
    db.sql("DELETE FROM _fragile_cached_marks").await;
    assert_eq!(repaired(&db).await, "fragile: queued 1 row for opinion\n");
    age(&db, "_fragile_cached_marks", &["marked_at"]).await;
    waits(&db, false).await;
    db.drain(fragiles()).await;
    assert_eq!(diagnosis(&db).await, "nothing is wrong\n");
}

#[apply(contract)]
async fn an_expiry_that_no_worker_sees(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    let past = chrono::Utc::now() - chrono::TimeDelta::seconds(130);
    row(&db, id).await.expire_opinion_after(past, &*db).await.unwrap();
    waits(&db, false).await;
    db.drain(fragiles()).await;
    assert_eq!(diagnosis(&db).await, "nothing is wrong\n");
}

#[apply(contract)]
async fn workers_that_are_behind(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    rows_of(&db, ["gate"]).await;
    let worker = start(fragiles().worker(&db).batch_size(1).concurrency(1));
    place.arrivals(1).await;
    // Two batches are under way; the others wait.
    many_rows(&db, 5, "gate").await;
    eventually("another is claimed", async || leased(&db).await == 2).await;
    age(&db, "_fragile_cached_marks", &["marked_at"]).await;
    waits(&db, true).await;
    place.open(6);
    eventually("all are done", async || db.pending("fragile").await == 0).await;
    worker.stop().await;
}

/// What readers do is not waited for.
#[apply(contract)]
async fn but_not_what_is_left_to_readers(db: TestDb) {
    set_up_fragiles(&db).await;
    CachedFields::set_eager_recalculation(false, &db).unwrap();
    rows_of(&db, ["fine"]).await;
    age(&db, "_fragile_cached_marks", &["marked_at"]).await;
    assert_eq!(diagnosis(&db).await, "nothing is wrong\n");
}

#[apply(contract)]
async fn marks_for_a_field_that_this_program_does_not_know(db: TestDb) {
    set_up_fragiles(&db).await;
    db.sql("INSERT INTO _fragile_cached_marks (key_1, field) VALUES (7, 'height')").await;
    let expected = "fragile: 1 row waits for height, which this program does not declare; a newer version of it will take them\n";
    assert_eq!(diagnosis(&db).await, expected);
}
