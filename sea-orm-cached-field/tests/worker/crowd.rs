//! Rows of which one field is calculated many at a time, and one row by row.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

use sea_orm::entity::prelude::*;
pub use sea_orm::{ActiveValue::Set, EntityTrait};
use sea_orm_cached_field::CachedFields;

use crate::harness::{TestDb, gate};

#[sea_orm_cached_field::cached_fields]
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "crowd")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The test that it belongs to.
    pub place: String,
    pub mood: String,
    pub note: Option<String>,

    #[cached(batch, depends_on(mood))]
    #[sea_orm(column_type = "String(StringLen::N(60))")]
    pub opinion: String,
    #[cached(depends_on(note))]
    pub remark: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

static CALLS: LazyLock<Mutex<HashMap<String, Vec<usize>>>> = LazyLock::new(Mutex::default);

impl Model {
    pub async fn calculate_opinions(
        models: &[Self],
        db: &impl ConnectionTrait,
    ) -> Result<Vec<String>, BoxError> {
        let place = &models[0].place;
        CALLS.lock().unwrap().entry(place.clone()).or_default().push(models.len());
        let known = Entity::find().filter(Column::Place.eq(place)).count(db).await?;
        assert!(known >= models.len() as u64);

        let mut opinions = Vec::new();
        for model in models {
            match model.mood.as_str() {
                "error" => return Err("not in the mood".into()),
                "panic" => panic!("aaah"),
                "endless" => std::future::pending().await,
                "too long" => opinions.push("x".repeat(61)),
                "twice" => opinions.extend(["one".to_owned(), "two".to_owned()]),
                mood => opinions.push(format!("feels {mood}")),
            }
        }
        Ok(opinions)
    }

    pub async fn calculate_remark(
        &self,
        _: &impl ConnectionTrait,
    ) -> Result<Option<String>, DbErr> {
        if let Some(note) = &self.note {
            gate::pass(note).await;
        }
        Ok(self.note.clone())
    }
}

pub fn crowds() -> CachedFields {
    CachedFields::of::<Entity>()
}

pub async fn set_up_crowds(db: &TestDb) {
    db.create(Entity).await;
    crowds().install(&**db).await.expect("installed");
}

/// Rows of these moods.
pub async fn crowd_of<const N: usize>(db: &TestDb, moods: [&str; N]) -> [i32; N] {
    let mut ids = [0; N];
    for (id, mood) in ids.iter_mut().zip(moods) {
        let row = ActiveModel {
            place: Set(db.url.clone()),
            mood: Set(mood.to_owned()),
            ..Default::default()
        };
        *id = row.insert(&**db).await.expect("a row").id;
    }
    ids
}

/// How many rows each calculation of many was of, since the last time.
pub fn calls(db: &TestDb) -> Vec<usize> {
    CALLS.lock().unwrap().remove(&db.url).unwrap_or_default()
}

/// The stored opinions of the rows that are not flagged.
pub async fn opinions(db: &TestDb) -> Vec<(i32, String)> {
    let fresh = Entity::find().filter(Column::OpinionRecalculationNeeded.eq(false));
    let mut rows = fresh.all(&**db).await.expect("loaded");
    rows.sort_by_key(|row| row.id);
    rows.into_iter().map(|row| (row.id, row.cached_opinion.unwrap_or_default())).collect()
}
