use sea_orm::{Condition, ConnectionTrait};
use sea_orm_cached_field::CachedFields;

use crate::{fragile::*, harness::TestDb};

async fn set_up(db: &TestDb) -> std::sync::Arc<Place> {
    let place = set_up_fragiles(db).await;
    CachedFields::set_eager_recalculation(false, db).expect("set");
    place
}

async fn marks(db: &TestDb) -> i64 {
    db.scalar("SELECT count(*) FROM _fragile_cached_marks").await
}

async fn flagged(db: &TestDb) -> i64 {
    db.scalar("SELECT count(*) FROM fragile WHERE opinion_recalculation_needed").await
}

#[apply(contract)]
async fn where_readers_do_it_all(db: TestDb) {
    let place = set_up(&db).await;
    let [a, b] = rows_of(&db, ["fine", "tired"]).await;
    assert_eq!(row(&db, a).await.opinion(&*db).await.unwrap(), "feels fine");
    set_mood(&*db, a, "merry").await;
    assert_eq!(row(&db, a).await.opinion(&*db).await.unwrap(), "feels merry");
    row(&db, a).await.flag_opinion_as_stale(&*db).await.unwrap();
    assert_eq!(row(&db, a).await.opinion(&*db).await.unwrap(), "feels merry");
    assert_eq!([a, b].map(|id| place.times(id)), [3, 0]);
    assert_eq!((flagged(&db).await, db.pending("fragile").await), (1, 0));
}

#[apply(contract)]
async fn where_marks_do_not_pile_up(db: TestDb) {
    set_up(&db).await;
    many_rows(&db, 50, "fine").await;
    let [id] = rows_of(&db, ["fine"]).await;
    for round in 0..40 {
        db.sql(&format!("UPDATE fragile SET mood = 'round {round}'")).await;
    }

    let piled = marks(&db).await;
    if db.is_sqlite() {
        assert_eq!(piled, 51, "one a row");
    } else {
        assert!(piled >= 2000, "{piled}: whoever marks waits for nobody, and looks at nothing");
    }

    for _ in 0..10 {
        row(&db, id).await.opinion(&*db).await.unwrap();
        db.sql(&format!("UPDATE fragile SET mood = 'last' WHERE id = {id}")).await;
    }

    row(&db, id).await.opinion(&*db).await.unwrap();
    assert_eq!((marks(&db).await, flagged(&db).await), (0, 50));
    let queued: i64 = db.scalar("SELECT count(*) FROM _fragile_cached_recalculations").await;
    assert_eq!(queued, 0);
}

#[apply(contract)]
async fn where_a_worker_only_flags(db: TestDb) {
    let place = set_up(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    assert_eq!(
        (db.drain(fragiles()).await, place.times(id), marks(&db).await, flagged(&db).await),
        (0, 0, 0, 1)
    );
    row(&db, id).await.opinion(&*db).await.unwrap();
    Opinion::flag(Condition::all(), &*db).await.unwrap();
    assert_eq!((db.drain(fragiles()).await, flagged(&db).await), (0, 1));
    row(&db, id).await.flag_opinion_as_stale(&*db).and_recalculate(true).await.unwrap();
    assert_eq!((db.drain(fragiles()).await, place.times(id), flagged(&db).await), (1, 2, 0));
}

#[apply(contract)]
async fn where_it_is_eager_again(db: TestDb) {
    let place = set_up(&db).await;
    let ids = rows_of(&db, ["fine", "tired"]).await;
    let worker = start(fragiles().worker(&db));
    eventually("they are only flagged", async || marks(&db).await == 0).await;
    assert_eq!((flagged(&db).await, place.all_times()), (2, 0));
    CachedFields::set_eager_recalculation(true, &db).expect("set");
    eventually("what was flagged meanwhile is calculated", async || flagged(&db).await == 0).await;
    worker.stop().await;
    assert_eq!(ids.map(|id| place.times(id)), [1, 1]);
}

#[apply(contract)]
async fn where_nothing_waits_for_a_worker_at_first(db: TestDb) {
    db.create(Entity).await;
    db.execute_unprepared("INSERT INTO fragile (place, mood) VALUES ('x', 'fine')").await.unwrap();
    CachedFields::set_eager_recalculation(false, &db).unwrap();
    let changes = format!("{:#}", fragiles().install(&*db).await.unwrap());
    assert!(!changes.contains("queued"), "{changes}");
    assert_eq!((db.pending("fragile").await, flagged(&db).await), (0, 1));
    CachedFields::set_eager_recalculation(true, &db).unwrap();
    assert_eq!(
        format!("{:#}", fragiles().install(&*db).await.unwrap()),
        "fragile: queued 1 row for opinion\n"
    );
    assert_eq!(db.drain(fragiles()).await, 1);
}

/// The setting comes from the environment, which belongs to a process as a whole.
#[test]
fn as_the_environment_says() {
    for (value, said) in
        [("off", "not eager"), ("TRUE", "eager"), ("maybe", "the environment variable")]
    {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args([
            "--exact",
            "recalculation_need_not_be_eager::tell_the_setting::sqlite",
            "--nocapture",
        ]);
        let output = child
            .env("CACHED_FIELD_EAGER_RECALCULATION", value)
            .env("TELL_THE_SETTING", "1")
            .output()
            .unwrap();

        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.contains(&format!("here it is {said}")), "{value}: {output}");
    }
}

/// The other process.
#[apply(on_sqlite)]
async fn tell_the_setting(db: TestDb) {
    if std::env::var("TELL_THE_SETTING").is_err() {
        return;
    }

    db.create(Entity).await;
    let told = match fragiles().install(&*db).await {
        Err(error) => error.to_string(),
        Ok(_) => {
            db.sql("INSERT INTO fragile (place, mood) VALUES ('x', 'fine')").await;
            if db.drain(fragiles()).await == 0 {
                "not eager".to_owned()
            } else {
                "eager".to_owned()
            }
        }
    };

    println!("here it is {told}");
}
