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
    #[cached(depends_on(first_name))]
    pub full_name: String,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn calculate_full_name(&self, _: &sea_orm::DatabaseTransaction) -> Result<String, DbErr> {
        Ok(self.first_name.clone())
    }
}

fn main() {}
