//! What the doctor asks, and what a repair does.

use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::{count, execute, query};
use crate::{
    backend::{Backend, shared},
    layout::Owner,
    queue::{State, Waiting},
};

impl Backend {
    /// The settings of sessions in which no trigger fires.
    pub(crate) async fn sessions_without_triggers(
        self,
        db: &impl ConnectionTrait,
    ) -> Result<Vec<String>, DbErr> {
        let found =
            query(db, statements!(self, Postgres => catalog::sessions_without_triggers())).await?;
        found.iter().map(|row| row.try_get("", "sessions")).collect()
    }

    /// The owner's triggers that do not fire, each with a statement that mends it.
    pub(crate) async fn disabled_triggers(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
    ) -> Result<Vec<(String, String)>, DbErr> {
        let disabled =
            query(db, statements!(self, Postgres => catalog::disabled_triggers(owner))).await?;
        let read = |row: &QueryResult| Ok((row.try_get("", "name")?, row.try_get("", "remedy")?));
        disabled.iter().map(read).collect()
    }

    /// The owner's triggers that run as an account that is gone, each with that account. The tag
    /// that [`Backend::installed`] tells of them is none that has to stand there.
    pub(crate) async fn orphaned_triggers(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
    ) -> Result<Vec<(String, String)>, DbErr> {
        let orphaned =
            query(db, statements!(self, MySql => catalog::orphaned_triggers(owner))).await?;
        let read = |row: &QueryResult| Ok((row.try_get("", "name")?, row.try_get("", "account")?));
        orphaned.iter().map(read).collect()
    }

    /// How many rows are flagged that are neither marked nor in the queue.
    pub(crate) async fn count_unqueued(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
    ) -> Result<u64, DbErr> {
        count(db, shared::doctor::unqueued(self.sql(), owner, field)).await
    }

    /// How many rows of the queue and marks there are, by their fields, state and error.
    pub(crate) async fn waiting(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
    ) -> Result<Vec<Waiting>, DbErr> {
        let read = |row: &QueryResult| {
            let state: String = row.try_get("", "state")?;
            let rows: i64 = row.try_get("", "found")?;
            Ok(Waiting {
                fields: row.try_get("", "field")?,
                state: match state.as_str() {
                    "failing" => State::Failing,
                    "failed" => State::Failed,
                    _ => State::Due,
                },
                rows: u64::try_from(rows).unwrap_or_default(),
                error: row.try_get::<Option<String>>("", "error")?.unwrap_or_default(),
            })
        };

        query(db, shared::doctor::waiting(self.sql(), owner)).await?.iter().map(read).collect()
    }

    /// Makes what has failed due again. Returns how many rows that are.
    pub(crate) async fn retry_failed(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
    ) -> Result<u64, DbErr> {
        execute(db, shared::claim::retry_failed(self.sql(), owner)).await
    }
}
