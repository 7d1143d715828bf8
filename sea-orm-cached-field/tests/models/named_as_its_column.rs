//! A cached field may be called like its column.
#![deny(warnings)]
#![allow(dead_code, reason = "that they compile is the claim")]

use sea_orm::entity::prelude::*;
use sea_orm_cached_field::{CachedField, cached_fields};

#[cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "folder")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub bytes: i64,
    pub parent_id: Option<i32>,
    #[sea_orm(
        self_ref,
        relation_enum = "Parent",
        relation_reverse = "Children",
        from = "parent_id",
        to = "id"
    )]
    pub parent: BelongsTo<Option<Entity>>,
    #[sea_orm(self_ref, relation_enum = "Children", relation_reverse = "Parent")]
    pub children: HasMany<Entity>,
    #[cached(recursive, cached_field_name = "size", depends_on(bytes, children(size)))]
    pub size: i64,
    #[cached(depends_on(size, parent(size)))]
    pub label: String,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    async fn calculate_size(&self, _: &impl ConnectionTrait) -> Result<i64, DbErr> {
        Ok(self.bytes)
    }

    async fn calculate_label(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
        Ok(format!("{:?}", self.size))
    }
}

#[test]
fn others_and_itself_depend_on_it() {
    assert_eq!(crate::written(&Size::spec().depends_on), ["bytes", "id=parent_id folder: size"]);
    assert_eq!(crate::written(&Label::spec().depends_on), ["size", "parent_id=id folder: size"]);
}
