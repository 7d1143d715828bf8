//! Django's `street.Pigeon`.
#![allow(missing_docs, reason = "the columns are Django's")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "street_pigeon")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub name: String,
    pub weight: i32,
    pub lamppost_id: i64,
    #[sea_orm(belongs_to, from = "lamppost_id", to = "id")]
    pub lamppost: BelongsTo<super::lamppost::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
