//! Judge: what becomes of a claim whose calculation has ended.

use std::collections::{HashMap, HashSet};

use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::read_field;
use crate::{
    Error, backend::claims_in_parts, declaration::Key, engine::Engine, queue::Claim,
    registry::Model,
};

/// What becomes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing was marked since the claim: the value is right.
    Done,
    /// Marked again: the value is newer than what stood there, but not right.
    Publish,
    /// Somebody else has completed the row, or is about to look at it again.
    Superseded,
    /// The row is locked by somebody, or gone.
    HandBack,
}

impl Verdict {
    pub(crate) fn is_stored(self) -> bool {
        matches!(self, Self::Done | Self::Publish)
    }
}

pub(super) fn with_verdict<'c>(
    claims: impl Iterator<Item = &'c Claim>,
    verdicts: &[Verdict],
    wanted: Verdict,
) -> Vec<Claim> {
    let judged = claims.zip(verdicts).filter(|(_, verdict)| **verdict == wanted);
    judged.map(|(claim, _)| claim.clone()).collect()
}

/// Reads what [`Dialect::complete`](crate::backend::Dialect::complete) says of a claim.
pub(super) fn read_verdict(row: &QueryResult) -> Result<Verdict, DbErr> {
    let queued: Option<i64> = row.try_get("", "generation")?;
    Ok(match queued {
        _ if !row.try_get::<bool>("", "held")? => Verdict::HandBack,
        None => Verdict::Superseded,
        Some(_) if row.try_get("", "done")? => Verdict::Done,
        Some(_) => Verdict::Publish,
    })
}

/// What has become of the claims' rows and of their places in the queue, all of them locked if they
/// could be had.
#[derive(Default)]
struct Locked {
    rows: HashSet<Key>,
    /// The generation, and whether a mark is visible.
    queued: HashMap<(Key, usize), (i64, bool)>,
}

async fn lock(
    engine: &Engine,
    db: &impl ConnectionTrait,
    model: &Model,
    claims: &[Claim],
    locked: &mut Locked,
) -> Result<(), Error> {
    let queued = match engine.dialect.lock_claimed(&model.owner, claims) {
        Some(lock) => db.query_all_raw(lock).await?,
        None => {
            let keys: HashSet<&Key> = claims.iter().map(|claim| &claim.key).collect();
            let keys: Vec<Key> = keys.into_iter().cloned().collect();
            for row in db.query_all_raw(engine.dialect.lock_rows(&model.owner, &keys)).await? {
                locked.rows.insert(model.read_key(&row)?);
            }
            let held: Vec<Claim> =
                claims.iter().filter(|claim| locked.rows.contains(&claim.key)).cloned().collect();
            let lock = engine.dialect.lock_queued(&model.owner, &held).filter(|_| !held.is_empty());
            match lock {
                Some(lock) => db.query_all_raw(lock).await?,
                None => Vec::new(),
            }
        }
    };
    for row in queued {
        let key = model.read_key(&row)?;
        if let Some(generation) = row.try_get("", "generation")? {
            let place = (key.clone(), read_field(model, &row)?);
            locked.queued.insert(place, (generation, row.try_get("", "marked")?));
        }
        if row.try_get("", "held")? {
            locked.rows.insert(key);
        }
    }
    Ok(())
}

pub(super) async fn judge(
    engine: &Engine,
    db: &impl ConnectionTrait,
    model: &Model,
    claims: &[Claim],
) -> Result<Vec<Verdict>, Error> {
    let mut announced = HashSet::new();
    for claims in claims_in_parts(&model.owner, claims) {
        let Some(announce) = engine.dialect.announce(&model.owner, claims) else { break };
        for row in db.query_all_raw(announce).await? {
            announced.insert((model.read_key(&row)?, read_field(model, &row)?));
        }
    }
    let left = claims.iter().filter(|claim| !announced.contains(&(claim.key.clone(), claim.field)));
    let left: Vec<Claim> = left.cloned().collect();
    let mut locked = Locked::default();
    for claims in claims_in_parts(&model.owner, &left) {
        lock(engine, db, model, claims, &mut locked).await?;
    }
    let verdict = |claim: &Claim| {
        let place = (claim.key.clone(), claim.field);
        match locked.queued.get(&place) {
            _ if announced.contains(&place) => Verdict::Done,
            _ if !locked.rows.contains(&claim.key) => Verdict::HandBack,
            None => Verdict::Superseded,
            Some((generation, false)) if *generation == claim.generation => Verdict::Done,
            Some(_) => Verdict::Publish,
        }
    };
    Ok(claims.iter().map(verdict).collect())
}
