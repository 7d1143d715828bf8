//! A purchase of a customer.

use sea_orm::entity::prelude::*;
use sea_orm_cached_field::cached_fields;

/// A purchase of a customer.
#[cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invoice")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sea_orm(indexed)]
    pub customer_id: i32,
    pub invoice_date: DateTimeUtc,
    pub billing_country: String,
    /// Whether it was cancelled, so that its lines count as not sold. Its total stays.
    #[sea_orm(default_value = false)]
    pub voided: bool,
    /// The total in the data, which the calculated total must equal.
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub recorded_total: Decimal,
    #[sea_orm(belongs_to, from = "customer_id", to = "id", on_delete = "Cascade")]
    pub customer: BelongsTo<super::customer::Entity>,
    #[sea_orm(has_many)]
    pub lines: HasMany<super::invoice_line::Entity>,
    /// The sum of the lines.
    #[cached(depends_on(lines(unit_price, quantity)))]
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub total: Decimal,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Adds up the lines.
    pub async fn calculate_total(&self, db: &impl ConnectionTrait) -> Result<Decimal, DbErr> {
        let lines = self.find_related(super::invoice_line::Entity).all(db).await?;
        Ok(super::invoice_line::sum(&lines))
    }
}
