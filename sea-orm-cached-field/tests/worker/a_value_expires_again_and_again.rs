//! Values of `expires_every`.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use sea_orm::{ConnectionTrait, TransactionTrait, entity::prelude::*, prelude::DateTimeUtc};
use sea_orm_cached_field::CachedFields;

use crate::{fragile::eventually, harness::TestDb};

mod report {
    use sea_orm::{DbErr, entity::prelude::*};

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "report")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub title: String,
        #[cached(depends_on(title), expires_every = "2h 30m")]
        pub heading: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_heading(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(self.title.to_uppercase())
        }
    }
}

fn reports() -> CachedFields {
    CachedFields::of::<report::Entity>()
}

/// A report, calculated; and a moment before that.
async fn calculated(db: &TestDb) -> DateTime<Utc> {
    db.create(report::Entity).await;
    reports().install(&**db).await.expect("installed");
    db.sql("INSERT INTO report (title) VALUES ('Rain')").await;
    let before = now(db);
    assert_eq!(db.drain(reports()).await, 1);
    before
}

async fn the_report(db: &impl ConnectionTrait) -> report::Model {
    report::Entity::find().one(db).await.expect("loaded").expect("the report")
}

/// Returns the time by the clock of this machine, which is the database's too. It is not later than
/// the column can store: SeaORM's `timestamp` of MySQL has no fractions.
fn now(db: &TestDb) -> DateTime<Utc> {
    let now = Utc::now();
    if db.is_mysql() {
        now.with_nanosecond(0).expect("a second")
    } else {
        now - TimeDelta::milliseconds(1)
    }
}

fn assert_expires_anew(report: &report::Model, before: DateTime<Utc>) {
    let expires: DateTimeUtc = report.heading_expires_after.expect("it expires");
    let every = TimeDelta::minutes(150);
    assert!(
        (before + every..=Utc::now() + every).contains(&expires),
        "{expires}, from {before} on"
    );
}

async fn expire(db: &TestDb) {
    let report = the_report(&**db).await;
    report.expire_heading_after(Utc::now() - TimeDelta::hours(1), &**db).await.expect("expired");
}

#[apply(contract)]
async fn from_its_first_calculation_on(db: TestDb) {
    let before = calculated(&db).await;
    assert_expires_anew(&the_report(&*db).await, before);
    assert_eq!(db.drain(reports()).await, 0);
}

#[apply(contract)]
async fn when_its_time_has_come(db: TestDb) {
    calculated(&db).await;
    expire(&db).await;
    let before = now(&db);
    assert_eq!(db.drain(reports()).await, 1);
    assert_expires_anew(&the_report(&*db).await, before);
}

#[apply(contract)]
async fn later_if_it_was_recalculated_meanwhile(db: TestDb) {
    calculated(&db).await;
    let report = the_report(&*db).await;
    report.expire_heading_after(Utc::now() + TimeDelta::minutes(1), &*db).await.unwrap();
    db.sql("UPDATE report SET title = 'Snow'").await;
    let before = now(&db);
    db.drain(reports()).await;
    let report = the_report(&*db).await;
    assert_eq!(report.cached_heading.as_deref(), Some("SNOW"));
    assert_expires_anew(&report, before);
}

#[apply(contract)]
async fn also_if_a_reader_recalculates_it(db: TestDb) {
    calculated(&db).await;
    expire(&db).await;
    let before = now(&db);
    assert_eq!(the_report(&*db).await.heading(&*db).await.unwrap(), "RAIN");
    assert_expires_anew(&the_report(&*db).await, before);
}

#[apply(contract)]
async fn also_if_it_is_recalculated_in_a_transaction(db: TestDb) {
    calculated(&db).await;
    expire(&db).await;
    let before = now(&db);
    let transaction = db.begin().await.unwrap();
    the_report(&transaction).await.recalculate_heading(&transaction).await.unwrap();
    transaction.commit().await.unwrap();
    assert_expires_anew(&the_report(&*db).await, before);
}

#[apply(contract)]
async fn while_the_worker_runs(db: TestDb) {
    calculated(&db).await;
    let worker = crate::fragile::start(reports().worker(&db));

    report::Entity::update_many()
        .col_expr(
            report::Column::HeadingExpiresAfter,
            Expr::value(Utc::now() + TimeDelta::milliseconds(300)),
        )
        .exec(&*db)
        .await
        .unwrap();
    eventually("the value is recalculated", async || {
        the_report(&*db).await.heading_expires_after.expect("it expires")
            > Utc::now() + TimeDelta::hours(2)
    })
    .await;
    worker.stop().await;
}
