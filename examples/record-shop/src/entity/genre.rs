//! A kind of music.

use sea_orm::{DatabaseExecutor, entity::prelude::*};
use sea_orm_cached_field::{Error, cached_fields};

/// A kind of music.
#[cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "genre")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub name: String,
    #[sea_orm(indexed)]
    pub shop_id: i32,
    #[sea_orm(belongs_to, from = "shop_id", to = "id")]
    pub shop: BelongsTo<super::shop::Entity>,
    #[sea_orm(has_many)]
    pub tracks: HasMany<super::track::Entity>,
    /// The sum that its tracks have earned.
    #[cached(depends_on(tracks(lines(unit_price, quantity, invoice(voided)))))]
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub revenue: Decimal,
    /// Its share of all that the shop has earned. Without any earnings there are no shares.
    ///
    /// The share depends on every line in the shop, and no relation leads from a genre to the lines
    /// of the others. So there is a row for the shop, which every genre belongs to, and which keeps
    /// the sum. Then a sale changes the revenue of one genre and that of the shop, and each share
    /// is one division.
    #[cached(depends_on(cached_revenue, shop(cached_revenue)))]
    #[sea_orm(column_type = "Decimal(Some((7, 6)))")]
    pub share: Option<Decimal>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Adds up the lines.
    pub async fn calculate_revenue(&self, db: &impl ConnectionTrait) -> Result<Decimal, DbErr> {
        let lines = super::invoice_line::sold().filter(super::track::Column::GenreId.eq(self.id));
        Ok(super::invoice_line::sum(&lines.all(db).await?))
    }

    /// Divides the values of both rows. It rounds down, because the sum of all shares must not
    /// exceed the whole.
    pub async fn calculate_share(
        &self,
        db: &DatabaseExecutor<'_>,
    ) -> Result<Option<Decimal>, Error> {
        let shop = super::shop::Entity::find_by_id(self.shop_id).one(db).await?;
        let all = match shop {
            Some(shop) => shop.revenue(db).await?,
            None => Decimal::ZERO,
        };
        let share = self.revenue(db).await?.checked_div(all);
        Ok(share.map(|share| share.trunc_with_scale(6)))
    }
}
