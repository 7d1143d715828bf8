//! Fields upon a field whose calculation a test can stop.

use sea_orm::{DatabaseConnection, EntityTrait};
use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

/// A field that takes its time, one upon it, and one upon both.
pub mod pole {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "pole")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub name: String,
        pub height: i64,
        pub row_id: i32,
        #[sea_orm(belongs_to, from = "row_id", to = "id")]
        pub row: BelongsTo<super::row::Entity>,
        #[cached(depends_on(height, name))]
        pub slow: i64,
        #[cached(depends_on(cached_slow))]
        pub loud: i64,
        #[cached(depends_on(cached_slow, cached_loud, height))]
        pub both: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_slow(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            crate::harness::gate::pass(&self.name).await;
            if self.height < 0 {
                return Err(DbErr::Custom("a hole".to_owned()));
            }
            Ok(self.height * 10)
        }

        pub async fn calculate_loud(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.cached_slow.unwrap_or(0) + 1)
        }

        pub async fn calculate_both(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.cached_slow.unwrap_or(0) * 1000 + self.cached_loud.unwrap_or(0) + self.height)
        }
    }
}

pub mod row {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "pole_row")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many)]
        pub poles: HasMany<super::pole::Entity>,
        #[cached(depends_on(poles(cached_loud)))]
        pub total: i64,
        #[cached(depends_on(poles(cached_loud, height)))]
        pub mixed: i64,
        #[cached(depends_on(poles(height)))]
        pub tall: i64,
        #[cached(depends_on(poles(cached_slow, cached_loud)))]
        pub apart: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn poles(&self, db: &impl ConnectionTrait) -> Result<Vec<super::pole::Model>, DbErr> {
            super::pole::Entity::find().filter(super::pole::Column::RowId.eq(self.id)).all(db).await
        }

        pub async fn calculate_total(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.poles(db).await?.iter().map(|pole| pole.cached_loud.unwrap_or(0)).sum())
        }

        pub async fn calculate_mixed(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            crate::harness::gate::pass(&self.name).await;
            Ok(self
                .poles(db)
                .await?
                .iter()
                .map(|pole| pole.cached_loud.unwrap_or(0) * 1000 + pole.height)
                .sum())
        }

        /// Reads one input after the other.
        pub async fn calculate_apart(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let slow: i64 =
                self.poles(db).await?.iter().map(|pole| pole.cached_slow.unwrap_or(0)).sum();
            crate::harness::gate::pass(&format!("{} apart", self.name)).await;
            let loud: i64 =
                self.poles(db).await?.iter().map(|pole| pole.cached_loud.unwrap_or(0)).sum();
            Ok(slow * 1000 + loud)
        }

        pub async fn calculate_tall(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.poles(db).await?.iter().map(|pole| pole.height).sum())
        }
    }
}

pub fn poles() -> CachedFields {
    CachedFields::of::<pole::Entity>().and::<row::Entity>()
}

/// One pole of height 1 in one row, all right. Returns the name that its gate goes by.
pub async fn open(db: &TestDb) -> String {
    db.create(row::Entity).await;
    db.create(pole::Entity).await;
    poles().install(&**db).await.expect("installed");
    let name = db.name("pole");
    let name_of_row = db.name("row");
    db.sql(&format!("INSERT INTO pole_row (id, name) VALUES (1, '{name_of_row}')")).await;
    db.sql(&format!("INSERT INTO pole (id, name, height, row_id) VALUES (1, '{name}', 1, 1)"))
        .await;
    db.drain(poles()).await;
    name
}

pub async fn pole(db: &DatabaseConnection) -> pole::Model {
    pole::Entity::find_by_id(1).one(db).await.expect("loaded").expect("the pole")
}

pub async fn row(db: &DatabaseConnection) -> row::Model {
    row::Entity::find_by_id(1).one(db).await.expect("loaded").expect("the row")
}

pub async fn grow(db: &TestDb, height: i64) {
    db.sql(&format!("UPDATE pole SET height = {height}")).await;
}

/// What is stored is right, and nothing waits.
pub async fn assert_settled(db: &TestDb, height: i64) {
    db.drain(poles()).await;
    let stored = pole(db).await;
    let slow = height * 10;
    let loud = height * 10 + 1;
    let values =
        (stored.cached_slow, stored.cached_loud, stored.cached_both, row(db).await.cached_total);
    assert_eq!(values, (Some(slow), Some(loud), Some(slow * 1000 + loud + height), Some(loud)));
    assert_eq!(db.pending("pole").await + db.pending("pole_row").await, 0);
}
