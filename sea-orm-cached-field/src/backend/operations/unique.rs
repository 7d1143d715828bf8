//! Unique indexes over cached columns.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr};

use super::{execute, query, read_key};
use crate::{
    backend::{Backend, sizes::written_in_parts},
    catalog::{IndexedColumn, UniqueIndex},
    declaration::Key,
    layout::{Owner, Table},
    queue::{Shape, Written},
};

impl Backend {
    /// The unique indexes of a table by name, but for the primary key. Of each its columns, and
    /// `None` for each that is an expression or a part of a column.
    pub(crate) async fn unique_columns(
        self,
        db: &impl ConnectionTrait,
        table: &Table,
    ) -> Result<BTreeMap<String, Vec<Option<IndexedColumn>>>, DbErr> {
        let mut found: BTreeMap<String, Vec<Option<IndexedColumn>>> = BTreeMap::new();
        for row in query(db, statements!(self, unique::columns(table))).await? {
            let name = row.try_get::<Option<String>>("", "column")?;
            let collation = row.try_get("", "collation")?;
            let nullable = row.try_get::<i32>("", "nullable")? > 0;
            let column = name.map(|name| IndexedColumn { name, collation, nullable });
            found.entry(row.try_get("", "name")?).or_default().push(column);
        }

        Ok(found)
    }

    /// The other rows that have, in all columns of the index, what one of these rows is about to
    /// have. Each has the key of that row. Nothing is locked.
    pub(crate) async fn holders(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        index: &UniqueIndex,
        shape: &Shape,
        rows: &[Written],
    ) -> Result<Vec<(Key, Key)>, DbErr> {
        let mut holders = Vec::new();
        for rows in written_in_parts(owner, shape, rows) {
            let find = statements!(self, unique::holders(owner, index, shape, rows));
            for statement in find.0 {
                for row in query(db, statement).await? {
                    let place: i64 = row.try_get("", "place")?;
                    let place = usize::try_from(place).unwrap_or_default();
                    holders.push((read_key(owner, &row)?, rows[place].key.clone()));
                }
            }
        }

        Ok(holders)
    }

    /// Locks rows, skipping those that another transaction holds locked. Returns those that could
    /// be locked, as they were given, and whether each is flagged.
    pub(crate) async fn lock_holders(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        keys: &[Key],
    ) -> Result<Vec<(Key, bool)>, DbErr> {
        let locked = query(db, statements!(self, unique::lock_holders(owner, field, keys))).await?;
        locked.iter().map(|row| Ok((read_key(owner, row)?, row.try_get("", "flagged")?))).collect()
    }

    /// Makes the cached column of these rows NULL and sets their flag. The rows are locked, and are
    /// to be recalculated.
    pub(crate) async fn give_up_value(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        keys: &[Key],
    ) -> Result<(), DbErr> {
        execute(db, statements!(self, unique::give_up_value(owner, field, keys))).await?;
        Ok(())
    }
}
