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

        #[cached(count(pigeons, where(5)))]
        pub field_1: i64,
        #[cached(count(pigeons, where(alive && "x")))]
        pub field_2: i64,
        #[cached(count(pigeons, where(pigeon.alive)))]
        pub field_3: i64,
        #[cached(count(pigeons, where(lamppost.id > 5)))]
        pub field_4: i64,
        #[cached(count(pigeons, where(super::pigeon::alive == true)))]
        pub field_5: i64,
        #[cached(count(pigeons, where(5 < weight)))]
        pub field_6: i64,
        #[cached(count(pigeons, where(ring.is_some())))]
        pub field_7: i64,
        #[cached(count(pigeons, where(ring.is_null(5))))]
        pub field_8: i64,
        #[cached(count(pigeons, where(weight + 5)))]
        pub field_9: i64,
        #[cached(count(pigeons, where(weight > speed)))]
        pub field_10: i64,
        #[cached(count(pigeons, where(weight > 'c')))]
        pub field_11: i64,
        #[cached(count(pigeons, where(weight > f(5))))]
        pub field_12: i64,
        #[cached(count(pigeons, where(weight > -LEAST)))]
        pub field_13: i64,
        #[cached(count(pigeons, where(!-alive)))]
        pub field_14: i64,
        #[cached(count(pigeons, where(ring == None)))]
        pub field_15: i64,
        #[cached(count(pigeons, where(ring == Some("A1"))))]
        pub field_16: i64,
        #[cached(count(pigeons, where(weight > Self::LEAST)))]
        pub field_17: i64,
        #[cached(count(pigeons, where(weight > <Model>::LEAST)))]
        pub field_18: i64,
        #[cached(count(pigeons, where(weight > 5kg)))]
        pub field_19: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn main() {}
