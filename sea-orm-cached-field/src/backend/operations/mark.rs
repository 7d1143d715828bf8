//! Marks that are made by the library's own methods.

use sea_orm::{ConnectionTrait, DbErr, Value};

use super::execute;
use crate::{
    backend::{Backend, shared},
    declaration::Key,
    layout::Owner,
};

impl Backend {
    /// Sets the flag; the triggers mark.
    pub(crate) async fn flag(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        key: &Key,
    ) -> Result<(), DbErr> {
        execute(db, shared::mark::flag(self.sql(), owner, field, key)).await?;
        Ok(())
    }

    /// Sets the flag so that a worker recalculates the row, whatever the field says.
    pub(crate) async fn flag_eagerly(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        key: &Key,
    ) -> Result<(), DbErr> {
        execute(db, statements!(self, mark::flag_eagerly(owner, field, key))).await?;
        Ok(())
    }

    /// Sets the flag so that no worker recalculates the row, while a calculation under way still
    /// misses.
    pub(crate) async fn flag_lazily(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        key: &Key,
    ) -> Result<(), DbErr> {
        execute(db, statements!(self, mark::flag_lazily(owner, field, key))).await?;
        Ok(())
    }

    /// Flags rows whose expiry has passed, at most so many. Returns how many.
    pub(crate) async fn flag_expired(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        rows: u64,
    ) -> Result<u64, DbErr> {
        execute(db, statements!(self, mark::flag_expired(owner, field, rows))).await
    }

    /// Sets the moment from which on the row counts as stale.
    pub(crate) async fn set_expiry(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        key: &Key,
        moment: Value,
    ) -> Result<(), DbErr> {
        execute(db, statements!(self, mark::set_expiry(owner, field, key, moment))).await?;
        Ok(())
    }

    /// Wakes sleeping workers of other processes, where they can be woken.
    pub(crate) async fn wake(self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        execute(db, statements!(self, Postgres => mark::wake())).await?;
        Ok(())
    }
}
