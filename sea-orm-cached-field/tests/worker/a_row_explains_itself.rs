//! Each state of a row, and what `explain` says of it.

use chrono::{TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DbBackend, TransactionTrait};
use sea_orm_cached_field::{CachedFields, Count, Error, Explanation, FieldState, Key, Reason};

use crate::{
    fragile::*,
    harness::{
        TestDb,
        gate::Gate,
        lampposts::{a_lamppost, lampposts, set_up_lampposts},
    },
    league::{clubs, clubs_at, set_up_clubs},
};

async fn explained(db: &TestDb, models: CachedFields, field: &str, id: i32) -> Explanation {
    models.explain(field, &Key::new([id.into()]), db).await.expect("an explanation")
}

async fn opinion(db: &TestDb, id: i32) -> Explanation {
    explained(db, fragiles(), "fragile.opinion", id).await
}

/// The one reason of a row that is stale.
async fn one_reason(db: &TestDb, id: i32) -> Reason {
    let Explanation { is_stale, mut reasons, .. } = opinion(db, id).await;
    assert!(is_stale && reasons.len() == 1, "{reasons:?}");
    reasons.remove(0)
}

#[apply(contract)]
async fn that_is_fresh_or_does_not_exist(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    let fresh = opinion(&db, id).await;
    assert_eq!((fresh.is_stale, fresh.reasons.as_slice()), (false, [].as_slice()));
    assert_eq!(fresh.to_string(), format!("fragile.opinion {id} is fresh\n"));

    let expected = "fragile.opinion 99 does not exist\n  the table has no row with this key\n";
    assert_eq!(opinion(&db, 99).await.to_string(), expected);
}

#[apply(contract)]
async fn that_is_marked_and_has_no_value(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    let Explanation { is_stale, reasons, .. } = opinion(&db, id).await;
    assert!(is_stale);
    assert!(
        matches!(
            reasons.as_slice(),
            [Reason::Marked { changes: Count::Exactly(1), .. }, Reason::Empty]
        ),
        "{reasons:?}"
    );
    db.drain(fragiles()).await;
    set_mood(&*db, id, "well").await;
    assert!(matches!(one_reason(&db, id).await, Reason::Marked { changes: Count::Exactly(1), .. }));
}

#[apply(contract)]
async fn that_is_calculated_fails_and_has_failed_for_good(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    set_mood(&*db, id, "gate then error").await;
    let worker = start(fragiles().worker(&db).max_attempts(2));
    place.arrivals(1).await;
    let claimed = one_reason(&db, id).await;
    assert!(
        matches!(&claimed, Reason::Claimed { lease_ends_in } if lease_ends_in.as_secs() <= 60),
        "{claimed:?}"
    );
    place.open(1);
    worker.stop().await;

    let failing = one_reason(&db, id).await;
    let Reason::Failing { error, attempts: 1, .. } = &failing else { panic!("{failing:?}") };
    assert_eq!(error, "not in the mood");

    db.let_time_pass("fragile").await;
    place.open(1);
    fragiles().worker(&db).max_attempts(2).drain().await.unwrap();
    let failed = Reason::Failed { error: "not in the mood".to_owned(), attempts: 2 };
    assert_eq!(one_reason(&db, id).await, failed);
}

#[apply(contract)]
async fn that_is_due_now_or_later(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    let queue = "_fragile_cached_recalculations";
    db.sql(&format!("INSERT INTO {queue} (key_1, field, generation) VALUES ({id}, 'opinion', 1)"))
        .await;
    assert!(matches!(one_reason(&db, id).await, Reason::Due { .. }));

    let hour = match db.get_database_backend() {
        DbBackend::Sqlite => "due_at + 3600000",
        DbBackend::MySql => "due_at + INTERVAL 1 HOUR",
        _ => "due_at + interval '1 hour'",
    };
    db.sql(&format!("UPDATE {queue} SET due_at = {hour}")).await;
    let later = one_reason(&db, id).await;
    assert!(matches!(&later, Reason::DueLater { within } if within.as_secs() > 3_000), "{later:?}");
}

#[apply(contract)]
async fn that_expires_and_has_expired(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    let hour = TimeDelta::hours(1);
    row(&db, id).await.expire_opinion_after(Utc::now() + hour, &*db).await.unwrap();
    let Explanation { is_stale, reasons, .. } = opinion(&db, id).await;
    assert!(!is_stale);
    assert!(
        matches!(reasons.as_slice(), [Reason::Expires { within }] if within.as_secs() > 3_000),
        "{reasons:?}"
    );

    row(&db, id).await.expire_opinion_after(Utc::now() - hour, &*db).await.unwrap();
    let expired = one_reason(&db, id).await;
    assert!(
        matches!(&expired, Reason::Expired { since } if (3_599..4_200).contains(&since.as_secs())),
        "{expired:?}"
    );
}

/// Such a value is expired for ever, and so the most urgent of all.
#[apply(on_postgres)]
async fn that_expired_at_the_beginning_of_time(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id, other] = rows_of(&db, ["fine", "well"]).await;
    db.drain(fragiles()).await;
    let expire = "UPDATE fragile SET opinion_expires_after";
    db.sql(&format!("{expire} = '-infinity' WHERE id = {id}")).await;
    db.sql(&format!("{expire} = 'infinity' WHERE id = {other}")).await;
    assert!(matches!(one_reason(&db, id).await, Reason::Expired { .. }));
    assert_eq!(opinion(&db, other).await.reasons, []);
    let status = fragiles().status(&db).await.expect("a status");
    assert_eq!(status.fields[0].state, FieldState::Behind);
}

#[apply(contract)]
async fn that_an_installation_has_flagged_or_that_no_worker_sees(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.sql("DELETE FROM _fragile_cached_marks").await;
    let unseen = opinion(&db, id).await;
    assert_eq!(unseen.reasons, [Reason::Unqueued, Reason::Empty]);
    fragiles().repair(&*db).await.expect("marked");
    let flagged = opinion(&db, id).await;
    assert_eq!(flagged.reasons, [Reason::InFlaggedChunk, Reason::Empty]);

    // A reader was faster than the worker: the chunk is still marked, but this row is fresh.
    row(&db, id).await.opinion(&*db).await.unwrap();
    assert_eq!(opinion(&db, id).await.to_string(), format!("fragile.opinion {id} is fresh\n"));
}

/// Also of a field that is calculated from rows behind `belongs_to`, whose marks name those rows.
#[apply(contract)]
async fn of_which_the_mark_is_lost(db: TestDb) {
    set_up_lampposts(&db).await;
    let post = a_lamppost(&db, &db.name("Ada")).await;
    db.sql("DELETE FROM _lamppost_cached_marks").await;
    let lost = explained(&db, lampposts(), "lamppost.full_name", post.id).await;
    assert_eq!(lost.reasons, [Reason::Unqueued, Reason::Empty]);
}

/// A write meanwhile leaves no mark.
#[apply(contract)]
async fn whose_triggers_are_suspended(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    CachedFields::suspend("fragile", &*db).await.expect("suspended");
    let unseen = opinion(&db, id).await;
    assert_eq!((unseen.is_stale, unseen.reasons), (false, vec![Reason::NotWatched]));

    fragiles().install(&*db).await.expect("installed");
    db.drain(fragiles()).await;
    assert_eq!(opinion(&db, id).await.reasons, []);
}

#[apply(contract)]
async fn that_is_left_to_its_readers(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.sql("DELETE FROM _fragile_cached_marks").await;
    CachedFields::set_eager_recalculation(false, &db).unwrap();
    assert_eq!(opinion(&db, id).await.reasons, [Reason::LeftToReaders, Reason::Empty]);
}

/// A mark of a city names the city, not its lampposts. SQLite has no such marks.
#[apply(on_servers)]
async fn of_which_a_related_row_has_changed(db: TestDb) {
    set_up_lampposts(&db).await;
    db.sql("INSERT INTO city (id, name) VALUES (1, 'Kyiv'), (2, 'Lviv')").await;
    let post = a_lamppost(&db, &db.name("Ada")).await;
    db.sql(&format!("UPDATE lamppost SET city_id = 1 WHERE id = {}", post.id)).await;
    db.drain(lampposts()).await;

    db.sql("UPDATE city SET name = 'Kiev' WHERE id = 2").await;
    let field = "lamppost.full_name";
    assert!(!explained(&db, lampposts(), field, post.id).await.is_stale, "it is in another city");
    db.sql("UPDATE city SET name = 'Kiev' WHERE id = 1").await;
    let stale = explained(&db, lampposts(), field, post.id).await;
    assert_eq!((stale.is_stale, stale.reasons), (true, vec![Reason::MarkedByRelatedRow]));
}

#[apply(contract)]
async fn that_waits_for_what_it_is_calculated_from(db: TestDb) {
    set_up_clubs(&db).await;
    clubs_at(&db, [1, 2, 3]).await;
    db.drain(clubs()).await;
    db.sql("UPDATE club SET place = 7 WHERE id = 1").await;
    db.sql("UPDATE club SET title_recalculation_needed = TRUE WHERE id = 1").await;
    let Explanation { reasons, .. } = explained(&db, clubs(), "club.title", 1).await;
    let [Reason::Marked { .. }, input] = reasons.as_slice() else { panic!("{reasons:?}") };
    let key = Key::new([1.into()]);
    let rank = Reason::StaleInput {
        schema: None,
        table: "club".to_owned(),
        field: "rank",
        rows: Count::Exactly(1),
        key,
    };
    assert_eq!(*input, rank);
}

/// It writes nothing, and waits for no other transaction.
#[apply(contract)]
async fn beside_a_transaction_that_holds_the_row(db: TestDb) {
    set_up_lampposts(&db).await;
    let post = a_lamppost(&db, &db.name("Ada")).await;
    let gate = Gate::at(&post.first_name);
    let worker = start(lampposts().worker(&db));
    gate.arrival().await;
    let transaction = db.begin().await.unwrap();
    let update = format!("UPDATE lamppost SET note = 'x' WHERE id = {}", post.id);
    transaction.execute_unprepared(&update).await.unwrap();
    let held = explained(&db, lampposts(), "lamppost.full_name", post.id).await;
    assert!(matches!(held.reasons[0], Reason::Claimed { .. }), "{held}");
    transaction.rollback().await.unwrap();
    gate.open();
    worker.stop().await;
}

#[apply(contract)]
async fn where_nothing_is_installed(db: TestDb) {
    db.create(Entity).await;
    let [id] = rows_of(&db, ["fine"]).await;
    let key = Key::new([id.into()]);
    let error = fragiles().explain("fragile.opinion", &key, &db).await.unwrap_err();
    assert!(matches!(error, Error::NotInstalled { .. }), "{error}");
}
