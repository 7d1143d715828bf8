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
    pub first_name: String,
    #[cached(
        depends_on(first_name),
        temporal_triggers,
        calculation_method_name = "make_full_name",
        cached_field_name = "stored_name",
        recalculation_needed_field_name = "name_is_stale",
        expiration_field_name = "name_expires",
        flagging = "commit"
    )]
    #[sea_orm(column_name = "fullName", enum_name = "Shown")]
    full_name: String,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn make_full_name(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
        Ok(self.first_name.clone())
    }
}

#[test]
fn its_fields_are_what_was_declared() {
    use sea_orm::{IdenStatic, prelude::DateTimeUtc};
    use sea_orm_cached_field::CachedField;

    let row = Model {
        id: 1,
        first_name: "Ada".into(),
        stored_name: Some("Ada".into()),
        name_is_stale: false,
        name_expires: Some(DateTimeUtc::default()),
    };
    assert_eq!(FullName::stored(&row).fresh(), None);
    assert_eq!(FullName::spec().cached.as_str(), "fullName");
}
