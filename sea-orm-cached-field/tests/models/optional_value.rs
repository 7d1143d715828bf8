#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]

use sea_orm::entity::prelude::*;
use sea_orm_cached_field::cached_fields;

#[cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lamppost")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[cached(depends_on())]
    pub nickname: Option<String>,
    #[cached(depends_on())]
    pub heaviest_pigeon: std::option::Option<i32>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn calculate_nickname(&self, _: &impl ConnectionTrait) -> Result<Option<String>, DbErr> {
        Ok(None)
    }

    async fn calculate_heaviest_pigeon(
        &self,
        _: &impl ConnectionTrait,
    ) -> Result<Option<i32>, DbErr> {
        Ok(Some(self.id))
    }
}

#[test]
fn its_fields_are_what_was_declared() {
    use sea_orm_cached_field::CachedField;

    let row = Model {
        id: 1,
        cached_nickname: None,
        nickname_recalculation_needed: false,
        cached_heaviest_pigeon: Some(7),
        heaviest_pigeon_recalculation_needed: false,
    };
    // NULL is a value like any other: it is not calculated anew on every read.
    assert_eq!(Nickname::stored(&row).fresh(), Some(&None));
    assert_eq!(HeaviestPigeon::stored(&row).fresh(), Some(&Some(7)));
    assert!(Column::CachedHeaviestPigeon.def().is_null());
}
