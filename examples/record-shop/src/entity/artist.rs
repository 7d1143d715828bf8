//! Who records albums.

use sea_orm::entity::prelude::*;

/// Who records albums.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "artist")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub name: String,
    #[sea_orm(has_many)]
    pub albums: HasMany<super::album::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
