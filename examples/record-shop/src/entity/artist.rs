//! An artist who records albums.

use sea_orm::{JoinType, QuerySelect, entity::prelude::*};
use sea_orm_cached_field::cached_fields;

/// An artist who records albums.
#[cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "artist")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub name: String,
    #[sea_orm(has_many)]
    pub albums: HasMany<super::album::Entity>,
    /// The sum that the tracks of all albums have earned.
    #[cached(depends_on(albums(tracks(lines(unit_price, quantity, invoice(voided))))))]
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub revenue: Decimal,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Adds up the lines.
    pub async fn calculate_revenue(&self, db: &impl ConnectionTrait) -> Result<Decimal, DbErr> {
        let lines = super::invoice_line::sold()
            .join(JoinType::InnerJoin, super::track::Relation::Album.def());
        let lines = lines.filter(super::album::Column::ArtistId.eq(self.id));
        Ok(super::invoice_line::sum(&lines.all(db).await?))
    }
}
