//! The models that most tests use.

pub use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};

/// A lamppost, whose name depends on its own columns and on rows behind relations of every
/// direction.
pub mod lamppost {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lamppost")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub first_name: String,
        pub note: Option<String>,
        pub city_id: Option<i32>,
        #[sea_orm(belongs_to, from = "city_id", to = "id")]
        pub city: BelongsTo<Option<super::city::Entity>>,
        #[sea_orm(has_many)]
        pub pigeons: HasMany<super::pigeon::Entity>,
        #[sea_orm(has_one)]
        pub plaque: HasOne<super::plaque::Entity>,

        /// What people call it.
        #[cached(
            depends_on(first_name, city(name), pigeons(weight), plaque(text)),
            temporal_triggers
        )]
        pub full_name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_full_name(
            &self,
            db: &impl ConnectionTrait,
        ) -> Result<String, DbErr> {
            let city = self.find_related(super::city::Entity).one(db).await?;
            let city = city.map_or_else(|| "nowhere".to_owned(), |city| city.name);
            let pigeons = self.find_related(super::pigeon::Entity).all(db).await?;
            let weight: i32 = pigeons.iter().map(|pigeon| pigeon.weight).sum();
            let plaque = self
                .find_related(super::plaque::Entity)
                .one(db)
                .await?
                .map_or_else(|| "-".to_owned(), |plaque| plaque.text);

            let full_name = format!(
                "{} of {city}, {} pigeons of {weight}, {plaque}",
                self.first_name,
                pigeons.len()
            );

            crate::harness::gate::pass(&self.first_name).await;
            Ok(full_name)
        }
    }
}

pub mod city {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "city")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub mayor: Option<String>,
        #[sea_orm(has_many)]
        pub lampposts: HasMany<super::lamppost::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod pigeon {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "pigeon")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(column_name = "weight_in_g")]
        pub weight: i32,
        pub colour: Option<String>,
        #[sea_orm(unique)]
        pub ring: Option<String>,
        pub lamppost_id: Option<i32>,
        #[sea_orm(
            belongs_to,
            from = "lamppost_id",
            to = "id",
            on_delete = "Cascade",
            on_update = "Cascade"
        )]
        pub lamppost: BelongsTo<Option<super::lamppost::Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod plaque {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "plaque")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub text: String,
        #[sea_orm(unique)]
        pub lamppost_id: i32,
        #[sea_orm(belongs_to, from = "lamppost_id", to = "id", on_delete = "Cascade")]
        pub lamppost: BelongsTo<super::lamppost::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

use sea_orm_cached_field::CachedFields;

use super::TestDb;

pub fn lampposts() -> CachedFields {
    CachedFields::of::<lamppost::Entity>()
}

/// The tables of the lampposts, installed, without rows.
pub async fn set_up_lampposts(db: &TestDb) {
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(pigeon::Entity).await;
    db.create(plaque::Entity).await;
    lampposts().install(&**db).await.expect("installed");
}

/// A lamppost under this name, without anything around it.
pub async fn a_lamppost(db: &TestDb, first_name: &str) -> lamppost::Model {
    let lamppost =
        lamppost::ActiveModel { first_name: Set(first_name.to_owned()), ..Default::default() };
    lamppost.insert(&**db).await.expect("a lamppost")
}

pub async fn a_pigeon(db: &TestDb, lamppost_id: i32, weight: i32) -> pigeon::Model {
    let pigeon = pigeon::ActiveModel {
        lamppost_id: Set(Some(lamppost_id)),
        weight: Set(weight),
        ..Default::default()
    };
    pigeon.insert(&**db).await.expect("a pigeon")
}

/// The row as it stands in the database.
pub async fn reloaded(db: &TestDb, id: i32) -> lamppost::Model {
    lamppost::Entity::find_by_id(id).one(&**db).await.expect("loaded").expect("the lamppost")
}

/// The row is fresh, and this is its name; nothing of it waits any more.
pub async fn assert_fresh(db: &TestDb, id: i32, full_name: &str) {
    let row = reloaded(db, id).await;
    assert_eq!(row.cached_full_name.as_deref(), Some(full_name));
    assert!(!row.full_name_recalculation_needed, "flagged: {row:?}");
    assert_eq!(db.pending("lamppost").await, 0, "marks and queue rows");
}
