//! Claim: a lease on what is due, in one step with collecting.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use sea_orm::DatabaseTransaction;

use super::{Connections, backlog, collect, explained, fuse, fuse::Fuse, own};
use crate::{
    Error,
    declaration::Key,
    engine::Engine,
    event::Event,
    layout::Upstream,
    queue::{Claim, Collected, LeaseDue, in_order},
    registry::Model,
};

/// The work that there is for a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Something is marked, due or expired.
    Now,
    /// Something will be due or expire after this time.
    In(Duration),
    /// Nothing is known.
    None,
}

impl Work {
    /// Returns the earlier of the two.
    pub(crate) fn or_earlier(self, other: Self) -> Self {
        match (self, other) {
            (Self::Now, _) | (_, Self::Now) => Self::Now,
            (Self::In(a), Self::In(b)) => Self::In(a.min(b)),
            (Self::In(wait), Self::None) | (Self::None, Self::In(wait)) => Self::In(wait),
            (Self::None, Self::None) => Self::None,
        }
    }
}

/// Looks for work on these fields, without writing. On SQLite a write transaction would hold up all
/// others.
pub(crate) async fn look(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    fields: &[usize],
) -> Result<Work, Error> {
    let db = connections.into().reader();
    let due = engine.backend.due(&db, &model.owner, fields).await?;
    Ok(match due.wait.map(u64::try_from) {
        _ if due.marked => Work::Now,
        Some(Ok(wait)) if wait > 0 => Work::In(Duration::from_millis(wait)),
        Some(_) => Work::Now,
        None => Work::None,
    })
}

/// The longest time that a field waits for those that it is calculated from. If the inputs of a row
/// change all the time, its value must not be old for ever.
const PATIENCE: Duration = Duration::from_secs(5);

/// The number of marks of other rows that a reader collects where workers do not recalculate.
const MARKS_OF_OTHERS: u64 = 1000;

/// The kind of work that is taken first. The other kind is taken only if there is much room left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    Marks,
    /// Rows that are already in the queue.
    Due,
    /// Marks, and nothing else.
    OnlyMarks,
}

/// The result of a claim on a model.
pub(crate) struct Claimed {
    pub(crate) claims: Vec<Claim>,
    /// Whether marks are left that have to be collected before anything is leased, or rows were
    /// queued that can be leased.
    pub(crate) has_more: bool,
    /// Whether rows that an installation has flagged were looked for.
    pub(crate) looked_for_chunks: bool,
}

/// A request for a claim on a model.
pub(crate) struct ClaimRequest<'a> {
    pub(crate) fields: &'a [usize],
    /// The cached fields that they wait for.
    pub(crate) upstream: &'a [Upstream],
    /// The greatest number of rows.
    pub(crate) rows: u64,
    pub(crate) lease: Duration,
    pub(crate) first: First,
    /// Whether it is time for a chunk of rows that an installation has flagged.
    pub(crate) time_for_chunks: bool,
    pub(crate) fuse: Option<&'a Fuse>,
}

/// Collects marks and leases rows that are due, all fields of a row together. When this returns,
/// the claims are committed. So rows that are loaded from now on show every change that the claims
/// stand for.
///
/// If there is nothing, a chunk of the rows that an installation has flagged is queued. If it is
/// time for chunks, this also happens if there is less than half of the rows that could be taken.
pub(crate) async fn claim(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    request: &ClaimRequest<'_>,
) -> Result<Claimed, Error> {
    let ClaimRequest { fields, upstream, rows: limit, lease, first, time_for_chunks, fuse } =
        *request;
    let lease = milliseconds(lease);
    // Fields that may have to wait, or whose siblings may be due, are not leased at once.
    let is_due = model.owner.fields.len() == 1
        && upstream.is_empty()
        && model.owner.debounced().next().is_none();
    let at_once = if is_due { lease } else { 0 };
    let room =
        |taken: usize| Some(limit.saturating_sub(taken as u64)).filter(|room| *room > limit / 2);

    let connections = connections.into();
    let collect = async |transaction: &DatabaseTransaction, limit: u64| {
        let with_last_marks = fuse.is_some();
        let collected =
            collect::collect(engine, transaction, model, limit, at_once, with_last_marks).await?;
        collect::flag_collected(engine, transaction, model, &collected).await?;
        Ok(collected)
    };
    let lease_due = async |transaction: &DatabaseTransaction, limit: u64| {
        let patience = milliseconds(PATIENCE);
        let request = LeaseDue { fields, upstream, rows: limit, lease, patience };
        let due = engine.backend.lease_due(transaction, &model.owner, &request).await?;
        let rows = due.iter().map(|claim| (&claim.key, claim.field));
        engine.backend.flag_missing(transaction, &model.owner, rows).await?;
        Ok(due)
    };

    // Rows that are collected but not leased at once are due, and are leased as such.
    let (collected, due) = if first == First::Due && at_once > 0 {
        let due = connections
            .within(engine, true, async |transaction| lease_due(transaction, limit).await)
            .await?;
        // In another transaction: collecting may wait for a row of the queue, and a transaction
        // that waits must hold none.
        let collected = match room(due.len()) {
            Some(room) => {
                connections
                    .within(engine, true, async |transaction| collect(transaction, room).await)
                    .await
            }
            None => Ok(Collected::default()),
        };
        let collected = match collected {
            Err(error) if !due.is_empty() => {
                tracing::debug!(table = model.owner.table.name, "could not collect marks: {error}");
                Collected::default()
            }
            collected => collected?,
        };
        (collected, due)
    } else {
        let claim = async |transaction: &DatabaseTransaction| {
            let collected = collect(transaction, limit).await?;
            let may_lease = first != First::OnlyMarks && !collected.has_more;
            let due = match room(collected.claims.len()).filter(|_| may_lease) {
                Some(room) => lease_due(transaction, room).await?,
                None => Vec::new(),
            };
            Ok((collected, due))
        };
        connections.within(engine, true, claim).await?
    };

    collect::tell(engine, model, &collected);
    if let Some(fuse) = fuse {
        fuse::pause_too_many(engine, connections, model, fuse, &collected).await;
    }
    // Marks of fields that are not claimed now may stand before those of others.
    let is_in_vain = collected.marks > 0 && collected.claims.is_empty() && due.is_empty();
    let mut has_more = collected.has_more || is_in_vain;
    let mut claims = collected.claims;
    let due_rows = due.len();
    claims.extend(due);
    tell_claimed(engine, model, &claims);

    // With `First::Due` only the rows that were due count, else all claimed rows.
    let found = if first == First::Due { due_rows } else { claims.len() };
    let is_little = claims.is_empty() || time_for_chunks && room(found).is_some();
    let looked_for_chunks = first != First::OnlyMarks && !has_more && is_little;
    if looked_for_chunks {
        let queue = async |transaction: &DatabaseTransaction| {
            backlog::queue_chunk(engine, transaction, model, fields, upstream).await
        };
        match connections.within(engine, true, queue).await {
            Ok(queued) => {
                has_more = queued.is_some();
                engine.publish_all(queued);
            }
            Err(error) if !claims.is_empty() => {
                let table = &*model.owner.table.name;
                tracing::debug!(table, "could not queue a chunk of rows: {error}");
            }
            Err(error) => return Err(error),
        }
    }

    Ok(Claimed { claims, has_more, looked_for_chunks })
}

/// Leases one field of one row, whether it is stale or not. A lease of another holder is shared.
/// With `steal` it is taken over, for a recalculation that must read the inputs as they are now.
pub(crate) async fn claim_one(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    field: usize,
    key: &Key,
    lease: Duration,
    steal: bool,
) -> Result<Option<Claim>, Error> {
    Ok(claim_rows(engine, connections, model, field, std::slice::from_ref(key), lease, steal)
        .await?
        .pop())
}

/// Leases one field of these rows, each named once, as [`claim_one`] does.
pub(crate) async fn claim_rows(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    field: usize,
    keys: &[Key],
    lease: Duration,
    steal: bool,
) -> Result<Vec<Claim>, Error> {
    let claimed = claim_known_rows(
        engine,
        connections.into(),
        model,
        field,
        keys,
        milliseconds(lease),
        steal,
    )
    .await;
    claimed.map_err(|error| explained(engine.backend, [&model.owner], error))
}

async fn claim_known_rows(
    engine: &Engine,
    connections: Connections<'_>,
    model: &Model,
    field: usize,
    keys: &[Key],
    lease: i64,
    steal: bool,
) -> Result<Vec<Claim>, Error> {
    let leased = async |transaction: &DatabaseTransaction, keys: Vec<Key>| {
        let keys = in_order(keys, |key| (key, field));
        let owner = &model.owner;
        Ok(engine.backend.lease_rows(transaction, owner, field, &keys, lease, steal).await?)
    };

    let (mut claims, left) = loop {
        let claim = async |transaction: &DatabaseTransaction| {
            let collected =
                collect::collect_rows(engine, transaction, model, field, keys, lease).await?;
            let mut claims: Vec<Claim> =
                collected.claims.iter().filter(|claim| claim.field == field).cloned().collect();
            let claimed: HashSet<&Key> = collected.claims.iter().map(|claim| &claim.key).collect();
            let mut left: Vec<Key> =
                keys.iter().filter(|key| !claimed.contains(key)).cloned().collect();
            if collected.queued.is_empty() && !collected.has_more && !left.is_empty() {
                claims.extend(leased(transaction, std::mem::take(&mut left)).await?);
            }
            // This comes last. Leasing may wait for a lock, and a transaction that waits must hold
            // none of the owner's rows.
            collect::flag_collected(engine, transaction, model, &collected).await?;
            Ok((collected, claims, left))
        };
        let (collected, claims, left) = connections.within(engine, true, claim).await?;
        collect::tell(engine, model, &collected);
        if !collected.has_more {
            break (claims, left);
        }
    };

    if !left.is_empty() {
        // In another transaction, because this one holds rows of the queue.
        match connections
            .within(engine, true, async |transaction| leased(transaction, left).await)
            .await
        {
            Ok(leased) => claims.extend(leased),
            Err(error) if claims.is_empty() => return Err(error),
            Err(error) => {
                let table = &*model.owner.table.name;
                tracing::debug!(table, "could not claim all of the rows: {error}");
            }
        }
    }

    tell_claimed(engine, model, &claims);
    if !engine.is_eager()
        && let Err(error) = collect_marks_of_others(engine, connections, model).await
    {
        // The next reader does it.
        let table = &*model.owner.table.name;
        tracing::debug!(
            table,
            "could not collect the marks of other rows; the next reader will: {error}"
        );
    }
    Ok(claims)
}

/// Collects marks of other rows, where workers do not recalculate. It uses a transaction of its
/// own. One that claims would hold rows that another reader waits for while it does the same.
async fn collect_marks_of_others(
    engine: &Engine,
    connections: Connections<'_>,
    model: &Model,
) -> Result<(), Error> {
    let collect_marks_of_others = async |transaction: &DatabaseTransaction| {
        let collected =
            collect::collect(engine, transaction, model, MARKS_OF_OTHERS, 0, false).await?;
        collect::flag_collected(engine, transaction, model, &collected).await?;
        Ok(collected)
    };
    let collected = connections.within(engine, true, collect_marks_of_others).await?;
    collect::tell(engine, model, &collected);
    Ok(())
}

/// Prolongs leases, as long as they have not ended.
pub(crate) async fn renew(
    engine: &Engine,
    connections: impl Into<Connections<'_>>,
    model: &Model,
    claims: &[Claim],
    lease: Duration,
) -> Result<(), Error> {
    let claims = own(claims);
    if claims.is_empty() {
        return Ok(());
    }
    let lease = milliseconds(lease);
    let renew = async |transaction: &DatabaseTransaction| {
        Ok(engine.backend.renew_leases(transaction, &model.owner, &claims, lease).await?)
    };
    connections.into().within(engine, false, renew).await
}

fn tell_claimed(engine: &Engine, model: &Model, claims: &[Claim]) {
    let events = std::iter::once_with(|| {
        let mut rows: BTreeMap<String, (&Key, Vec<&'static str>)> = BTreeMap::new();
        let mut claims: Vec<&Claim> = claims.iter().filter(|claim| !claim.shared).collect();
        claims.sort_by_key(|claim| claim.field);
        for claim in claims {
            let (_, fields) = rows.entry(claim.key.to_string()).or_insert((&claim.key, Vec::new()));
            fields.push(model.owner.fields[claim.field].name);
        }
        let table = &model.owner.table.name;
        rows.into_values().map(|(key, fields)| Event::Claimed {
            table: table.clone(),
            key: key.clone(),
            fields,
        })
    });

    engine.publish_all(events.flatten());
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
