use crate::{fragile::*, harness::TestDb};

async fn replace(db: &TestDb, id: i32, mood: &str) {
    db.sql(&format!("DELETE FROM fragile WHERE id = {id}")).await;
    let row = ActiveModel {
        id: Set(id),
        place: Set(db.url.clone()),
        mood: Set(mood.to_owned()),
        ..Default::default()
    };
    row.insert(&**db).await.expect("a row");
}

#[apply(contract)]
async fn between_mark_and_claim(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [gone, stays] = rows_of(&db, ["gone", "fine"]).await;
    let mut narration = db.narration();
    db.sql(&format!("DELETE FROM fragile WHERE id = {gone}")).await;
    db.drain(fragiles()).await;
    assert_eq!((db.pending("fragile").await, place.times(gone)), (0, 0));
    assert_opinion(&db, stays, "feels fine").await;
    assert!(narration.said().contains(&format!("gone fragile {gone}")));
}

#[apply(contract)]
async fn between_load_and_complete(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [gone, stays] = rows_of(&db, ["gate", "fine"]).await;
    let worker = tokio::spawn(fragiles().worker(&db).drain());
    place.arrivals(1).await;
    db.sql(&format!("DELETE FROM fragile WHERE id = {gone}")).await;
    place.open(1);
    worker.await.unwrap().expect("no error");
    assert_opinion(&db, stays, "feels fine").await;
    assert_eq!(db.pending("fragile").await, 0);
}

#[apply(contract)]
async fn when_the_key_is_used_again_before_the_claim(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["old"]).await;
    replace(&db, id, "new").await;
    db.drain(fragiles()).await;
    assert_opinion(&db, id, "feels new").await;
}

#[apply(contract)]
async fn when_the_key_is_used_again_before_the_completion(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    let worker = tokio::spawn(fragiles().worker(&db).drain());
    place.arrivals(1).await;
    replace(&db, id, "new").await;
    place.open(1);
    worker.await.unwrap().expect("no error");
    db.drain(fragiles()).await;
    assert_opinion(&db, id, "feels new").await;
}

#[apply(contract)]
async fn when_the_key_is_used_again_by_a_failing_row(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["error"]).await;
    db.drain(fragiles()).await;
    replace(&db, id, "new").await;
    db.drain(fragiles()).await;
    assert_opinion(&db, id, "feels new").await;
    assert_eq!(place.times(id), 2);
}
