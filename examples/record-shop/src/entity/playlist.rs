//! A list of tracks.

use sea_orm::{QuerySelect, entity::prelude::*};
use sea_orm_cached_field::cached_fields;

/// A list of tracks.
#[cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "playlist")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub name: String,
    #[sea_orm(has_many, via = "playlist_track")]
    pub tracks: HasMany<super::track::Entity>,
    /// The playing time of its tracks, in whole minutes.
    #[cached(depends_on(tracks(milliseconds)))]
    pub minutes: i64,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Adds up the tracks.
    pub async fn calculate_minutes(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
        let tracks = self
            .find_related(super::track::Entity)
            .select_only()
            .column(super::track::Column::Milliseconds);
        let milliseconds: Vec<i32> = tracks.into_tuple().all(db).await?;
        Ok(milliseconds.into_iter().map(i64::from).sum::<i64>() / 60_000)
    }
}
