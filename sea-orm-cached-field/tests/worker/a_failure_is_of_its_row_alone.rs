use std::{sync::atomic::Ordering, time::Duration};

use sea_orm::DbBackend;
use sea_orm_cached_field::Worker;

use crate::{fragile::*, harness::TestDb};

/// A row that has failed is due again in an hour.
fn patient(db: &TestDb) -> Worker {
    let hour = Duration::from_secs(3600);
    fragiles().worker(db).backoff(hour, hour)
}

/// Only a calculation that never ends takes so long, on a busy machine, too.
const ENDLESS: Duration = Duration::from_secs(3);

async fn attempts(db: &TestDb, id: i32) -> i32 {
    db.scalar(&format!("SELECT attempts FROM _fragile_cached_recalculations WHERE key_1 = {id}"))
        .await
}

/// Row 1 fails, row 2 is fine. A row that is handed back in between, for it could not be locked, is
/// calculated more often.
async fn one_fails(db: &TestDb, mood: &str, error: &str) {
    let patient = |db| patient(db).calculation_timeout(ENDLESS);
    set_up_fragiles(db).await;
    let [bad, good] = rows_of(db, [mood, "fine"]).await;
    let mut narration = db.narration();

    patient(db).drain().await.unwrap();
    assert_opinion(db, good, "feels fine").await;
    assert!(row(db, bad).await.opinion_recalculation_needed);
    assert_eq!((attempts(db, bad).await, leased(db).await), (1, 0));
    let kept = last_error(db, bad).await;
    assert!(kept.contains(error) && !kept.contains("of `fragile`"), "{kept}");
    let failed = format!("failed fragile.opinion {bad}, attempt 1, will retry: {kept}");
    assert!(narration.said().contains(&failed), "{failed}");

    // Due again later, not now.
    assert_eq!(patient(db).run_once().await.unwrap(), 0);
    db.let_time_pass("fragile").await;
    patient(db).drain().await.unwrap();
    assert_eq!(attempts(db, bad).await, 2);

    set_mood(&**db, bad, "better").await;
    patient(db).drain().await.unwrap();
    assert_opinion(db, bad, "feels better").await;
}

/// What each database says.
fn error_of(
    db: &TestDb,
    sqlite: &'static str,
    postgres: &'static str,
    mysql: &'static str,
) -> &'static str {
    match db.get_database_backend() {
        DbBackend::Sqlite => sqlite,
        DbBackend::MySql => mysql,
        _ => postgres,
    }
}

#[apply(contract)]
async fn and_is_seen_and_retried_when_it_was_given_up(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [bad, _] = rows_of(&db, ["error until repaired", "fine"]).await;
    fragiles().worker(&db).max_attempts(1).drain().await.expect("drained");
    assert!(given_up(&db, bad).await);
    let diagnosis = fragiles().doctor(&*db).await.expect("examined").to_string();
    let seen = "fragile: opinion of 1 row has failed for good (";
    assert!(diagnosis.starts_with(seen) && diagnosis.contains("broken"), "{diagnosis}");
    assert_eq!(diagnosis.lines().count(), 1, "{diagnosis}");
    place.repaired.store(true, Ordering::SeqCst);
    let changes = format!("{:#}", fragiles().repair(&*db).await.expect("repaired"));
    assert_eq!(changes, "fragile: retried 1 row that had failed\n");
    db.drain(fragiles()).await;
    assert_opinion(&db, bad, "feels error until repaired").await;
    assert!(fragiles().doctor(&*db).await.expect("examined").is_healthy());
}

#[apply(contract)]
async fn an_error(db: TestDb) {
    one_fails(&db, "error", "not in the mood").await;
}

#[apply(contract)]
async fn a_panic(db: TestDb) {
    one_fails(&db, "panic", "the calculation panicked: aaah").await;
}

#[apply(contract)]
async fn a_calculation_without_end(db: TestDb) {
    one_fails(&db, "endless", "the calculation was stopped after 3 s").await;
}

#[apply(contract)]
async fn a_calculation_that_deletes_its_row(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [gone, good] = rows_of(&db, ["deletes itself", "fine"]).await;
    db.drain(fragiles()).await;
    assert_opinion(&db, good, "feels fine").await;
    assert_eq!((db.pending("fragile").await, place.times(gone)), (0, 1));
}

/// Meanwhile the others may fail for want of a connection, but in the end only this row does.
#[apply(contract)]
async fn a_calculation_that_takes_all_connections(db: TestDb) {
    set_up_fragiles(&db).await;
    let [greedy, good] = rows_of(&db, ["greedy", "fine"]).await;
    let timeout = Duration::from_millis(300);
    let pause = Duration::from_millis(50);
    let worker =
        fragiles().worker(&db).calculation_timeout(timeout).backoff(pause, pause).max_attempts(3);
    let worker = start(worker);

    let other = db.another_pool().await;
    eventually("the other is calculated", async || {
        !row(&other, good).await.opinion_recalculation_needed
    })
    .await;
    eventually("this one is given up", async || given_up(&db, greedy).await).await;
    worker.stop().await;
    assert!(last_error(&db, greedy).await.contains("was stopped after 0.3 s"));
}

#[apply(contract)]
async fn a_value_that_the_column_refuses(db: TestDb) {
    let error = error_of(&db, "CHECK constraint failed", "check constraint", "fragile");
    one_fails(&db, "refused", error).await;
}

#[apply(contract)]
async fn a_value_that_is_too_long_for_its_column(db: TestDb) {
    let error = error_of(&db, "CHECK constraint failed", "value too long", "Data too long");
    one_fails(&db, "too long", error).await;
}

#[apply(contract)]
async fn a_value_that_a_trigger_of_the_user_refuses(db: TestDb) {
    let raise = if db.is_sqlite() {
        "CREATE TRIGGER strict BEFORE UPDATE ON fragile WHEN NEW.cached_opinion = 'feels odd' BEGIN
           SELECT RAISE(ABORT, 'too odd');
         END"
    } else if db.is_mysql() {
        "CREATE TRIGGER strict BEFORE UPDATE ON fragile FOR EACH ROW
           IF NEW.cached_opinion = 'feels odd' THEN
             SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'too odd';
           END IF"
    } else {
        "CREATE FUNCTION strict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF NEW.cached_opinion = 'feels odd' THEN RAISE 'too odd'; END IF; RETURN NEW; END $$;
         CREATE TRIGGER strict BEFORE UPDATE ON fragile FOR EACH ROW EXECUTE FUNCTION strict()"
    };

    set_up_fragiles(&db).await;
    db.sql(raise).await;
    let [odd, good] = rows_of(&db, ["odd", "fine"]).await;
    patient(&db).drain().await.unwrap();
    assert_opinion(&db, good, "feels fine").await;
    assert!(last_error(&db, odd).await.contains("too odd"));
}

#[apply(contract)]
async fn a_row_that_cannot_be_read(db: TestDb) {
    set_up_fragiles(&db).await;
    let [unreadable, good] = rows_of(&db, ["fine", "fine"]).await;
    let spoil = if db.is_sqlite() {
        "UPDATE fragile SET opinion_expires_after = '2999-01-01' WHERE id = 1"
    } else if db.is_mysql() {
        "ALTER TABLE fragile MODIFY mood varchar(255) NULL;
         UPDATE fragile
            SET mood = NULL
          WHERE id = 1"
    } else {
        "ALTER TABLE fragile ALTER mood DROP NOT NULL; UPDATE fragile SET mood = NULL WHERE id = 1"
    };

    db.sql(spoil).await;
    patient(&db).drain().await.unwrap();
    assert_opinion(&db, good, "feels fine").await;
    let error = last_error(&db, unreadable).await;
    assert!(
        error.contains(if db.is_sqlite() { "opinion_expires_after" } else { "mood" }),
        "{error}"
    );
}

#[apply(contract)]
async fn a_retry_that_succeeds_ends_it(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["error until repaired"]).await;
    patient(&db).drain().await.unwrap();
    place.repaired.store(true, Ordering::SeqCst);
    db.let_time_pass("fragile").await;
    patient(&db).drain().await.unwrap();
    assert_opinion(&db, id, "feels error until repaired").await;
    assert_eq!(place.times(id), 2);
}

#[apply(contract)]
async fn after_the_last_attempt_it_stays_as_failed_until_it_is_marked(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["error"]).await;
    let mut narration = db.narration();

    for attempt in 1..=3 {
        assert!(!given_up(&db, id).await, "attempt {attempt}");
        assert_eq!(patient(&db).max_attempts(3).run_once().await.unwrap(), 1);
        db.let_time_pass("fragile").await;
    }

    assert!(given_up(&db, id).await && row(&db, id).await.opinion_recalculation_needed);
    assert!(narration.said().iter().any(|said| said.contains("attempt 3, given up: ")));
    assert_eq!(patient(&db).drain().await.unwrap(), 0);
    assert!(last_error(&db, id).await.contains("not in the mood"));

    set_mood(&*db, id, "panic").await;
    patient(&db).max_attempts(3).drain().await.unwrap();
    assert_eq!((attempts(&db, id).await, given_up(&db, id).await, place.times(id)), (1, false, 4));
}

/// Even if it fails with another worker's number of attempts: a field that was given up stays so,
/// until an attempt succeeds.
#[apply(contract)]
async fn a_reader_leaves_what_was_given_up_as_it_is(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["error until repaired"]).await;
    patient(&db).max_attempts(1).drain().await.unwrap();

    let mut narration = db.narration();
    row(&db, id).await.opinion(&*db).await.unwrap_err();
    Opinion::load(&mut [row(&db, id).await], &*db).await.unwrap_err();
    row(&db, id).await.recalculate_opinion(&*db).await.unwrap_err();

    let said = narration.said();
    let given_up_again = format!("failed fragile.opinion {id}, when it was read, given up: ");
    assert_eq!(said.iter().filter(|said| said.starts_with(&given_up_again)).count(), 3, "{said:?}");
    assert!(given_up(&db, id).await);
    assert_eq!(patient(&db).drain().await.unwrap(), 0);

    let diagnosis = fragiles().doctor(&*db).await.expect("examined").to_string();
    assert!(
        diagnosis.contains("has failed for good") && diagnosis.contains("broken"),
        "{diagnosis}"
    );

    place.repaired.store(true, Ordering::SeqCst);
    row(&db, id).await.opinion(&*db).await.unwrap();
    assert_opinion(&db, id, "feels error until repaired").await;
}

#[apply(contract)]
async fn a_reader_neither_puts_off_the_next_attempt_nor_uses_one_up(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["error"]).await;
    patient(&db).max_attempts(2).drain().await.unwrap();
    for _ in 0..3 {
        row(&db, id).await.opinion(&*db).await.unwrap_err();
    }
    assert_eq!((attempts(&db, id).await, patient(&db).run_once().await.unwrap()), (1, 0));
    db.let_time_pass("fragile").await;
    assert_eq!(patient(&db).max_attempts(2).run_once().await.unwrap(), 1);
    assert!(given_up(&db, id).await);
    assert!(last_error(&db, id).await.contains("not in the mood"));
}

#[apply(contract)]
async fn a_running_worker_goes_on(db: TestDb) {
    set_up_fragiles(&db).await;
    let mut narration = db.narration();
    let worker = start(patient(&db).calculation_timeout(ENDLESS).batch_size(2));
    rows_of(&db, ["error", "panic", "endless", "refused", "too long"]).await;
    let [good] = rows_of(&db, ["fine"]).await;
    narration.wait_for(completes(good)).await;
    worker.stop().await;
    assert_eq!(
        db.scalar::<i64>("SELECT count(*) FROM fragile WHERE NOT opinion_recalculation_needed")
            .await,
        1
    );
    assert_eq!(leased(&db).await, 0);
}

#[apply(contract)]
async fn a_change_during_the_last_attempt_starts_anew(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate then error"]).await;
    let last = tokio::spawn(patient(&db).max_attempts(1).run_once());
    place.arrivals(1).await;
    set_mood(&*db, id, "better").await;
    assert_eq!(
        patient(&db).run_once().await.unwrap(),
        0,
        "it collects the mark, but the row is leased"
    );
    place.open(1);
    last.await.unwrap().unwrap();
    patient(&db).max_attempts(1).drain().await.unwrap();
    assert_opinion(&db, id, "feels better").await;
}
