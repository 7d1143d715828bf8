//! An older version of the program with the lampposts: their names depended on less then.

pub mod lamppost {
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
        #[cached(depends_on(first_name), temporal_triggers)]
        pub full_name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_full_name(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(self.first_name.clone())
        }
    }
}

pub fn models() -> sea_orm_cached_field::CachedFields {
    sea_orm_cached_field::CachedFields::of::<lamppost::Entity>()
}
