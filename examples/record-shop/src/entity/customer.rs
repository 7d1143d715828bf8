//! A customer who buys in the shop.

use sea_orm::entity::prelude::*;
use sea_orm_cached_field::cached_fields;

/// A customer who buys in the shop.
#[cached_fields]
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
    pub support_rep_id: Option<i32>,
    #[sea_orm(belongs_to, from = "support_rep_id", to = "id", on_delete = "SetNull")]
    pub support_rep: BelongsTo<Option<super::employee::Entity>>,
    #[sea_orm(has_many)]
    pub invoices: HasMany<super::invoice::Entity>,
    /// The sum of all invoices that were not voided.
    #[cached(sum(invoices.cached_total, where(!voided)))]
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub lifetime_value: Decimal,
}

impl ActiveModelBehavior for ActiveModel {}
