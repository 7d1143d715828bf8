//! A field of which one transaction marks too many rows is paused, if a worker has a fuse. After it
//! is resumed, everything is calculated.

use futures_util::{FutureExt, StreamExt};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, TransactionTrait};
use sea_orm_cached_field::{CachedFields, Event, FieldStatus, Pause, Worker};

use crate::harness::{TestDb, connect, log::logged};

mod house {
    use sea_orm::entity::prelude::*;

    use super::guest;

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "house")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub street_id: i32,
        #[sea_orm(belongs_to, from = "street_id", to = "id")]
        pub street: HasOne<super::street::Entity>,
        #[sea_orm(has_many)]
        pub guests: HasMany<super::guest::Entity>,

        #[cached(depends_on(street(noise), guests(noise)))]
        pub noise: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_noise(&self, db: &impl ConnectionTrait) -> Result<i32, DbErr> {
            let street = super::street::Entity::find_by_id(self.street_id).one(db).await?;
            let guests = self.find_related(guest::Entity).all(db).await?;
            let noise = guests.iter().map(|guest| guest.noise).sum::<i32>();
            Ok(street.map_or(0, |street| street.noise) + noise)
        }
    }
}

mod street {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "street")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub noise: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod guest {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "guest")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub house_id: i32,
        pub noise: i32,
        #[sea_orm(belongs_to, from = "house_id", to = "id")]
        pub house: HasOne<super::house::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The greatest number of rows that one transaction may mark.
const ALLOWED: u64 = 3;

const BATCH: u64 = 2;

const HOUSES: i32 = 10;

fn houses() -> CachedFields {
    CachedFields::of::<house::Entity>()
}

fn worker(db: &DatabaseConnection) -> Worker {
    houses().worker(db).batch_size(BATCH).fuse(ALLOWED)
}

async fn drain(db: &DatabaseConnection) {
    worker(db).drain().await.expect("drained");
}

/// Houses with a guest each, all in one street and with right values.
async fn set_up(db: &TestDb) {
    db.create(street::Entity).await;
    db.create(house::Entity).await;
    db.create(guest::Entity).await;
    db.sql("INSERT INTO street (id, noise) VALUES (1, 100)").await;
    let of_each = |row: fn(i32) -> String| (1..=HOUSES).map(row).collect::<Vec<_>>().join(", ");
    let rows = of_each(|id| format!("({id}, 1)"));
    db.sql(&format!("INSERT INTO house (id, street_id) VALUES {rows}")).await;
    let rows = of_each(|id| format!("({id}, {id}, 1)"));
    db.sql(&format!("INSERT INTO guest (id, house_id, noise) VALUES {rows}")).await;
    houses().install(&**db).await.expect("installed");
    db.drain(houses()).await;
    assert_eq!(count(db, 101).await, HOUSES, "all are right");
}

/// The number of houses with this value that are not stale.
async fn count(db: &TestDb, noise: i32) -> i32 {
    let rows = house::Entity::find().all(&**db).await.expect("loaded");
    let is_right =
        |row: &&house::Model| row.cached_noise == Some(noise) && !row.noise_recalculation_needed;
    rows.iter().filter(is_right).count() as i32
}

async fn status(db: &TestDb) -> FieldStatus {
    let pool = connect(&db.url).await;
    let status = houses().status(&pool).await.expect("a status");
    pool.close().await.expect("closed");
    status.fields.into_iter().next().expect("the field")
}

async fn pause(db: &TestDb) -> Option<Pause> {
    status(db).await.paused
}

async fn is_paused(db: &TestDb) -> bool {
    pause(db).await.is_some()
}

async fn resume(db: &TestDb) {
    assert!(houses().resume("house.noise", db).await.expect("resumed"), "it was paused");
}

/// Makes all marks as old as if each row was marked by a transaction of its own.
async fn tell_marks_apart(db: &TestDb) {
    let earlier = match db.get_database_backend() {
        DbBackend::Sqlite => "marked_at - 1000 * key_1",
        DbBackend::MySql => "marked_at - INTERVAL key_1 SECOND",
        _ => "marked_at - key_1 * interval '1 second'",
    };
    db.sql(&format!("UPDATE _house_cached_marks SET marked_at = {earlier}")).await;
}

/// Makes all marks as if one transaction had made them, long ago.
async fn date_back_marks(db: &TestDb) {
    let moment = match db.get_database_backend() {
        DbBackend::Sqlite => "1700000000000",
        _ => "'2023-11-14 22:13:20'",
    };
    db.sql(&format!("UPDATE _house_cached_marks SET marked_at = {moment}")).await;
}

#[apply(contract)]
async fn of_which_one_statement_marks_too_many_rows(db: TestDb) {
    set_up(&db).await;
    db.sql("DELETE FROM guest").await;
    drain(&db).await;

    let Pause { by, reason, .. } = pause(&db).await.expect("it is paused");
    assert!(by.starts_with("the fuse of worker"), "{by}");
    assert!(reason.starts_with("one transaction marked more than 3 rows at 20"), "{reason}");
    assert!(status(&db).await.to_string().contains(&reason));
    let calculated = count(&db, 100).await as u64;
    assert!((1..=ALLOWED + 2 * BATCH).contains(&calculated), "{calculated}");
}

#[apply(contract)]
async fn also_if_they_have_to_be_looked_up(db: TestDb) {
    set_up(&db).await;
    db.sql("UPDATE street SET noise = 50").await;
    drain(&db).await;
    assert!(is_paused(&db).await);
    assert!(count(&db, 51).await < HOUSES);

    resume(&db).await;
    drain(&db).await;
    assert_eq!(count(&db, 51).await, HOUSES);
}

/// Each worker of `run_once` counts on.
#[apply(contract)]
async fn whichever_worker_of_the_process_collects_them(db: TestDb) {
    set_up(&db).await;
    db.sql("DELETE FROM guest").await;
    assert!(worker(&db).run_once().await.expect("run") > 0);
    assert!(!is_paused(&db).await);
    worker(&db).run_once().await.expect("run");
    assert!(is_paused(&db).await);
    assert_eq!(worker(&db).run_once().await.expect("run"), 0);
}

#[apply(contract)]
async fn but_not_if_they_are_just_few_enough(db: TestDb) {
    set_up(&db).await;
    db.sql("DELETE FROM guest WHERE id <= 3").await;
    drain(&db).await;
    assert!(!is_paused(&db).await);
    assert_eq!(count(&db, 100).await, 3);
}

#[apply(contract)]
async fn but_not_if_many_transactions_mark_them(db: TestDb) {
    set_up(&db).await;
    db.sql("DELETE FROM guest").await;
    tell_marks_apart(&db).await;
    drain(&db).await;
    assert!(!is_paused(&db).await);
    assert_eq!(count(&db, 100).await, HOUSES);
}

/// Other databases see one statement.
#[apply(on_postgres)]
async fn also_if_one_transaction_has_many_statements(db: TestDb) {
    set_up(&db).await;
    let transaction = db.begin().await.expect("begun");
    for id in 1..=HOUSES {
        let delete = format!("DELETE FROM guest WHERE id = {id}");
        transaction.execute_unprepared(&delete).await.expect("done");
    }
    transaction.commit().await.expect("committed");
    drain(&db).await;
    assert!(is_paused(&db).await);
}

/// The marks of a row may come in several collections.
#[apply(contract)]
async fn and_a_row_counts_once(db: TestDb) {
    set_up(&db).await;
    for _ in 0..4 {
        db.sql("UPDATE guest SET noise = noise + 1 WHERE id <= 2").await;
        date_back_marks(&db).await;
        assert_eq!(worker(&db).run_once().await.expect("run"), 2);
    }
    assert!(!is_paused(&db).await);
    db.sql("UPDATE guest SET noise = noise + 1 WHERE id IN (3, 4)").await;
    date_back_marks(&db).await;
    drain(&db).await;
    assert!(is_paused(&db).await, "four rows are too many");
}

/// It was asked for.
#[apply(contract)]
async fn but_not_if_a_call_flags_them_all(db: TestDb) {
    set_up(&db).await;
    let flagged = houses().flag("house.noise", None, &db).await.expect("flagged");
    assert_eq!(flagged, HOUSES as u64);
    assert_eq!(worker(&db).drain().await.expect("drained"), HOUSES as usize);
    assert!(!is_paused(&db).await);
}

#[apply(contract)]
async fn but_not_without_a_fuse(db: TestDb) {
    set_up(&db).await;
    db.sql("DELETE FROM guest").await;
    houses().worker(&db).batch_size(BATCH).drain().await.expect("drained");
    assert!(!is_paused(&db).await);
    assert_eq!(count(&db, 100).await, HOUSES);
}

/// What waits is more than is allowed.
#[apply(contract)]
async fn once_it_is_resumed_everything_is_calculated(db: TestDb) {
    set_up(&db).await;
    db.sql("DELETE FROM guest").await;
    drain(&db).await;
    assert!(count(&db, 100).await + 4 <= HOUSES, "more than allowed are left");

    resume(&db).await;
    assert!(!is_paused(&db).await);
    drain(&db).await;
    assert!(!is_paused(&db).await);
    assert_eq!(count(&db, 100).await, HOUSES);
    assert_eq!(db.pending("house").await, 0);
    assert!(!houses().resume("house.noise", &db).await.expect("nothing to resume"));
}

#[apply(contract)]
async fn once_it_is_resumed_also_by_a_worker_of_another_process(db: TestDb) {
    set_up(&db).await;
    db.sql("DELETE FROM guest").await;
    drain(&db).await;
    resume(&db).await;
    houses().install(&*db).await.expect("installed");

    let elsewhere = connect(&db.url).await;
    drain(&elsewhere).await;
    elsewhere.close().await.expect("closed");
    assert!(!is_paused(&db).await);
    assert_eq!(count(&db, 100).await, HOUSES);
}

#[apply(contract)]
async fn and_again_by_a_later_transaction(db: TestDb) {
    set_up(&db).await;
    db.sql("UPDATE guest SET noise = 5").await;
    drain(&db).await;
    resume(&db).await;
    db.shift("_house_cached_settings", "resumed_at", -60).await;
    drain(&db).await;
    assert_eq!(count(&db, 105).await, HOUSES, "it is decided in this process");

    db.sql("DELETE FROM guest").await;
    drain(&db).await;
    assert!(is_paused(&db).await);
    resume(&db).await;
    drain(&db).await;
    assert_eq!(count(&db, 100).await, HOUSES);
}

#[apply(contract)]
async fn and_a_pause_that_stands_is_kept(db: TestDb) {
    set_up(&db).await;
    db.sql("DELETE FROM guest").await;
    assert!(worker(&db).run_once().await.expect("run") > 0);

    // This worker has asked less than a second ago, and goes on.
    let elsewhere = connect(&db.url).await;
    houses().pause("house.noise", "ann", "the deploy of 2.1", &elsewhere).await.expect("paused");
    elsewhere.close().await.expect("closed");
    let mut narration = db.narration();
    worker(&db).run_once().await.expect("run");

    let Pause { by, reason, .. } = pause(&db).await.expect("it is paused");
    assert_eq!((by.as_str(), reason.as_str()), ("ann", "the deploy of 2.1"));
    assert!(!narration.said().iter().any(|said| said.contains("paused")));
}

/// What people set is not worth an outage.
#[apply(contract)]
async fn but_goes_on_if_the_table_is_lost(db: TestDb) {
    set_up(&db).await;
    db.sql("DELETE FROM guest").await;
    db.sql("DROP TABLE _house_cached_settings").await;
    let url = db.url.clone();
    let ((), said) = logged(move || async move { drain(&connect(&url).await).await }).await;
    assert_eq!(count(&db, 100).await, HOUSES);
    let cannot = said.iter().filter(|said| said.starts_with("WARN the fuse cannot pause"));
    assert_eq!(cannot.count(), 1, "{said:?}");
}

#[apply(contract)]
async fn and_says_so(db: TestDb) {
    set_up(&db).await;
    db.sql("DELETE FROM guest").await;
    let url = db.url.clone();
    let (event, said) = logged(move || async move {
        let pool = connect(&url).await;
        let mut events = houses().events(&pool).expect("events");
        drain(&pool).await;
        let mut so_far = std::iter::from_fn(|| events.next().now_or_never().flatten());
        so_far.find(|event| matches!(event, Event::PausedByFuse { .. })).expect("such an event")
    })
    .await;

    let Event::PausedByFuse { table, field, rows } = &event else { panic!("{event}") };
    assert_eq!((table.as_str(), *field), ("house", "noise"));
    assert!((ALLOWED + 1..=ALLOWED + BATCH).contains(rows), "{rows}");
    let text = format!("paused house.noise: one transaction marked {rows} rows or more");
    assert_eq!(event.to_string(), text);

    let warnings: Vec<&String> =
        said.iter().filter(|said| said.starts_with("WARN the field")).collect();
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    let fields = format!("table=\"house\" field=\"noise\" rows={rows} by=\"the fuse of worker");
    assert!(warning.contains("marked more than 3 rows at 20"), "{warning}");
    assert!(warning.contains(&fields), "{warning}");
}
