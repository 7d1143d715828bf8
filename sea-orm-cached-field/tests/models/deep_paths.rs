#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]

pub mod artist {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

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
        #[cached(depends_on(albums(tracks(invoice_lines(
            unit_price,
            quantity,
            invoice(r#type)
        )))))]
        pub revenue: i64,
        #[cached(depends_on(
            albums(*, tracks(name, playlists(name, tracks())), r#type()),
            super::album(super::track(super::playlist(*), invoice_lines())),
        ))]
        pub summary: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_revenue(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(0)
        }

        async fn calculate_summary(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(self.name.clone())
        }
    }
}

pub mod album {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "album")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(column_name = "Title")]
        pub title: String,
        pub artist_id: i32,
        pub genre_id: Option<i32>,
        #[sea_orm(belongs_to, from = "artist_id", to = "id")]
        pub artist: BelongsTo<super::artist::Entity>,
        #[sea_orm(belongs_to, from = "genre_id", to = "id")]
        pub r#type: BelongsTo<Option<super::genre::Entity>>,
        #[sea_orm(has_many)]
        pub tracks: HasMany<super::track::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod genre {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "genre")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod track {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "track")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub album_id: i32,
        #[sea_orm(belongs_to, from = "album_id", to = "id")]
        pub album: BelongsTo<super::album::Entity>,
        #[sea_orm(has_many)]
        pub invoice_lines: HasMany<super::invoice_line::Entity>,
        #[sea_orm(has_many, via = "playlist_track")]
        pub playlists: HasMany<super::playlist::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod playlist {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "playlist")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many, via = "playlist_track")]
        pub tracks: HasMany<super::track::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod playlist_track {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "playlist_track")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub playlist_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub track_id: i32,
        #[sea_orm(belongs_to, from = "playlist_id", to = "id")]
        pub playlist: BelongsTo<super::playlist::Entity>,
        #[sea_orm(belongs_to, from = "track_id", to = "id")]
        pub track: BelongsTo<super::track::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod invoice_line {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "invoice_line")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub track_id: i32,
        pub invoice_id: i32,
        pub unit_price: i32,
        pub quantity: i32,
        #[sea_orm(belongs_to, from = "track_id", to = "id")]
        pub track: BelongsTo<super::track::Entity>,
        #[sea_orm(belongs_to, from = "invoice_id", to = "id")]
        pub invoice: BelongsTo<super::invoice::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod invoice {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "invoice")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub r#type: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn columns_at_every_depth_are_found() {
    use sea_orm_cached_field::CachedField;

    let lines = "id=artist_id album, id=album_id track, id=track_id invoice_line";
    assert_eq!(
        crate::written(&artist::Revenue::spec().depends_on),
        [
            format!("{lines}: unit_price"),
            format!("{lines}: quantity"),
            format!("{lines}, invoice_id=id invoice: type"),
        ]
    );
}

#[test]
fn a_star_is_all_columns_and_nothing_is_which_rows_there_are() {
    use sea_orm_cached_field::CachedField;

    let tracks = "id=artist_id album, id=album_id track";
    let playlists = format!("{tracks}, id=track_id playlist_track, playlist_id=id playlist");
    assert_eq!(
        crate::written(&artist::Summary::spec().depends_on),
        [
            "id=artist_id album: *[id, Title, artist_id, genre_id]".to_owned(),
            format!("{tracks}: name"),
            format!("{playlists}: name"),
            format!("{playlists}, id=playlist_id playlist_track, track_id=id track: ()"),
            "id=artist_id album, genre_id=id genre: ()".to_owned(),
            format!("{playlists}: *[id, name]"),
            format!("{tracks}, id=track_id invoice_line: ()"),
        ]
    );
}
