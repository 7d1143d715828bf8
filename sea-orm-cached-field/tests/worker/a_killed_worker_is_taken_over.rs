use crate::fragile::*;

#[apply(contract)]
async fn after_its_lease_has_ended(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    let worker = start_elsewhere(&db, |worker| worker);
    place.arrivals(1).await;
    worker.kill();
    assert_eq!(leased(&db).await, 1);
    assert_eq!(db.drain(fragiles()).await, 0, "it is still leased");
    db.let_time_pass("fragile").await;
    place.open(1);
    db.drain(fragiles()).await;
    assert_opinion(&db, id, "feels gate").await;
    assert_eq!(place.times(id), 2);
}

#[apply(contract)]
async fn and_its_late_completion_changes_nothing(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    let late = tokio::spawn(fragiles().worker(&db).run_once());
    place.arrivals(1).await;
    set_mood(&*db, id, "newer").await;
    db.let_time_pass("fragile").await;
    db.drain(fragiles()).await;
    let mut narration = db.narration();
    place.open(1);
    late.await.unwrap().unwrap();
    assert!(narration.said().contains(&format!("superseded fragile.opinion {id}")));
    assert_opinion(&db, id, "feels newer").await;
}

#[apply(contract)]
async fn that_was_killed_by_its_row_again_and_again_gives_it_up(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    for _ in 0..2 {
        let worker = start_elsewhere(&db, |worker| worker.max_attempts(2));
        place.arrivals(1).await;
        worker.kill();
        db.let_time_pass("fragile").await;
    }

    assert_eq!(fragiles().worker(&db).max_attempts(2).drain().await.unwrap(), 1);
    assert_eq!((place.times(id), queued(&db, id).await), (2, 1));
    let error: String = db.scalar("SELECT last_error FROM _fragile_cached_recalculations").await;
    assert!(error.starts_with("2 workers ended while they calculated it"), "{error}");
}
