//! `CACHED_FIELD_USE_TIMEZONE`: expiries in columns with time zone, and without.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::{Asia::Kathmandu, Europe::Berlin};
use sea_orm::{DbBackend, EntityTrait};
use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

/// Django without `USE_TZ` writes the time of its `TIME_ZONE`.
mod tea {
    use sea_orm::entity::prelude::*;

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tea")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[cached(temporal_triggers, expiration_time_zone = "Asia/Kathmandu")]
        pub taste: i32,
        #[cached(expires_every = "1h", expiration_time_zone = "Asia/Kathmandu")]
        pub warmth: i32,
        #[cached(expires_every = "150days", expiration_time_zone = "Europe/Berlin")]
        pub harvest: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_taste(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(7)
        }

        async fn calculate_harvest(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(1)
        }

        async fn calculate_warmth(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(70)
        }
    }
}

fn teas() -> CachedFields {
    CachedFields::of::<tea::Entity>()
}

/// What the clocks say there.
fn local_now() -> NaiveDateTime {
    Utc::now().with_timezone(&Kathmandu).naive_local()
}

async fn the_tea(db: &TestDb) -> tea::Model {
    tea::Entity::find().one(&**db).await.unwrap().unwrap()
}

async fn set_up(db: &TestDb) {
    let (id, boolean, moment) = match db.get_database_backend() {
        DbBackend::Postgres => ("serial", "boolean", "timestamp"),
        DbBackend::MySql => ("int AUTO_INCREMENT", "bool", "datetime(6)"),
        _ => ("integer", "bool", "datetime"),
    };

    db.sql(&format!(
        "CREATE TABLE tea (id {id} PRIMARY KEY,
           cached_taste integer,
           taste_recalculation_needed {boolean} NOT NULL,
           taste_expires_after {moment},
           cached_warmth integer,
           warmth_recalculation_needed {boolean} NOT NULL,
           warmth_expires_after {moment},
           cached_harvest integer,
           harvest_recalculation_needed {boolean} NOT NULL,
           harvest_expires_after {moment})"
    ))
    .await;

    teas().install(&**db).await.expect("installed");
    db.sql(
        "INSERT INTO tea
           (taste_recalculation_needed, warmth_recalculation_needed, harvest_recalculation_needed)
         VALUES (true, true, true)",
    )
    .await;
    db.drain(teas()).await;
}

/// As Django writes it.
async fn expire(db: &TestDb, moment: NaiveDateTime) {
    db.sql(&format!("UPDATE tea SET taste_expires_after = '{}'", moment.format("%F %T%.6f"))).await;
}

#[apply(contract)]
async fn of_a_column_without_one(db: TestDb) {
    set_up(&db).await;
    // By UTC both lie ahead.
    for (minutes, recalculated) in [(-1, 1), (30, 0)] {
        expire(&db, local_now() + TimeDelta::minutes(minutes)).await;
        let mut narration = db.narration();
        let loaded = the_tea(&db).await;
        assert_eq!(loaded.taste(&*db).await.unwrap(), 7);
        assert_eq!(
            narration.said().iter().filter(|event| event.starts_with("calculated")).count(),
            recalculated
        );

        expire(&db, local_now() + TimeDelta::minutes(minutes)).await;
        assert_eq!(db.drain(teas()).await, recalculated);
        assert_eq!(the_tea(&db).await.taste_expires_after.is_none(), recalculated == 1);
    }
}

#[apply(contract)]
async fn of_what_is_set_by_a_method(db: TestDb) {
    set_up(&db).await;
    let set = async |expiry: sea_orm_cached_field::Expiry| {
        the_tea(&db).await.expire_taste_after(expiry, &*db).await.unwrap();
        the_tea(&db).await.taste_expires_after.unwrap()
    };
    let day = NaiveDate::from_ymd_opt(2999, 1, 31).unwrap();
    let noon = day.and_hms_opt(12, 0, 0).unwrap();
    assert_eq!(set(day.into()).await, day.and_hms_opt(0, 0, 0).unwrap(), "midnight there");
    assert_eq!(set(noon.into()).await, noon);
    assert_eq!(
        set(noon.and_utc().into()).await,
        noon + TimeDelta::minutes(345),
        "a quarter to six there"
    );
}

#[apply(contract)]
async fn of_what_expires_by_itself(db: TestDb) {
    set_up(&db).await;
    let expires = the_tea(&db).await.warmth_expires_after.expect("it expires");
    let hour = local_now() + TimeDelta::hours(1);
    assert!((hour - TimeDelta::minutes(5)..=hour).contains(&expires), "{expires}");
}

#[apply(contract)]
async fn of_what_expires_by_itself_when_the_clocks_have_changed(db: TestDb) {
    set_up(&db).await;
    let expires = the_tea(&db).await.harvest_expires_after.expect("it expires");
    let expected = (Utc::now() + TimeDelta::days(150)).with_timezone(&Berlin).naive_local();
    assert!(
        (expected - TimeDelta::minutes(5)..=expected).contains(&expires),
        "{expires}, not {expected}"
    );
}

#[apply(contract)]
async fn that_a_worker_sleeps_by(db: TestDb) {
    set_up(&db).await;
    let mut narration = db.narration();
    expire(&db, local_now() + TimeDelta::milliseconds(300)).await;
    let worker = tokio::spawn(teas().worker(&db).run());
    narration.wait_for(|event| event.to_string().starts_with("completed tea.taste")).await;
    worker.abort();
    assert_eq!(the_tea(&db).await.taste_expires_after, None);
}

#[apply(on_postgres)]
async fn that_postgres_does_not_know(db: TestDb) {
    db.create(tea::Entity).await;
    // A server with older time zones than this library's.
    db.sql("CREATE VIEW pg_timezone_names AS SELECT 'UTC'::text AS name").await;
    let db = db.with_setting("search_path = public, pg_catalog").await;
    let error = teas().install(&*db).await.expect_err("unknown").to_string();
    assert_eq!(
        error,
        "the database does not know the time zone `Asia/Kathmandu` of the cached field `taste` of `tea`: bring its time zones up to date, or use an older name of the zone"
    );
    let ours: i64 = db
        .scalar("SELECT count(*) FROM pg_catalog.pg_class WHERE relname LIKE 'tea_cached%'")
        .await;
    assert_eq!(ours, 0);
}
