//! A track of an album, which the shop sells.

use sea_orm::entity::prelude::*;

/// A track of an album, which the shop sells.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "track")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sea_orm(indexed)]
    pub album_id: Option<i32>,
    #[sea_orm(indexed)]
    pub media_type_id: i32,
    #[sea_orm(indexed)]
    pub genre_id: i32,
    pub name: String,
    pub composer: Option<String>,
    pub milliseconds: i32,
    pub bytes: i32,
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub unit_price: Decimal,
    #[sea_orm(belongs_to, from = "album_id", to = "id", on_delete = "SetNull")]
    pub album: BelongsTo<Option<super::album::Entity>>,
    #[sea_orm(belongs_to, from = "media_type_id", to = "id")]
    pub media_type: BelongsTo<super::media_type::Entity>,
    #[sea_orm(belongs_to, from = "genre_id", to = "id")]
    pub genre: BelongsTo<super::genre::Entity>,
    #[sea_orm(has_many)]
    pub lines: HasMany<super::invoice_line::Entity>,
    #[sea_orm(has_many, via = "playlist_track")]
    pub playlists: HasMany<super::playlist::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
