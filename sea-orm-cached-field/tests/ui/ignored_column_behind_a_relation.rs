mod pigeon {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "pigeon")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(ignore)]
        pub mood: String,
        pub lamppost_id: i32,
        #[sea_orm(belongs_to, from = "lamppost_id", to = "id")]
        pub lamppost: BelongsTo<super::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

use sea_orm::entity::prelude::*;
use sea_orm_cached_field::cached_fields;

#[cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lamppost")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sea_orm(has_many)]
    pub pigeons: HasMany<pigeon::Entity>,
    #[cached(depends_on(pigeons(mood)))]
    pub full_name: String,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn calculate_full_name(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
        Ok(self.id.to_string())
    }
}

fn main() {}
