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
    #[cached(query, depends_on())]
    pub full_name: String,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn select_full_name() -> Select<Entity> {
        Entity::find()
    }
}

pub fn used(row: &Model, db: &sea_orm::DatabaseConnection) {
    drop(row.full_name(db));
}

fn main() {}
