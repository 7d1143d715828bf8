#[path = "models/pigeon.rs"]
mod pigeon;

mod lamppost {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "lamppost")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub first_name: String,
        #[sea_orm(has_many)]
        pub pigeons: HasMany<super::pigeon::Entity>,

        #[cached(count(pigeons), depends_on(pigeons()))]
        pub field_1: i64,
        #[cached(count(pigeons), query)]
        pub field_2: i64,
        #[cached(count(pigeons), batch)]
        pub field_3: i64,
        #[cached(count(pigeons), blocking)]
        pub field_4: i64,
        #[cached(count(pigeons), calculation_method_name = "count_pigeons")]
        pub field_5: i64,
        #[cached(count(pigeons), recursive)]
        pub field_6: i64,
        #[cached(min(pigeons.weight))]
        pub field_7: i32,
        #[cached(max(pigeons.ring))]
        pub field_8: String,
        #[cached(avg(pigeons.weight))]
        pub field_9: f64,
        #[cached(count(pigeons), count(pigeons))]
        pub field_10: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn main() {}
