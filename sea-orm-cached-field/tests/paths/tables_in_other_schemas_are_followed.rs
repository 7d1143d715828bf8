//! PostgreSQL has schemas within a database; what MySQL calls a schema is a database of the server.

use sea_orm::{ConnectionTrait, EntityTrait, TransactionTrait};
use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

pub mod yard {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "cached_field_test_land", table_name = "yard")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub heaps: HasMany<super::heap::Entity>,
        #[cached(depends_on(heaps(stones(weight, heap_id))))]
        pub weight: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_weight(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let heaps = super::heap::Entity::find()
                .filter(super::heap::Column::YardId.eq(self.id))
                .all(db)
                .await?;
            let heaps = heaps.iter().map(|heap| heap.id);
            let stones = super::stone::Entity::find()
                .filter(super::stone::Column::HeapId.is_in(heaps))
                .all(db)
                .await?;
            Ok(stones.iter().map(|stone| stone.weight).sum())
        }
    }
}

pub mod heap {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "cached_field_test_matter", table_name = "heap")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub yard_id: i32,
        #[sea_orm(belongs_to, from = "yard_id", to = "id")]
        pub yard: BelongsTo<super::yard::Entity>,
        #[sea_orm(has_many)]
        pub stones: HasMany<super::stone::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod stone {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "stone")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub weight: i64,
        pub heap_id: i32,
        #[sea_orm(belongs_to, from = "heap_id", to = "id")]
        pub heap: BelongsTo<super::heap::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn weights(db: &TestDb) -> Vec<Option<i64>> {
    let mut yards = yard::Entity::find().all(&**db).await.expect("yards");
    yards.sort_by_key(|yard| yard.id);
    yards.iter().map(|yard| yard.cached_weight).collect()
}

async fn from_one_schema_over_another_to_a_third(db: &TestDb) {
    let models = CachedFields::of::<yard::Entity>;
    db.sql(
        "CREATE SCHEMA cached_field_test_land; CREATE SCHEMA cached_field_test_matter;
         CREATE TABLE cached_field_test_land.yard (id integer PRIMARY KEY);
         CREATE TABLE cached_field_test_matter.heap (
           id integer PRIMARY KEY, yard_id integer NOT NULL);
         CREATE TABLE heap (id integer PRIMARY KEY, yard_id integer NOT NULL);
         CREATE TABLE stone (
           id integer PRIMARY KEY, weight bigint NOT NULL, heap_id integer NOT NULL)",
    )
    .await;
    models().install(&**db).await.expect("installed");
    assert!(models().install(&**db).await.expect("again").is_empty());

    db.sql("INSERT INTO cached_field_test_land.yard (id) VALUES (1), (2)").await;
    db.sql(
        "INSERT INTO cached_field_test_matter.heap
         VALUES (1, 1), (2, 2);
         INSERT INTO heap
         VALUES (1, 2)",
    )
    .await;
    db.sql("INSERT INTO stone VALUES (1, 10, 1), (2, 20, 2)").await;
    db.drain(models()).await;
    assert_eq!(weights(db).await, [Some(10), Some(20)]);

    db.sql("UPDATE stone SET weight = 11 WHERE id = 1").await;
    let yard = yard::Entity::find_by_id(1).one(&**db).await.expect("found").expect("a yard");
    assert_eq!(yard.fresh_weight(&**db).await.expect("read"), 11);

    db.sql("UPDATE cached_field_test_matter.heap SET yard_id = 2 WHERE id = 1").await;
    db.drain(models()).await;
    assert_eq!(weights(db).await, [Some(0), Some(31)]);

    models().uninstall(&**db).await.expect("uninstalled");
    db.sql("UPDATE stone SET weight = 12 WHERE id = 1").await;
}

#[apply(on_postgres)]
async fn on_postgres(db: TestDb) {
    from_one_schema_over_another_to_a_third(&db).await;
}

/// The names are those of the whole server, so that one test at a time may use them.
#[apply(on_mariadb_and_mysql)]
async fn on_mysql(db: TestDb) {
    let alone = db.another_pool().await.begin().await.expect("begun");
    alone
        .execute_unprepared("SELECT GET_LOCK('cached_field_test_land', 300)")
        .await
        .expect("locked");
    let gone = "DROP SCHEMA IF EXISTS cached_field_test_land;
                DROP SCHEMA IF EXISTS cached_field_test_matter";
    db.sql(gone).await;
    from_one_schema_over_another_to_a_third(&db).await;
    db.sql(gone).await;
    alone.rollback().await.expect("rolled back");
}
