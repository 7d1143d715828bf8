use sea_orm::entity::prelude::*;
use sea_orm_cached_field::cached_fields;

#[cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lamppost")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[cached(temporal_triggers, expiration_time_zone = "Europe/Berlinn")]
    pub name: String,
    #[cached(expiration_time_zone = "Europe/Berlin")]
    pub colour: String,
    #[cached(temporal_triggers, expiration_time_zone = 2)]
    pub height: String,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn calculate_name(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
        Ok(String::new())
    }

    async fn calculate_colour(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
        Ok(String::new())
    }

    async fn calculate_height(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
        Ok(String::new())
    }
}

pub fn used(row: &Model, db: &sea_orm::DatabaseConnection) {
    drop(row.name(db));
}

fn main() {}
