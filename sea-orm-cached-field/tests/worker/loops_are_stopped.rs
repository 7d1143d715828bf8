use sea_orm::DbBackend;
use sea_orm_cached_field::Event;

use crate::{fragile::*, harness::TestDb};

/// Recalculations that follow each other at once, and what is done after each of the next.
const AT_ONCE: usize = 10;
const HELD_BACK: usize = 5;

/// Returns the number of rows that are leased, but to no worker, for most of a second or longer
/// after they were due.
async fn held_back(db: &TestDb) -> i64 {
    let after = match db.get_database_backend() {
        DbBackend::Sqlite => "700",
        DbBackend::MySql => "INTERVAL 700000 MICROSECOND",
        _ => "interval '700 milliseconds'",
    };
    db.scalar(&format!(
        "SELECT count(*) FROM _fragile_cached_recalculations WHERE leased_until > due_at + {after}"
    ))
    .await
}

/// Works once, when whatever is held back is not any more.
async fn later(db: &TestDb) -> usize {
    db.let_time_pass("fragile").await;
    once(db).await
}

/// Works on one batch. A worker that drains would go on where the machine is so slow that nothing
/// is held back any more.
async fn once(db: &TestDb) -> usize {
    fragiles().worker(db).run_once().await.expect("worked")
}

/// Works on one batch, whose only row stands at the gate and is marked there.
async fn once_marked_meanwhile(db: &TestDb, id: i32, mood: &str) {
    let place = Place::of(db);
    let worker = tokio::spawn(fragiles().worker(db).run_once());
    place.arrivals(1).await;
    set_mood(&**db, id, mood).await;
    place.open(1);
    assert_eq!(worker.await.unwrap().expect("worked"), 1);
}

/// A row that another transaction marks during each calculation, until it is held back.
async fn hot_row(db: &TestDb) -> i32 {
    let place = set_up_fragiles(db).await;
    let [id] = rows_of(db, ["gate"]).await;
    for change in 1..=AT_ONCE {
        assert_eq!(held_back(db).await, 0, "it is not held back after {} calculations", change - 1);
        once_marked_meanwhile(db, id, &format!("gate {change}")).await;
    }
    assert_eq!((place.times(id), held_back(db).await), (AT_ONCE, 1));
    id
}

#[apply(contract)]
async fn a_calculation_that_changes_its_own_inputs(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [restless, good] = rows_of(&db, ["restless", "fine"]).await;
    let mut narration = db.narration();

    assert_eq!(once(&db).await, 2);
    for _ in 1..AT_ONCE {
        assert_eq!((held_back(&db).await, once(&db).await), (0, 1));
    }
    assert_eq!((place.times(restless), held_back(&db).await), (AT_ONCE, 1), "it is held back");
    assert_opinion(&db, good, "feels fine").await;

    for _ in 1..HELD_BACK {
        assert_eq!(
            (later(&db).await, held_back(&db).await, given_up(&db, restless).await),
            (1, 1, false)
        );
    }

    assert_eq!(later(&db).await, 1);
    assert!(given_up(&db, restless).await, "{:?}", narration.said());
    assert_eq!(
        last_error(&db, restless).await,
        "it invalidated itself 15 times in a row: its calculation must not write what \
         `depends_on` names",
    );
    let failed = format!(
        "failed fragile.opinion {restless}, attempt 1, given up: {}",
        last_error(&db, restless).await
    );
    assert!(narration.said().contains(&failed));

    // The last value is there, and nothing more happens.
    let found = row(&db, restless).await;
    assert_eq!(
        found.cached_opinion.unwrap(),
        format!("feels restless{}", ".".repeat(AT_ONCE + HELD_BACK - 1))
    );
    assert!(found.opinion_recalculation_needed);
    assert_eq!((later(&db).await, place.times(restless)), (0, AT_ONCE + HELD_BACK));

    // As with any row that has failed, `repair` has it tried again: once, if it is still a loop.
    assert_eq!(
        format!("{:#}", fragiles().repair(&*db).await.expect("repaired")),
        "fragile: retried 1 row that had failed\n"
    );
    assert_eq!((later(&db).await, given_up(&db, restless).await), (1, true));

    set_mood(&*db, restless, "calm").await;
    db.drain(fragiles()).await;
    assert_opinion(&db, restless, "feels calm").await;
}

#[apply(contract)]
async fn also_where_a_worker_goes_on(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let mut narration = db.narration();
    let worker = start(fragiles().worker(&db));
    let [restless] = rows_of(&db, ["restless"]).await;
    narration.wait_for(|event| matches!(event, Event::Failed { retry_in: None, .. })).await;
    worker.stop().await;
    // More often, if a mark was being collected at the moment when a calculation ended.
    assert!(place.times(restless) >= AT_ONCE + HELD_BACK && given_up(&db, restless).await);
}

#[apply(contract)]
async fn many_changes_from_elsewhere_are_no_loop(db: TestDb) {
    let id = hot_row(&db).await;
    let place = Place::of(&db);
    // Marked while it is held back: so they come from elsewhere, and it begins anew.
    set_mood(&*db, id, "gate, too").await;
    db.let_time_stand_still("fragile").await;
    assert_eq!(
        (db.drain(fragiles()).await, held_back(&db).await),
        (0, 1),
        "it is held back all the same"
    );

    db.let_time_pass("fragile").await;
    for change in 1..AT_ONCE {
        once_marked_meanwhile(&db, id, &format!("gate again {change}")).await;
        assert_eq!(held_back(&db).await, 0, "it is not held back");
    }

    place.open(1);
    assert_eq!(once(&db).await, 1);
    assert_opinion(&db, id, "feels gate again 9").await;
}

#[apply(contract)]
async fn a_row_that_is_held_back_is_read_right(db: TestDb) {
    let id = hot_row(&db).await;
    db.let_time_stand_still("fragile").await;
    set_mood(&*db, id, "read").await;
    assert_eq!(row(&db, id).await.fresh_opinion(&*db).await.expect("read"), "feels read");
    assert_eq!(
        (held_back(&db).await, later(&db).await),
        (0, 0),
        "the reader has stored what it calculated"
    );
    assert_opinion(&db, id, "feels read").await;
}
