//! What `status` tells of each field. A process shares a snapshot for two seconds, so each test
//! asks over a pool of its own.

use chrono::{TimeDelta, Utc};
use sea_orm_cached_field::{CachedFields, Count, FieldState, FieldStatus};

use crate::{
    fragile::*,
    harness::{TestDb, connect},
    league::{clubs, clubs_at, set_up_clubs},
};

async fn of_fields(db: &TestDb, models: CachedFields) -> Vec<FieldStatus> {
    let pool = connect(&db.url).await;
    let status = models.status(&pool).await.expect("a status");
    pool.close().await.expect("closed");
    status.fields
}

async fn of_opinion(db: &TestDb) -> FieldStatus {
    let mut fields = of_fields(db, fragiles()).await;
    assert_eq!(fields.len(), 1);
    fields.remove(0)
}

/// The state, and the changes, due, claimed, later, failing and failed rows.
fn figures(status: &FieldStatus) -> (FieldState, [Count; 6]) {
    let FieldStatus { changes, due, claimed, later, failing, failed, .. } = *status;
    (status.state, [changes, due, claimed, later, failing, failed])
}

async fn assert_figures(db: &TestDb, state: FieldState, counts: [u64; 6]) {
    assert_eq!(figures(&of_opinion(db).await), (state, counts.map(Count::Exactly)));
}

const MARKS: &str = "_fragile_cached_marks";
const QUEUE: &str = "_fragile_cached_recalculations";

#[apply(contract)]
async fn of_a_field_for_which_nothing_waits(db: TestDb) {
    set_up_fragiles(&db).await;
    assert_figures(&db, FieldState::Fresh, [0; 6]).await;
    let status = of_opinion(&db).await;
    assert_eq!(status.to_string(), "fragile.opinion: fresh");
    assert_eq!((status.waiting_for, status.inherited), (None, None));
}

#[apply(contract)]
async fn of_changes_that_no_worker_has_collected(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine", "well"]).await;
    assert_figures(&db, FieldState::Working, [2, 0, 0, 0, 0, 0]).await;
    db.shift(MARKS, "marked_at", -70).await;
    assert_figures(&db, FieldState::Behind, [2, 0, 0, 0, 0, 0]).await;
    let waiting = of_opinion(&db).await.waiting_for.expect("a time").as_secs();
    assert!((70..600).contains(&waiting), "{waiting} s");
}

#[apply(contract)]
async fn of_rows_that_are_calculated_and_of_others_that_are_due(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    rows_of(&db, ["gate"]).await;
    let worker = start(fragiles().worker(&db));
    place.arrivals(1).await;
    assert_figures(&db, FieldState::Working, [0, 0, 1, 0, 0, 0]).await;
    place.open(1);
    worker.stop().await;
    assert_figures(&db, FieldState::Fresh, [0; 6]).await;

    for (key, field) in [(7, "opinion"), (8, "of another program")] {
        let values = format!("({key}, '{field}', 1)");
        db.sql(&format!("INSERT INTO {QUEUE} (key_1, field, generation) VALUES {values}")).await;
    }
    assert_figures(&db, FieldState::Working, [0, 1, 0, 0, 0, 0]).await;
    db.shift(QUEUE, "due_at", 600).await;
    assert_figures(&db, FieldState::Working, [0, 0, 0, 1, 0, 0]).await;
}

/// It waits as long as its field says.
#[apply(contract)]
async fn of_rows_that_are_due_later(db: TestDb) {
    set_up_fragiles(&db).await;
    let values = "(7, 'opinion', 1)";
    db.sql(&format!("INSERT INTO {QUEUE} (key_1, field, generation) VALUES {values}")).await;
    db.shift(QUEUE, "queued_at", -600).await;
    assert_figures(&db, FieldState::Working, [0, 1, 0, 0, 0, 0]).await;
    db.shift(QUEUE, "due_at", -70).await;
    assert_figures(&db, FieldState::Behind, [0, 1, 0, 0, 0, 0]).await;
}

#[apply(contract)]
async fn of_values_that_expire(db: TestDb) {
    set_up_fragiles(&db).await;
    let [fine, well, merry, quiet] = rows_of(&db, ["fine", "well", "merry", "quiet"]).await;
    db.drain(fragiles()).await;
    for (id, seconds) in [(fine, 30), (well, 1_800), (merry, 40_000)] {
        let moment = Utc::now() + TimeDelta::seconds(seconds);
        row(&db, id).await.expire_opinion_after(moment, &*db).await.unwrap();
    }

    assert_figures(&db, FieldState::Fresh, [0; 6]).await;
    let expirations = fragiles().expirations(&db).await.expect("expirations");
    let shown: Vec<String> = expirations.iter().map(ToString::to_string).collect();
    let counts = "0 expired, 1 within a minute, 2 within an hour, 3 within a day";
    assert_eq!(shown, [format!("fragile.opinion: {counts}")]);

    // No worker has flagged it.
    let moment = Utc::now() - TimeDelta::seconds(70);
    row(&db, quiet).await.expire_opinion_after(moment, &*db).await.unwrap();
    assert_figures(&db, FieldState::Behind, [0; 6]).await;
    let expirations = fragiles().expirations(&db).await.expect("expirations");
    assert_eq!(expirations[0].expired, Count::Exactly(1));
    assert_eq!(expirations[0].within_a_minute, Count::Exactly(1));
    db.drain(fragiles()).await;
    assert_figures(&db, FieldState::Fresh, [0; 6]).await;
}

#[apply(contract)]
async fn of_failures(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["error", "fine"]).await;
    db.drain(fragiles()).await;
    assert_figures(&db, FieldState::Failing, [0, 0, 0, 0, 1, 0]).await;
    db.let_time_pass("fragile").await;
    assert_figures(&db, FieldState::Failing, [0, 0, 0, 0, 1, 0]).await;
    fragiles().worker(&db).max_attempts(2).drain().await.unwrap();
    assert_figures(&db, FieldState::Failing, [0, 0, 0, 0, 0, 1]).await;
}

#[apply(contract)]
async fn of_rows_that_an_installation_has_flagged(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine"]).await;
    db.sql(&format!("DELETE FROM {MARKS}")).await;
    fragiles().repair(&*db).await.expect("queued");
    assert_figures(&db, FieldState::Filling, [0; 6]).await;
    db.drain(fragiles()).await;
    assert_figures(&db, FieldState::Fresh, [0; 6]).await;
}

#[apply(contract)]
async fn of_a_field_that_is_left_to_readers(db: TestDb) {
    set_up_fragiles(&db).await;
    CachedFields::set_eager_recalculation(false, &db).unwrap();
    rows_of(&db, ["fine"]).await;
    db.shift(MARKS, "marked_at", -70).await;
    let status = fragiles().status(&db).await.expect("a status");
    assert_eq!(status.fields[0].state, FieldState::Lazy);
}

#[apply(contract)]
async fn of_a_table_where_nothing_is_installed(db: TestDb) {
    db.create(Entity).await;
    let status = of_opinion(&db).await;
    assert_eq!(figures(&status), (FieldState::NotInstalled, [Count::Unknown; 6]));
    assert_eq!(status.to_string(), "fragile.opinion: not installed");
}

/// While an input waits, the field that is calculated from it is as old, though nothing of its own
/// waits.
#[apply(contract)]
async fn what_a_field_is_calculated_from_waits_for_it_too(db: TestDb) {
    set_up_clubs(&db).await;
    clubs_at(&db, [1, 2, 3]).await;
    db.drain(clubs()).await;
    db.sql("UPDATE club SET place = 7 WHERE id = 1").await;
    db.shift("_club_cached_marks", "marked_at", -70).await;

    let fields = of_fields(&db, clubs()).await;
    let title = fields.iter().find(|status| status.field == "title").expect("the title");
    let rank = fields.iter().find(|status| status.field == "rank").expect("the rank");
    assert_eq!(title.waiting_for, None);
    assert_eq!((title.inherited, rank.inherited), (rank.waiting_for, None));
    let inherited = title.inherited.expect("a time").as_secs();
    assert!((70..600).contains(&inherited), "{inherited} s");
}

/// However large a backlog is, no more of it is counted.
#[apply(contract)]
async fn of_more_rows_than_are_counted(db: TestDb) {
    set_up_fragiles(&db).await;
    for first in (0..11_000).step_by(1_000) {
        let keys = first..first + 1_000;
        let rows: Vec<String> = keys.map(|key| format!("({key}, 'opinion', 1)")).collect();
        let rows = rows.join(", ");
        db.sql(&format!("INSERT INTO {QUEUE} (key_1, field, generation) VALUES {rows}")).await;
        let marks = rows.replace(", 1)", ")");
        db.sql(&format!("INSERT INTO {MARKS} (key_1, field) VALUES {marks}")).await;
    }

    let (state, counts) = figures(&of_opinion(&db).await);
    assert_eq!(state, FieldState::Working);
    let unknown = Count::Unknown;
    let [changes, due, failed] =
        [Count::AtLeast(10_000), Count::AtLeast(10_000), Count::Exactly(0)];
    assert_eq!(counts, [changes, due, unknown, Count::Exactly(0), unknown, failed]);
}

/// What was not looked at is not fresh.
#[apply(contract)]
async fn of_a_field_behind_very_many_rows_of_another(db: TestDb) {
    set_up_clubs(&db).await;
    let queue = "_club_cached_recalculations";
    for first in (0..11_000).step_by(1_000) {
        let keys = first..first + 1_000;
        let rows: Vec<String> = keys.map(|key| format!("({key}, 'seat', 1)")).collect();
        let rows = rows.join(", ");
        db.sql(&format!("INSERT INTO {queue} (key_1, field, generation) VALUES {rows}")).await;
    }
    let fields = of_fields(&db, clubs()).await;
    let rank = fields.iter().find(|status| status.field == "rank").expect("the rank");
    assert_eq!((rank.state, rank.due), (FieldState::Unknown, Count::Unknown));
}

/// The states of so many rows are not read. How many there are is counted nevertheless, and that
/// there are none of another field.
#[apply(contract)]
async fn of_more_rows_than_are_looked_at(db: TestDb) {
    set_up_clubs(&db).await;
    let none = Count::Exactly(0);
    let queue = "_club_cached_recalculations";
    let rows: Vec<String> = (0..3_000).map(|key| format!("({key}, 'seat', 1)")).collect();
    let rows = rows.join(", ");
    db.sql(&format!("INSERT INTO {queue} (key_1, field, generation) VALUES {rows}")).await;
    let fields = of_fields(&db, clubs()).await;
    let rank = fields.iter().find(|status| status.field == "rank").expect("the rank");
    assert_eq!((rank.state, rank.due, rank.claimed), (FieldState::Fresh, none, none));

    db.shift(queue, "due_at", -1).await;
    let behind = format!("INSERT INTO {queue} (key_1, field, generation) VALUES (1, 'rank', 1)");
    db.sql(&behind).await;
    let fields = of_fields(&db, clubs()).await;
    let of = |field: &str| fields.iter().find(|status| status.field == field).expect("the field");
    let (seat, rank) = (of("seat"), of("rank"));
    let FieldStatus { due, claimed, later, failing, failed, .. } = *seat;
    let due_alone = [Count::Exactly(3_000), Count::Unknown, none, Count::Unknown, none];
    assert_eq!([due, claimed, later, failing, failed], due_alone);
    assert_eq!((rank.state, rank.due), (FieldState::Working, Count::Exactly(1)));

    db.shift(queue, "due_at", -70).await;
    let fields = of_fields(&db, clubs()).await;
    let rank = fields.iter().find(|status| status.field == "rank").expect("the rank");
    let waiting = rank.waiting_for.expect("a time").as_secs();
    assert!(rank.state == FieldState::Behind && waiting >= 69, "{rank}, for {waiting} s");

    let failed = "due_at = NULL, last_error = 'broken'";
    db.sql(&format!("UPDATE {queue} SET {failed} WHERE field = 'seat'")).await;
    let pool = connect(&db.url).await;
    let status = clubs().status(&pool).await.expect("a status");
    let seat = status.fields.iter().find(|status| status.field == "seat").expect("the seat");
    assert_eq!((seat.state, seat.failed), (FieldState::Failing, Count::Exactly(3_000)));

    let failed = clubs().failed(&pool).await.expect("the failures");
    let [group] = &failed.groups[..] else { panic!("{failed:?}") };
    assert_eq!((group.rows, failed.is_complete), (Count::AtLeast(2_500), false));
    pool.close().await.expect("closed");
}
