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
    #[cached(batch, depends_on(first_name))]
    pub full_name: String,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn calculate_full_names(models: &[Self], _: &sea_orm::DatabaseConnection) -> Result<Vec<String>, DbErr> {
        Ok(models.iter().map(|model| model.first_name.clone()).collect())
    }
}

fn main() {}
