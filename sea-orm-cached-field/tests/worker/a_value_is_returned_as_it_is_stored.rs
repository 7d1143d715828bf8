use sea_orm::{EntityTrait, TransactionTrait, prelude::Decimal};
use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

mod ware {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "ware")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub price: i32,
        /// Of more digits than its column has.
        #[cached(depends_on(price))]
        #[sea_orm(column_type = "Decimal(Some((8, 2)))")]
        pub third: Decimal,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_third(&self, _: &impl ConnectionTrait) -> Result<Decimal, DbErr> {
            Ok(Decimal::from(self.price) / Decimal::from(3))
        }
    }
}

fn wares() -> CachedFields {
    CachedFields::of::<ware::Entity>()
}

async fn set_up(db: &TestDb) -> ware::Model {
    db.create(ware::Entity).await;
    wares().install(&**db).await.expect("installed");
    db.sql("INSERT INTO ware (id, price) VALUES (1, 100)").await;
    row(db).await
}

async fn row(db: &TestDb) -> ware::Model {
    ware::Entity::find_by_id(1).one(&**db).await.expect("loaded").expect("the ware")
}

/// What the column holds; on SQLite a number is not rounded to the digits of its column.
async fn assert_stored(db: &TestDb, returned: Decimal) {
    let stored = row(db).await;
    assert_eq!((Some(returned), stored.third_recalculation_needed), (stored.cached_third, false));
    if !db.is_sqlite() {
        assert_eq!(returned, Decimal::new(3333, 2));
    }
}

#[apply(contract)]
async fn by_a_stale_read(db: TestDb) {
    let ware = set_up(&db).await;
    let read = ware.third(&*db).await.expect("read");
    assert_stored(&db, read).await;
    db.sql("UPDATE ware SET third_recalculation_needed = (1 = 1)").await;
    let read = ware.fresh_third(&*db).await.expect("read");
    assert_stored(&db, read).await;
}

#[apply(contract)]
async fn by_a_recalculation(db: TestDb) {
    let ware = set_up(&db).await;
    let recalculated = ware.recalculate_third(&*db).await.expect("recalculated");
    assert_stored(&db, recalculated).await;
}

#[apply(contract)]
async fn by_a_recalculation_in_a_transaction(db: TestDb) {
    let ware = set_up(&db).await;
    db.drain(wares()).await;
    let transaction = db.begin().await.expect("a transaction");
    let recalculated = ware.recalculate_third(&transaction).await.expect("recalculated");
    transaction.commit().await.expect("committed");
    db.drain(wares()).await;
    assert_stored(&db, recalculated).await;
}

#[apply(contract)]
async fn by_many_rows_that_are_made_fresh(db: TestDb) {
    let mut wares = [set_up(&db).await];
    ware::Third::load(&mut wares, &*db).await.expect("loaded");
    assert!(!wares[0].third_recalculation_needed);
    assert_stored(&db, wares[0].cached_third.expect("a value")).await;
}
