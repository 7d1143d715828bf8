use sea_orm::DbBackend;
use sea_orm_cached_field::Error;

use crate::fragile::*;

#[apply(contract)]
async fn a_fresh_row_is_read_without_a_query(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    let closed = db.another_pool().await;
    let loaded = row(&closed, id).await;
    closed.clone().close().await.unwrap();

    if db.is_sqlite() {
        // The row may be what a write returned, before its triggers ran.
        assert!(matches!(loaded.opinion(&closed).await, Err(Error::Database(_))), "this one asks");
    } else {
        assert_eq!(loaded.opinion(&closed).await.unwrap(), "feels fine");
    }
    assert!(
        matches!(loaded.fresh_opinion(&closed).await, Err(Error::Database(_))),
        "this one asks"
    );
}

#[apply(contract)]
async fn a_stale_row_is_calculated_and_stored(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    assert_eq!(row(&db, id).await.opinion(&*db).await.unwrap(), "feels fine");
    assert_opinion(&db, id, "feels fine").await;
    assert_eq!((db.drain(fragiles()).await, place.times(id)), (0, 1));
}

#[apply(contract)]
async fn a_row_that_is_fresh_by_now_is_not_calculated(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    let stale = row(&db, id).await;
    db.drain(fragiles()).await;
    assert_eq!(stale.opinion(&*db).await.unwrap(), "feels fine");
    assert_eq!(place.times(id), 1);
}

#[apply(contract)]
async fn fresh_sees_a_change_that_the_loaded_row_does_not_know(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    let loaded = row(&db, id).await;
    set_mood(&*db, id, "other").await;
    // On SQLite the row may be what a write returned, before its triggers ran.
    let as_loaded = if db.is_sqlite() { "feels other" } else { "feels fine" };
    assert_eq!(loaded.opinion(&*db).await.unwrap(), as_loaded);
    assert_eq!(loaded.fresh_opinion(&*db).await.unwrap(), "feels other");
    assert_opinion(&db, id, "feels other").await;
}

#[apply(contract)]
async fn fresh_sees_a_mark_and_a_queue_row_without_a_flag(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    let loaded = row(&db, id).await;

    db.sql(&format!("INSERT INTO _fragile_cached_marks (field, key_1) VALUES ('opinion', {id})"))
        .await;
    loaded.fresh_opinion(&*db).await.unwrap();
    assert_eq!((place.times(id), db.pending("fragile").await), (2, 0));

    db.sql(&format!(
        "INSERT INTO _fragile_cached_recalculations (field, key_1, generation)
         VALUES ('opinion', {id}, 7)"
    ))
    .await;
    loaded.fresh_opinion(&*db).await.unwrap();
    assert_eq!((place.times(id), db.pending("fragile").await), (3, 0));
}

#[apply(contract)]
async fn recalculate_calculates_what_is_fresh_too(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    assert_eq!(row(&db, id).await.recalculate_opinion(&*db).await.unwrap(), "feels fine");
    assert_eq!(place.times(id), 2);
    assert_opinion(&db, id, "feels fine").await;
}

#[apply(contract)]
async fn recalculate_beats_an_older_calculation(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["gate"]).await;
    let older = tokio::spawn(fragiles().worker(&db).run_once());
    place.arrivals(1).await;
    // A change that nothing knows of, as of an input outside of the database.
    db.sql("UPDATE fragile SET place = place").await;
    set_mood(&*db, id, "newer").await;
    assert_eq!(row(&db, id).await.recalculate_opinion(&*db).await.unwrap(), "feels newer");
    assert_opinion(&db, id, "feels newer").await;
    place.open(1);
    older.await.unwrap().unwrap();
    assert_opinion(&db, id, "feels newer").await;
}

#[apply(contract)]
async fn an_error_reaches_the_reader_and_is_kept(db: TestDb) {
    set_up_fragiles(&db).await;
    let [error, panic, refused] = rows_of(&db, ["error", "panic", "refused"]).await;

    let failed = row(&db, error).await.opinion(&*db).await.unwrap_err();
    assert!(
        matches!(&failed, Error::Calculation { source, .. } if source.to_string() == "not in the mood"),
        "{failed}"
    );
    let failed = row(&db, panic).await.fresh_opinion(&*db).await.unwrap_err();
    assert!(matches!(&failed, Error::Panicked { message, .. } if message == "aaah"), "{failed}");
    let failed = row(&db, refused).await.recalculate_opinion(&*db).await.unwrap_err();
    assert!(matches!(&failed, Error::Database(_)), "{failed}");

    let kept = "SELECT count(*)
                  FROM _fragile_cached_recalculations
                 WHERE last_error IS NOT NULL
                   AND attempts = 0";
    assert_eq!((db.scalar::<i64>(kept).await, leased(&db).await), (3, 0));
    let half_a_second_later = match db.get_database_backend() {
        DbBackend::Sqlite => "queued_at + 500",
        DbBackend::Postgres => "queued_at + interval '500 milliseconds'",
        _ => "queued_at + INTERVAL 500000 MICROSECOND",
    };
    let later = format!(
        "SELECT count(*) FROM _fragile_cached_recalculations WHERE due_at >= {half_a_second_later}"
    );
    assert_eq!(db.scalar::<i64>(&later).await, 3, "they are due later");

    set_mood(&*db, error, "better").await;
    assert_eq!(row(&db, error).await.opinion(&*db).await.unwrap(), "feels better");
    assert_opinion(&db, error, "feels better").await;
}

#[apply(contract)]
async fn a_row_that_is_gone_is_an_error(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    let loaded = row(&db, id).await;
    db.sql("DELETE FROM fragile").await;
    for failed in [
        loaded.opinion(&*db).await,
        loaded.fresh_opinion(&*db).await,
        loaded.recalculate_opinion(&*db).await,
    ] {
        assert!(matches!(failed.unwrap_err(), Error::RowGone { .. }));
    }
    db.drain(fragiles()).await;
    assert_eq!(db.pending("fragile").await, 0);
}

#[apply(contract)]
async fn a_loaded_model_with_relations_has_the_same_methods(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    let loaded: ModelEx = row(&db, id).await.into();
    assert_eq!(loaded.opinion(&*db).await.unwrap(), "feels fine");
    assert_eq!(loaded.fresh_opinion(&*db).await.unwrap(), "feels fine");
    loaded.flag_opinion_as_stale(&*db).await.unwrap();
    assert!(row(&db, id).await.opinion_recalculation_needed);
    assert_eq!(loaded.recalculate_opinion(&*db).await.unwrap(), "feels fine");
    loaded.expire_opinion_after(None, &*db).await.unwrap();
    assert_opinion(&db, id, "feels fine").await;
}
