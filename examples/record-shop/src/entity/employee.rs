//! An employee of the shop, with a manager.

use sea_orm::{DatabaseExecutor, entity::prelude::*};
use sea_orm_cached_field::{Error, cached_fields};

/// An employee of the shop, with a manager.
#[cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "employee")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub first_name: String,
    pub last_name: String,
    pub title: String,
    #[sea_orm(indexed)]
    pub reports_to_id: Option<i32>,
    #[sea_orm(
        self_ref,
        relation_enum = "ReportsTo",
        relation_reverse = "Reports",
        from = "reports_to_id",
        to = "id",
        on_delete = "SetNull"
    )]
    pub reports_to: BelongsTo<Option<Entity>>,
    #[sea_orm(self_ref, relation_enum = "Reports", relation_reverse = "ReportsTo")]
    pub reports: HasMany<Entity>,
    #[sea_orm(has_many)]
    pub customers: HasMany<super::customer::Entity>,
    /// The worth of the customers whom this employee supports, together with those of all who work
    /// for this employee.
    #[cached(
        recursive,
        depends_on(customers(cached_lifetime_value), reports(cached_team_revenue))
    )]
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub team_revenue: Decimal,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Adds up the customers and the teams of those who report to this employee.
    pub async fn calculate_team_revenue(
        &self,
        db: &DatabaseExecutor<'_>,
    ) -> Result<Decimal, Error> {
        let mut revenue = Decimal::ZERO;
        for customer in self.find_related(super::customer::Entity).all(db).await? {
            revenue += customer.lifetime_value(db).await?;
        }
        for employee in Entity::find().filter(Column::ReportsToId.eq(self.id)).all(db).await? {
            // Boxed, because it may have to calculate the team of that employee.
            revenue += Box::pin(employee.team_revenue(db)).await?;
        }
        Ok(revenue)
    }
}
