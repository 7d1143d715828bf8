//! The shop itself.

use sea_orm::entity::prelude::*;
use sea_orm_cached_field::cached_fields;

/// The shop itself: the one row that everything sold adds up to.
#[cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shop")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub name: String,
    #[sea_orm(has_many)]
    pub genres: HasMany<super::genre::Entity>,
    /// The sum that its genres have earned: 25 numbers to add up, not all lines that were ever
    /// sold.
    #[cached(sum(genres.cached_revenue))]
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub revenue: Decimal,
}

impl ActiveModelBehavior for ActiveModel {}
