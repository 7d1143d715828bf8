use std::time::Duration;

use sea_orm::DbBackend;
use sea_orm_cached_field::{Error, Worker};

use crate::{
    crowd::*,
    harness::{TestDb, gate::Gate, not_there},
};

fn patient(db: &TestDb) -> Worker {
    let hour = Duration::from_secs(3600);
    crowds().worker(db).calculation_timeout(Duration::from_millis(300)).backoff(hour, hour)
}

/// Row 2 of three fails, alone; this is said of it, and of the calculation of all three.
async fn one_fails(db: &TestDb, mood: &str, error: &str, of_all: Option<&str>) {
    set_up_crowds(db).await;
    let [first, _, last] = crowd_of(db, ["fine", mood, "well"]).await;
    let mut narration = db.narration();

    patient(db).drain().await.unwrap();
    assert_eq!(
        opinions(db).await,
        [(first, "feels fine".to_owned()), (last, "feels well".to_owned())]
    );

    let said = narration.said();
    let failed: Vec<&String> = said.iter().filter(|said| said.starts_with("failed")).collect();
    assert!(
        failed.len() == 1
            && failed[0].contains(error)
            && failed[0].contains("attempt 1, will retry"),
        "{said:?}"
    );

    let of_batch = said.iter().find(|said| said.starts_with("batch")).map(String::as_str);
    let of_all = of_all.map(|error| {
        format!("batch of 3 rows of crowd.opinion failed, will retry row by row: {error}")
    });
    assert_eq!(of_batch, of_all.as_deref());

    let kept: String = db.scalar("SELECT last_error FROM _crowd_cached_recalculations").await;
    assert!(kept.contains(error), "{kept}");
    if of_all.is_some() {
        assert_eq!(calls(db), [3, 1, 1, 1]);
    }
}

#[apply(contract)]
async fn one_calculation_is_of_a_whole_batch(db: TestDb) {
    set_up_crowds(&db).await;
    let [first, second, third] = crowd_of(&db, ["fine", "odd", "well"]).await;
    let mut narration = db.narration();
    patient(&db).run_once().await.unwrap();
    assert_eq!(calls(&db), [3]);
    let stored = [(first, "feels fine"), (second, "feels odd"), (third, "feels well")];
    assert_eq!(opinions(&db).await, stored.map(|(id, opinion)| (id, opinion.to_owned())));
    let said = narration.said();
    for id in [first, second, third] {
        assert!(said.contains(&format!("calculated crowd.opinion {id}")), "{said:?}");
        assert!(said.contains(&format!("completed crowd.opinion {id}")), "{said:?}");
    }
}

#[apply(contract)]
async fn its_size_is_that_of_the_batch(db: TestDb) {
    set_up_crowds(&db).await;
    crowd_of(&db, ["fine"; 5]).await;
    patient(&db).drain().await.unwrap();
    db.sql("UPDATE crowd SET mood = 'odd'").await;
    patient(&db).batch_size(2).drain().await.unwrap();
    let mut calls = calls(&db);
    calls.sort_unstable();
    assert_eq!(calls, [1, 2, 2, 5]);
    assert_eq!(opinions(&db).await.len(), 5);
}

#[apply(contract)]
async fn it_is_of_the_rows_that_need_it(db: TestDb) {
    set_up_crowds(&db).await;
    let [first, second, third, _] = crowd_of(&db, ["fine"; 4]).await;
    patient(&db).drain().await.unwrap();
    calls(&db);
    db.sql(&format!("UPDATE crowd SET mood = 'odd' WHERE id IN ({first}, {third})")).await;
    db.sql(&format!("UPDATE crowd SET note = 'noted' WHERE id = {second}")).await;
    patient(&db).run_once().await.unwrap();
    assert_eq!(calls(&db), [2]);
    let stored: Vec<String> = opinions(&db).await.into_iter().map(|(_, opinion)| opinion).collect();
    assert_eq!(stored, ["feels odd", "feels fine", "feels odd", "feels fine"]);
    let remark: String =
        db.scalar(&format!("SELECT cached_remark FROM crowd WHERE id = {second}")).await;
    assert_eq!(remark, "noted");
}

#[apply(contract)]
async fn all_fields_of_a_row_are_stored_together(db: TestDb) {
    set_up_crowds(&db).await;
    let [held, other] = crowd_of(&db, ["fine", "odd"]).await;
    patient(&db).drain().await.unwrap();
    calls(&db);

    let note = db.name("note");
    db.sql(&format!("UPDATE crowd SET mood = 'better', note = '{note}' WHERE id = {held}")).await;
    db.sql(&format!("UPDATE crowd SET mood = 'better', note = 'no gate' WHERE id = {other}")).await;
    let mut narration = db.narration();
    let gate = Gate::at(&note);
    let worker = patient(&db).calculation_timeout(Duration::from_secs(20));
    let worker = tokio::spawn(worker.run_once());
    gate.arrival().await;
    narration.wait_for(crate::fragile::completes(other)).await;

    assert_eq!(calls(&db), [2]);
    assert_eq!(
        opinions(&db).await,
        [(other, "feels better".to_owned())],
        "the other waits for its remark"
    );

    gate.open();
    worker.await.unwrap().unwrap();
    assert_eq!(opinions(&db).await.len(), 2);
    assert_eq!(db.pending("crowd").await, 0);
}

#[apply(contract)]
async fn an_error_is_of_its_row_alone(db: TestDb) {
    one_fails(&db, "error", "not in the mood", Some("not in the mood")).await;
}

#[apply(contract)]
async fn a_panic_is_of_its_row_alone(db: TestDb) {
    one_fails(&db, "panic", "the calculation panicked: aaah", Some("panicked: aaah")).await;
}

#[apply(contract)]
async fn a_calculation_without_end_is_of_its_row_alone(db: TestDb) {
    one_fails(
        &db,
        "endless",
        "the calculation was stopped after 0.3 s",
        Some("stopped after 0.3 s"),
    )
    .await;
}

#[apply(contract)]
async fn a_value_too_many_is_of_its_row_alone(db: TestDb) {
    let one = "1 row of `crowd` returned 2 values";
    let all = "3 rows of `crowd` returned 4 values";
    let error = |what| {
        format!(
            "the calculation of `opinion` for {what}: it has to return one for each row, in their order"
        )
    };
    one_fails(&db, "twice", &error(one), Some(&error(all))).await;
}

#[apply(contract)]
async fn a_value_that_the_column_refuses_is_of_its_row_alone(db: TestDb) {
    if db.is_sqlite() {
        return not_there("SQLite refuses no text for its length");
    }
    let error = if db.is_mysql() { "Data too long" } else { "value too long" };
    one_fails(&db, "too long", error, None).await;
}

#[apply(contract)]
async fn a_row_that_cannot_be_read_fails_alone(db: TestDb) {
    set_up_crowds(&db).await;
    let [first, bad, last] = crowd_of(&db, ["fine"; 3]).await;
    let spoil = match db.get_database_backend() {
        DbBackend::Sqlite => "UPDATE crowd SET mood = x'ff' WHERE id = 2",
        DbBackend::MySql => {
            "ALTER TABLE crowd MODIFY mood varchar(255) NULL;
             UPDATE crowd
                SET mood = NULL
              WHERE id = 2"
        }
        _ => {
            "ALTER TABLE crowd ALTER mood DROP NOT NULL; UPDATE crowd SET mood = NULL WHERE id = 2"
        }
    };

    db.sql(spoil).await;
    patient(&db).drain().await.unwrap();
    assert_eq!(calls(&db), [2]);
    let ids: Vec<i32> = opinions(&db).await.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [first, last]);
    assert_eq!(db.pending("crowd").await, 2, "both fields of row {bad}");
}

#[apply(contract)]
async fn a_reader_calls_it_with_one_row(db: TestDb) {
    set_up_crowds(&db).await;
    let [id, bad] = crowd_of(&db, ["fine", "panic"]).await;
    let row = async |id| Entity::find_by_id(id).one(&*db).await.unwrap().unwrap();
    let fine = row(id).await;
    assert_eq!(Opinion::preview(&fine, &*db).await.unwrap(), "feels fine");
    assert_eq!(opinions(&db).await, [], "a preview stores nothing");
    assert_eq!(fine.opinion(&*db).await.unwrap(), "feels fine");
    assert_eq!(fine.recalculate_opinion(&*db).await.unwrap(), "feels fine");
    assert_eq!(calls(&db), [1, 1, 1]);
    assert_eq!(opinions(&db).await, [(id, "feels fine".to_owned())]);
    let panicked = Opinion::preview(&row(bad).await, &*db).await.unwrap_err();
    assert!(matches!(panicked, Error::Panicked { .. }), "{panicked}");
}

/// What is calculated at the same time is stored in one transaction.
#[apply(on_postgres)]
async fn all_values_are_stored_at_once(db: TestDb) {
    set_up_crowds(&db).await;
    crowd_of(&db, ["fine"; 20]).await;
    patient(&db).drain().await.unwrap();
    db.sql("UPDATE crowd SET mood = 'odd'").await;
    patient(&db).drain().await.unwrap();
    assert_eq!(db.scalar::<i64>("SELECT count(DISTINCT xmin::text) FROM crowd").await, 1);
}
