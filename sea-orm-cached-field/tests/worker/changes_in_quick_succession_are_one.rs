use sea_orm::{ActiveValue::Set, entity::prelude::*};
use sea_orm_cached_field::CachedFields;

use crate::harness::{
    TestDb,
    gate::{self, Gate},
};

#[sea_orm_cached_field::cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "busy")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub name: String,
    pub visits: i32,
    #[cached(debounce = "1h", depends_on(visits))]
    pub rank: i32,
    #[cached(depends_on(visits))]
    pub twice: i32,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn calculate_rank(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
        gate::pass(&self.name).await;
        Ok(self.visits + 1)
    }

    async fn calculate_twice(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
        Ok(self.visits * 2)
    }
}

async fn set_up(db: &TestDb) -> Model {
    db.create(Entity).await;
    CachedFields::of::<Entity>().install(&**db).await.expect("installed");
    let row = ActiveModel { name: Set(db.url.clone()), visits: Set(0), ..Default::default() };
    row.insert(&**db).await.expect("a row")
}

async fn visit(db: &TestDb) {
    db.sql("UPDATE busy SET visits = visits + 1").await;
}

async fn drain(db: &TestDb) -> usize {
    db.drain(CachedFields::of::<Entity>()).await
}

async fn row(db: &TestDb) -> Model {
    Entity::find().one(&**db).await.unwrap().unwrap()
}

/// When the rank is due, as the database writes it; nothing if it is not queued.
async fn due(db: &TestDb) -> Vec<String> {
    let rows = db.rows("SELECT due_at FROM _busy_cached_recalculations WHERE field = 'rank'").await;
    rows.into_iter().map(|row| row["due_at"].to_string()).collect()
}

#[apply(contract)]
async fn that_waits_for_the_others(db: TestDb) {
    set_up(&db).await;
    assert_eq!(drain(&db).await, 1, "twice");
    let first = due(&db).await;
    for visits in 1..4 {
        visit(&db).await;
        assert_eq!((drain(&db).await, row(&db).await.cached_twice), (1, Some(visits * 2)));
        assert_eq!(due(&db).await, first, "later changes must not put it off for ever");
    }
    assert!(row(&db).await.rank_recalculation_needed);
    db.let_time_pass("busy").await;
    assert_eq!((drain(&db).await, row(&db).await.cached_rank), (1, Some(4)));
    assert_eq!(db.pending("busy").await, 0);
}

#[apply(contract)]
async fn that_no_reader_waits_for(db: TestDb) {
    let loaded = set_up(&db).await;
    drain(&db).await;
    visit(&db).await;
    assert_eq!(loaded.rank(&*db).await.unwrap(), 2);
    visit(&db).await;
    drain(&db).await;
    assert_eq!(loaded.fresh_rank(&*db).await.unwrap(), 3);
    assert_eq!(db.pending("busy").await, 0);
}

#[apply(contract)]
async fn that_comes_during_a_calculation(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    db.let_time_pass("busy").await;

    let gate = Gate::at(&db.url);
    let once = tokio::spawn(CachedFields::of::<Entity>().worker(&db).run_once());
    gate.arrival().await;
    visit(&db).await;
    gate.open();
    once.await.unwrap().unwrap();

    assert_eq!(row(&db).await.cached_rank, Some(1), "published");
    assert_eq!(drain(&db).await, 1, "twice");
    assert_eq!((row(&db).await.cached_rank, due(&db).await.len()), (Some(1), 1));

    db.let_time_pass("busy").await;
    assert_eq!((drain(&db).await, row(&db).await.cached_rank), (1, Some(2)));
    assert_eq!(db.pending("busy").await, 0);
}
