#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]

pub mod city {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "city")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod trip {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "trip")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub from_id: i32,
        pub to_id: Option<i32>,
        #[sea_orm(belongs_to, relation_enum = "Origin", from = "from_id", to = "id")]
        pub origin: BelongsTo<super::city::Entity>,
        #[sea_orm(belongs_to, relation_enum = "Target", from = "to_id", to = "id")]
        pub target: BelongsTo<Option<super::city::Entity>>,
        #[cached(depends_on(origin(name), target(name)))]
        pub label: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_label(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(format!("{} to {:?}", self.from_id, self.to_id))
        }
    }
}

#[test]
fn its_fields_are_what_was_declared() {
    use sea_orm_cached_field::CachedField;

    let from: Vec<_> = trip::Label::spec()
        .depends_on
        .iter()
        .map(|dependency| dependency.hops[0].from.clone())
        .collect();
    assert_eq!(from, [["from_id"], ["to_id"]]);
}
