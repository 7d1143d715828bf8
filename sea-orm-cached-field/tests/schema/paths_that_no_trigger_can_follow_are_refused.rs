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
        pub async fn calculate_comment_count(
            &self,
            db: &impl ConnectionTrait,
        ) -> Result<i64, DbErr> {
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
        #[sea_orm(
            belongs_to = "super::post::Entity",
            from = "Column::PostId",
            to = "super::post::Column::Id"
        )]
        Post,
    }

    impl Related<super::post::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Post.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

owner!(route, { table_name = "route" }, {
    #[sea_orm(has_many)]
    pub legs: HasMany<super::leg::Entity>,
}, depends_on(legs(start(name))));

related!(station, { table_name = "station" }, {});

/// Two relations to one entity, neither of them called like its field.
pub mod leg {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "leg")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub route_id: i32,
        pub from_id: i32,
        pub to_id: i32,
        #[sea_orm(belongs_to, from = "route_id", to = "id")]
        pub route: BelongsTo<super::route::Entity>,
        #[sea_orm(belongs_to, relation_enum = "Departure", from = "from_id", to = "id")]
        pub start: BelongsTo<super::station::Entity>,
        #[sea_orm(belongs_to, relation_enum = "Arrival", from = "to_id", to = "id")]
        pub end: BelongsTo<super::station::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[apply(contract)]
async fn over_a_relation_with_a_condition(db: TestDb) {
    db.create(post::Entity).await;
    db.create(comment::Entity).await;
    let message = refused(&db, CachedFields::of::<post::Entity>).await;
    insta::allow_duplicates!(
        insta::assert_snapshot!(message, @r#"`comment_count` of `post` cannot depend on `comment(name)`: at `comment`, the relation to this table has a condition of its own (`on_condition`), which a trigger cannot evaluate; depend on a relation without one"#)
    );
}

#[apply(contract)]
async fn over_a_relation_that_cannot_be_told_from_another(db: TestDb) {
    db.create(route::Entity).await;
    db.create(station::Entity).await;
    db.create(leg::Entity).await;
    let message = refused(&db, CachedFields::of::<route::Entity>).await;
    insta::allow_duplicates!(
        insta::assert_snapshot!(message, @r#"`label` of `route` cannot depend on `leg(station(name))`: at `station`, it is not clear which relation of `leg` its field `start` is; call the relation like the field, `relation_enum = "Start"`, or, if it leads through a junction, go by the relation of the junction that leads here, `super::junction::Relation::Variant(target(..))`"#)
    );
}
