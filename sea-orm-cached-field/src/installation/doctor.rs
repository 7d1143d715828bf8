//! Doctor and repair: doctor finds what is wrong, and says what to run. Repair runs it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use sea_orm::{ConnectionTrait, DatabaseExecutor};

use super::{
    Change, Changes, Diagnosis, Finding,
    abandoned::abandoned,
    backlog::flag_all,
    inspect::{Inspected, inspect},
    install::{Comparison, compare, install_all, to_the_end},
    versions::Versions,
};
use crate::{
    InstallError,
    backend::{Backend, sql::marks},
    catalog::{MissingRight, Object},
    engine::Engine,
    layout::Owner,
    queue::{Oldest, State, Waiting},
    registry::{FieldColumn, Model, check_cycles},
};

/// Examines everything, and changes nothing.
pub(crate) async fn doctor(
    db: &DatabaseExecutor<'_>,
    models: &[Arc<Model>],
) -> Result<Diagnosis, InstallError> {
    let backend = Backend::of(db)?;
    let mut findings = Vec::new();
    let off = backend.sessions_without_triggers(db).await?.into_iter();
    findings.extend(off.map(|sessions| Finding::TriggersOff { sessions }));

    for model in models {
        let unusable = match examine(db, backend, model, models, &mut findings).await {
            Ok(()) => continue,
            Err(InstallError::Database(error)) => return Err(error.into()),
            Err(refused) => refused.to_string(),
        };
        findings
            .push(Finding::Unusable { table: model.owner.table.name.clone(), reason: unusable });
    }

    findings.extend(abandoned(db, backend, models).await?.into_iter().map(|found| {
        let table = found.owner.name;
        let objects = found.objects.len();
        if found.is_dead {
            Finding::Dead { table, objects }
        } else {
            Finding::Abandoned { table, objects }
        }
    }));
    Ok(Diagnosis(findings))
}

async fn examine(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    model: &Model,
    models: &[Arc<Model>],
    findings: &mut Vec<Finding>,
) -> Result<(), InstallError> {
    let inspected = inspect(backend, db, model, models).await?;
    let table = inspected.owner.table.name.clone();
    let comparison = compare(db, backend, &inspected).await?;
    if !comparison.has(&marks(&inspected.owner)) {
        findings.push(Finding::NotInstalled { table });
        return Ok(());
    }
    let has_tables = comparison.has_tables();
    let Comparison { wanted, outdated, superfluous, misplaced, .. } = comparison;
    findings.extend(missing_columns(backend, model, &inspected));
    let outdated = outdated.into_iter().map(|(object, _)| (object, true));
    let orphaned = backend.orphaned_triggers(db, &inspected.owner).await?;
    let is_orphaned = |object: &Object| orphaned.iter().any(|(name, _)| *name == object.name);
    let differing: Vec<_> =
        outdated.chain(wanted).filter(|(object, _)| !is_orphaned(object)).collect();
    findings.extend(orphaned.into_iter().map(|(name, account)| {
        let table = table.clone();
        Finding::Orphaned { table, name, account }
    }));

    let of_tables = names_without_partitions(backend, &inspected);
    findings.extend(differing.into_iter().filter_map(|(object, stands)| {
        let table = table.clone();
        let kind = object.kind.name();
        let is_of_partition = !of_tables.contains(&object.name);
        match (stands, object.parent) {
            (true, _) => Some(Finding::Differs { table, kind, name: object.name }),
            (false, Some(partition)) if is_of_partition => {
                Some(Finding::NewPartition { table, partition })
            }
            // The function of such a trigger.
            (false, None) if is_of_partition => None,
            (false, _) => Some(Finding::Missing { table, kind, name: object.name }),
        }
    }));
    findings.extend(superfluous.into_keys().chain(misplaced.into_keys()).map(|(kind, name, _)| {
        let table = table.clone();
        let kind = kind.name();
        Finding::Superfluous { table, kind, name }
    }));
    let disabled = backend.disabled_triggers(db, &inspected.owner).await?.into_iter();
    findings.extend(disabled.map(|(name, remedy)| {
        let table = table.clone();
        Finding::Disabled { table, name, remedy }
    }));
    if has_tables {
        let rights = backend.missing_rights(db, &inspected.owner).await?.into_iter();
        findings.extend(rights.map(|MissingRight { role, privilege, remedy, .. }| {
            Finding::MissingRight { table: table.clone(), role, privilege, remedy }
        }));
        findings.extend(outdated_fields(db, backend, model, &inspected).await?);
    }
    if has_tables && inspected.without_columns.is_empty() {
        findings.extend(rows(db, backend, model, &inspected.owner).await?);
    }
    Ok(())
}

/// Returns the names of all objects except for those of single partitions.
fn names_without_partitions(backend: Backend, inspected: &Inspected) -> BTreeSet<String> {
    let mut related = inspected.related.clone();
    related.iter_mut().for_each(|far| far.partitions.clear());
    let objects = backend.objects(&inspected.owner, &inspected.table, &related);
    objects.into_iter().map(|object| object.name).collect()
}

fn missing_columns(backend: Backend, model: &Model, inspected: &Inspected) -> Vec<Finding> {
    let columns =
        inspected.without_columns.iter().flat_map(|field| model.columns(backend.kind(), *field));
    let missing = |FieldColumn { name, .. }| {
        let table = inspected.owner.table.name.clone();
        Finding::Missing { table, kind: "column", name }
    };
    columns.map(missing).collect()
}

/// Returns the fields whose rows the next installation flags.
async fn outdated_fields(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    model: &Model,
    Inspected { owner, without_columns, .. }: &Inspected,
) -> Result<Vec<Finding>, InstallError> {
    let versions = Versions::read(db, backend, owner).await?;
    let unknown = if without_columns.is_empty() {
        versions.unknown(db, backend, owner, true).await?
    } else {
        Vec::new()
    };
    let is_outdated =
        |index: &usize| versions.reason(model, *index).is_some() || unknown.contains(index);
    let fields = owner.fields.iter().enumerate().filter(|(index, _)| is_outdated(index));
    Ok(fields
        .map(|(_, field)| Finding::Outdated { table: owner.table.name.clone(), field: field.name })
        .collect())
}

/// Returns the findings about rows, by the library's tables and the flags.
async fn rows(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    model: &Model,
    owner: &Owner,
) -> Result<Vec<Finding>, InstallError> {
    let table = &owner.table.name;
    let lazy = Engine::at(db)?.lazy(model);
    let mut findings = Vec::new();
    for (index, field) in owner.fields.iter().enumerate().filter(|(index, _)| !lazy.contains(index))
    {
        let rows = backend.count_unqueued(db, owner, index).await?;
        let table = table.clone();
        let unqueued = Finding::Unqueued { table, field: field.name, rows };
        findings.extend((rows > 0).then_some(unqueued));
    }

    let mut unknown: BTreeMap<String, u64> = BTreeMap::new();
    for Waiting { fields, state, rows, error } in backend.waiting(db, owner).await? {
        for name in fields.split(',').filter(|name| owner.field_index(name).is_none()) {
            *unknown.entry(name.to_owned()).or_default() += rows;
        }
        let table = table.clone();
        let field = fields;
        let error = Some(error);
        match state {
            _ if owner.field_index(&field).is_none() => {}
            State::Due => {}
            State::Failing => findings.push(Finding::Failing { table, field, rows, error }),
            State::Failed => findings.push(Finding::Failed { table, field, rows, error }),
        }
    }
    findings.extend(unknown.into_iter().map(|(field, rows)| Finding::UnknownField {
        table: table.clone(),
        field,
        rows,
    }));

    let paused = backend.pauses(db, owner).await?;
    let is_paused =
        |field: &usize| paused.iter().any(|paused| paused.field == owner.fields[*field].name);
    let served: Vec<usize> = (0..owner.fields.len())
        .filter(|field| !lazy.contains(field) && !is_paused(field))
        .collect();
    findings.extend(waited_too_long(db, backend, owner, &served).await?);
    Ok(findings)
}

/// The time that a change may wait.
const TOO_LONG: Duration = Duration::from_secs(60);

/// Returns a finding if something has waited too long for a worker, of fields that are left to
/// workers. Only that shows whether a worker runs.
async fn waited_too_long(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    owner: &Owner,
    fields: &[usize],
) -> Result<Option<Finding>, InstallError> {
    if fields.is_empty() {
        return Ok(None);
    }
    let Oldest { waited, leased: claimed } = backend.oldest(db, owner, fields).await?;
    let waited =
        Duration::from_millis(waited.and_then(|waited| waited.try_into().ok()).unwrap_or_default());
    let table = owner.table.name.clone();
    Ok((waited > TOO_LONG).then_some(Finding::Waiting {
        table,
        seconds: waited.as_secs(),
        claimed,
    }))
}

/// Installs, and flags the rows of models whose writes may have gone unseen. Retries what has
/// failed.
pub(crate) async fn repair(
    db: &DatabaseExecutor<'_>,
    models: &[Arc<Model>],
) -> Result<Changes, InstallError> {
    to_the_end(db, models.to_vec(), |db, backend, models| repair_all(db, backend, models).boxed())
        .await
}

async fn repair_all(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    models: &[Arc<Model>],
) -> Result<Changes, InstallError> {
    check_cycles(models)?;
    let Diagnosis(findings) = doctor(db, models).await?;
    let mut changes = Changes::default();
    for finding in &findings {
        if let Finding::Disabled { table, name, remedy } = finding {
            db.execute_unprepared(remedy).await?;
            changes.0.push(Change::Enabled { table: table.clone(), name: name.clone() });
        }
    }

    changes.0.extend(install_all(db, backend, models).await?.0);
    let unseen: BTreeSet<&str> = findings
        .iter()
        .filter(|finding| finding.hides_writes())
        .filter_map(Finding::table)
        .collect();

    for model in models {
        let Inspected { owner, .. } = inspect(backend, db, model, models).await?;
        if unseen.contains(owner.table.name.as_str()) {
            let fields: Vec<usize> = (0..owner.fields.len())
                .filter(|field| !changes.has_flagged(&owner, *field))
                .collect();
            let rows = flag_all(db, backend, model, &owner, &fields).await?;
            for field in fields {
                let table = owner.table.name.clone();
                let field = owner.fields[field].name;
                changes.0.extend((rows > 0).then_some(Change::Flagged { table, field, rows }));
            }
        }
        let rows = backend.retry_failed(db, &owner).await?;
        let table = owner.table.name.clone();
        changes.0.extend((rows > 0).then_some(Change::Retried { table, rows }));
    }
    Ok(changes)
}
