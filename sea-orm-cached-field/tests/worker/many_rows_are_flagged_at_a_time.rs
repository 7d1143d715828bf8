use sea_orm::{ColumnTrait, Condition, TransactionTrait};

use crate::{
    fragile::*,
    harness::{TestDb, client::sqlite3_at},
};

/// How many rows are flagged.
async fn flagged(db: &TestDb) -> i64 {
    db.scalar("SELECT count(*) FROM fragile WHERE opinion_recalculation_needed").await
}

/// A transaction that has read, and then writes, would fail where another one has written in
/// between.
#[apply(on_sqlite)]
async fn beside_another_writer(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine", "fine"]).await;
    db.drain(fragiles()).await;
    let mut pool = db.another_pool().await;
    let url = db.url.clone();
    pool.set_metric_callback(move |statement| {
        if statement.statement.sql.starts_with("SELECT") {
            sqlite3_at(&url, "PRAGMA busy_timeout = 0; UPDATE fragile SET place = 'there'").err();
        }
    });
    assert_eq!(Opinion::flag(Condition::all(), &pool).and_recalculate(true).await.unwrap(), 2);
    assert_eq!(flagged(&db).await, 2);
}

#[apply(contract)]
async fn those_that_meet_a_condition(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [a, b, other] = rows_of(&db, ["fine", "fine", "tired"]).await;
    db.drain(fragiles()).await;
    let mut narration = db.narration();
    assert_eq!(Opinion::flag(Column::Mood.eq("fine"), &*db).await.unwrap(), 2);
    assert_eq!(narration.said(), ["flagged fragile.opinion of 2 rows"]);
    assert_eq!((flagged(&db).await, db.drain(fragiles()).await), (2, 2));
    assert_eq!([a, b, other].map(|id| place.times(id)), [2, 2, 1]);
    assert_eq!((flagged(&db).await, db.pending("fragile").await), (0, 0));
    assert_eq!(Opinion::flag(Condition::all(), &*db).await.unwrap(), 3);
}

#[apply(contract)]
async fn for_their_readers_alone(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [a, b] = rows_of(&db, ["fine", "fine"]).await;
    db.drain(fragiles()).await;
    assert_eq!(Opinion::flag(Condition::all(), &*db).and_recalculate(false).await.unwrap(), 2);
    assert_eq!((db.drain(fragiles()).await, flagged(&db).await), (0, 2));
    assert_eq!(row(&db, a).await.opinion(&*db).await.unwrap(), "feels fine");
    assert_eq!([a, b].map(|id| place.times(id)), [2, 1]);
    assert_eq!(flagged(&db).await, 1);
}

#[apply(contract)]
async fn in_a_transaction(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine", "fine"]).await;
    db.drain(fragiles()).await;
    for recalculate in [true, false] {
        let transaction = db.begin().await.unwrap();
        Opinion::flag(Condition::all(), &transaction).and_recalculate(recalculate).await.unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!((flagged(&db).await, db.pending("fragile").await), (0, 0));
    }
    let transaction = db.begin().await.unwrap();
    Opinion::flag(Condition::all(), &transaction).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(db.drain(fragiles()).await, 2);
}

#[apply(contract)]
async fn also_while_they_are_calculated(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [a, b] = rows_of(&db, ["gate", "gate"]).await;
    for recalculate in [true, false] {
        db.sql("UPDATE fragile SET opinion_recalculation_needed = true").await;
        let mut narration = db.narration();
        let once = tokio::spawn(fragiles().worker(&db).run_once());
        place.arrivals(2).await;
        Opinion::flag(Condition::all(), &*db).and_recalculate(recalculate).await.unwrap();
        place.open(2);
        once.await.unwrap().unwrap();

        let said = narration.said();
        for id in [a, b] {
            assert!(
                said.contains(&format!("published fragile.opinion {id}, marked again")),
                "{said:?}"
            );
        }

        assert_eq!(flagged(&db).await, 2);
        place.open(2);
        db.drain(fragiles()).await;
        assert_eq!((flagged(&db).await, db.pending("fragile").await), (0, 0));
        place.arrivals(2).await;
    }
}
