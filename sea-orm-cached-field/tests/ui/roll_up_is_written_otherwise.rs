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

        #[cached(count)]
        pub field_1: i64,
        #[cached(exists())]
        pub field_2: bool,
        #[cached(count(5))]
        pub field_3: i64,
        #[cached(count(recursive pigeons))]
        pub field_4: i64,
        #[cached(sum(pigeons(weight)))]
        pub field_5: i64,
        #[cached(sum(pigeons))]
        pub field_6: i64,
        #[cached(sum(pigeons.super::weight))]
        pub field_7: i64,
        #[cached(count(pigeons, alive))]
        pub field_8: i64,
        #[cached(count(pigeons alive))]
        pub field_9: i64,
        #[cached(count(pigeons, where alive))]
        pub field_10: i64,
        #[cached(count(pigeons, where()))]
        pub field_11: i64,
        #[cached(count(pigeons, where(alive, weight > 5)))]
        pub field_12: i64,
        #[cached(count(pigeons, where(alive), where(alive)))]
        pub field_13: i64,
        #[cached(count(pigeons), sum(pigeons.weight))]
        pub field_14: i64,
        #[cached(sum(pigeons.weight * 2))]
        pub field_15: i64,
        #[cached(count(pigeons, where(alive), lazy))]
        pub field_16: i64,
        #[cached(count(pigeons, lazy))]
        pub field_17: i64,
        #[cached(count(distinct pigeons))]
        pub field_18: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn main() {}
