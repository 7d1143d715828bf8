//! Fields that are calculated from the same field of other rows, behind a source.

use sea_orm::{ConnectionTrait, DbErr};

use super::{execute, keys};
use crate::{
    backend::Backend,
    declaration::Key,
    layout::{Owner, Source},
};

impl Backend {
    /// Those of these rows that may be calculated, over others, from themselves. MySQL cannot
    /// follow every path, and returns all of them.
    pub(crate) async fn suspects(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        source: &Source,
        rows: &[Key],
    ) -> Result<Vec<Key>, DbErr> {
        if !of_one_database!(self, MySql => recursion::detects_cycles(source), otherwise: true) {
            return Ok(rows.to_vec());
        }
        keys(db, owner, statements!(self, recursion::circular(owner, source, rows))).await
    }

    /// The rows that are calculated from this one.
    pub(crate) async fn readers(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        source: &Source,
        key: &Key,
    ) -> Result<Vec<Key>, DbErr> {
        keys(db, owner, statements!(self, recursion::readers(owner, source, key))).await
    }

    /// Makes those rows due that are calculated from these, and wait after a failure.
    pub(crate) async fn retry_readers(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        source: &Source,
        keys: &[Key],
    ) -> Result<(), DbErr> {
        execute(db, statements!(self, recursion::retry_readers(owner, field, source, keys)))
            .await?;
        Ok(())
    }
}
