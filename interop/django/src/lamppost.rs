//! Django's `street.Lamppost`.
#![allow(missing_docs, reason = "the columns are Django's")]

use sea_orm::entity::prelude::*;
use sea_orm_cached_field::cached_fields;

#[cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "street_lamppost")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub first_name: String,
    pub country: String,
    #[sea_orm(has_many)]
    pub pigeons: HasMany<super::pigeon::Entity>,

    #[cached(temporal_triggers, depends_on(first_name, country, pigeons(weight)))]
    pub slow_full_name: String,
    #[cached(
        calculation_method_name = "weigh",
        cached_field_name = "total_load",
        recalculation_needed_field_name = "load_is_stale",
        depends_on(pigeons(weight))
    )]
    pub load: i32,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub async fn weigh(&self, db: &impl ConnectionTrait) -> Result<i32, DbErr> {
        Ok(self
            .find_related(super::pigeon::Entity)
            .all(db)
            .await?
            .iter()
            .map(|pigeon| pigeon.weight)
            .sum())
    }

    pub async fn calculate_slow_full_name(
        &self,
        db: &impl ConnectionTrait,
    ) -> Result<String, DbErr> {
        Ok(format!("The {} ton {} of {}", self.weigh(db).await?, self.first_name, self.country))
    }
}
