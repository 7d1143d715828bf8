//! A line of an invoice: some copies of a track.

use sea_orm::{Select, entity::prelude::*};

/// A line of an invoice: some copies of a track.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invoice_line")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sea_orm(indexed)]
    pub track_id: i32,
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub unit_price: Decimal,
    #[sea_orm(indexed)]
    pub invoice_id: i32,
    pub quantity: i32,
    #[sea_orm(belongs_to, from = "track_id", to = "id")]
    pub track: BelongsTo<super::track::Entity>,
    #[sea_orm(belongs_to, from = "invoice_id", to = "id", on_delete = "Cascade")]
    pub invoice: BelongsTo<super::invoice::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

/// Selects the lines whose invoice was not voided, with their tracks.
pub fn sold() -> Select<Entity> {
    let lines = Entity::find().inner_join(super::invoice::Entity).inner_join(super::track::Entity);
    lines.filter(super::invoice::Column::Voided.eq(false))
}

/// Returns the sum of these lines.
pub fn sum(lines: &[Model]) -> Decimal {
    lines.iter().map(|line| line.unit_price * Decimal::from(line.quantity)).sum()
}
