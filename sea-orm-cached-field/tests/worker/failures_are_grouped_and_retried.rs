use std::{sync::atomic::Ordering, time::Duration};

use sea_orm_cached_field::{Count, Error, FailedGroup, Key, Retry};

use crate::{
    fragile::*,
    harness::{TestDb, connect},
    league::{clubs, set_up_clubs},
};

const QUEUE: &str = "_fragile_cached_recalculations";

/// The groups, as a process sees them that has not asked a moment ago.
async fn groups(db: &TestDb) -> Vec<FailedGroup> {
    let pool = connect(&db.url).await;
    let failed = fragiles().failed(&pool).await.expect("groups");
    pool.close().await.expect("closed");
    assert!(failed.is_complete, "{failed:?}");
    failed.groups
}

fn shown(groups: &[FailedGroup]) -> Vec<String> {
    groups.iter().map(ToString::to_string).collect()
}

#[apply(contract)]
async fn by_their_errors_the_most_frequent_first(db: TestDb) {
    set_up_fragiles(&db).await;
    assert_eq!(groups(&db).await, []);
    let [first, second, third, _] =
        rows_of(&db, ["error until repaired", "error", "error", "fine"]).await;
    db.drain(fragiles()).await;

    let failed = groups(&db).await;
    let expected = [
        "fragile.opinion: 2 rows fail and are retried: not in the mood",
        "fragile.opinion: 1 row fails and is retried: broken",
    ];
    assert_eq!(shown(&failed), expected);
    let retry_in = failed[0].retry_in.expect("a time").as_secs();
    assert!((1_000..=3_600).contains(&retry_in), "{retry_in} s");
    assert!(failed[0].waiting_for < Duration::from_secs(600), "{failed:?}");

    let rows = fragiles().failed_rows(&failed[1], None, 10, &db).await.expect("rows");
    let [only] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((&only.key, only.attempts, only.is_final), (&Key::new([first.into()]), 1, false));

    // The next attempt is the last one.
    db.let_time_pass("fragile").await;
    fragiles().worker(&db).max_attempts(2).drain().await.unwrap();
    let failed = groups(&db).await;
    let expected = [
        "fragile.opinion: 2 rows have failed for good: not in the mood",
        "fragile.opinion: 1 row has failed for good: broken",
    ];
    assert_eq!(shown(&failed), expected);
    assert_eq!(failed[0].retry_in, None);

    let pages = async |after: Option<&Key>| {
        let page = fragiles().failed_rows(&failed[0], after, 1, &db).await.expect("a page");
        page.into_iter().map(|row| (row.key, row.attempts, row.is_final)).collect::<Vec<_>>()
    };
    let keys = [second, third].map(|id| Key::new([id.into()]));
    assert_eq!(pages(None).await, [(keys[0].clone(), 2, true)]);
    assert_eq!(pages(Some(&keys[0])).await, [(keys[1].clone(), 2, true)]);
    assert_eq!(pages(Some(&keys[1])).await, []);
}

#[apply(contract)]
async fn a_group_a_row_a_field_and_all_of_them_are_retried(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let broken = "error until repaired";
    let [one, two, three, four] = rows_of(&db, [broken, broken, "error", "fine"]).await;
    let give_up = async || {
        db.let_time_pass("fragile").await;
        fragiles().worker(&db).max_attempts(1).drain().await.unwrap();
    };
    give_up().await;
    assert_eq!(place.all_times(), 4);

    // Neither a row that is right, nor one that does not exist.
    for id in [four, 99] {
        let key = Key::new([id.into()]);
        let retried = fragiles().retry(Retry::Row("fragile.opinion", &key), &db).await;
        assert_eq!(retried.unwrap(), 0);
    }

    let key = Key::new([one.into()]);
    let retry_one = async || fragiles().retry(Retry::Row("fragile.opinion", &key), &db).await;
    assert_eq!(retry_one().await.unwrap(), 1);
    assert_eq!(retry_one().await.unwrap(), 0, "it is due already");
    give_up().await;
    assert_eq!([one, two, three].map(|id| place.times(id)), [2, 1, 1]);

    let failed = groups(&db).await;
    assert_eq!(failed[0].rows, Count::Exactly(2));
    assert_eq!(fragiles().retry(Retry::Group(&failed[0]), &db).await.unwrap(), 2);
    give_up().await;
    assert_eq!([one, two, three].map(|id| place.times(id)), [3, 2, 1]);

    assert_eq!(fragiles().retry(Retry::Field("fragile.opinion"), &db).await.unwrap(), 3);
    give_up().await;
    assert_eq!([one, two, three].map(|id| place.times(id)), [4, 3, 2]);

    place.repaired.store(true, Ordering::SeqCst);
    assert_eq!(fragiles().retry(Retry::All, &db).await.unwrap(), 3);
    give_up().await;
    assert_opinion(&db, one, "feels error until repaired").await;
    assert_opinion(&db, two, "feels error until repaired").await;
    assert_eq!(shown(&groups(&db).await).len(), 1);
}

#[apply(contract)]
async fn a_worker_that_runs_takes_what_is_retried(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["error until repaired"]).await;
    let worker = start(fragiles().worker(&db).max_attempts(1));
    eventually("it is given up", async || given_up(&db, id).await).await;
    place.repaired.store(true, Ordering::SeqCst);
    assert_eq!(fragiles().retry(Retry::All, &db).await.unwrap(), 1);
    eventually("it is right", async || queued(&db, id).await == 0).await;
    worker.stop().await;
    assert_opinion(&db, id, "feels error until repaired").await;
}

/// More than a page of rows.
#[apply(contract)]
async fn many_failures_are_retried_page_by_page(db: TestDb) {
    set_up_fragiles(&db).await;
    for first in [0, 1_000, 2_000] {
        let keys = first..first + 1_000;
        let rows: Vec<String> =
            keys.map(|key| format!("({key}, 'opinion', 1, NULL, 'no')")).collect();
        let columns = "key_1, field, generation, due_at, last_error";
        db.sql(&format!("INSERT INTO {QUEUE} ({columns}) VALUES {}", rows.join(", "))).await;
    }
    assert_eq!(fragiles().retry(Retry::All, &db).await.unwrap(), 3_000);
    let left = format!("SELECT count(*) FROM {QUEUE} WHERE due_at IS NULL OR attempts > 0");
    assert_eq!(db.scalar::<i64>(&left).await, 0);
}

#[apply(contract)]
async fn a_field_that_does_not_exist_is_an_error(db: TestDb) {
    set_up_fragiles(&db).await;
    let error = fragiles().retry(Retry::Field("fragile.opinions"), &db).await.unwrap_err();
    assert!(matches!(error, Error::NoSuchField { .. }), "{error}");
    let expected = "`fragile.opinions` does not name one cached field; there is fragile.opinion";
    assert_eq!(error.to_string(), expected);

    let key = Key::new([1.into(), 2.into()]);
    let error = fragiles().retry(Retry::Row("fragile.opinion", &key), &db).await.unwrap_err();
    assert!(matches!(error, Error::WrongKey { .. }), "{error}");
    let expected = "the key (1, 2) of `fragile` has to have 1 values, one for each key column";
    assert_eq!(error.to_string(), expected);
}

/// The rows of one field do not hide those of another, however many they are.
#[apply(contract)]
async fn a_few_failures_behind_very_many_are_retried(db: TestDb) {
    set_up_clubs(&db).await;
    let queue = "_club_cached_recalculations";
    let columns = "key_1, field, generation, due_at, last_error";
    for first in (0..11_000).step_by(1_000) {
        let keys = first..first + 1_000;
        let rows: Vec<String> = keys.map(|key| format!("({key}, 'seat', 1, NULL, 'no')")).collect();
        db.sql(&format!("INSERT INTO {queue} ({columns}) VALUES {}", rows.join(", "))).await;
    }
    let last = "(20000, 'rank', 1, NULL, 'No'), (20001, 'rank', 1, NULL, 'NO')";
    db.sql(&format!("INSERT INTO {queue} ({columns}) VALUES {last}")).await;

    let failed = clubs().failed(&db).await.expect("groups");
    assert!(!failed.is_complete, "{failed:?}");
    assert_eq!(clubs().retry(Retry::Field("club.rank"), &db).await.unwrap(), 2);
    assert_eq!(clubs().retry(Retry::All, &db).await.unwrap(), 11_000);
    let left = format!("SELECT count(*) FROM {queue} WHERE due_at IS NULL");
    assert_eq!(db.scalar::<i64>(&left).await, 0);
}

/// Errors of fields that only another program has take no places of others.
#[apply(contract)]
async fn no_more_than_so_many_errors_are_told(db: TestDb) {
    set_up_clubs(&db).await;
    let fail = async |keys: std::ops::Range<u32>, field: &str| {
        let queue = "_club_cached_recalculations";
        let columns = "key_1, field, generation, due_at, last_error";
        let row = |key: u32| format!("({key}, '{field}', 1, NULL, 'no {key}')");
        let rows: Vec<String> = keys.map(row).collect();
        db.sql(&format!("INSERT INTO {queue} ({columns}) VALUES {}", rows.join(", "))).await;
    };
    let told = async || {
        let pool = connect(&db.url).await;
        let failed = clubs().failed(&pool).await.expect("groups");
        pool.close().await.expect("closed");
        assert!(failed.groups.iter().all(|group| group.field == "seat"), "{failed:?}");
        (failed.groups.len(), failed.groups[0].rows, failed.is_complete)
    };

    fail(0..200, "of another program").await;
    fail(300..400, "seat").await;
    assert_eq!(told().await, (100, Count::Exactly(1), true));
    fail(400..401, "seat").await;
    assert_eq!(told().await, (100, Count::Exactly(1), false));
    fail(1_000..3_500, "seat").await;
    assert_eq!(told().await, (100, Count::AtLeast(1), false));
}

/// Also where the database calls texts equal that differ in case.
#[apply(contract)]
async fn errors_that_differ_in_case_are_two_groups(db: TestDb) {
    set_up_fragiles(&db).await;
    let columns = "key_1, field, generation, due_at, last_error";
    let rows = "(1, 'opinion', 1, NULL, 'no'), (2, 'opinion', 1, NULL, 'NO')";
    db.sql(&format!("INSERT INTO {QUEUE} ({columns}) VALUES {rows}")).await;
    let failed = groups(&db).await;
    assert_eq!(failed.len(), 2, "{failed:?}");
    let rows = fragiles().failed_rows(&failed[0], None, 10, &db).await.expect("rows");
    assert_eq!(rows.len(), 1);
    assert_eq!(fragiles().retry(Retry::Group(&failed[0]), &db).await.unwrap(), 1);
}

/// A row that fails again while others are retried is not retried without end.
#[apply(contract)]
async fn a_retry_ends_beside_a_worker_that_fails(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    many_rows(&db, 2_500, "error").await;
    fragiles().worker(&db).max_attempts(1).drain().await.unwrap();
    assert_eq!(place.all_times(), 2_500);
    let worker = start(fragiles().worker(&db).max_attempts(1));
    assert_eq!(fragiles().retry(Retry::All, &db).await.unwrap(), 2_500);
    worker.stop().await;
}

#[apply(contract)]
async fn where_nothing_is_installed(db: TestDb) {
    db.create(Entity).await;
    let is_not_installed = |error: &Error| error.to_string().contains("are not installed");
    let error = fragiles().retry(Retry::All, &db).await.unwrap_err();
    assert!(is_not_installed(&error), "{error}");
    let error = fragiles().failed(&db).await.unwrap_err();
    assert!(is_not_installed(&error), "{error}");
}
