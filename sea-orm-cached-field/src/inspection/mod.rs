//! Inspection: what a program can ask about its cached fields, and what it can do to a field that
//! it knows by name: [`retry`], [`pause`], [`wait_for_claims`], [`resume`], [`flag`],
//! [`recalculate`].
//!
//! No statement reads an owner's table other than by key, or by the index over an expiry. None
//! reads more than 10,001 rows of a part of the queue, of the marks, or of an index. But a retry,
//! and the wait for claims, may go over the queue.

mod activity;
mod by_name;
mod count;
mod expirations;
mod explanation;
mod failed;
mod graph;
#[cfg(feature = "serde")]
mod json;
mod pause;
mod status;
mod workers;

pub use activity::{Durations, FieldActivity};
pub use count::Count;
pub use expirations::Expirations;
pub use explanation::{Explanation, Reason};
pub use failed::{Failed, FailedGroup, FailedRow, Retry};
pub use graph::{Graph, GraphField, GraphInput, GraphStep};
pub use pause::Pause;
pub use status::{FieldState, FieldStatus, Status};
pub use workers::{WorkerState, WorkerStatus};

pub(crate) use activity::activity;
pub(crate) use by_name::{flag, keys, parse_key, recalculate};
pub(crate) use expirations::expirations;
pub(crate) use explanation::explain;
pub(crate) use failed::{failed, failed_rows, retry};
pub(crate) use pause::{pause, resume, wait_for_claims};
pub(crate) use status::status;
pub(crate) use workers::workers;

use std::{collections::HashMap, sync::Arc, time::Duration};

use sea_orm::{DatabaseConnection, DatabaseExecutor};

use crate::{
    Error,
    declaration::Key,
    engine::{Engine, Snapshot},
    layout::{Owner, Table},
    protocol,
    queue::Counts,
    registry::Model,
};

/// The greatest number of rows of a page.
const PAGE: u64 = 1_000;

/// Returns the counts of a model. Callers share those of the last two seconds.
async fn counts(
    engine: &Engine,
    db: &DatabaseConnection,
    model: &Model,
) -> Result<Snapshot<Counts>, Error> {
    let owner = &model.owner;
    let count = async |transaction: &DatabaseExecutor<'_>| {
        Ok(engine.backend.counts(transaction, owner).await?)
    };
    let read = async || ask(engine, db, model, count).await;
    engine.counts.get(&owner.table, read).await
}

/// Asks about a model. If its tables do not exist, the error says so.
async fn ask<T>(
    engine: &Engine,
    db: &DatabaseConnection,
    model: &Model,
    question: impl AsyncFnOnce(&DatabaseExecutor<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let answer = protocol::query_by_keys(engine, db, question).await;
    answer.map_err(|error| protocol::explained(engine.backend, [&model.owner], error))
}

/// Returns the fields of these models, in the order of the models and of their declaration.
fn fields(models: &[Arc<Model>]) -> impl Iterator<Item = (Arc<Model>, usize)> {
    let of = |model: &Arc<Model>| {
        let model = Arc::clone(model);
        (0..model.owner.fields.len()).map(move |field| (Arc::clone(&model), field))
    };
    models.iter().flat_map(of)
}

/// Returns for each of these fields the positions of the fields below it: those that it is
/// calculated from, directly or not.
fn below(models: &[Arc<Model>]) -> Vec<Vec<usize>> {
    let positions: HashMap<(Table, usize), usize> = fields(models)
        .enumerate()
        .map(|(position, (model, field))| ((model.owner.table.clone(), field), position))
        .collect();
    let below = |(model, field): (Arc<Model>, usize)| {
        let below = model.all_below(field).iter();
        let below = below.map(|below| (below.model.owner.table.clone(), below.field));
        below.filter_map(|below| positions.get(&below).copied()).collect()
    };
    fields(models).map(below).collect()
}

/// Finds a field by its name: that of its table and its own, as in `lamppost.full_name`. The schema
/// may come before it. It has to if only tables of several schemas have such a field.
fn find(models: &[Arc<Model>], name: &str) -> Result<(Arc<Model>, usize), Error> {
    let has_full_name = |(model, field): &(Arc<Model>, usize)| name_of(model, *field) == name;
    let has_short_name = |(model, field): &(Arc<Model>, usize)| {
        let owner = &model.owner;
        full_name(None, &owner.table.name, owner.fields[*field].name) == name
    };
    if let Some(found) = fields(models).find(has_full_name) {
        return Ok(found);
    }

    let mut found = fields(models).filter(has_short_name);
    match (found.next(), found.next()) {
        (Some(found), None) => Ok(found),
        _ => Err(Error::NoSuchField {
            name: name.to_owned(),
            fields: fields(models).map(|(model, field)| name_of(&model, field)).collect(),
        }),
    }
}

/// Returns the name of a field with its schema, if its entity names one.
pub(crate) fn name_in_full(models: &[Arc<Model>], name: &str) -> Result<String, Error> {
    find(models, name).map(|(model, field)| name_of(&model, field))
}

/// Returns the name of a field of a model.
fn name_of(model: &Model, field: usize) -> String {
    let Owner { table, fields, .. } = &model.owner;
    full_name(table.schema.as_deref(), &table.name, fields[field].name)
}

/// Returns the name of a field, with its schema if the entity names one.
fn full_name(schema: Option<&str>, table: &str, field: &str) -> String {
    match schema {
        Some(schema) => format!("{schema}.{table}.{field}"),
        None => format!("{table}.{field}"),
    }
}

/// Refuses a key that has not one value for each key column.
fn check_key(owner: &Owner, key: &Key) -> Result<(), Error> {
    let columns = owner.key.len();
    if key.values().len() == columns {
        return Ok(());
    }
    Err(Error::WrongKey { table: owner.table.name.clone(), key: key.clone(), columns })
}

/// Returns a time that a database has measured. Its clock may have been set back.
fn duration(milliseconds: i64) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
}
