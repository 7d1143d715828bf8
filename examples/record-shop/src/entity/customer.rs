//! A customer who buys in the shop.

use sea_orm::{DatabaseExecutor, entity::prelude::*};
use sea_orm_cached_field::{Error, cached_fields};

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
    #[cached(depends_on(invoices(cached_total, voided)))]
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub lifetime_value: Decimal,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Adds up the totals of the invoices.
    pub async fn calculate_lifetime_value(
        &self,
        db: &DatabaseExecutor<'_>,
    ) -> Result<Decimal, Error> {
        let mut value = Decimal::ZERO;
        let invoices = self.find_related(super::invoice::Entity);
        for invoice in invoices.filter(super::invoice::Column::Voided.eq(false)).all(db).await? {
            value += invoice.total(db).await?;
        }
        Ok(value)
    }
}
