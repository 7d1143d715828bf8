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
    #[sea_orm(has_many)]
    pub pigeons: HasMany<pigeon::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

mod pigeon {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "pigeon")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub weight: i32,
        pub lamppost_id: i32,
        #[sea_orm(belongs_to, relation_enum = "Lamppost", from = "lamppost_id", to = "id")]
        pub lamppost: BelongsTo<super::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn main() {}
