use sea_orm::TransactionTrait;

use crate::{fragile::*, harness::TestDb};

/// A row that is fresh.
async fn fresh(db: &TestDb) -> i32 {
    set_up_fragiles(db).await;
    let [id] = rows_of(db, ["fine"]).await;
    db.drain(fragiles()).await;
    id
}

#[apply(contract)]
async fn a_read_sees_its_own_changes_and_stores_nothing(db: TestDb) {
    let id = fresh(&db).await;
    let transaction = db.begin().await.unwrap();
    set_mood(&transaction, id, "mine").await;
    let loaded = Entity::find_by_id(id).one(&transaction).await.unwrap().unwrap();
    assert_eq!(loaded.opinion(&transaction).await.unwrap(), "feels mine");
    assert_eq!(loaded.fresh_opinion(&transaction).await.unwrap(), "feels mine");
    let stored = Entity::find_by_id(id).one(&transaction).await.unwrap().unwrap();
    assert_eq!(stored.cached_opinion.as_deref(), Some("feels fine"));
    assert!(stored.opinion_recalculation_needed);
    transaction.commit().await.unwrap();
    db.drain(fragiles()).await;
    assert_opinion(&db, id, "feels mine").await;
}

#[apply(contract)]
async fn recalculate_stores(db: TestDb) {
    let id = fresh(&db).await;
    let transaction = db.begin().await.unwrap();
    set_mood(&transaction, id, "mine").await;
    let loaded = Entity::find_by_id(id).one(&transaction).await.unwrap().unwrap();
    assert_eq!(loaded.recalculate_opinion(&transaction).await.unwrap(), "feels mine");
    let stored = Entity::find_by_id(id).one(&transaction).await.unwrap().unwrap();
    assert_eq!(
        (stored.cached_opinion.as_deref(), stored.opinion_recalculation_needed),
        (Some("feels mine"), false)
    );
    transaction.commit().await.unwrap();
    assert_eq!(row(&db, id).await.cached_opinion.as_deref(), Some("feels mine"));
    db.drain(fragiles()).await;
    assert_opinion(&db, id, "feels mine").await;
}

#[apply(contract)]
async fn what_was_stored_is_rolled_back_with_it(db: TestDb) {
    let id = fresh(&db).await;
    let transaction = db.begin().await.unwrap();
    set_mood(&transaction, id, "mine").await;
    row_in(&transaction, id).await.recalculate_opinion(&transaction).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(db.pending("fragile").await, 0);
    assert_opinion(&db, id, "feels fine").await;
}

#[apply(contract)]
async fn a_flag_is_rolled_back_with_it(db: TestDb) {
    let id = fresh(&db).await;
    for recalculate in [true, false] {
        let transaction = db.begin().await.unwrap();
        let flag = row_in(&transaction, id)
            .await
            .flag_opinion_as_stale(&transaction)
            .and_recalculate(recalculate);
        flag.await.unwrap();
        assert!(row_in(&transaction, id).await.opinion_recalculation_needed);
        transaction.rollback().await.unwrap();
        assert_opinion(&db, id, "feels fine").await;
    }
}

#[apply(contract)]
async fn a_flag_is_seen_after_the_commit(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    let transaction = db.begin().await.unwrap();
    row_in(&transaction, id).await.flag_opinion_as_stale(&transaction).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(row(&db, id).await.opinion_recalculation_needed);
    db.drain(fragiles()).await;
    assert_eq!(place.times(id), 2);
    assert_opinion(&db, id, "feels fine").await;
}

#[apply(contract)]
async fn recalculating_waits_for_nobody(db: TestDb) {
    let id = fresh(&db).await;
    if db.is_sqlite() {
        // There is one writer: a transaction that cannot write cannot begin to.
        return nobody_else_writes(&db, id).await;
    }

    let holder = db.begin().await.unwrap();
    set_mood(&holder, id, "theirs").await;
    let transaction = db.begin().await.unwrap();
    assert_eq!(
        row_in(&transaction, id).await.recalculate_opinion(&transaction).await.unwrap(),
        "feels fine"
    );

    transaction.commit().await.unwrap();
    holder.commit().await.unwrap();
    db.drain(fragiles()).await;
    assert_opinion(&db, id, "feels theirs").await;
}

#[apply(contract)]
async fn a_lazy_flag_is_left_to_the_next_reader(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    row(&db, id).await.flag_opinion_as_stale(&*db).and_recalculate(false).await.unwrap();
    db.drain(fragiles()).await;
    assert_eq!((place.times(id), row(&db, id).await.opinion_recalculation_needed), (1, true));
    assert_eq!(row(&db, id).await.opinion(&*db).await.unwrap(), "feels fine");
    assert_eq!(place.times(id), 2);
    assert_opinion(&db, id, "feels fine").await;
}

#[apply(contract)]
async fn a_lazy_flag_is_not_ended_by_a_calculation_under_way(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    let worker = tokio::spawn(fragiles().worker(&db).run_once());
    place.arrivals(1).await;
    row(&db, id).await.flag_opinion_as_stale(&*db).and_recalculate(false).await.unwrap();
    place.open(2);
    worker.await.unwrap().unwrap();
    assert!(row(&db, id).await.opinion_recalculation_needed);
    assert_eq!(row(&db, id).await.opinion(&*db).await.unwrap(), "feels gate");
    db.drain(fragiles()).await;
    assert_opinion(&db, id, "feels gate").await;
}

#[apply(contract)]
async fn what_was_marked_before_is_recalculated_all_the_same(db: TestDb) {
    let id = fresh(&db).await;
    set_mood(&*db, id, "other").await;
    row(&db, id).await.flag_opinion_as_stale(&*db).and_recalculate(false).await.unwrap();
    db.drain(fragiles()).await;
    assert_opinion(&db, id, "feels other").await;
}

#[apply(contract)]
async fn a_row_flagged_lazily_and_then_eagerly_is_recalculated(db: TestDb) {
    let id = fresh(&db).await;
    row(&db, id).await.flag_opinion_as_stale(&*db).and_recalculate(false).await.unwrap();
    row(&db, id).await.flag_opinion_as_stale(&*db).and_recalculate(true).await.unwrap();
    row(&db, id).await.flag_opinion_as_stale(&*db).and_recalculate(false).await.unwrap();
    assert_eq!(db.drain(fragiles()).await, 1);
    assert!(!row(&db, id).await.opinion_recalculation_needed);
}

#[apply(contract)]
async fn a_row_flagged_lazily_is_recalculated_once_it_changes(db: TestDb) {
    let id = fresh(&db).await;
    row(&db, id).await.flag_opinion_as_stale(&*db).and_recalculate(false).await.unwrap();
    db.drain(fragiles()).await;
    set_mood(&*db, id, "other").await;
    db.drain(fragiles()).await;
    assert_opinion(&db, id, "feels other").await;
}

async fn row_in(transaction: &sea_orm::DatabaseTransaction, id: i32) -> Model {
    Entity::find_by_id(id).one(transaction).await.expect("loaded").expect("the row")
}

/// The row is read by a transaction while another one is about to change it.
async fn nobody_else_writes(db: &TestDb, id: i32) {
    let holder = db.begin().await.unwrap();
    set_mood(&holder, id, "theirs").await;
    let transaction = db.begin().await.unwrap();
    assert_eq!(
        row_in(&transaction, id).await.fresh_opinion(&transaction).await.unwrap(),
        "feels fine"
    );
    transaction.commit().await.unwrap();
    holder.commit().await.unwrap();
    db.drain(fragiles()).await;
    assert_opinion(db, id, "feels theirs").await;
}
