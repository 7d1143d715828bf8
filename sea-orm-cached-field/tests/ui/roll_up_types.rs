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

        #[cached(count(pigeons.weight))]
        pub field_1: i64,
        #[cached(sum(pigeons.lamppost))]
        pub field_2: i64,
        #[cached(sum(pigeons.wait))]
        pub field_3: i64,
        #[cached(count(pigeons, where(weight > 5.5)))]
        pub field_4: i64,
        #[cached(count(pigeons, where(weight == "5")))]
        pub field_5: i64,
        #[cached(count(pigeons, where(ring == 5)))]
        pub field_6: i64,
        #[cached(count(pigeons, where(alive == 1)))]
        pub field_7: i64,
        #[cached(count(pigeons, where(weight)))]
        pub field_8: i64,
        #[cached(count(pigeons, where(mood == "bright")))]
        pub field_9: i64,
        #[cached(count(pigeons, where(speed == super::LEAST)))]
        pub field_10: i64,
        #[cached(count(pigeons, where(lamppost.is_null())))]
        pub field_11: i64,
        #[cached(count(pigeons, where(alife)))]
        pub field_12: i64,
        #[cached(count(pigeons, where(mood == super::pigeon::Mood::Brigth)))]
        pub field_13: i64,
        #[cached(count(pigeons, where(weight == super::NO_RING)))]
        pub field_14: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const LEAST: i32 = 5;
const NO_RING: Option<i32> = None;

fn main() {}
