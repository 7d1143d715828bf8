//! What readers ask.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbErr, Value};

use super::{execute, keys, query, read_key, value};
use crate::{
    backend::{Backend, sizes::claims_in_parts},
    declaration::Key,
    layout::{Owner, Source},
};

impl Backend {
    /// Whether a transaction that follows repeated paths has to be [set](Backend::set_to_recurse)
    /// for it.
    pub(crate) fn has_settings_to_recurse(self) -> bool {
        !statements!(self, Postgres => read::settings()).0.is_empty()
    }

    /// Sets a transaction for statements that follow repeated paths, where the planner takes more
    /// time for them than they do.
    pub(crate) async fn set_to_recurse(self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        execute(db, statements!(self, Postgres => read::settings())).await?;
        Ok(())
    }

    /// The time, in milliseconds since 1970.
    pub(crate) async fn clock(self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
        let now = value(db, statements!(self, read::clock()), "now").await?;
        now.ok_or_else(|| DbErr::RecordNotFound("the database's time".to_owned()))
    }

    /// The rows of the owner that the database finds by these keys: as the row spells its key, by
    /// the key as it is given. A collation or a type may call two spellings equal.
    pub(crate) async fn spelled(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        keys: &[Key],
    ) -> Result<HashMap<Key, Key>, DbErr> {
        let mut spelled = HashMap::new();
        for row in query(db, statements!(self, read::spelled(owner, keys))).await? {
            let place: i64 = row.try_get("", "place")?;
            let given = usize::try_from(place).ok().and_then(|place| keys.get(place));
            spelled.extend(given.cloned().zip(Some(read_key(owner, &row)?)));
        }
        Ok(spelled)
    }

    /// Of those of these rows that there are, whether each is stale: flagged, expired, marked or
    /// queued.
    pub(crate) async fn status(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        keys: &[Key],
    ) -> Result<Vec<(Key, bool)>, DbErr> {
        let mut status = Vec::new();
        for keys in claims_in_parts(owner, keys) {
            for row in query(db, statements!(self, read::status(owner, field, keys))).await? {
                status.push((read_key(owner, &row)?, row.try_get("", "stale")?));
            }
        }

        Ok(status)
    }

    /// Whether the row is not stale and has this value, or is gone.
    pub(crate) async fn confirm(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        key: &Key,
        loaded: Value,
    ) -> Result<bool, DbErr> {
        let confirm = statements!(self, Sqlite => read::confirm(owner, field, key, loaded));
        Ok(value(db, confirm, "confirmed").await?.unwrap_or(true))
    }

    /// The rows behind this source, as seen from these rows of the owner, of which the field of
    /// another owner is stale. `limit`: no more of them.
    pub(crate) async fn stale_behind(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        source: &Source,
        rows: &[Key],
        (of, field): (&Owner, usize),
        limit: Option<u64>,
    ) -> Result<Vec<Key>, DbErr> {
        let stale = statements!(self, read::stale_behind(owner, source, rows, of, field, limit));
        keys(db, of, stale).await
    }

    /// All rows of the owner's table whose field is stale.
    pub(crate) async fn stale_anywhere(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
    ) -> Result<Vec<Key>, DbErr> {
        keys(db, owner, statements!(self, read::stale_anywhere(owner, field))).await
    }
}
