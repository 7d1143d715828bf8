use sea_orm::entity::prelude::*;
use sea_orm_cached_field::cached_fields;

#[cached_fields]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lamppost")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub first_name: String,
    pub origin_id: i32,
    pub target_id: i32,
    #[cached(depends_on(self::city(name)))]
    pub full_name: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(belongs_to = "city::Entity", from = "Column::OriginId", to = "city::Column::Id")]
    Origin,
    #[sea_orm(belongs_to = "city::Entity", from = "Column::TargetId", to = "city::Column::Id")]
    Target,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn calculate_full_name(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
        Ok(self.first_name.clone())
    }
}

mod city {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "city")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

fn main() {}
