use std::{cmp::Reverse, collections::BTreeMap, fmt, sync::Arc, time::Duration};

use sea_orm::{DatabaseConnection, DatabaseExecutor};

use super::{Count, PAGE, ask, check_key, duration, find, full_name};
use crate::{
    Error,
    declaration::Key,
    engine::Engine,
    protocol,
    queue::{ERRORS_LOOKED_AT, Failure, FailureCount, Failures, GROUPS, Part},
    registry::Model,
};

/// The failures of cached fields. [`CachedFields::failed`](crate::CachedFields::failed) returns
/// them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Failed {
    /// The errors, and how many rows have each. Those of a model are together, the most frequent
    /// first.
    pub groups: Vec<FailedGroup>,
    /// Whether all failures are here. Others may be missing if 2,500 rows or more of a table are
    /// due, are due later, or have failed for good. Some are missing if a table has more than 100
    /// groups.
    pub is_complete: bool,
}

/// Rows of a cached field that fail with the same error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FailedGroup {
    /// The schema of the owner's table, if its entity names one.
    pub schema: Option<String>,
    /// The owner's table.
    pub table: String,
    /// The cached field.
    pub field: &'static str,
    /// The error of the calculation, with its causes. It may hold values of the user's rows.
    pub error: String,
    /// Whether workers have given the rows up. They try again when a row is marked again, or after
    /// [`CachedFields::retry`](crate::CachedFields::retry).
    pub is_final: bool,
    /// The number of rows.
    pub rows: Count,
    /// The time for which the oldest of them has been stale.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "waiting_for_seconds", serialize_with = "crate::json::seconds")
    )]
    pub waiting_for: Duration,
    /// The time until a worker retries the first of them. `None` if none is to be retried.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "retry_in_seconds", serialize_with = "crate::json::optional_seconds")
    )]
    pub retry_in: Option<Duration>,
}

impl FailedGroup {
    /// Returns the name of the field: that of its table and its own, as in `lamppost.full_name`.
    /// The schema comes before it if the entity names one.
    pub fn name(&self) -> String {
        full_name(self.schema.as_deref(), &self.table, self.field)
    }
}

/// A row whose calculation fails. [`CachedFields::failed_rows`](crate::CachedFields::failed_rows)
/// returns it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FailedRow {
    /// The row's primary key.
    pub key: Key,
    /// The error of the calculation, with its causes. It may hold values of the user's rows.
    pub error: String,
    /// Whether workers have given the row up.
    pub is_final: bool,
    /// The number of attempts of workers since the row was last marked.
    pub attempts: u32,
    /// The time for which the row has been stale.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "waiting_for_seconds", serialize_with = "crate::json::seconds")
    )]
    pub waiting_for: Duration,
    /// The time until a worker retries it. `None` if it is not to be retried.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "retry_in_seconds", serialize_with = "crate::json::optional_seconds")
    )]
    pub retry_in: Option<Duration>,
}

/// The failures that [`CachedFields::retry`](crate::CachedFields::retry) retries.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Retry<'a> {
    /// All failures.
    All,
    /// All failures of a field, such as `lamppost.full_name`.
    Field(&'a str),
    /// The failures of a field that have one error.
    Group(&'a FailedGroup),
    /// The failure of a field of one row.
    Row(&'a str, &'a Key),
}

/// `lamppost.full_name: 12 rows have failed for good: no such street`
impl fmt::Display for FailedGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, error, .. } = self;
        let fails = match (self.is_final, self.rows) {
            (true, Count::Exactly(1)) => "has failed for good",
            (true, _) => "have failed for good",
            (false, Count::Exactly(1)) => "fails and is retried",
            (false, _) => "fail and are retried",
        };
        write!(f, "{}: {} {fails}: {error}", self.name(), rows.of("row"))
    }
}

pub(crate) async fn failed(
    db: &DatabaseConnection,
    models: &[Arc<Model>],
) -> Result<Failed, Error> {
    let engine = Engine::of(db)?;
    let mut failed = Failed { groups: Vec::new(), is_complete: true };
    for model in models {
        let owner = &model.owner;
        let parts = failures(&engine, db, model).await?;
        let is_cut = |is_final: bool| {
            let mut parts = parts.iter().filter(|(part, _)| part.is_final() == is_final);
            parts.any(|(_, failures)| failures.looked_at >= ERRORS_LOOKED_AT)
        };

        let groups = merged(&parts);
        failed.is_complete &= ![true, false].map(is_cut).contains(&true) && groups.len() <= GROUPS;
        failed.groups.extend(groups.into_iter().take(GROUPS).map(|(is_final, field, group)| {
            FailedGroup {
                schema: owner.table.schema.clone(),
                table: owner.table.name.clone(),
                field: owner.fields[field].name,
                error: group.error,
                is_final,
                rows: Count::new(group.rows, is_cut(is_final)),
                waiting_for: duration(group.waited),
                retry_in: group.retry_in.map(duration),
            }
        }));
    }
    Ok(failed)
}

/// Merges the groups of rows that are due and of rows that are due later. Returns each with whether
/// it is final, and with its field. The most frequent come first.
fn merged(parts: &[(Part, Failures)]) -> Vec<(bool, usize, FailureCount)> {
    let mut merged: BTreeMap<(bool, usize, &str), FailureCount> = BTreeMap::new();
    for (part, failures) in parts {
        for group in &failures.groups {
            let Some(field) = group.field else { continue };
            merged
                .entry((part.is_final(), field, &group.error))
                .and_modify(|of| {
                    of.rows += group.rows;
                    of.waited = of.waited.max(group.waited);
                    of.retry_in = of.retry_in.into_iter().chain(group.retry_in).min();
                })
                .or_insert_with(|| group.clone());
        }
    }

    let groups = merged.into_iter().map(|((is_final, field, _), group)| (is_final, field, group));
    let mut groups: Vec<_> = groups.collect();
    groups.sort_by_key(|(_, _, group)| Reverse(group.rows));
    groups
}

/// Returns the failures in each part of the queue. Callers share those of the last two seconds.
async fn failures(
    engine: &Engine,
    db: &DatabaseConnection,
    model: &Model,
) -> Result<Vec<(Part, Failures)>, Error> {
    let owner = &model.owner;
    let read = async |transaction: &DatabaseExecutor<'_>| {
        let mut parts = Vec::new();
        for part in Part::ALL {
            parts.push((part, engine.backend.failures(transaction, owner, part).await?));
        }
        Ok(parts)
    };
    let read = async || ask(engine, db, model, read).await;
    Ok(engine.failures.get(&owner.table, read).await?.read)
}

pub(crate) async fn failed_rows(
    db: &DatabaseConnection,
    models: &[Arc<Model>],
    group: &FailedGroup,
    after: Option<&Key>,
    limit: u64,
) -> Result<Vec<FailedRow>, Error> {
    let engine = Engine::of(db)?;
    let (model, field) = find(models, &group.name())?;
    if let Some(after) = after {
        check_key(&model.owner, after)?;
    }

    let of = of_group(field, group);
    let rows = ask(&engine, db, &model, async |transaction| {
        let owner = &model.owner;
        Ok(engine.backend.failed_rows(transaction, owner, &of, after, limit.min(PAGE)).await?)
    });
    let rows = rows.await?.into_iter().map(|row| FailedRow {
        key: row.key,
        error: row.error,
        is_final: group.is_final,
        attempts: u32::try_from(row.attempts).unwrap_or_default(),
        waiting_for: duration(row.waited),
        retry_in: row.retry_in.map(duration),
    });
    Ok(rows.collect())
}

fn of_group(field: usize, group: &FailedGroup) -> Failure<'_> {
    Failure { field, error: Some(&group.error), is_final: Some(group.is_final) }
}

/// Makes what has failed due again. Returns the number of fields of rows.
pub(crate) async fn retry(
    db: &DatabaseConnection,
    models: &[Arc<Model>],
    retry: Retry<'_>,
) -> Result<u64, Error> {
    let engine = Engine::of(db)?;
    let any = |field: usize| Failure { field, error: None, is_final: None };
    let mut retried = 0;
    match retry {
        Retry::All => {
            for model in models {
                for field in 0..model.owner.fields.len() {
                    retried += retry_field(&engine, db, model, any(field)).await?;
                }
            }
        }
        Retry::Field(name) => {
            let (model, field) = find(models, name)?;
            retried = retry_field(&engine, db, &model, any(field)).await?;
        }
        Retry::Group(group) => {
            let (model, field) = find(models, &group.name())?;
            retried = retry_field(&engine, db, &model, of_group(field, group)).await?;
        }
        Retry::Row(name, key) => {
            let (model, field) = find(models, name)?;
            check_key(&model.owner, key)?;
            let rows = std::slice::from_ref(key);
            retried = protocol::retry(&engine, db, &model, field, rows).await?;
        }
    }
    if retried > 0 {
        engine.wake.send_replace(());
    }
    Ok(retried)
}

/// Retries a page at a time, in one pass over the queue. A row that fails again meanwhile is not
/// met again.
async fn retry_field(
    engine: &Engine,
    db: &DatabaseConnection,
    model: &Model,
    of: Failure<'_>,
) -> Result<u64, Error> {
    let mut retried = 0;
    let mut after = None;
    loop {
        let rows = ask(engine, db, model, async |transaction| {
            let owner = &model.owner;
            let after = after.as_ref();
            Ok(engine.backend.rows_to_retry(transaction, owner, &of, after, PAGE).await?)
        });
        let rows: Vec<Key> = rows.await?;
        let Some(last) = rows.last().cloned() else { return Ok(retried) };
        retried += protocol::retry(engine, db, model, of.field, &rows).await?;
        after = Some(last);
    }
}
