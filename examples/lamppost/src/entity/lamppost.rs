//! A lamppost, with a name that is slow to calculate.

use sea_orm::entity::prelude::*;
use sea_orm_cached_field::cached_fields;

use crate::ackermann::ackermann;

/// A lamppost.
#[cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lamppost")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub first_name: String,
    pub country: String,
    #[sea_orm(has_many)]
    pub pigeons: HasMany<super::pigeon::Entity>,
    /// The name with everything in it: the pigeons' weight, the first name, the country.
    #[cached(depends_on(first_name, country, pigeons(weight, dies_at)), temporal_triggers)]
    pub slow_full_name: String,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Calculates the name slowly: it counts to eleven million first, on a thread of its own, so
    /// that other tasks do not wait for it.
    pub(crate) async fn calculate_slow_full_name(
        &self,
        db: &impl ConnectionTrait,
    ) -> anyhow::Result<String> {
        let pigeons = self.find_related(super::pigeon::Entity).all(db).await?;
        let weight: i32 =
            pigeons.iter().filter(|pigeon| pigeon.is_alive()).map(|pigeon| pigeon.weight).sum();
        tokio::task::spawn_blocking(|| ackermann(3, 9)).await?;
        Ok(format!("The {weight} g {} of {}", self.first_name, self.country))
    }
}
