#![deny(warnings)]

use sea_orm::entity::prelude::*;
use sea_orm_cached_field::cached_fields;

#[allow(dead_code)]
pub struct Vec;
#[allow(dead_code)]
pub struct Box;
#[allow(dead_code)]
pub struct Future;
#[allow(dead_code)]
pub struct Send;
#[allow(dead_code)]
pub struct CachedField;
#[allow(dead_code)]
pub struct Calculation;
#[allow(dead_code)]
pub struct Key;

#[cached_fields]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lamppost")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[cached(temporal_triggers)]
    pub title: std::string::String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn calculate_title(
        &self,
        _: &impl ConnectionTrait,
    ) -> std::result::Result<std::string::String, DbErr> {
        Ok(std::string::String::new())
    }
}
