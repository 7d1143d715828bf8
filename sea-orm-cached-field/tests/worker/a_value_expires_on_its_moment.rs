use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sea_orm::TransactionTrait;

use crate::{fragile::*, harness::TestDb};

/// A row that is fresh.
async fn fresh(db: &TestDb) -> Model {
    set_up_fragiles(db).await;
    let [id] = rows_of(db, ["fine"]).await;
    db.drain(fragiles()).await;
    row(db, id).await
}

fn ahead() -> DateTime<Utc> {
    Utc::now() + TimeDelta::hours(1)
}

fn past() -> DateTime<Utc> {
    Utc::now() - TimeDelta::hours(1)
}

#[apply(contract)]
async fn the_worker_sleeps_until_then(db: TestDb) {
    let row = fresh(&db).await;
    let mut narration = db.narration();
    let worker = start(fragiles().worker(&db));
    let moment = Utc::now() + TimeDelta::milliseconds(1200);
    row.expire_opinion_after(moment, &*db).await.unwrap();
    narration.wait_for(completes(row.id)).await;
    assert!(Utc::now() >= moment);
    worker.stop().await;
    assert_opinion(&db, row.id, "feels fine").await;
    assert_eq!(crate::fragile::row(&db, row.id).await.opinion_expires_after, None);
}

#[apply(contract)]
async fn one_ahead_keeps_the_value(db: TestDb) {
    let row = fresh(&db).await;
    row.expire_opinion_after(ahead(), &*db).await.unwrap();
    assert_eq!(db.drain(fragiles()).await, 0);
    let loaded = crate::fragile::row(&db, row.id).await;
    assert!(loaded.opinion_expires_after.is_some());
    loaded.fresh_opinion(&*db).await.unwrap();
    loaded.recalculate_opinion(&*db).await.unwrap();
    set_mood(&*db, row.id, "other").await;
    db.drain(fragiles()).await;
    assert_eq!(
        crate::fragile::row(&db, row.id).await.opinion_expires_after,
        loaded.opinion_expires_after
    );
    assert_opinion(&db, row.id, "feels other").await;
}

#[apply(contract)]
async fn one_passed_is_stale_at_once(db: TestDb) {
    let row = fresh(&db).await;
    let mut narration = db.narration();
    row.expire_opinion_after(past(), &*db).await.unwrap();
    db.drain(fragiles()).await;
    let said = narration.said();
    assert!(said.contains(&"expired fragile.opinion of 1 row".to_owned()), "{said:?}");
    assert!(said.contains(&format!("completed fragile.opinion {}, unchanged", row.id)), "{said:?}");
    assert_eq!(crate::fragile::row(&db, row.id).await.opinion_expires_after, None);
}

#[apply(contract)]
async fn readers_see_that_it_has_passed(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    let loaded_before = row(&db, id).await;
    loaded_before.expire_opinion_after(past(), &*db).await.unwrap();
    let expired = row(&db, id).await;
    assert_eq!(expired.opinion(&*db).await.unwrap(), "feels fine");
    assert_eq!(place.times(id), 2);
    loaded_before.expire_opinion_after(past(), &*db).await.unwrap();
    loaded_before.fresh_opinion(&*db).await.unwrap();
    assert_eq!(place.times(id), 3);
    assert_opinion(&db, id, "feels fine").await;
    assert_eq!(row(&db, id).await.opinion_expires_after, None);
}

#[apply(contract)]
async fn none_takes_it_back(db: TestDb) {
    let row = fresh(&db).await;
    row.expire_opinion_after(past(), &*db).await.unwrap();
    row.expire_opinion_after(None, &*db).await.unwrap();
    assert_eq!(db.drain(fragiles()).await, 0);
    assert_eq!(crate::fragile::row(&db, row.id).await.opinion_expires_after, None);
}

#[apply(contract)]
async fn a_date_is_its_first_moment(db: TestDb) {
    let row = fresh(&db).await;
    row.expire_opinion_after(NaiveDate::from_ymd_opt(2999, 12, 31).unwrap(), &*db).await.unwrap();
    let expected =
        NaiveDate::from_ymd_opt(2999, 12, 31).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
    assert_eq!(crate::fragile::row(&db, row.id).await.opinion_expires_after, Some(expected));
    assert_eq!(db.drain(fragiles()).await, 0);
    row.expire_opinion_after(NaiveDate::from_ymd_opt(2000, 1, 1).unwrap(), &*db).await.unwrap();
    assert_eq!(db.drain(fragiles()).await, 1);
}

#[apply(contract)]
async fn a_moment_written_by_other_clients_counts_too(db: TestDb) {
    let row = fresh(&db).await;
    let others = if db.is_mysql() {
        ["2020-01-01T00:00:00", "2020-01-01 00:00:00.5"]
    } else {
        ["2020-01-01T00:00:00Z", "2020-01-01 02:00:00.5+02:00"]
    };
    for moment in ["2020-01-01 00:00:00", "2020-01-01 00:00"].into_iter().chain(others) {
        db.sql(&format!("UPDATE fragile SET opinion_expires_after = '{moment}'")).await;
        assert_eq!(db.drain(fragiles()).await, 1, "{moment}");
        assert_eq!(crate::fragile::row(&db, row.id).await.opinion_expires_after, None, "{moment}");
    }
    db.sql("UPDATE fragile SET opinion_expires_after = '2999-01-01 00:00:00'").await;
    assert_eq!(db.drain(fragiles()).await, 0);
}

#[apply(contract)]
async fn one_that_is_rolled_back_leaves_nothing(db: TestDb) {
    let row = fresh(&db).await;
    let transaction = db.begin().await.unwrap();
    row.expire_opinion_after(past(), &transaction).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(db.drain(fragiles()).await, 0);
    assert_eq!(crate::fragile::row(&db, row.id).await.opinion_expires_after, None);
}
