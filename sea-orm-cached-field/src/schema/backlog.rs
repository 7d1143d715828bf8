//! Rows that are stale already when the fields are installed.

use sea_orm::{ConnectionTrait, DatabaseExecutor, Statement, TransactionTrait};

use super::{Change, Changes};
use crate::{Error, dialect::Dialect, field::layout::Owner, registry::Model};

/// How many rows are taken in one statement.
const CHUNK: u64 = 10_000;

/// Queues all flagged rows that are in no queue, chunk after chunk in the order of the key, so that no statement lasts
/// long. If it is cut off, the next `install` goes on.
pub(super) async fn enqueue(
    db: &DatabaseExecutor<'_>,
    dialect: &dyn Dialect,
    model: &Model,
    owner: &Owner,
    changes: &mut Changes,
) -> Result<(), Error> {
    let mut rows = vec![0; owner.fields.len()];
    let mut after = None;
    loop {
        let boundary = db.query_one_raw(dialect.backlog_boundary(owner, after.as_ref(), CHUNK)).await?;
        let to = boundary.map(|row| model.read_key(&row)).transpose()?;
        for (field, rows) in rows.iter_mut().enumerate() {
            let statement = dialect.enqueue_backlog(owner, field, after.as_ref(), to.as_ref());
            *rows += execute(db, dialect, statement).await?;
        }
        if to.is_none() {
            break;
        }
        after = to;
    }
    for (field, rows) in owner.fields.iter().zip(rows).filter(|(_, rows)| *rows > 0) {
        changes.0.push(Change::Queued { table: owner.table.name.clone(), field: field.name, rows });
    }
    Ok(())
}

/// In a worker's kind of transaction: with another isolation MySQL would lock the user's rows that are read.
async fn execute(db: &DatabaseExecutor<'_>, dialect: &dyn Dialect, statement: Statement) -> Result<u64, Error> {
    let DatabaseExecutor::Connection(connection) = db else {
        return Ok(db.execute_raw(statement).await?.rows_affected());
    };
    let transaction = connection.begin_with_options(dialect.transaction()).await?;
    let rows = transaction.execute_raw(statement).await?.rows_affected();
    transaction.commit().await?;
    Ok(rows)
}
