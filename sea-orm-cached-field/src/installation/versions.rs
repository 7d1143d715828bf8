//! Versions: the record of the calculation of each field, and of the inputs that have been watched
//! since. Values of another version of the calculation are stale. Values may also be stale if some
//! of their inputs were not watched for a while.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DatabaseExecutor};

use super::{Change, Changes, backlog::flag_all};
use crate::{
    Error,
    backend::{Backend, sql::records},
    catalog::{Object, ObjectKind, Version},
    layout::{Owner, roll_up},
    registry::Model,
};

/// The reason why all rows of a field have to be flagged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The values are of another version of the calculation.
    Calculation,
    /// Some inputs of the field were not watched for a while, or its values are of another roll-up.
    Unwatched,
}

/// A field whose rows all have to be flagged.
pub(super) struct Renewal {
    field: usize,
    reason: Reason,
    /// A number that tells it from the renewals of other installations.
    id: i64,
}

impl Renewal {
    pub(super) fn new(field: usize, reason: Reason) -> Self {
        Self { field, reason, id: fastrand::i64(..) }
    }

    pub(super) fn is_of(&self, field: usize) -> bool {
        self.field == field
    }
}

/// The record of an owner's fields.
#[derive(Default)]
pub(super) struct Versions {
    versions: BTreeMap<String, Version>,
    /// Whether the library has never been installed there, so that no value is of an older version.
    is_first: bool,
    /// Whether an older release of this library has watched the fields, and did not record which.
    is_older: bool,
}

impl Versions {
    /// Returns the record of an owner for which nothing is installed yet.
    pub(super) fn none() -> Self {
        Self { is_first: true, ..Self::default() }
    }

    /// Returns the record of an owner whose fields an older release of this library has installed,
    /// and watches.
    pub(super) fn of_an_older_release(self) -> Self {
        Self { is_older: true, ..self }
    }

    pub(super) async fn read(
        db: &impl ConnectionTrait,
        backend: Backend,
        owner: &Owner,
    ) -> Result<Self, Error> {
        let mut read = Self::default();
        for version in backend.versions(db, owner).await? {
            read.versions.insert(version.field.clone(), version);
        }
        Ok(read)
    }

    /// Returns the reason why all rows of a field have to be flagged, by the record; `None` if they
    /// need not be.
    pub(super) fn reason(&self, model: &Model, field: usize) -> Option<Reason> {
        let declared = &model.owner.fields[field];
        let Some(version) = self.versions.get(declared.name) else {
            return (!self.is_first && declared.version > 0).then_some(Reason::Calculation);
        };
        if version.calculation != i64::from(declared.version) {
            return Some(Reason::Calculation);
        }
        let inputs = model.owner.inputs(field);
        let is_watched = version.inputs.as_deref().is_none_or(|recorded| {
            let recorded = read(recorded);
            inputs.is_subset(&recorded) && roll_up(&inputs) == roll_up(&recorded)
        });
        (version.renewal.is_some() || !is_watched).then_some(Reason::Unwatched)
    }

    /// Returns the same, also by the objects that stand in the database.
    fn reason_now(
        &self,
        model: &Model,
        owner: &Owner,
        field: usize,
        standing: &BTreeSet<String>,
    ) -> Option<Reason> {
        let version = self.versions.get(owner.fields[field].name);
        let kept_by = version.and_then(|version| version.kept_by.as_deref());
        let is_lost = kept_by.is_some_and(|kept_by| !read(kept_by).is_subset(standing));
        self.reason(model, field).or(is_lost.then_some(Reason::Unwatched))
    }

    /// Returns the fields whose rows all have to be flagged, by the record and by the objects that
    /// stand in the database.
    pub(super) fn outdated<'a>(
        &'a self,
        model: &'a Model,
        owner: &'a Owner,
        standing: &'a BTreeSet<String>,
    ) -> impl Iterator<Item = usize> {
        let fields = 0..owner.fields.len();
        fields.filter(|field| self.reason_now(model, owner, *field, standing).is_some())
    }

    /// Returns the fields that have values, but no record. The triggers of their table were
    /// suspended, or it was renamed. Or it was restored without the library's tables, or the fields
    /// were uninstalled. No trigger saw what was written meanwhile. `has_queue`: the owner's queue
    /// exists.
    pub(super) async fn unknown(
        &self,
        db: &impl ConnectionTrait,
        backend: Backend,
        owner: &Owner,
        has_queue: bool,
    ) -> Result<Vec<usize>, Error> {
        let mut unknown = Vec::new();
        for (field, declared) in owner.fields.iter().enumerate() {
            if self.is_older || self.versions.contains_key(declared.name) {
                continue;
            }
            if backend.has_values(db, owner, field, has_queue).await? {
                unknown.push(field);
            }
        }
        Ok(unknown)
    }

    /// Decides which fields have to be flagged, before anything is changed, and records it. On
    /// databases where each statement commits, a lost object may be created again before `end` is
    /// reached. `standing` holds the names of the library's existing objects.
    pub(super) async fn begin(
        &mut self,
        db: &impl ConnectionTrait,
        backend: Backend,
        model: &Model,
        owner: &Owner,
        standing: &BTreeSet<String>,
    ) -> Result<Vec<Renewal>, Error> {
        let mut renewals = Vec::new();
        for field in 0..owner.fields.len() {
            let reason = self.reason_now(model, owner, field, standing);
            renewals.extend(reason.map(|reason| Renewal::new(field, reason)));
        }

        for Renewal { field, id, .. } in &renewals {
            if let Some(version) = self.versions.get_mut(owner.fields[*field].name) {
                version.renewal = Some(*id);
                backend.set_version(db, owner, version).await?;
            }
        }
        Ok(renewals)
    }

    /// Records what is watched from now on, and by which objects. Of fields that this program does
    /// not know, nothing is watched.
    pub(super) async fn end(
        self,
        db: &impl ConnectionTrait,
        backend: Backend,
        model: &Model,
        owner: &Owner,
        renewals: &[Renewal],
        standing: &BTreeSet<String>,
    ) -> Result<(), Error> {
        for (field, declared) in owner.fields.iter().enumerate() {
            let version = Version {
                field: declared.name.to_owned(),
                calculation: declared.version.into(),
                inputs: Some(written(&model.owner.inputs(field))),
                kept_by: Some(written(standing)),
                renewal: renewal(renewals, field),
                declared_by: Some(model.declared_by.to_owned()),
            };
            if self.versions.get(declared.name) != Some(&version) {
                backend.set_version(db, owner, &version).await?;
            }
        }

        for version in self
            .versions
            .into_values()
            .filter(|version| owner.field_index(&version.field).is_none())
        {
            let unwatched = Version { inputs: Some(String::new()), ..version.clone() };
            if version != unwatched {
                backend.set_version(db, owner, &unwatched).await?;
            }
        }
        Ok(())
    }
}

/// Returns the name of an object that keeps fields, as it is recorded. No index does, nor a table
/// that is only for people.
pub(super) fn keeper(owner: &Owner, kind: ObjectKind, name: &str) -> Option<String> {
    let is_record = || records(owner).iter().any(|record| record.name == name);
    let keeps = match kind {
        ObjectKind::Table => !is_record(),
        ObjectKind::Function | ObjectKind::Trigger => true,
        ObjectKind::Index => false,
    };
    keeps.then(|| name_of_keeper(kind, name))
}

/// Returns the name of an object as it is recorded.
pub(super) fn name_of_keeper(kind: ObjectKind, name: &str) -> String {
    format!("{} {name:?}", kind.name())
}

pub(super) fn keepers(owner: &Owner, objects: &[Object]) -> BTreeSet<String> {
    objects.iter().filter_map(|object| keeper(owner, object.kind, &object.name)).collect()
}

/// Flags all rows of these fields. If it is cut off, the next installation does it again.
pub(super) async fn renew(
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    model: &Model,
    owner: &Owner,
    renewals: &[Renewal],
    changes: &mut Changes,
) -> Result<(), Error> {
    let fields: Vec<usize> = renewals.iter().map(|renewal| renewal.field).collect();
    let rows = flag_all(db, backend, model, owner, &fields).await?;
    for Renewal { field, reason, id } in renewals {
        backend.end_renewal(db, owner, *field, *id).await?;
        let table = owner.table.name.clone();
        let version = owner.fields[*field].version;
        let field = owner.fields[*field].name;
        let change = match reason {
            Reason::Calculation => Change::Outdated { table, field, version, rows },
            Reason::Unwatched => Change::Flagged { table, field, rows },
        };
        changes.0.extend((rows > 0).then_some(change));
    }
    Ok(())
}

fn renewal(renewals: &[Renewal], field: usize) -> Option<i64> {
    renewals.iter().find(|renewal| renewal.field == field).map(|renewal| renewal.id)
}

fn read(lines: &str) -> BTreeSet<String> {
    lines.lines().map(str::to_owned).collect()
}

fn written<'a>(lines: impl IntoIterator<Item = &'a String>) -> String {
    lines.into_iter().map(String::as_str).collect::<Vec<_>>().join("\n")
}
