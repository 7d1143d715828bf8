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
    #[cached]
    pub mood: Mood,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn calculate_mood(&self, _: &impl ConnectionTrait) -> Result<Mood, DbErr> {
        Ok(Mood(self.id))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveValueType)]
pub struct Mood(i32);

fn main() {}
