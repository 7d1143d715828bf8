use std::sync::atomic::{AtomicI32, Ordering};

use sea_orm_cached_field::CachedFields;

use crate::{
    fragile::*,
    harness::log::{Log, without_durations},
};

#[apply(contract)]
async fn a_change(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    let mut narration = db.narration();
    set_mood(&*db, id, "odd").await;
    db.drain(fragiles()).await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(narration.said().join("\n"), @r"
    calculated fragile.opinion 1
    claimed fragile 1: opinion
    collected 1 mark of 1 row of fragile
    completed fragile.opinion 1
    ");
    }
}

#[apply(contract)]
async fn a_change_that_makes_no_difference(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    let mut narration = db.narration();

    row(&db, id).await.flag_opinion_as_stale(&*db).await.unwrap();
    db.drain(fragiles()).await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(narration.said().join("\n"), @r"
    calculated fragile.opinion 1
    claimed fragile 1: opinion
    collected 1 mark of 1 row of fragile
    completed fragile.opinion 1, unchanged
    flagged fragile.opinion 1
    ");
    }
}

#[apply(contract)]
async fn a_read(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    let mut narration = db.narration();
    row(&db, id).await.opinion(&*db).await.unwrap();
    row(&db, id).await.recalculate_opinion(&*db).await.unwrap();

    insta::allow_duplicates! {
        insta::assert_snapshot!(narration.said().join("\n"), @r"
    calculated fragile.opinion 1
    calculated fragile.opinion 1
    claimed fragile 1: opinion
    claimed fragile 1: opinion
    collected 1 mark of 1 row of fragile
    completed fragile.opinion 1
    completed fragile.opinion 1, unchanged
    ");
    }
}

#[apply(contract)]
async fn tracing_hears_the_same(db: TestDb) {
    let log = Log::everywhere();
    set_up_fragiles(&db).await;

    // No other row of this process has this key.
    static IDS: AtomicI32 = AtomicI32::new(4711);
    let id = IDS.fetch_add(1, Ordering::Relaxed);
    let row = ActiveModel {
        id: Set(id),
        place: Set(db.url.clone()),
        mood: Set("error".to_owned()),
        ..Default::default()
    };
    row.insert(&*db).await.unwrap();

    db.drain(fragiles()).await;
    set_mood(&*db, id, "fine").await;
    db.drain(fragiles()).await;
    let said = without_durations(&log.of_row(id));
    insta::allow_duplicates! {
        insta::assert_snapshot!(said, @r#"
    DEBUG claimed fragile ID: opinion; table="fragile" key=ID
    WARN failed fragile.opinion ID, attempt 1, will retry: `opinion` of `fragile` ID could not be calculated; the whole error is in `last_error` of `_fragile_cached_recalculations`, and `CachedFields::doctor` shows it; table="fragile" field="opinion" key=ID retry_in_seconds=..; in recalculate table="fragile" claims=1
    DEBUG failed fragile.opinion ID, attempt 1, will retry: not in the mood; table="fragile" field="opinion" key=ID retry_in_seconds=..; in recalculate table="fragile" claims=1
    DEBUG claimed fragile ID: opinion; table="fragile" key=ID
    DEBUG calculated fragile.opinion ID; table="fragile" field="opinion" key=ID seconds=..; in recalculate table="fragile" claims=1
    DEBUG completed fragile.opinion ID; table="fragile" field="opinion" key=ID stale_seconds=..; in recalculate table="fragile" claims=1
    "#);
    }
}

/// A person who may read the log need not be allowed to read the data.
#[apply(contract)]
async fn no_value_stands_in_the_log_above_the_level_of_debugging(db: TestDb) {
    let log = Log::everywhere();
    set_up_fragiles(&db).await;
    let secret = format!("secret-{}", fastrand::u64(..));

    db.sql("CREATE UNIQUE INDEX alone ON fragile (cached_opinion)").await;
    rows_of(
        &db,
        ["fine", "fine", &format!("{secret} then error"), &format!("{secret} then panic")],
    )
    .await;
    for mood in ["panic", "error", "refused", "too long", "restless"] {
        rows_of(&db, [mood]).await;
    }
    db.sql(&format!("UPDATE fragile SET mood = '{secret}' WHERE mood = 'fine'")).await;
    db.drain(fragiles()).await;

    let told = log.said();
    let told: Vec<&String> = told.iter().filter(|said| said.contains(&secret)).collect();
    assert!(
        told.iter().any(|said| said.contains("then panic")),
        "it is known at the level of debugging: {told:?}"
    );
    assert!(told.iter().all(|said| said.starts_with("DEBUG ")), "{told:?}");
    let failed: i64 = db
        .scalar("SELECT count(*) FROM _fragile_cached_recalculations WHERE last_error IS NOT NULL")
        .await;
    assert_eq!(failed, 7);
}

#[apply(contract)]
async fn every_listener_of_a_pool_hears_it_and_those_of_other_pools_do_not(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    let mut first = db.narration();
    let mut second = db.narration();
    let other = db.another_pool().await;
    fragiles().worker(&other).drain().await.unwrap();
    assert_eq!(first.said(), Vec::<String>::new());
    set_mood(&*db, id, "odd").await;
    db.drain(fragiles()).await;
    assert_eq!(first.said(), second.said());
    assert!(CachedFields::all().events(&db).is_ok());
}
