//! Complete, where the database itself calculates: a field that is one query, of many rows at a
//! time.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult};

use super::{
    Connections,
    complete::{end, event, settle, stored},
    execute_all,
    judge::{Verdict, judge, read_verdict, with_verdict},
    unique::unique_of,
};
use crate::{Error, declaration::Key, engine::Engine, event::Event, queue::Claim, registry::Model};

/// How long the query may take while a transaction of ours waits for it. One that takes longer is
/// run without, and its values are stored when they are there.
const WITHIN: Duration = Duration::from_secs(1);

/// Calculates one field of rows of which nothing else is claimed, and stores it, in one short
/// transaction. Returns the verdict on each. `None`, and then nothing is done, if a row has no
/// value or several, or may be gone.
///
/// The query sees what the verdict sees, or more: changes whose marks it does not know of. Those
/// are collected later.
pub(crate) async fn complete_by_query(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    claims: &[Claim],
    timeout: Duration,
) -> Result<Option<Vec<Verdict>>, Error> {
    if !engine.dialect.stores_queries() {
        return Ok(None);
    }
    let started = Instant::now();
    let connections = connections.into();
    let unique = unique_of(engine, &connections.reader(), model).await?;
    if claims.iter().any(|claim| unique.has(&model.owner, claim.field)) {
        // To find the rows that hold a value, the value must be known first.
        return Ok(None);
    }
    let transaction = connections.begin(engine, true).await?;
    let ended = match store(engine, &transaction, model, claims, timeout.min(WITHIN)).await {
        Ok(Some(ended)) => ended,
        refused => {
            transaction.rollback().await?;
            return refused.map(|_| None);
        }
    };
    transaction.commit().await?;
    let verdicts: Vec<Verdict> = ended.iter().map(|(verdict, _)| *verdict).collect();
    let took = started.elapsed();
    let calculated = claims.iter().map(|claim| {
        let table = model.owner.table.name.clone();
        let field = model.owner.fields[claim.field].name;
        Event::Calculated { table, field, key: claim.key.clone(), took }
    });
    engine.publish_all(calculated);
    engine.publish_all(
        claims
            .iter()
            .zip(ended)
            .map(|(claim, (verdict, changed))| event(model, claim, verdict, changed)),
    );
    stored(engine, connections, model, claims.iter(), &verdicts).await;
    Ok(Some(verdicts))
}

/// What has become of each claim, and whether its value is another one.
type Ended = Vec<(Verdict, bool)>;

async fn store(
    engine: &Engine,
    transaction: &DatabaseTransaction,
    model: &Model,
    claims: &[Claim],
    within: Duration,
) -> Result<Option<Ended>, Error> {
    if let Some(settings) = engine.dialect.query_settings(within) {
        transaction.execute_unprepared(&settings).await?;
    }
    let ended = match engine.dialect.complete_query(&model.owner, claims) {
        Some(complete) => {
            let ended = transaction.query_all_raw(complete).await?;
            in_order(
                claims,
                by_key(model, &ended, |row| Ok((read_verdict(row)?, row.try_get("", "changed")?)))?,
            )
        }
        None => store_in_steps(engine, transaction, model, claims).await?,
    };
    if let Some(ended) = &ended {
        let verdicts: Vec<Verdict> = ended.iter().map(|(verdict, _)| *verdict).collect();
        end(engine, transaction, model, claims.iter(), &verdicts).await?;
    }
    Ok(ended)
}

async fn store_in_steps(
    engine: &Engine,
    transaction: &DatabaseTransaction,
    model: &Model,
    claims: &[Claim],
) -> Result<Option<Ended>, Error> {
    let verdicts = judge(engine, transaction, model, claims).await?;
    if verdicts.contains(&Verdict::HandBack) {
        // Such a row may be gone, which is found out when it is loaded.
        return Ok(None);
    }
    let (before, after) =
        settle(engine, model, &with_verdict(claims.iter(), &verdicts, Verdict::Done));
    execute_all(transaction, before).await?;
    let mut written = HashMap::new();
    for (verdict, ends) in [(Verdict::Done, true), (Verdict::Publish, false)] {
        let claims = with_verdict(claims.iter(), &verdicts, verdict);
        if !claims.is_empty() {
            let rows = transaction
                .query_all_raw(engine.dialect.write_query(&model.owner, &claims, ends))
                .await?;
            written.extend(by_key(model, &rows, |row| row.try_get("", "changed"))?);
        }
    }
    execute_all(transaction, after).await?;
    let ended = claims.iter().zip(verdicts).map(|(claim, verdict)| match verdict {
        Verdict::Done | Verdict::Publish => Some((verdict, *written.get(&claim.key)?)),
        _ => Some((verdict, false)),
    });
    Ok(ended.collect())
}

fn by_key<T>(
    model: &Model,
    rows: &[QueryResult],
    read: impl Fn(&QueryResult) -> Result<T, DbErr>,
) -> Result<HashMap<Key, T>, DbErr> {
    rows.iter().map(|row| Ok((model.read_key(row)?, read(row)?))).collect()
}

/// Something of each claim, if it is known of all.
fn in_order<T: Copy>(claims: &[Claim], of: HashMap<Key, T>) -> Option<Vec<T>> {
    claims.iter().map(|claim| of.get(&claim.key).copied()).collect()
}
