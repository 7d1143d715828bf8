//! Rows that are stale already when the fields are installed.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseExecutor, DbErr, Statement, TransactionTrait};

use super::{Change, Changes};
use crate::{
    Error,
    dialect::Dialect,
    engine::Engine,
    field::{Key, layout::Owner},
    registry::Model,
};

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
    let lazy = Engine::at(db)?.lazy(model);
    let fields: Vec<usize> = (0..owner.fields.len()).filter(|field| !lazy.contains(field)).collect();
    let enqueue = |field, after: Option<&Key>, to: Option<&Key>| vec![dialect.enqueue_backlog(owner, field, after, to)];
    for (field, rows) in in_chunks(db, dialect, model, owner, &fields, enqueue).await? {
        let (table, field) = (owner.table.name.clone(), owner.fields[field].name);
        changes.0.extend((rows > 0).then_some(Change::Queued { table, field, rows }));
    }
    Ok(())
}

/// Sends statements for each of these fields and each chunk of rows, in the order of the key. Of each field, how many rows
/// there were.
pub(super) async fn in_chunks(
    db: &DatabaseExecutor<'_>,
    dialect: &dyn Dialect,
    model: &Model,
    owner: &Owner,
    fields: &[usize],
    statements: impl Fn(usize, Option<&Key>, Option<&Key>) -> Vec<Statement>,
) -> Result<BTreeMap<usize, u64>, Error> {
    let mut rows: BTreeMap<usize, u64> = fields.iter().map(|field| (*field, 0)).collect();
    let mut after = None;
    while !rows.is_empty() {
        let boundary = db.query_one_raw(dialect.backlog_boundary(owner, after.as_ref(), CHUNK)).await?;
        let to = boundary.map(|row| model.read_key(&row)).transpose()?;
        for (field, rows) in &mut rows {
            *rows += execute(db, dialect, statements(*field, after.as_ref(), to.as_ref())).await?;
        }
        if to.is_none() {
            break;
        }
        after = to;
    }
    Ok(rows)
}

/// In a worker's kind of transaction: with another isolation MySQL would lock the user's rows that are read.
async fn execute(db: &DatabaseExecutor<'_>, dialect: &dyn Dialect, statements: Vec<Statement>) -> Result<u64, Error> {
    let DatabaseExecutor::Connection(connection) = db else { return Ok(execute_all(db, statements).await?) };
    let transaction = connection.begin_with_options(dialect.transaction()).await?;
    let rows = execute_all(&transaction, statements).await?;
    transaction.commit().await?;
    Ok(rows)
}

async fn execute_all(db: &impl ConnectionTrait, statements: Vec<Statement>) -> Result<u64, DbErr> {
    let mut rows = 0;
    for statement in statements {
        rows += db.execute_raw(statement).await?.rows_affected();
    }
    Ok(rows)
}
