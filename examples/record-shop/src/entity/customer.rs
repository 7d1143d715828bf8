//! Who buys in the shop.

use sea_orm::entity::prelude::*;

/// Who buys in the shop.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customer")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub first_name: String,
    pub last_name: String,
    pub company: Option<String>,
    pub country: String,
    #[sea_orm(indexed)]
    pub support_rep_id: i32,
    #[sea_orm(belongs_to, from = "support_rep_id", to = "id")]
    pub support_rep: BelongsTo<super::employee::Entity>,
    #[sea_orm(has_many)]
    pub invoices: HasMany<super::invoice::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
