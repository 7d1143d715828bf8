use sea_orm::{ActiveValue::Set, Condition, entity::prelude::*};
use sea_orm_cached_field::CachedFields;

use crate::harness::{Narration, TestDb};

#[sea_orm_cached_field::cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leisure")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub hours: i32,
    #[cached(lazy, depends_on(hours, hobbies(cost)), temporal_triggers)]
    pub price: i64,
    #[cached(depends_on(hours))]
    pub minutes: i32,
    #[sea_orm(has_many)]
    pub hobbies: HasMany<super::a_lazy_field_is_left_to_its_readers::hobby::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn calculate_price(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
        let hobbies = self.find_related(hobby::Entity).all(db).await?;
        Ok(hobbies.iter().map(|hobby| i64::from(hobby.cost * self.hours)).sum())
    }

    async fn calculate_minutes(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
        Ok(self.hours * 60)
    }
}

pub mod hobby {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "hobby")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub cost: i32,
        pub leisure_id: i32,
        #[sea_orm(belongs_to, from = "leisure_id", to = "id")]
        pub leisure: BelongsTo<super::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn set_up(db: &TestDb) {
    db.create(Entity).await;
    db.create(hobby::Entity).await;
    CachedFields::of::<Entity>().install(&**db).await.expect("installed");
    for hours in [1, 2] {
        let row = ActiveModel { hours: Set(hours), ..Default::default() }
            .insert(&**db)
            .await
            .expect("a row");
        hobby::ActiveModel { cost: Set(10), leisure_id: Set(row.id), ..Default::default() }
            .insert(&**db)
            .await
            .expect("a hobby");
    }
}

async fn drain(db: &TestDb) -> usize {
    db.drain(CachedFields::of::<Entity>()).await
}

/// How often prices were calculated since the last time.
fn prices(narration: &mut Narration) -> usize {
    narration.said().iter().filter(|event| event.starts_with("calculated leisure.price")).count()
}

/// The rows whose price is flagged.
async fn flagged(db: &TestDb) -> i64 {
    db.scalar("SELECT count(*) FROM leisure WHERE price_recalculation_needed").await
}

async fn row(db: &TestDb) -> Model {
    Entity::find().filter(Column::Hours.eq(1)).one(&**db).await.unwrap().unwrap()
}

#[apply(contract)]
async fn whatever_changes(db: TestDb) {
    set_up(&db).await;
    let mut narration = db.narration();
    assert_eq!(drain(&db).await, 2, "the minutes");
    assert_eq!(
        (prices(&mut narration), flagged(&db).await, db.pending("leisure").await),
        (0, 2, 0)
    );
    assert_eq!(row(&db).await.price(&*db).await.unwrap(), 10);
    assert_eq!((prices(&mut narration), flagged(&db).await), (1, 1));

    db.sql("UPDATE hobby SET cost = 20").await;
    assert_eq!(row(&db).await.fresh_price(&*db).await.unwrap(), 20);

    db.sql("UPDATE hobby SET cost = 30").await;
    assert_eq!(drain(&db).await, 0);
    assert_eq!(
        (prices(&mut narration), flagged(&db).await, db.pending("leisure").await),
        (1, 2, 0)
    );
    assert_eq!(row(&db).await.price(&*db).await.unwrap(), 30);
}

#[apply(contract)]
async fn however_it_is_flagged(db: TestDb) {
    set_up(&db).await;
    Price::recalculate(Condition::all(), &*db).await.unwrap();
    let mut narration = db.narration();
    row(&db).await.flag_price_as_stale(&*db).await.unwrap();
    row(&db).await.expire_price_after(chrono::Utc::now(), &*db).await.unwrap();
    Price::flag(Column::Hours.eq(2), &*db).await.unwrap();
    db.sql("UPDATE leisure SET price_recalculation_needed = true").await;
    drain(&db).await;
    assert_eq!(
        (prices(&mut narration), flagged(&db).await, db.pending("leisure").await),
        (0, 2, 0)
    );
}

#[apply(contract)]
async fn unless_told_otherwise(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    let mut narration = db.narration();
    row(&db).await.flag_price_as_stale(&*db).and_recalculate(true).await.unwrap();
    assert_eq!((drain(&db).await, prices(&mut narration), flagged(&db).await), (1, 1, 1));
    assert_eq!(Price::flag(Condition::all(), &*db).and_recalculate(true).await.unwrap(), 2);
    assert_eq!((drain(&db).await, prices(&mut narration), flagged(&db).await), (2, 2, 0));
}

#[apply(contract)]
async fn also_while_one_of_them_reads(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    // A reader's claim, and a change that its calculation has not seen.
    let marked = row(&db).await;
    let mut narration = db.narration();
    let (read, ()) = tokio::join!(marked.price(&*db), async {
        narration.wait_for(|event| event.to_string().starts_with("claimed leisure")).await;
        db.sql("UPDATE hobby SET cost = 70").await;
        drain(&db).await;
    });
    read.unwrap();
    assert_eq!(row(&db).await.fresh_price(&*db).await.unwrap(), 70);
}

#[apply(contract)]
async fn of_rows_that_were_there_before(db: TestDb) {
    db.create(Entity).await;
    db.create(hobby::Entity).await;
    db.sql("INSERT INTO leisure (hours) VALUES (1), (2)").await;
    let changes = CachedFields::of::<Entity>().install(&*db).await.unwrap();
    let changes = format!("{changes:#}");
    assert!(
        changes.contains("queued 2 rows for minutes") && !changes.contains("for price"),
        "{changes}"
    );
    assert_eq!(drain(&db).await, 2);
}
