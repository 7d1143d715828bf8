//! What the claims are checked with.

use sea_orm_cached_field::CachedFields;

use crate::harness::{Narration, TestDb};

/// The fields that are recalculated after a change that concerns none.
pub const NOTHING: [&str; 0] = [];

/// Watches which fields of which rows are recalculated.
pub struct Watch<'d> {
    db: &'d TestDb,
    models: fn() -> CachedFields,
    narration: Narration,
}

impl<'d> Watch<'d> {
    /// Begins when nothing is stale.
    pub async fn begin(db: &'d TestDb, models: fn() -> CachedFields) -> Self {
        db.drain(models()).await;
        Self { db, models, narration: db.narration() }
    }

    /// What is recalculated after this statement: `table.field key`, sorted.
    pub async fn after(&mut self, sql: &str) -> Vec<String> {
        self.db.sql(sql).await;
        self.recalculated().await
    }

    /// What is recalculated now, until nothing is stale.
    pub async fn recalculated(&mut self) -> Vec<String> {
        self.narration.clear();
        self.db.drain((self.models)()).await;
        let said = self.narration.said().into_iter();
        let told = said.filter_map(|event| match event.strip_prefix("completed ") {
            Some(completed) => Some(completed.to_owned()),
            None => ["failed", "published", "superseded"]
                .iter()
                .any(|verb| event.starts_with(verb))
                .then_some(event),
        });
        told.collect()
    }
}
