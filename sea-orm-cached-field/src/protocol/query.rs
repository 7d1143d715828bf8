//! Complete, where the database itself calculates: a field that is one query, for many rows at a
//! time.

use std::time::{Duration, Instant};

use sea_orm::DatabaseTransaction;

use super::{
    Connections,
    complete::{end, event, stored},
    judge::Verdict,
    unique::unique_of,
};
use crate::{Error, engine::Engine, event::Event, queue::Claim, registry::Model};

/// The time that the query may take while a transaction of the library waits for it. A longer query
/// is run without such a transaction, and its values are stored when they are there.
const WITHIN: Duration = Duration::from_secs(1);

/// Calculates one field of rows of which nothing else is claimed, and stores it, in one short
/// transaction. Returns `None`, and does nothing, if a row has no value or several, or may be gone.
///
/// The query sees what the verdict sees, or more: it may see changes whose marks the verdict does
/// not know. Those marks are collected later.
pub(crate) async fn complete_by_query(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    claims: &[Claim],
    timeout: Duration,
) -> Result<Option<Queried>, Error> {
    if !engine.backend.stores_queries() {
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
            .zip(&ended)
            .map(|(claim, (verdict, changed))| event(model, claim, *verdict, *changed)),
    );
    stored(engine, connections, model, claims.iter(), &verdicts).await;
    Ok(Some(Queried { verdicts: ended, took }))
}

/// The outcome of a query that has stored its values.
pub(crate) struct Queried {
    pub(crate) verdicts: Ended,
    pub(crate) took: Duration,
}

/// The verdict on each claim, and whether its value has changed.
pub(crate) type Ended = Vec<(Verdict, bool)>;

async fn store(
    engine: &Engine,
    transaction: &DatabaseTransaction,
    model: &Model,
    claims: &[Claim],
    within: Duration,
) -> Result<Option<Ended>, Error> {
    let stored = engine.backend.store_by_query(transaction, &model.owner, claims, within).await?;
    let Some(stored) = stored else { return Ok(None) };
    let ended: Ended =
        stored.into_iter().map(|(locked, changed)| (Verdict::on(locked), changed)).collect();
    let verdicts: Vec<Verdict> = ended.iter().map(|(verdict, _)| *verdict).collect();
    end(engine, transaction, model, claims.iter(), &verdicts).await?;
    Ok(Some(ended))
}
