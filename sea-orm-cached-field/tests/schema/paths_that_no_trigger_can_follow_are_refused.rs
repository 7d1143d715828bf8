use sea_orm_cached_field::CachedFields;

use crate::catalog::refused;

/// A relation with a condition of its own.
pub mod post {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "post")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[cached(depends_on(super::comment(name)))]
        pub comment_count: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            has_many = "super::comment::Entity",
            on_condition = r#"sea_orm::ColumnTrait::eq(&super::comment::Column::Name, "shown")"#
        )]
        Comment,
    }

    impl Related<super::comment::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Comment.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_comment_count(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self.find_related(super::comment::Entity).count(db).await? as i64)
        }
    }
}

pub mod comment {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "comment")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub post_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "super::post::Entity", from = "Column::PostId", to = "super::post::Column::Id")]
        Post,
    }

    impl Related<super::post::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Post.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

owner!(song, { table_name = "song" }, {
    #[sea_orm(has_many, via = "performed")]
    pub performers: HasMany<super::artist::Entity>,
}, depends_on(performers(name)));

related!(artist, { table_name = "artist" }, {});

/// The junction.
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

contract! {
    async fn over_a_relation_with_a_condition(db: TestDb) {
        db.create(post::Entity).await;
        db.create(comment::Entity).await;
        let message = refused(&db, CachedFields::of::<post::Entity>).await;
        insta::allow_duplicates!(insta::assert_snapshot!(message, @r#"`comment_count` of `post` cannot depend on `comment(name)`: the relation has a condition of its own (`on_condition`), which a trigger cannot evaluate; depend on a relation without one"#));
    }

    async fn over_a_junction(db: TestDb) {
        db.create(song::Entity).await;
        db.create(artist::Entity).await;
        db.create(performed::Entity).await;
        let message = refused(&db, CachedFields::of::<song::Entity>).await;
        insta::allow_duplicates!(insta::assert_snapshot!(message, @r#"`label` of `song` cannot depend on `performed(artist(name))`: it leads over more than one table; keep a cached field on the table in between, and depend on that"#));
    }
}
