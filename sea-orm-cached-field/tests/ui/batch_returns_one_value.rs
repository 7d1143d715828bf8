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
    #[cached(batch, depends_on())]
    pub full_name: String,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn calculate_full_names(models: &[Self], _: &impl ConnectionTrait) -> Result<String, DbErr> {
        Ok(models[0].first_name.clone())
    }
}

pub fn used(row: &Model, db: &sea_orm::DatabaseConnection) {
    drop(row.full_name(db));
}

fn main() {}
