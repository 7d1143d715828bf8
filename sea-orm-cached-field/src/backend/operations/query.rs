//! Fields that are calculated by a query.

use std::{collections::HashMap, time::Duration};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult};

use super::{query, read_key};
use crate::{
    backend::{self, Backend},
    declaration::Key,
    layout::Owner,
    queue::{Claim, Locked},
};

/// What a query says of a row.
pub(crate) struct Calculated {
    pub(crate) key: Key,
    /// Whether the query has this row. Otherwise it is one of the owner's table, and the value is
    /// NULL.
    pub(crate) found: bool,
    /// The value stands in the column `value`.
    pub(crate) row: QueryResult,
}

impl Backend {
    /// Calculates a field of these rows by its query. Returns what the query says, and in addition
    /// all of these rows that there are; where the key has several columns, other rows, too.
    pub(crate) async fn calculate(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        keys: &[Key],
    ) -> Result<Vec<Calculated>, DbErr> {
        let rows = query(db, backend::query::select(self, owner, field, keys)).await?;
        let read = |row: QueryResult| {
            let key = read_key(owner, &row)?;
            Ok(Calculated { key, found: row.try_get("", "found")?, row })
        };
        rows.into_iter().map(read).collect()
    }

    /// As [`Backend::store`], but the values of this field are those of its query, which may take
    /// so long. Returns also whether each value is another one than before. `None` if a row has no
    /// value or several, or may be gone: then the transaction has to be rolled back.
    pub(crate) async fn store_by_query(
        self,
        db: &DatabaseTransaction,
        owner: &Owner,
        claims: &[Claim],
        within: Duration,
    ) -> Result<Option<Vec<(Locked, bool)>>, DbErr> {
        of_database!(self, operations::store_by_query(db, owner, claims, within).await)
    }
}

/// What is read of each row, by its key.
pub(in crate::backend) fn by_key<T>(
    owner: &Owner,
    rows: &[QueryResult],
    read: impl Fn(&QueryResult) -> Result<T, DbErr>,
) -> Result<HashMap<Key, T>, DbErr> {
    rows.iter().map(|row| Ok((read_key(owner, row)?, read(row)?))).collect()
}
