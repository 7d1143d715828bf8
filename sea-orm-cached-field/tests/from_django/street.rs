//! A model that uses what the original has.

use std::collections::HashMap;

use sea_orm::entity::prelude::*;
pub use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

#[sea_orm_cached_field::cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lamppost")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub first_name: String,
    pub country: String,
    /// A column that looks like a flag of the library, but is none.
    pub paint_recalculation_needed: bool,

    #[cached(depends_on(first_name, country), temporal_triggers, after_recalculation = "announce")]
    #[sea_orm(column_type = "String(StringLen::N(40))")]
    pub slow_full_name: String,
    #[cached(
        depends_on(first_name),
        temporal_triggers,
        calculation_method_name = "count_letters",
        cached_field_name = "letter_count",
        recalculation_needed_field_name = "letters_are_stale",
        expiration_field_name = "letters_until",
        db_index_on_recalculation_needed_field
    )]
    pub letters: i32,
    #[cached(depends_on(country))]
    pub continent: String,
}

impl ActiveModelBehavior for ActiveModel {}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Model {
    pub async fn calculate_slow_full_name(
        &self,
        _: &impl ConnectionTrait,
    ) -> Result<String, DbErr> {
        Ok(format!("The {} of {}", self.first_name, self.country))
    }

    async fn count_letters(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
        Ok(self.first_name.len() as i32)
    }

    async fn calculate_continent(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
        let continents = HashMap::from([("Peru", "America"), ("Chad", "Africa")]);
        continents
            .get(self.country.as_str())
            .map(|&name| name.to_owned())
            .ok_or(DbErr::Custom("where is that?".to_owned()))
    }

    async fn announce(&self, db: &impl ConnectionTrait) -> Result<(), BoxError> {
        let name = self.cached_slow_full_name.as_deref().unwrap_or("nobody");
        db.execute_unprepared(&format!("INSERT INTO announcement VALUES ('{name}')")).await?;
        if self.first_name == "Hoarse" { Err("lost its voice".into()) } else { Ok(()) }
    }
}

pub fn lampposts() -> CachedFields {
    CachedFields::of::<Entity>()
}

/// Ada of Peru, whose values are not calculated yet.
pub async fn set_up(db: &TestDb) -> Model {
    db.create(Entity).await;
    db.sql("CREATE TABLE announcement (name varchar(80))").await;
    lampposts().install(&**db).await.expect("installed");
    lamppost(db, "Ada", "Peru").await
}

pub async fn lamppost(db: &TestDb, first_name: &str, country: &str) -> Model {
    let row = ActiveModel {
        first_name: Set(first_name.to_owned()),
        country: Set(country.to_owned()),
        paint_recalculation_needed: Set(true),
        ..Default::default()
    };
    row.insert(&**db).await.expect("a lamppost")
}

/// The row as it stands.
pub async fn ada(db: &TestDb) -> Model {
    Entity::find().one(&**db).await.expect("loaded").expect("Ada")
}

pub async fn drain(db: &TestDb) -> usize {
    db.drain(lampposts()).await
}

/// Returns the number of values that were calculated since the last call.
pub fn calculations(narration: &mut crate::harness::Narration) -> usize {
    narration.said().iter().filter(|event| event.starts_with("calculated")).count()
}
