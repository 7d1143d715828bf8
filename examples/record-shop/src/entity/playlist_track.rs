//! The place of a track on a playlist.

use sea_orm::entity::prelude::*;

/// The place of a track on a playlist.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "playlist_track")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sea_orm(indexed)]
    pub track_id: i32,
    #[sea_orm(indexed)]
    pub playlist_id: i32,
    #[sea_orm(belongs_to, from = "track_id", to = "id", on_delete = "Cascade")]
    pub track: BelongsTo<super::track::Entity>,
    #[sea_orm(
        belongs_to,
        from = "playlist_id",
        to = "id",
        on_delete = "Cascade",
        on_update = "Cascade"
    )]
    pub playlist: BelongsTo<super::playlist::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
