//! A pause is stored in the database: workers leave the field alone until it is resumed. Nothing is
//! lost, and readers go on.

use sea_orm_cached_field::{CachedFields, Error, FieldState, FieldStatus, Key, Pause};

use crate::{
    fragile::{
        self, assert_opinion, eventually, fragiles, rows_of, set_up_fragiles, start,
        start_elsewhere,
    },
    harness::{TestDb, connect},
    league::{club, clubs, clubs_at, row, set_up_clubs},
};

const REASON: &str = "the deploy of 2.1";

fn models() -> CachedFields {
    clubs().and::<fragile::Entity>()
}

async fn pause(db: &TestDb, field: &str) {
    models().pause(field, "ann", REASON, db).await.expect("paused");
}

async fn resume(db: &TestDb, field: &str) {
    assert!(models().resume(field, db).await.expect("resumed"), "it was paused");
}

async fn status(db: &TestDb, models: CachedFields, field: &str) -> FieldStatus {
    let pool = connect(&db.url).await;
    let status = models.status(&pool).await.expect("a status");
    pool.close().await.expect("closed");
    status.fields.into_iter().find(|status| status.field == field).expect("the field")
}

/// The rank, the seat and the title of a club.
async fn values(db: &TestDb, id: i32) -> (Option<i32>, Option<i32>, Option<String>) {
    let club::Model { cached_rank, cached_seat, cached_title, .. } = row(&**db, id).await;
    (cached_rank, cached_seat, cached_title)
}

async fn is_fresh(db: &TestDb, id: i32) -> bool {
    !fragile::row(db, id).await.opinion_recalculation_needed
}

#[apply(contract)]
async fn until_it_is_resumed(db: TestDb) {
    set_up_clubs(&db).await;
    pause(&db, "club.rank").await;
    clubs_at(&db, [1, 2, 3]).await;
    db.drain(clubs()).await;
    assert_eq!(values(&db, 2).await, (None, Some(2), None), "only the rank is paused");
    assert!(row(&*db, 2).await.rank_recalculation_needed, "nothing is lost");

    db.sql("UPDATE club SET place = 7 WHERE id = 2").await;
    db.drain(clubs()).await;
    assert_eq!(values(&db, 2).await, (None, Some(7), None));

    resume(&db, "club.rank").await;
    db.drain(clubs()).await;
    assert_eq!(values(&db, 2).await, (Some(7), Some(7), Some("No. 7".to_owned())));
    assert_eq!(db.pending("club").await, 0);
    assert!(!clubs().resume("club.rank", &db).await.expect("nothing to resume"));
}

#[apply(contract)]
async fn by_workers_that_run(db: TestDb) {
    set_up_fragiles(&db).await;
    set_up_clubs(&db).await;
    let worker = start(models().worker(&db));
    let [first] = rows_of(&db, ["fine"]).await;
    eventually("the first is calculated", async || is_fresh(&db, first).await).await;

    pause(&db, "fragile.opinion").await;
    let [second] = rows_of(&db, ["well"]).await;
    clubs_at(&db, [1, 2, 3]).await;
    let has_title = async || values(&db, 3).await.2.is_some();
    eventually("the other model is served", has_title).await;
    assert!(!is_fresh(&db, second).await);

    resume(&db, "fragile.opinion").await;
    eventually("it is calculated", async || is_fresh(&db, second).await).await;
    worker.stop().await;
}

/// A worker of another process learns of both from the database.
#[apply(contract)]
async fn by_workers_of_other_processes(db: TestDb) {
    set_up_fragiles(&db).await;
    pause_opinion(&db, "ann", REASON).await;
    let [paused] = rows_of(&db, ["gate"]).await;
    let worker = start_elsewhere(&db, |worker| worker);
    let is_there = async || {
        let pool = connect(&db.url).await;
        let workers = fragiles().workers(&pool).await.expect("workers");
        pool.close().await.expect("closed");
        !workers.is_empty()
    };
    eventually("the worker is there", is_there).await;
    assert_eq!(fragile::Place::of(&db).times(paused), 0);

    fragiles().resume("fragile.opinion", &db).await.expect("resumed");
    let place = fragile::Place::of(&db);
    place.arrivals(1).await;
    place.open(1);
    eventually("it is calculated", async || is_fresh(&db, paused).await).await;
    worker.kill();
}

async fn pause_opinion(db: &TestDb, by: &str, reason: &str) {
    fragiles().pause("fragile.opinion", by, reason, db).await.expect("paused");
}

#[apply(contract)]
async fn but_not_by_readers(db: TestDb) {
    set_up_fragiles(&db).await;
    pause_opinion(&db, "ann", REASON).await;
    let [one, two] = rows_of(&db, ["fine", "well"]).await;
    assert_eq!(fragile::row(&db, one).await.fresh_opinion(&*db).await.unwrap(), "feels fine");
    assert_opinion(&db, one, "feels fine").await;
    db.drain(fragiles()).await;
    assert!(!is_fresh(&db, two).await);
}

/// Their marks stand before those of the others.
#[apply(contract)]
async fn so_that_other_fields_do_not_wait_for_it(db: TestDb) {
    set_up_clubs(&db).await;
    clubs_at(&db, [1, 2, 3]).await;
    db.drain(clubs()).await;
    pause(&db, "club.rank").await;
    let bonuses = "(1, 1, 5), (2, 2, 5)";
    db.sql(&format!("INSERT INTO bonus (id, club_id, points) VALUES {bonuses}")).await;
    row(&*db, 3).await.flag_seat_as_stale(&*db).await.expect("flagged");

    let worker = clubs().worker(&db).batch_size(1);
    assert_eq!(worker.run_once().await.expect("run"), 1);
    assert!(!row(&*db, 3).await.seat_recalculation_needed);
}

/// What people set is not worth an outage.
#[apply(contract)]
async fn and_nothing_is_paused_if_the_table_is_lost(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.sql("DROP TABLE _fragile_cached_settings").await;
    db.drain(fragiles()).await;
    assert_opinion(&db, id, "feels fine").await;
}

#[apply(contract)]
async fn over_installations_and_restarts(db: TestDb) {
    set_up_clubs(&db).await;
    pause(&db, "club.rank").await;
    CachedFields::suspend("bonus", &*db).await.expect("suspended");
    clubs().install(&*db).await.expect("installed");
    clubs_at(&db, [1, 2, 3]).await;
    let pool = connect(&db.url).await;
    clubs().worker(&pool).drain().await.expect("drained");
    pool.close().await.expect("closed");
    assert_eq!(values(&db, 1).await, (None, Some(1), None));
    assert_eq!(status(&db, clubs(), "rank").await.state, FieldState::Paused);
}

/// Otherwise the whole table would be moved to the queue.
#[apply(contract)]
async fn also_of_rows_that_an_installation_has_flagged(db: TestDb) {
    set_up_clubs(&db).await;
    clubs_at(&db, [1, 2, 3]).await;
    db.sql("DELETE FROM _club_cached_marks").await;
    pause(&db, "club.rank").await;
    clubs().repair(&*db).await.expect("repaired");

    db.drain(clubs()).await;
    assert_eq!(values(&db, 2).await, (None, Some(2), None));
    assert!(!row(&*db, 2).await.title_recalculation_needed, "the title does not wait for the rank");
    let queued = "SELECT count(*) FROM _club_cached_recalculations WHERE field = 'rank'";
    assert_eq!(db.scalar::<i64>(queued).await, 0);

    resume(&db, "club.rank").await;
    db.drain(clubs()).await;
    assert_eq!(values(&db, 2).await, (Some(2), Some(2), Some("No. 2".to_owned())));
}

#[apply(contract)]
async fn and_says_by_whom_since_when_and_why(db: TestDb) {
    set_up_fragiles(&db).await;
    pause_opinion(&db, "ann", "it's slow").await;
    db.shift("_fragile_cached_settings", "paused_at", -70).await;
    pause_opinion(&db, "bob", REASON).await;

    let status = status(&db, fragiles(), "opinion").await;
    let Pause { since, by, reason, .. } = status.paused.clone().expect("a pause");
    assert!((70..600).contains(&since.as_secs()), "{since:?}: since the first time");
    assert_eq!((by.as_str(), reason.as_str()), ("bob", REASON));
    let shown = status.to_string().replace(&format!("{} s", since.as_secs()), ".. s");
    assert_eq!(shown, "fragile.opinion: paused since .. s, by bob: the deploy of 2.1");

    let [id] = rows_of(&db, ["fine"]).await;
    let key = Key::new([id.into()]);
    let explained = fragiles().explain("fragile.opinion", &key, &db).await.expect("explained");
    let explained = explained.to_string();
    let reason = "workers leave this field alone: paused since";
    assert!(explained.contains(reason) && explained.contains("by bob"), "{explained}");

    db.shift("_fragile_cached_marks", "marked_at", -70).await;
    let diagnosis = fragiles().doctor(&*db).await.expect("examined");
    assert!(diagnosis.is_healthy(), "no worker is to blame: {diagnosis}");
    fragiles().resume("fragile.opinion", &db).await.expect("resumed");
    let diagnosis = fragiles().doctor(&*db).await.expect("examined").to_string();
    assert!(diagnosis.contains("a change has waited"), "{diagnosis}");
}

#[apply(contract)]
async fn or_an_error_says_that_there_is_no_such_field(db: TestDb) {
    set_up_fragiles(&db).await;
    let unknown = fragiles().pause("fragile.mood", "ann", REASON, &db).await.unwrap_err();
    assert!(matches!(unknown, Error::NoSuchField { .. }), "{unknown}");
    fragiles().uninstall(&*db).await.expect("uninstalled");
    let missing = fragiles().pause("fragile.opinion", "ann", REASON, &db).await.unwrap_err();
    assert!(matches!(missing, Error::NotInstalled { .. }), "{missing}");
    let missing = fragiles().resume("fragile.opinion", &db).await.unwrap_err();
    assert!(matches!(missing, Error::NotInstalled { .. }), "{missing}");
}
