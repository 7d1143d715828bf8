#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]

pub mod hall {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "theatre", table_name = "hall")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub seats: HasMany<super::seat::Entity>,
        #[cached(depends_on(seats(tickets(price, seat(row)))))]
        pub takings: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_takings(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(0)
        }
    }
}

pub mod seat {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "theatre", table_name = "seat")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hall_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        pub row: i32,
        #[sea_orm(belongs_to, from = "hall_id", to = "id")]
        pub hall: BelongsTo<super::hall::Entity>,
        #[sea_orm(has_many)]
        pub tickets: HasMany<super::ticket::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod ticket {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "sales", table_name = "ticket")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub hall_id: i32,
        pub seat_number: i32,
        pub price: i64,
        #[sea_orm(belongs_to, from = "(hall_id, seat_number)", to = "(hall_id, number)")]
        pub seat: BelongsTo<super::seat::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn hops_have_all_columns_and_the_schema() {
    use sea_orm_cached_field::CachedField;

    let tickets = "id=hall_id theatre.seat, hall_id+number=hall_id+seat_number sales.ticket";
    assert_eq!(
        crate::written(&hall::Takings::spec().depends_on),
        [
            format!("{tickets}: price"),
            format!("{tickets}, hall_id+seat_number=hall_id+number theatre.seat: row"),
        ]
    );
}
