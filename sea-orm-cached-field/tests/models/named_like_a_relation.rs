//! A cached field may be called like the relation that it is calculated from, and read nothing at
//! all.
#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]

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
        #[sea_orm(has_many)]
        pub pigeons: HasMany<super::pigeon::Entity>,
        #[cached(depends_on(pigeons(weight)))]
        pub pigeons: i64,
        #[cached(depends_on())]
        pub weather: Option<String>,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_pigeons(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.find_related(super::pigeon::Entity).count(db).await?.cast_signed())
        }

        async fn calculate_weather(
            &self,
            _: &impl ConnectionTrait,
        ) -> Result<Option<String>, DbErr> {
            Ok(None)
        }
    }
}

pub mod pigeon {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "pigeon")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub weight: i32,
        pub lamppost_id: i32,
        #[sea_orm(belongs_to, from = "lamppost_id", to = "id")]
        pub lamppost: BelongsTo<super::lamppost::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn its_fields_are_what_was_declared() {
    use sea_orm_cached_field::CachedField;

    assert_eq!(
        crate::written(&lamppost::Pigeons::spec().depends_on),
        ["id=lamppost_id pigeon: weight"]
    );
    assert_eq!(crate::written(&lamppost::Weather::spec().depends_on), [""; 0]);
}
