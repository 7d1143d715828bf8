use crate::fragile::*;

/// A transaction that changes many rows, again and again, does not keep another row waiting.
#[apply(contract)]
async fn whoever_has_changed_the_rows(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    many_rows(&db, 50, "fine").await;
    let [other] = rows_of(&db, ["patient"]).await;
    many_rows(&db, 50, "fine").await;

    let mut batches = 0;
    while place.times(other) == 0 {
        db.sql(
            "UPDATE fragile
                SET mood = CASE mood WHEN 'fine' THEN 'odd' ELSE 'fine' END
              WHERE mood <> 'patient'",
        )
        .await;
        assert_eq!(fragiles().worker(&db).batch_size(10).run_once().await.expect("a batch"), 10);
        batches += 1;
    }

    assert_eq!(batches, 6);
    assert_opinion(&db, other, "feels patient").await;
}

/// What a worker has in memory are the rows that it holds.
#[apply(contract)]
async fn and_no_more_of_it_is_held_than_two_batches(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    many_rows(&db, 60, "gate").await;
    let worker = start(fragiles().worker(&db).batch_size(5).concurrency(2));
    for _ in 0..30 {
        place.arrivals(2).await;
        let held = leased(&db).await;
        assert!(held <= 10, "{held} rows");
        place.open(2);
    }
    eventually("all are done", async || db.pending("fragile").await == 0).await;
    worker.stop().await;
    assert_eq!(place.all_times(), 60);
}
