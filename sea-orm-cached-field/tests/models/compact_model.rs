#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]

pub mod trip {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "trip")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub price: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod leg {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::compact_model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "leg")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub trip_id: i32,
        pub return_trip_id: i32,
        pub trip: BelongsTo<super::trip::Entity>,
        pub return_trip: BelongsTo<super::trip::Entity>,
        #[cached(depends_on(trip(price), return_trip(price)))]
        pub share: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::trip::Entity",
            from = "Column::TripId",
            to = "super::trip::Column::Id"
        )]
        Trip,
        #[sea_orm(
            belongs_to = "super::trip::Entity",
            from = "Column::ReturnTripId",
            to = "super::trip::Column::Id"
        )]
        ReturnTrip,
    }

    impl Related<super::trip::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Trip.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_share(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(i64::from(self.trip_id))
        }
    }
}

pub async fn on_both_structs(
    row: &leg::Model,
    extended: &leg::ModelEx,
    db: &sea_orm::DatabaseConnection,
) {
    let _ = (row.share(db).await, extended.share(db).await);
}

#[test]
fn its_fields_are_what_was_declared() {
    use sea_orm_cached_field::CachedField;

    assert_eq!(
        crate::written(&leg::Share::spec().depends_on),
        ["trip_id=id trip: price", "return_trip_id=id trip: price"]
    );
}
