#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]

use sea_orm::entity::prelude::*;
use sea_orm_cached_field::cached_fields;

#[cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "seat")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub hall: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    pub floor_price: i64,
    #[cached(depends_on(floor_price))]
    pub price: i64,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn calculate_price(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
        Ok(self.floor_price + i64::from(self.number))
    }
}

#[test]
fn its_fields_are_what_was_declared() {
    use sea_orm_cached_field::{CachedField, CachedModel};

    assert_eq!(Price::NAME, "price");
    assert_eq!(Entity::cached_fields().len(), 1);
}
