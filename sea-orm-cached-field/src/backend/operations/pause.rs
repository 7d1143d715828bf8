//! Paused fields.

use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::{execute, query};
use crate::{
    backend::{Backend, shared},
    layout::Owner,
    queue::Paused,
};

impl Backend {
    /// The fields that are paused. Only another version of the program may know some of them.
    pub(crate) async fn pauses(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
    ) -> Result<Vec<Paused>, DbErr> {
        let read = |row: &QueryResult| {
            Ok(Paused {
                field: row.try_get("", "field")?,
                by: row.try_get("", "paused_by")?,
                reason: row.try_get("", "reason")?,
                paused_for: row.try_get("", "paused_for")?,
            })
        };
        let pauses = query(db, shared::pause::pauses(self.sql(), owner)).await?;
        pauses.iter().map(read).collect()
    }

    /// Pauses a field. If it is paused already, it stays so since then.
    pub(crate) async fn pause(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        by: &str,
        reason: &str,
    ) -> Result<(), DbErr> {
        execute(db, shared::pause::pause(self.sql(), owner, field, by, reason)).await?;
        Ok(())
    }

    /// Pauses a field, unless it is paused or was so at this moment, in milliseconds since 1970, or
    /// later. Returns whether it has.
    pub(crate) async fn pause_unless_resumed(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        by: &str,
        reason: &str,
        since: i64,
    ) -> Result<bool, DbErr> {
        let first = shared::pause::pause_first(self.sql(), owner, field, by, reason);
        if execute(db, first).await? > 0 {
            return Ok(true);
        }
        let again = shared::pause::pause_again(self.sql(), owner, field, by, reason, since);
        Ok(execute(db, again).await? > 0)
    }

    /// Ends the pause of a field, and returns whether there was one.
    pub(crate) async fn resume(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
    ) -> Result<bool, DbErr> {
        Ok(execute(db, shared::pause::resume(self.sql(), owner, field)).await? > 0)
    }
}
