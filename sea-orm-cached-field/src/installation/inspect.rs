//! The inspection of the database, and whether the fields can be installed on it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use sea_orm::DatabaseExecutor;

use crate::{
    Error, InstallError,
    backend::{
        Backend, name_of_type,
        sql::{marks, recalculations},
    },
    catalog::{Cascade, Described},
    layout::{Field, Owner, Table},
    registry::{FieldColumn, Model},
};

/// A model together with its tables as the database has them.
pub(super) struct Inspected {
    /// The owner, with the real schema of its table and those of its sources.
    pub(super) owner: Owner,
    pub(super) table: Described,
    /// The related tables, one a source.
    pub(super) related: Vec<Described>,
    /// The fields whose columns have to be added.
    pub(super) without_columns: Vec<usize>,
}

impl Inspected {
    /// Returns the names of all tables that may have triggers or indexes of the owner.
    pub(super) fn tables(&self) -> Vec<String> {
        let described = std::iter::once(&self.table).chain(&self.related);
        let mut tables = own_tables(&self.owner).to_vec();
        for Described { table, partitions, cascades, .. } in described {
            tables.extend([table].into_iter().chain(partitions).map(|table| table.name.clone()));
            tables.extend(cascades.iter().flatten().map(|cascade| cascade.parent.name.clone()));
        }
        tables
    }
}

/// Returns the names of an owner's table, and of the tables of marks and recalculations beside it.
pub(super) fn own_tables(owner: &Owner) -> [String; 3] {
    [owner.table.name.clone(), marks(owner).name, recalculations(owner).name]
}

/// Checks everything that can be checked before anything is changed. It assumes that the cached
/// columns of all `models` will exist.
pub(super) async fn inspect(
    backend: Backend,
    db: &DatabaseExecutor<'_>,
    model: &Model,
    models: &[Arc<Model>],
) -> Result<Inspected, InstallError> {
    let mut owner = model.owner.clone();
    let mut table = describe_or_fail(backend, db, &owner, &owner.table).await?;
    let without_columns = without_columns(&owner, &mut table)?;
    for field in (0..owner.fields.len()).filter(|field| !without_columns.contains(field)) {
        check_types(backend, model, field, &table)?;
    }
    check_time_zones(backend, db, &owner).await?;
    expect_columns(backend, &mut table, models);

    let mut related = Vec::new();
    for source in &owner.sources {
        let far = if *source.table() == owner.table {
            table.clone()
        } else {
            let mut far = describe_or_fail(backend, db, &owner, source.table()).await?;
            expect_columns(backend, &mut far, models);
            far
        };
        related.push(far);
    }

    check_columns(&owner, &table, &related, models)?;
    check_links(backend, &owner, &table, &related)?;
    watch_what_is_behind(&mut owner, &table, &related);
    check_privileges(backend, db, &owner, &table, &related).await?;

    owner.table = table.table.clone();
    let real = real_tables(&owner, &related);
    for step in owner.sources.iter_mut().flat_map(|source| &mut source.steps) {
        step.table = real[&step.table].clone();
    }
    Ok(Inspected { owner, table, related, without_columns })
}

/// Returns the tables of all sources: as their entities name them, with their real schemas.
fn real_tables(owner: &Owner, related: &[Described]) -> HashMap<Table, Table> {
    let named = owner.sources.iter().map(|source| source.table().clone());
    named.zip(related.iter().map(|related| related.table.clone())).collect()
}

async fn describe_or_fail(
    backend: Backend,
    db: &DatabaseExecutor<'_>,
    owner: &Owner,
    table: &Table,
) -> Result<Described, InstallError> {
    let fields = owner.field_names();
    let name = table.name.clone();

    let mut found = match backend.describe(db, table).await? {
        Some(found) if found.kind == "table" => found.described,
        Some(found) => return Err(not_a_table(owner, name, found.kind)),
        None => {
            return Err(InstallError::NoSuchTable {
                table: owner.table.name.clone(),
                fields,
                missing: name,
            });
        }
    };

    found.unreadable = backend.unreadable_columns(db, &found.table).await?;
    if found.by_row {
        for (partition, kind) in backend.partitions(db, &found.table).await? {
            if kind != "table" {
                return Err(not_a_table(owner, partition.name, kind));
            }
            found.partitions.push(partition);
        }
    }
    found.cascades = cascades(backend, db, owner, &found.table).await?;
    Ok(found)
}

/// Returns the paths over which foreign keys change rows of a table without a trigger that sees it.
async fn cascades(
    backend: Backend,
    db: &DatabaseExecutor<'_>,
    owner: &Owner,
    table: &Table,
) -> Result<Vec<Vec<Cascade>>, InstallError> {
    let mut found = Vec::new();
    let mut ways = vec![Vec::new()];

    while let Some(way) = ways.pop() {
        let from = way.last().map_or(table, |last: &Cascade| &last.parent);
        for key in backend.foreign_keys(db, from).await? {
            let longer = [way.as_slice(), std::slice::from_ref(&key)].concat();
            // One query follows a table that refers to itself, any number of times.
            if way.last() == Some(&key) || !backend.has_effect(&longer) {
                continue;
            }
            let mut passed = way.iter().map(|key| &key.parent).chain([table]);
            if key.parent != key.table && passed.any(|table| *table == key.parent) {
                let reason = "it belongs to a circle of foreign keys that change each other's \
                              rows; give one of them the action RESTRICT or NO ACTION";
                return Err(unseen(owner, key, reason));
            }
            if key.parent.schema != table.schema {
                let reason = "it refers to a table of another database; give it the action \
                              RESTRICT or NO ACTION";
                return Err(unseen(owner, key, reason));
            }
            found.push(longer.clone());
            ways.push(longer);
        }
    }
    Ok(found)
}

fn unseen(owner: &Owner, key: Cascade, reason: &'static str) -> InstallError {
    let table = owner.table.name.clone();
    let fields = owner.field_names();
    InstallError::UnseenForeignKey {
        table,
        fields,
        constraint: key.name,
        on: key.table.name,
        reason,
    }
}

fn not_a_table(owner: &Owner, name: String, kind: String) -> InstallError {
    InstallError::NotATable {
        table: owner.table.name.clone(),
        fields: owner.field_names(),
        name,
        kind,
    }
}

/// Returns the fields of which the table has no column yet. A table that has only some of a field's
/// columns is refused.
fn without_columns(owner: &Owner, table: &mut Described) -> Result<Vec<usize>, InstallError> {
    let mut without = Vec::new();
    for (index, field) in owner.fields.iter().enumerate() {
        let columns = [
            Some(&field.cached.name),
            Some(&field.recalculation_needed),
            field.expires_after.as_ref(),
        ];
        let (there, missing): (Vec<&String>, Vec<&String>) =
            columns.into_iter().flatten().partition(|column| table.columns.contains_key(*column));

        match (there.is_empty(), missing.first()) {
            (true, _) => without.push(index),
            (false, None) => {}
            (false, Some(column)) => {
                let remedy = if table.columns.keys().any(|other| is_cut_from(column, other)) {
                    "the database cuts so long a name: give the column another with \
                     `cached_field_name`, `recalculation_needed_field_name` or \
                     `expiration_field_name`"
                } else {
                    "it has other columns of this field: add this one by hand, or drop the others \
                     so that `install` adds all"
                };
                return Err(no_column(owner, index, &table.table.name, column, remedy));
            }
        }
    }
    Ok(without)
}

/// Adds the columns of cached fields that are not there yet, as they will be. Triggers are made
/// from the types of the columns that they read.
fn expect_columns(backend: Backend, table: &mut Described, models: &[Arc<Model>]) {
    let is_it = |model: &&Arc<Model>| {
        let owner = &model.owner.table;
        owner.name == table.table.name
            && (owner.schema.is_none() || owner.schema == table.table.schema)
    };
    let models: Vec<&Arc<Model>> = models.iter().filter(is_it).collect();
    for model in models {
        let fields = 0..model.owner.fields.len();
        for column in fields.flat_map(|field| model.columns(backend.kind(), field)) {
            let kind = || match column.definition.get_column_type() {
                Some(kind) => name_of_type(backend.kind(), kind),
                None => String::new(),
            };
            table.columns.entry(column.name.clone()).or_insert_with(kind);
        }
    }
}

/// Checks that the existing columns of a field are such as SeaORM would make. The column of the
/// value must hold the field's values, and the flag must never be NULL.
fn check_types(
    backend: Backend,
    model: &Model,
    field: usize,
    table: &Described,
) -> Result<(), InstallError> {
    let Field { name, recalculation_needed, expires_after, .. } = &model.owner.fields[field];
    for column in model.columns(backend.kind(), field) {
        let kind = &table.columns[&column.name];
        let is_flag = column.name == *recalculation_needed;
        let may_be_null = is_flag && table.nullable.contains(&column.name);
        if !may_be_null && backend.holds(&column.kind, kind) {
            continue;
        }

        let remedy = if may_be_null {
            "set what is NULL there to true, then make the column NOT NULL"
        } else if expires_after.as_ref() == Some(&column.name) {
            "change its type; or, if it has no time zone, name the one that it is written in with \
             `expiration_time_zone = \"..\"`"
        } else if is_flag {
            "change its type"
        } else {
            "change its type, or that of the field"
        };
        return Err(InstallError::WrongColumn {
            table: table.table.name.clone(),
            field: name,
            found: if may_be_null { format!("{kind} NULL").into() } else { kind.as_str().into() },
            expected: definition(backend, &column).into(),
            column: column.name,
            remedy,
        });
    }
    Ok(())
}

/// Returns `boolean NOT NULL DEFAULT TRUE`.
fn definition(backend: Backend, column: &FieldColumn) -> String {
    let add = column.add(column.definition.clone());
    let name = backend.quote(&column.name);
    let alter = backend.kind().build(&add).to_string();
    alter
        .split_once(&format!(" {name} "))
        .map_or(alter.clone(), |(_, definition)| definition.to_owned())
}

async fn check_time_zones(
    backend: Backend,
    db: &DatabaseExecutor<'_>,
    owner: &Owner,
) -> Result<(), InstallError> {
    for field in &owner.fields {
        let Some(zone) = field.time_zone.map(|zone| zone.name()) else { continue };
        if !backend.knows_time_zone(db, zone).await? {
            return Err(InstallError::UnknownTimeZone {
                table: owner.table.name.clone(),
                field: field.name,
                zone,
            });
        }
    }
    Ok(())
}

/// Returns whether `other` is the name `column`, truncated to 63 bytes at a character boundary
/// (PostgreSQL).
fn is_cut_from(column: &str, other: &str) -> bool {
    column.len() > 63 && other.len() >= 60 && column.starts_with(other)
}

fn check_columns(
    owner: &Owner,
    table: &Described,
    related: &[Described],
    models: &[Arc<Model>],
) -> Result<(), InstallError> {
    let cached = |column: &str| owner.fields.iter().any(|field| field.cached.name == column);
    for (index, field) in owner.fields.iter().enumerate() {
        for column in owner.watched(field) {
            if !table.columns.contains_key(column) && !cached(column) {
                let remedy =
                    "the entity declares it: add it to the table, for instance in a migration";
                return Err(no_column(owner, index, &table.table.name, column, remedy));
            }
        }
    }

    for (source, far) in owner.sources.iter().zip(related) {
        for reader in &source.readers {
            for column in source.watched(&reader.columns) {
                if !far.columns.contains_key(column)
                    && !will_be_added(models, source.table(), column)
                {
                    let remedy = "the related entity declares it: add it to the table, or, if it \
                                  is of a cached field there, install those fields too";
                    return Err(no_column(owner, reader.field, &far.table.name, column, remedy));
                }
            }
        }
    }
    Ok(())
}

fn will_be_added(models: &[Arc<Model>], table: &Table, column: &str) -> bool {
    let mut owners = models.iter().map(|model| &model.owner).filter(|owner| owner.table == *table);
    owners.any(|owner| owner.fields.iter().any(|field| field.cached.name == column))
}

fn check_links(
    backend: Backend,
    owner: &Owner,
    table: &Described,
    related: &[Described],
) -> Result<(), InstallError> {
    for (source, far) in owner.sources.iter().zip(related) {
        let holds_key = source.key_columns(owner).is_some();
        let before =
            owner.path(source).into_iter().rev().nth(1).map_or(table, |before| &related[before]);
        for link in source.link() {
            // For a cached column that is still to be added, the second inspection checks this.
            let types = before.columns.get(&link.near).zip(far.columns.get(&link.far));
            let serve = |near, far| {
                backend.can_link(near, far) && (!holds_key || backend.can_name(near, far))
            };

            let reason = if far.unreadable.contains_key(&link.far) {
                "the column that relates its rows to the other table is a virtual generated \
                 column, which a trigger cannot read; make it STORED"
            } else if types.is_some_and(|(near, far)| !serve(near, far)) {
                "the columns that relate the two tables are of different types; make them of one \
                 type"
            } else {
                continue;
            };
            let refused = Error::UnsupportedPath {
                table: owner.table.name.clone(),
                field: owner.fields[source.readers[0].field].name,
                path: format!("{}({})", far.table.name, source.readers[0].columns.join(", ")),
                hop: far.table.name.clone(),
                reason: reason.to_owned(),
            };
            return Err(refused.into());
        }
    }
    Ok(())
}

/// Replaces each watched column that triggers cannot read by the columns that it is computed from.
/// It changes only when those change.
fn watch_what_is_behind(owner: &mut Owner, table: &Described, related: &[Described]) {
    let behind = |table: &Described, columns: &mut Vec<String>| {
        let (unreadable, mut watched): (Vec<String>, Vec<String>) =
            columns.drain(..).partition(|column| table.unreadable.contains_key(column));
        let behind = unreadable.iter().flat_map(|column| &table.unreadable[column]).cloned();
        watched.extend(behind);
        let mut seen = BTreeSet::new();
        watched.retain(|column| seen.insert(column.clone()));
        *columns = watched;
    };
    owner.fields.iter_mut().for_each(|field| behind(table, &mut field.own_columns));
    for (source, far) in owner.sources.iter_mut().zip(related) {
        source.readers.iter_mut().for_each(|reader| behind(far, &mut reader.columns));
    }
}

fn no_column(
    owner: &Owner,
    field: usize,
    table: &str,
    column: &str,
    remedy: &'static str,
) -> InstallError {
    InstallError::NoSuchColumn {
        table: table.to_owned(),
        column: column.to_owned(),
        owner: owner.table.name.clone(),
        field: owner.fields[field].name,
        remedy,
    }
}

async fn check_privileges(
    backend: Backend,
    db: &DatabaseExecutor<'_>,
    owner: &Owner,
    table: &Described,
    related: &[Described],
) -> Result<(), InstallError> {
    let missing = backend.missing_privileges(db, table, related).await?;
    let (privileges, remedies): (Vec<String>, Vec<String>) =
        missing.into_iter().map(|(privilege, remedy)| (privilege, format!("`{remedy}`"))).unzip();
    if privileges.is_empty() {
        return Ok(());
    }
    Err(InstallError::MissingPrivilege {
        table: owner.table.name.clone(),
        fields: owner.field_names(),
        privilege: enumerated(&privileges),
        remedy: format!("run {}, or install as the owner of the tables", enumerated(&remedies)),
    })
}

/// Returns `a, b and c`.
fn enumerated(items: &[String]) -> String {
    match items {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        _ => items.concat(),
    }
}
