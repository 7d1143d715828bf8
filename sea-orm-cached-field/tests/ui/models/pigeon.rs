//! A model for roll-ups.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::None)")]
pub enum Mood {
    #[sea_orm(string_value = "bright")]
    Bright,
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "pigeon")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub weight: i32,
    pub speed: f64,
    pub ring: Option<String>,
    pub alive: bool,
    pub mood: Mood,
    pub lamppost_id: i32,
    #[sea_orm(belongs_to, from = "lamppost_id", to = "id")]
    pub lamppost: BelongsTo<super::lamppost::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
