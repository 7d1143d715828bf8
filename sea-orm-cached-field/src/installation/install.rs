//! Install: bring the database to the state that the fields need, from any other state.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use futures_util::{FutureExt, future::BoxFuture};
use sea_orm::{ConnectionTrait, DatabaseExecutor, DatabaseTransaction, TransactionOptions};
use tracing::Instrument;

use super::{
    Change, Changes,
    abandoned::drop_dead,
    backlog,
    inspect::{Inspected, inspect},
    rights,
    suspend::suspend_owner,
    uninstall::drop_for_another_key,
    versions::{self, Reason, Renewal, Versions, keeper, keepers, name_of_keeper},
};
use crate::{
    InstallError,
    backend::{
        Backend,
        sql::{key_columns, marks, name_in_schema, recalculations, versions as versions_table},
    },
    catalog::{Described, Object, ObjectKind, Standing},
    layout::{Column, Owner, Table},
    registry::{Model, check_cycles, two_entities},
    transaction,
};

pub(crate) async fn install(
    db: &DatabaseExecutor<'_>,
    models: &[Arc<Model>],
) -> Result<Changes, InstallError> {
    check_cycles(models)?;
    to_the_end(db, models.to_vec(), |db, backend, models| install_all(db, backend, models).boxed())
        .await
}

/// A function that changes the schema.
type Work<T> = for<'a> fn(
    &'a DatabaseExecutor<'a>,
    Backend,
    &'a T,
) -> BoxFuture<'a, Result<Changes, InstallError>>;

/// Does the work, and logs what it has changed. If it locks the session, it runs in a task of its
/// own. Then a caller that gives up leaves no lock behind.
pub(super) async fn to_the_end<T: Send + Sync + 'static>(
    db: &DatabaseExecutor<'_>,
    of: T,
    work: Work<T>,
) -> Result<Changes, InstallError> {
    let backend = Backend::of(db)?;
    if let DatabaseExecutor::Connection(connection) = db
        && backend.locks_sessions_to_install()
    {
        let connection = (*connection).clone();
        let whole = async move {
            logged(&DatabaseExecutor::Connection(&connection), backend, &of, work).await
        };
        return tokio::spawn(whole.in_current_span())
            .await
            .unwrap_or_else(|stopped| Err(InstallError::Stopped(stopped.to_string())));
    }
    logged(db, backend, &of, work).await
}

async fn logged<T>(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    of: &T,
    work: Work<T>,
) -> Result<Changes, InstallError> {
    let begun = Instant::now();
    let changes = work(db, backend, of).await?;
    changes.log(begun.elapsed());
    Ok(changes)
}

/// Creates everything in one transaction. Then flags and queues the stale rows, in chunks.
pub(super) async fn install_all(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    models: &[Arc<Model>],
) -> Result<Changes, InstallError> {
    let transaction = begin(db, backend).await?;
    let created = create_all(&transaction, backend, models).await;
    let (created, mut changes) = end(transaction, backend, created).await?;
    for (model, (owner, renewals)) in models.iter().zip(&created) {
        versions::renew(db, backend, model, owner, renewals, &mut changes).await?;
        backlog::mark_unqueued(db, backend, model, owner, &mut changes).await?;
    }
    Ok(changes)
}

async fn create_all(
    transaction: &DatabaseTransaction,
    backend: Backend,
    models: &[Arc<Model>],
) -> Result<(Vec<(Owner, Vec<Renewal>)>, Changes), InstallError> {
    let mut changes = Changes::default();
    let mut all = Vec::new();

    // This comes first, because such objects may have names that the library is about to use.
    drop_dead(transaction, backend, models, &mut changes).await?;
    let mut inspected = inspect_all(transaction, backend, models).await?;
    for (model, inspected) in models.iter().zip(&inspected) {
        let added = add_columns(transaction, backend, model, inspected, &mut changes).await;
        added.map_err(|error| explained(backend, &inspected.owner, error))?;
    }
    if !changes.is_empty() {
        inspected = inspect_all(transaction, backend, models).await?;
    }

    for (model, inspected) in models.iter().zip(inspected) {
        let created = create_objects(transaction, backend, model, &inspected, &mut changes).await;
        let renewals = created.map_err(|error| explained(backend, &inspected.owner, error))?;
        all.push((inspected.owner, renewals));
    }
    Ok((all, changes))
}

/// Begins a transaction that is going to write, on databases where that makes a difference. Inside
/// a user's transaction it begins a savepoint. No notices come from it.
pub(super) async fn begin(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
) -> Result<DatabaseTransaction, InstallError> {
    let transaction = match db {
        DatabaseExecutor::Connection(connection) => {
            // The isolation level is the session's, not a worker's. A read-only session stays
            // read-only.
            let options =
                TransactionOptions { isolation_level: None, ..backend.transaction(false) };
            transaction::begin(connection, options).await?
        }
        _ if backend.commits_schema_changes() => return Err(InstallError::CommitsTransaction),
        _ => transaction::begin_within(db).await?,
    };

    if !backend.lock_out_installations(&transaction).await? {
        return Err(InstallError::OtherInstallation);
    }
    backend.silence_notices(&transaction).await?;
    Ok(transaction)
}

/// Commits or rolls back the transaction by its outcome, and lets other installations in.
pub(super) async fn end<T>(
    transaction: DatabaseTransaction,
    backend: Backend,
    outcome: Result<T, InstallError>,
) -> Result<T, InstallError> {
    backend.let_installations_in(&transaction).await?;
    match outcome {
        Ok(_) => {
            backend.let_notices_through(&transaction).await?;
            transaction.commit().await?;
        }
        // Awaited, so that nothing is locked any more when the caller gets the error.
        Err(_) => transaction.rollback().await?,
    }
    outcome
}

/// Returns the library's own error in place of the database's, where there is one.
fn explained(backend: Backend, owner: &Owner, error: InstallError) -> InstallError {
    match error {
        InstallError::Database(refused) if backend.is_read_only(&refused) => {
            InstallError::ReadOnly { table: owner.table.name.clone(), fields: owner.field_names() }
        }
        other => other,
    }
}

async fn inspect_all(
    db: &DatabaseTransaction,
    backend: Backend,
    models: &[Arc<Model>],
) -> Result<Vec<Inspected>, InstallError> {
    let mut inspected = Vec::new();
    for model in models {
        inspected.push(inspect(backend, &DatabaseExecutor::Transaction(db), model, models).await?);
    }
    one_of_each_table(models, &inspected)?;
    Ok(inspected)
}

/// Refuses two entities of one table, which may name it differently: with its schema and without.
fn one_of_each_table(models: &[Arc<Model>], inspected: &[Inspected]) -> Result<(), InstallError> {
    let mut seen: Vec<(&Table, &Model)> = Vec::new();
    for (model, Inspected { owner, .. }) in models.iter().zip(inspected) {
        if let Some((_, other)) = seen.iter().find(|(table, _)| **table == owner.table) {
            return Err(two_entities(other, model).into());
        }
        seen.push((&owner.table, model));
    }
    Ok(())
}

async fn add_columns(
    db: &DatabaseTransaction,
    backend: Backend,
    model: &Model,
    inspected: &Inspected,
    changes: &mut Changes,
) -> Result<(), InstallError> {
    for field in &inspected.without_columns {
        for column in model.columns(backend.kind(), *field) {
            let mut definition = column.definition.clone();
            backend.fit_column(&inspected.table, &mut definition);
            db.execute(&column.add(definition)).await?;
            let table = inspected.owner.table.name.clone();
            let name = column.name;
            changes.0.push(Change::Created { table, kind: "column", name });
        }
    }
    Ok(())
}

/// The objects of an owner in the database, by kind, name and place.
pub(super) type Installed = BTreeMap<(ObjectKind, String, Option<String>), Standing>;

pub(super) async fn installed(
    db: &impl ConnectionTrait,
    backend: Backend,
    owner: &Owner,
) -> Result<Installed, InstallError> {
    let installed = backend.installed(db, owner).await?.into_iter();
    let place = |object: &Standing| (object.kind, object.name.clone(), object.parent.clone());
    Ok(installed.map(|object| (place(&object), object)).collect())
}

/// The objects that an owner needs, compared with those in the database.
pub(super) struct Comparison {
    /// The objects to create, each with whether it replaces another version of itself.
    pub(super) wanted: Vec<(Object, bool)>,
    /// The library's tables of an older schema, each with the number of that schema.
    pub(super) outdated: Vec<(Object, u32)>,
    /// The objects that are not needed any more.
    pub(super) superfluous: Installed,
    /// The objects that are needed, but are on a table that was renamed when another one took its
    /// place.
    pub(super) misplaced: Installed,
    /// Whether the library's tables were made for another primary key.
    has_other_key: bool,
    /// Whether a trigger of the library exists at all.
    is_watched: bool,
    /// The objects that keep the fields: those that exist, and those that are needed.
    pub(super) standing: BTreeSet<String>,
    needed: BTreeSet<String>,
}

impl Comparison {
    /// Returns whether all tables of the library exist, in their present schema.
    pub(super) fn has_tables(&self) -> bool {
        self.outdated.is_empty()
            && self.wanted.iter().all(|(object, _)| object.kind != ObjectKind::Table)
    }

    pub(super) fn has(&self, table: &Table) -> bool {
        self.standing.contains(&name_of_keeper(ObjectKind::Table, &table.name))
    }
}

/// Compares the needed objects with the existing ones. Fails if one of the names is taken by
/// something that is not the library's.
pub(super) async fn compare(
    db: &impl ConnectionTrait,
    backend: Backend,
    inspected: &Inspected,
) -> Result<Comparison, InstallError> {
    let owner = &inspected.owner;
    let objects = backend.objects(owner, &inspected.table, &inspected.related);
    let tables = inspected.tables();

    let mut misplaced = Installed::new();
    let mut superfluous = Installed::new();
    for (place, standing) in installed(db, backend, owner).await? {
        let is_elsewhere = standing.is_on_none_of(&tables);
        if is_elsewhere
            && objects.iter().any(|object| (object.kind, &object.name) == (place.0, &place.1))
        {
            misplaced.insert(place, standing);
        } else if !(is_elsewhere && place.0 == ObjectKind::Index) {
            superfluous.insert(place, standing);
        }
    }

    // A table that only a newer release needs stays.
    superfluous.retain(|(kind, name, _), standing| {
        let is_needed = || objects.iter().any(|object| object.name == *name);
        *kind != ObjectKind::Table || Object::schema(&standing.tag) <= Object::SCHEMA || is_needed()
    });

    let is_watched = superfluous.keys().any(|(kind, ..)| *kind == ObjectKind::Trigger);
    let mut has_other_key = false;
    let mut standing: BTreeSet<String> =
        superfluous.keys().filter_map(|(kind, name, _)| keeper(owner, *kind, name)).collect();
    let needed = keepers(owner, &objects);
    let mut wanted = Vec::new();
    let mut outdated = Vec::new();
    let mut names = BTreeSet::new();

    for object in objects {
        let place = (object.kind, object.name.clone(), object.parent.clone());
        let mut found = superfluous.remove(&place);
        if found.is_none() && object.kind == ObjectKind::Table {
            let name = name_in_schema(2, &owner.table, &object.name);
            found = superfluous.remove(&(object.kind, name, None));
            standing.extend(found.as_ref().and_then(|_| keeper(owner, object.kind, &object.name)));
        }
        match found {
            _ if !names.insert(place) => return Err(name_taken(owner, &object)),
            Some(Standing { tag, .. }) if tag == object.tag => {}
            Some(Standing { tag, .. }) if tag.is_empty() => return Err(name_taken(owner, &object)),
            Some(Standing { tag, .. }) if object.kind == ObjectKind::Table => {
                let schema = Object::schema(&tag);
                match schema.cmp(&Object::SCHEMA) {
                    Ordering::Less => outdated.push((object, schema)),
                    Ordering::Equal => {
                        has_other_key = true;
                        wanted.push((object, true));
                    }
                    Ordering::Greater => {}
                }
            }
            found => wanted.push((object, found.is_some())),
        }
    }

    Ok(Comparison {
        wanted,
        outdated,
        superfluous,
        misplaced,
        has_other_key,
        is_watched,
        standing,
        needed,
    })
}

async fn create_objects(
    db: &DatabaseTransaction,
    backend: Backend,
    model: &Model,
    inspected: &Inspected,
    changes: &mut Changes,
) -> Result<Vec<Renewal>, InstallError> {
    let owner = &inspected.owner;
    let mut comparison = compare(db, backend, inspected).await?;
    let mut is_older = false;

    if comparison.has_other_key
        || have_other_key(db, backend, inspected, &comparison.outdated).await?
    {
        // The keys in them do not identify rows any more. As nothing is recorded then, all rows are
        // flagged. What operators have set stays.
        drop_for_another_key(db, backend, owner, changes).await?;
        comparison = compare(db, backend, inspected).await?;
    } else if !comparison.outdated.is_empty() {
        if backend.commits_schema_changes()
            && comparison.outdated.iter().any(|(_, schema)| *schema < 3)
        {
            // The triggers would fail once the tables have new names.
            suspend_owner(db, backend, &owner.table, &owner.table, changes).await?;
        } else {
            // Since schema 3, the records are complete.
            is_older =
                comparison.is_watched && comparison.outdated.iter().any(|(_, schema)| *schema < 3);
        }
        upgrade(db, backend, inspected, &comparison.outdated, changes).await?;
        let stood_before = comparison.standing;
        comparison = compare(db, backend, inspected).await?;
        comparison.standing.extend(stood_before);
    }

    let mut versions = if comparison.has(&versions_table(owner)) {
        Versions::read(db, backend, owner).await?
    } else if comparison.has(&marks(owner)) {
        Versions::default()
    } else {
        Versions::none()
    };
    if is_older {
        versions = versions.of_an_older_release();
    }

    let Comparison { wanted, superfluous, misplaced, standing, needed, .. } = comparison;
    let mut renewals = versions.begin(db, backend, model, owner, &standing).await?;
    drop_all(db, backend, owner, misplaced, changes).await?;
    for (object, replaces) in wanted {
        create(db, backend, owner, &object, replaces).await?;
        changes.0.push(Change::of_object(owner, object, replaces));
    }

    // This comes afterwards: where each change takes effect at once, there is no moment without the
    // old trigger or the one that replaces it.
    drop_all(db, backend, owner, superfluous, changes).await?;
    // From now on the triggers see each write.
    for field in versions.unknown(db, backend, owner, true).await? {
        if !renewals.iter().any(|renewal| renewal.is_of(field)) {
            renewals.push(Renewal::new(field, Reason::Unwatched));
        }
    }

    rights::grant(db, backend, owner, changes).await?;
    versions.end(db, backend, model, owner, &renewals, &needed).await?;
    Ok(renewals)
}

/// Drops objects in this order: triggers, functions, indexes, tables.
pub(super) async fn drop_all(
    db: &DatabaseTransaction,
    backend: Backend,
    owner: &Owner,
    objects: Installed,
    changes: &mut Changes,
) -> Result<(), InstallError> {
    for ((kind, name, parent), _) in objects.into_iter().rev() {
        db.execute_unprepared(&backend.drop_object(&owner.table, kind, &name, parent.as_deref()))
            .await?;
        changes.0.push(Change::dropped(&owner.table, kind, name));
    }
    Ok(())
}

/// Returns whether some of these tables were made for another primary key.
async fn have_other_key(
    db: &DatabaseTransaction,
    backend: Backend,
    Inspected { owner, table, .. }: &Inspected,
    outdated: &[(Object, u32)],
) -> Result<bool, InstallError> {
    for (object, schema) in outdated {
        let ours = Table { schema: owner.table.schema.clone(), name: object.name.clone() };
        let standing =
            Table { name: name_in_schema(*schema, &owner.table, &ours.name), ..ours.clone() };
        let Some(found) = backend.describe(db, &standing).await? else { continue };
        let Described { columns, collations, .. } = found.described;
        let differs = |(column, own): (String, &Column)| {
            let is_compared = ours == recalculations(owner);
            columns.get(&column) != table.columns.get(&own.name)
                || is_compared && collations.get(&column) != table.collations.get(&own.name)
        };

        let mut keys = key_columns(owner).into_iter().zip(&owner.key);
        if [marks(owner), recalculations(owner)].contains(&ours) && keys.any(differs) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Brings tables of older schemas to the present one, and keeps their contents.
async fn upgrade(
    db: &DatabaseTransaction,
    backend: Backend,
    Inspected { owner, table, .. }: &Inspected,
    outdated: &[(Object, u32)],
    changes: &mut Changes,
) -> Result<(), InstallError> {
    for (object, from) in outdated {
        backend.upgrade(db, owner, table, object, *from).await?;
        changes
            .0
            .push(Change::Upgraded { table: owner.table.name.clone(), name: object.name.clone() });
    }
    Ok(())
}

async fn create(
    db: &DatabaseTransaction,
    backend: Backend,
    owner: &Owner,
    object: &Object,
    replaces: bool,
) -> Result<(), InstallError> {
    for statement in &statements(backend, owner, object, replaces) {
        #[cfg(feature = "__mutations")]
        let statement = &crate::backend::mutation::mutated(statement);
        db.execute_unprepared(statement).await?;
    }
    Ok(())
}

/// Returns the statements that create an object, in the place of another version of it or not.
pub(super) fn statements(
    backend: Backend,
    owner: &Owner,
    object: &Object,
    replaces: bool,
) -> Vec<String> {
    let drop = (replaces && object.kind != ObjectKind::Function).then(|| {
        backend.drop_object(&owner.table, object.kind, &object.name, object.parent.as_deref())
    });
    drop.into_iter().chain(object.create.iter().cloned()).collect()
}

fn name_taken(owner: &Owner, object: &Object) -> InstallError {
    InstallError::NameTaken {
        table: owner.table.name.clone(),
        fields: owner.field_names(),
        name: object.name.clone(),
    }
}
