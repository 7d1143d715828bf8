//! The protocol, one file a verb: mark, collect, claim, judge, complete, fail.
//!
//! Decides what becomes of marks and claims; `backend` renders the SQL.

mod backlog;
mod claim;
mod collect;
mod complete;
mod connections;
mod fail;
mod installed;
mod judge;
mod mark;
mod query;
mod read;
mod recursion;
mod unique;
mod wave;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};

use crate::{Error, declaration::Key, queue::Claim, registry::Model};

pub(crate) use claim::{Claimed, First, Work, claim, claim_one, claim_rows, look, renew};
pub(crate) use complete::{
    Calculation, clock, complete, drop_gone, hand_back, store_in_transaction,
};
pub(crate) use connections::Connections;
pub(crate) use fail::{Retry, fail};
pub(crate) use installed::explained;
pub(crate) use judge::Verdict;
pub(crate) use mark::{flag, flag_all, flag_expired, flagged, set_expiry};
pub(crate) use query::complete_by_query;
pub(crate) use read::query_recursive;
pub(crate) use recursion::find_circles;

async fn execute_all(
    db: &impl ConnectionTrait,
    statements: impl IntoIterator<Item = Statement>,
) -> Result<(), DbErr> {
    for statement in statements {
        db.execute_raw(statement).await?;
    }
    Ok(())
}

/// Sends all of them, and returns the rows of the last.
async fn query_last(
    db: &impl ConnectionTrait,
    mut statements: Vec<Statement>,
) -> Result<Vec<QueryResult>, DbErr> {
    let Some(last) = statements.pop() else { return Ok(Vec::new()) };
    execute_all(db, statements).await?;
    db.query_all_raw(last).await
}

/// Reads a claim from the columns `key_1`, ..., `field`, `generation`, `attempts`, `waves`,
/// `claimed_at`.
fn read_claim(model: &Model, row: &QueryResult) -> Result<Claim, Error> {
    Ok(Claim {
        key: model.read_key(row)?,
        field: read_field(model, row)?,
        generation: row.try_get("", "generation")?,
        attempts: row.try_get("", "attempts")?,
        waves: row.try_get("", "waves")?,
        claimed_at: row.try_get("", "claimed_at")?,
        shared: false,
    })
}

/// Those whose lease is not another's, in order.
fn own(claims: &[Claim]) -> Vec<Claim> {
    in_order(claims.iter().filter(|claim| !claim.shared).cloned().collect(), |claim| {
        (&claim.key, claim.field)
    })
}

/// Sorts what is to be locked in the queue. All transactions that wait for such locks take them in
/// this order, so that two of them never wait for each other.
fn in_order<T>(mut rows: Vec<T>, place: impl Fn(&T) -> (&Key, usize)) -> Vec<T> {
    rows.sort_by_cached_key(|row| {
        let (key, field) = place(row);
        (key.to_string(), field)
    });
    rows
}

fn read_field(model: &Model, row: &QueryResult) -> Result<usize, DbErr> {
    let name: String = row.try_get("", "field")?;
    model.owner.field_index(&name).ok_or_else(|| {
        DbErr::Custom(format!("`{}` has no cached field `{name}`", model.owner.table.name))
    })
}
