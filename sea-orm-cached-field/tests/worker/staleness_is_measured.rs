//! A value is stale from its first mark until it is stored. The event says for how long, and what
//! workers report says it of all values of a minute.

use std::{sync::atomic::Ordering, time::Duration};

use sea_orm_cached_field::{CachedFields, Event, FieldActivity};

use crate::{
    crowd,
    fragile::*,
    harness::{TestDb, connect},
    league::{clubs, clubs_at, set_up_clubs},
};

const MARKS: &str = "_fragile_cached_marks";

/// For how many seconds the row was stale, when it was completed.
async fn stale_for(db: &TestDb, id: i32, complete: impl AsyncFnOnce()) -> Option<u64> {
    let mut narration = db.narration();
    complete().await;
    match narration.wait_for(completes(id)).await {
        Event::Completed { stale_for, .. } => stale_for.map(|stale_for| stale_for.as_secs()),
        other => panic!("{other}"),
    }
}

async fn drain(db: &TestDb) {
    db.drain(fragiles()).await;
}

/// It was stale for 70 s when the test began, which takes less than ten minutes.
fn assert_since_then(stale_for: Option<u64>) {
    assert!(stale_for.is_some_and(|seconds| (70..670).contains(&seconds)), "{stale_for:?} s");
}

#[apply(contract)]
async fn from_the_first_mark(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.shift(MARKS, "marked_at", -70).await;
    set_mood(&*db, id, "well").await;
    assert_since_then(stale_for(&db, id, async || drain(&db).await).await);

    set_mood(&*db, id, "fine").await;
    let stale_for = stale_for(&db, id, async || drain(&db).await).await;
    assert!(stale_for.is_some_and(|seconds| seconds < 60), "{stale_for:?} s: since the next mark");
}

/// Until then no value that was stored was right.
#[apply(contract)]
async fn also_of_a_row_that_is_marked_while_it_is_calculated(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    db.shift(MARKS, "marked_at", -70).await;
    let work = async || {
        let worker = start(fragiles().worker(&db));
        place.arrivals(1).await;
        set_mood(&*db, id, "fine").await;
        place.open(1);
        let is_fresh = async || !row(&db, id).await.opinion_recalculation_needed;
        eventually("it is fresh", is_fresh).await;
        worker.stop().await;
    };
    assert_since_then(stale_for(&db, id, work).await);
}

#[apply(contract)]
async fn also_if_a_reader_stores_it(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.shift(MARKS, "marked_at", -70).await;
    let read = async || {
        row(&db, id).await.fresh_opinion(&*db).await.expect("read");
    };
    assert_since_then(stale_for(&db, id, read).await);

    let recalculate = async || {
        row(&db, id).await.recalculate_opinion(&*db).await.expect("recalculated");
    };
    assert_eq!(stale_for(&db, id, recalculate).await, None, "it was fresh");
}

#[apply(contract)]
async fn also_of_rows_that_an_installation_has_flagged(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.sql(&format!("DELETE FROM {MARKS}")).await;
    fragiles().repair(&*db).await.expect("repaired");
    db.shift(MARKS, "marked_at", -70).await;
    assert_since_then(stale_for(&db, id, async || drain(&db).await).await);
}

#[apply(contract)]
async fn also_of_a_row_that_has_failed_before(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["error until repaired"]).await;
    db.shift(MARKS, "marked_at", -70).await;
    drain(&db).await;
    place.repaired.store(true, Ordering::SeqCst);
    set_mood(&*db, id, "fine").await;
    assert_since_then(stale_for(&db, id, async || drain(&db).await).await);
}

async fn activity(db: &TestDb, models: CachedFields, minutes: u64) -> Vec<FieldActivity> {
    let pool = connect(&db.url).await;
    let within = Duration::from_secs(minutes * 60);
    let activity = models.activity(within, &pool).await.expect("figures");
    pool.close().await.expect("closed");
    activity
}

#[apply(contract)]
async fn and_what_workers_did_is_counted(db: TestDb) {
    set_up_fragiles(&db).await;
    let [one, two, three] = rows_of(&db, ["fine", "well", "error"]).await;
    db.shift(MARKS, "marked_at", -70).await;
    drain(&db).await;
    set_mood(&*db, one, "merry").await;
    fragiles().worker(&db).run_once().await.expect("run");
    row(&db, two).await.flag_opinion_as_stale(&*db).await.expect("flagged");
    set_mood(&*db, three, "error until repaired").await;
    fragiles().worker(&db).max_attempts(1).drain().await.expect("drained");

    let figures = activity(&db, fragiles(), 5).await.remove(0);
    let FieldActivity { changed, unchanged, published, superseded, handed_back, .. } = figures;
    assert_eq!((changed, unchanged), (3, 1), "{figures}");
    assert_eq!((published, superseded, handed_back), (0, 0, 0), "{figures}");
    assert_eq!((figures.failed, figures.given_up), (2, 1), "{figures}");
    assert_eq!(figures.unchanged_share(), Some(0.25));

    assert_eq!(figures.stale_for.count(), 4);
    let most = figures.stale_for.quantile(0.99).expect("a time");
    assert!(most > Duration::from_secs(60), "{figures}");
    assert_eq!(figures.took.count(), 6, "also what fails takes time");
    assert_eq!(figures.inherited, None);
    let shown = figures.to_string();
    let counts = "fragile.opinion: 3 changed, 1 unchanged, 2 failed, 1 for good; stale for ";
    assert!(shown.starts_with(counts), "{shown}");
}

/// A calculation of many rows counts as one.
#[apply(contract)]
async fn a_batch_as_one_calculation(db: TestDb) {
    crowd::set_up_crowds(&db).await;
    crowd::crowd_of(&db, ["fine", "well", "merry"]).await;
    db.drain(crowd::crowds()).await;
    let figures = activity(&db, crowd::crowds(), 5).await;
    let opinion = figures.iter().find(|figures| figures.field == "opinion").expect("the field");
    assert_eq!((opinion.changed, opinion.took.count()), (3, 1), "{opinion}");
}

#[apply(contract)]
async fn inherited_time_is_told_apart(db: TestDb) {
    set_up_clubs(&db).await;
    clubs_at(&db, [1, 2, 3]).await;
    db.shift("_club_cached_marks", "marked_at", -70).await;
    db.drain(clubs()).await;
    let figures = activity(&db, clubs(), 5).await;
    let of = |name| figures.iter().find(|figures| figures.field == name).expect("the field");
    assert_eq!(of("rank").inherited, None);
    assert_eq!(of("title").inherited, of("rank").stale_for.quantile(0.99));
    assert!(of("title").inherited > Some(Duration::from_secs(60)), "{}", of("title"));
}

#[apply(contract)]
async fn and_kept_for_a_day(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine"]).await;
    drain(&db).await;
    let minutes = "SELECT count(*) FROM _fragile_cached_minutes";
    assert_eq!(db.scalar::<i64>(minutes).await, 1);
    db.sql("UPDATE _fragile_cached_minutes SET minute = minute - 1430").await;
    drain(&db).await;
    assert_eq!(db.scalar::<i64>(minutes).await, 1, "nothing is written while nothing happens");
    assert_eq!(activity(&db, fragiles(), 5).await[0].changed, 0, "it is not of the last minutes");
    assert_eq!(activity(&db, fragiles(), 24 * 60).await[0].changed, 1);

    db.sql("UPDATE _fragile_cached_minutes SET minute = minute - 11").await;
    rows_of(&db, ["well", "merry"]).await;
    // A process drops what is old once an hour.
    let pool = connect(&db.url).await;
    fragiles().worker(&pool).drain().await.expect("drained");
    pool.close().await.expect("closed");
    assert_eq!(activity(&db, fragiles(), 24 * 60).await[0].changed, 2, "older ones are dropped");
    let old = "SELECT count(*) FROM _fragile_cached_minutes WHERE changed = 1";
    assert_eq!(db.scalar::<i64>(old).await, 0);
}
