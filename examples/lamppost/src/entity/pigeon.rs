//! A pigeon on a lamppost.

use sea_orm::entity::prelude::*;

/// A pigeon.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "pigeon")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The weight in grams.
    pub weight: i32,
    /// The time of its death, if that is known.
    pub dies_at: Option<DateTimeUtc>,
    #[sea_orm(indexed)]
    pub lamppost_id: i32,
    #[sea_orm(belongs_to, from = "lamppost_id", to = "id")]
    pub lamppost: BelongsTo<super::lamppost::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Returns whether it is alive now.
    pub(crate) fn is_alive(&self) -> bool {
        self.dies_at.is_none_or(|moment| moment > ChronoUtc::now())
    }
}
