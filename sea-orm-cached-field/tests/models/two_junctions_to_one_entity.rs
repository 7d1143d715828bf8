#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]

pub mod song {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "song")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(has_many, via = "performed")]
        pub performers: HasMany<super::artist::Entity>,
        #[sea_orm(has_many, relation_enum = "Writers", via = "wrote::Song")]
        pub writers: HasMany<super::artist::Entity>,
        #[cached(depends_on(performers(name), writers(name)))]
        pub credits: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_credits(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(self.id.to_string())
        }
    }
}

pub mod artist {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "artist")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod performed {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "performed")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub song_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub artist_id: i32,
        #[sea_orm(belongs_to, from = "song_id", to = "id")]
        pub song: BelongsTo<super::song::Entity>,
        #[sea_orm(belongs_to, from = "artist_id", to = "id")]
        pub artist: BelongsTo<super::artist::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod wrote {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "wrote")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub song_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub artist_id: i32,
        #[sea_orm(belongs_to, from = "song_id", to = "id")]
        pub song: BelongsTo<super::song::Entity>,
        #[sea_orm(belongs_to, from = "artist_id", to = "id")]
        pub artist: BelongsTo<super::artist::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn its_fields_are_what_was_declared() {
    use sea_orm_cached_field::CachedField;

    let hops = |index: usize| -> Vec<(String, Vec<String>, Vec<String>)> {
        let dependency = &song::Credits::spec().depends_on[index];
        dependency
            .hops
            .iter()
            .map(|hop| (hop.table.clone(), hop.from.clone(), hop.to.clone()))
            .collect()
    };
    let hop = |table: &str, from: &str, to: &str| {
        (table.to_owned(), vec![from.to_owned()], vec![to.to_owned()])
    };
    assert_eq!(hops(0), [hop("performed", "id", "song_id"), hop("artist", "artist_id", "id")]);
    assert_eq!(hops(1), [hop("wrote", "id", "song_id"), hop("artist", "artist_id", "id")]);
}
