//! A model may be written by a `macro_rules!`, with names that it was given, and others of its own.
#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]

macro_rules! book {
    ($module:ident, $(#[$model:meta])? $id:ident, $title:ident, $pages:ident, $value:ty, $batch:ident $(, $relation:item)?) => {
        pub mod $module {
            use sea_orm::{QuerySelect, entity::prelude::*};
            use sea_orm_cached_field::cached_fields;

            #[cached_fields]
            $(#[$model])?
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = "book")]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub $id: i32,
                pub $title: String,
                pub subtitle: Option<String>,
                #[cached(depends_on($title, subtitle), temporal_triggers)]
                pub $pages: $value,
                #[cached(depends_on($title), expires_every = "1h", debounce = "1s", version = 2)]
                pub label: String,
                #[cached(depends_on(subtitle), lazy, after_recalculation = "tell")]
                pub shadow: Option<String>,
                #[cached($batch, depends_on($title), temporal_triggers, expiration_time_zone = "Europe/Berlin")]
                pub rank: i64,
                #[cached(query, depends_on($title))]
                pub share: $value,
                #[cached(query, depends_on($title))]
                pub part: Option<i64>,
                #[cached(blocking, depends_on($title), db_index_on_recalculation_needed_field)]
                pub hash: $value,
                #[cached(blocking, $batch, depends_on(cached_hash), flagging = "collector", after_recalculation = "tell")]
                pub digest: $value,
                #[cached(
                    depends_on(subtitle),
                    calculation_method_name = "measure",
                    cached_field_name = "height",
                    recalculation_needed_field_name = "height_is_stale",
                    temporal_triggers,
                    expiration_field_name = "height_until"
                )]
                pub width: i64,
            }

            $($relation)?

            impl ActiveModelBehavior for ActiveModel {}

            impl Model {
                pub async fn tell(&self, _: &impl ConnectionTrait) -> Result<(), DbErr> {
                    Ok(())
                }

                pub async fn calculate_label(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
                    Ok(self.$title.clone())
                }

                pub async fn calculate_shadow(&self, _: &impl ConnectionTrait) -> Result<Option<String>, DbErr> {
                    Ok(self.subtitle.clone())
                }

                pub async fn calculate_ranks(models: &[Self], _: &impl ConnectionTrait) -> Result<Vec<i64>, DbErr> {
                    Ok(vec![0; models.len()])
                }

                pub async fn calculate_hash(&self, _: &impl ConnectionTrait) -> Result<$value, DbErr> {
                    Ok(0)
                }

                pub async fn calculate_digests(models: &[Self], _: &impl ConnectionTrait) -> Result<Vec<$value>, DbErr> {
                    Ok(vec![0; models.len()])
                }

                pub async fn measure(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
                    Ok(0)
                }

                pub fn select_share() -> Select<Entity> {
                    Entity::find().select_only().column(Column::Id).expr(Column::Id.max())
                }

                pub fn select_part() -> Select<Entity> {
                    Self::select_share()
                }
            }
        }
    };
}

book!(
    dense,
    #[sea_orm::model]
    id,
    title,
    pages,
    i64,
    batch
);
book!(
    compact,
    id,
    title,
    pages,
    i64,
    batch,
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
);

macro_rules! calculate_pages {
    ($($module:ident)*) => {
        $(impl $module::Model {
            pub async fn calculate_pages(&self, _: &impl sea_orm::ConnectionTrait) -> Result<i64, sea_orm::DbErr> {
                Ok(0)
            }
        })*
    };
}

calculate_pages!(dense compact);

#[test]
fn its_fields_are_what_was_declared() {
    use sea_orm_cached_field::CachedModel;

    assert_eq!(dense::Entity::cached_fields().len(), compact::Entity::cached_fields().len());
}
