//! What is asked of a database: each operation takes a request and returns data.
//!
//! Operations that take the same statements everywhere are written here. Those that do not are
//! written for each database in its own `operations.rs`.

mod activity;
mod claim;
mod collect;
mod complete;
mod doctor;
mod inspect;
mod mark;
mod pause;
mod query;
mod read;
mod recursion;
mod schema;
mod session;
mod unique;
mod versions;

use std::time::Instant;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, TryGetable};

pub(super) use collect::{enqueue, flag_without_queueing, queued_at_once};
pub(super) use complete::{LockedClaims, done};
pub(crate) use query::Calculated;
pub(super) use query::by_key;
pub(crate) use session::Transactions;

use crate::{
    declaration::{Chunk, Key},
    layout::Owner,
    queue::Claim,
};

/// Statements that are sent one after the other.
#[derive(Default)]
pub(super) struct Statements(pub(super) Vec<Statement>);

impl From<Statement> for Statements {
    fn from(statement: Statement) -> Self {
        Self(vec![statement])
    }
}

impl From<Vec<Statement>> for Statements {
    fn from(statements: Vec<Statement>) -> Self {
        Self(statements)
    }
}

impl From<Option<Statement>> for Statements {
    fn from(statement: Option<Statement>) -> Self {
        Self(statement.into_iter().collect())
    }
}

impl<const N: usize> From<[Statement; N]> for Statements {
    fn from(statements: [Statement; N]) -> Self {
        Self(statements.into())
    }
}

/// Sends them. Returns how many rows the last one has changed.
pub(super) async fn execute(
    db: &impl ConnectionTrait,
    statements: impl Into<Statements>,
) -> Result<u64, DbErr> {
    let mut changed = 0;
    for statement in statements.into().0 {
        changed = db.execute_raw(statement).await?.rows_affected();
    }
    Ok(changed)
}

/// Sends them. Returns the rows of the last one.
pub(super) async fn query(
    db: &impl ConnectionTrait,
    statements: impl Into<Statements>,
) -> Result<Vec<QueryResult>, DbErr> {
    let Statements(mut statements) = statements.into();
    let Some(last) = statements.pop() else { return Ok(Vec::new()) };
    execute(db, statements).await?;
    db.query_all_raw(last).await
}

/// The column of the first row; `None` if there is no row.
async fn value<T: TryGetable>(
    db: &impl ConnectionTrait,
    statements: impl Into<Statements>,
    column: &str,
) -> Result<Option<T>, DbErr> {
    query(db, statements).await?.first().map(|row| row.try_get("", column)).transpose()
}

/// A count, in the column `found`.
async fn count(db: &impl ConnectionTrait, statements: impl Into<Statements>) -> Result<u64, DbErr> {
    let found: Option<i64> = value(db, statements, "found").await?;
    Ok(found.and_then(|found| found.try_into().ok()).unwrap_or_default())
}

/// The keys of the rows.
pub(super) async fn keys(
    db: &impl ConnectionTrait,
    owner: &Owner,
    statements: impl Into<Statements>,
) -> Result<Vec<Key>, DbErr> {
    query(db, statements).await?.iter().map(|row| read_key(owner, row)).collect()
}

/// The claims that the rows are.
pub(super) async fn claims(
    db: &impl ConnectionTrait,
    owner: &Owner,
    statements: impl Into<Statements>,
) -> Result<Vec<Claim>, DbErr> {
    query(db, statements).await?.iter().map(|row| read_claim(owner, row)).collect()
}

/// Reads the key from the columns `key_1`, `key_2`, ... of a result.
pub(super) fn read_key(owner: &Owner, row: &QueryResult) -> Result<Key, DbErr> {
    (owner.key_reader)(row, "")
}

/// Reads a chunk from the columns `has_after`, `after_key_1`, ..., `has_to`, `to_key_1`, ... of a
/// result.
fn read_chunk(owner: &Owner, row: &QueryResult) -> Result<Chunk, DbErr> {
    let bound = |has: &str, prefix: &str| {
        let has: bool = row.try_get("", has)?;
        has.then(|| (owner.key_reader)(row, prefix)).transpose()
    };
    Ok(Chunk { after: bound("has_after", "after_")?, to: bound("has_to", "to_")? })
}

/// Reads a field from the column `field`, which has its name.
pub(super) fn read_field(owner: &Owner, row: &QueryResult) -> Result<usize, DbErr> {
    let name: String = row.try_get("", "field")?;
    owner.field_index(&name).ok_or_else(|| {
        DbErr::Custom(format!("`{}` has no cached field `{name}`", owner.table.name))
    })
}

/// Reads a claim from the columns `key_1`, ..., `field`, `generation`, `attempts`, `waves`,
/// `claimed_at`, `stale_since`.
pub(super) fn read_claim(owner: &Owner, row: &QueryResult) -> Result<Claim, DbErr> {
    Ok(Claim {
        key: read_key(owner, row)?,
        field: read_field(owner, row)?,
        generation: row.try_get("", "generation")?,
        attempts: row.try_get("", "attempts")?,
        waves: row.try_get("", "waves")?,
        claimed_at: row.try_get("", "claimed_at")?,
        stale_since: row.try_get("", "stale_since")?,
        taken_at: Instant::now(),
        shared: false,
    })
}
