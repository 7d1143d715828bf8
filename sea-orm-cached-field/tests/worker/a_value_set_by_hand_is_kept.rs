use sea_orm::TransactionTrait;
use sea_orm_cached_field::Error;

use crate::fragile::*;

#[apply(contract)]
async fn until_an_input_changes(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    row(&db, id).await.set_opinion("is mine".to_owned(), &db).await.unwrap();
    assert_opinion(&db, id, "is mine").await;
    assert_eq!(db.drain(fragiles()).await, 0);
    assert_eq!(row(&db, id).await.fresh_opinion(&*db).await.unwrap(), "is mine");
    assert_eq!(place.times(id), 1);
    set_mood(&*db, id, "other").await;
    db.drain(fragiles()).await;
    assert_opinion(&db, id, "feels other").await;
}

#[apply(contract)]
async fn of_a_row_that_was_stale(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [marked, queued] = rows_of(&db, ["fine", "error"]).await;
    db.drain(fragiles()).await;
    set_mood(&*db, marked, "other").await;
    for id in [marked, queued] {
        row(&db, id).await.set_opinion("is mine".to_owned(), &db).await.unwrap();
        assert_opinion(&db, id, "is mine").await;
    }
    db.let_time_pass("fragile").await;
    assert_eq!((db.drain(fragiles()).await, place.all_times()), (0, 2));
}

#[apply(contract)]
async fn whatever_is_calculated_at_the_moment(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    let once = tokio::spawn(fragiles().worker(&db).run_once());
    place.arrivals(1).await;
    row(&db, id).await.set_opinion("is mine".to_owned(), &db).await.unwrap();
    place.open(1);
    once.await.unwrap().unwrap();
    assert_opinion(&db, id, "is mine").await;
}

#[apply(contract)]
async fn also_if_somebody_holds_the_row_locked(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    let loaded = row(&db, id).await;

    let transaction = db.begin().await.unwrap();
    set_mood(&transaction, id, "other").await;
    let setting = loaded.set_opinion("is mine".to_owned(), &db);
    let committing = async {
        if !db.is_sqlite() {
            eventually("it is tried", async || queued(&db, id).await > 0).await;
        }
        transaction.commit().await.unwrap();
    };

    let (set, ()) = tokio::join!(setting, committing);
    set.unwrap();
    assert_eq!(row(&db, id).await.cached_opinion.as_deref(), Some("is mine"));
    // The change may have been committed after the value was set, before it was visible.
    let kept =
        if row(&db, id).await.opinion_recalculation_needed { "feels other" } else { "is mine" };
    db.drain(fragiles()).await;
    assert_opinion(&db, id, kept).await;
}

#[apply(contract)]
async fn unless_the_database_refuses_it(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    let refused =
        row(&db, id).await.set_opinion("refused".to_owned(), &db).await.expect_err("refused");
    assert!(matches!(refused, Error::Database(_)), "{refused}");
    db.drain(fragiles()).await;
    assert_opinion(&db, id, "feels fine").await;
}

#[apply(contract)]
async fn of_no_row_that_is_gone(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    let loaded = row(&db, id).await;
    db.sql("DELETE FROM fragile").await;
    let gone = loaded.set_opinion("is mine".to_owned(), &db).await.expect_err("gone").to_string();
    assert_eq!(gone, format!("the row {id} of `fragile` does not exist any more"));
    db.drain(fragiles()).await;
    assert_eq!(db.pending("fragile").await, 0);
}
