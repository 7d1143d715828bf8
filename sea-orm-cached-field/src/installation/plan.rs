//! Plan: what an installation would change, and by which statements. Nothing is changed.

use std::{fmt, sync::Arc};

use sea_orm::DatabaseExecutor;

use super::{
    Change, Changes,
    abandoned::abandoned,
    inspect::{Inspected, inspect},
    install::{Comparison, Installed, compare, statements},
    versions::Versions,
};
use crate::{
    InstallError,
    backend::{
        Backend,
        sql::{marks, recalculations, versions as versions_table},
    },
    catalog::MissingRight,
    layout::Owner,
    registry::{Model, check_cycles},
};

/// What [`install`](crate::CachedFields::install) would do now.
/// [`CachedFields::plan`](crate::CachedFields::plan) returns it.
///
/// Displayed, each change is a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Plan {
    /// The objects that would be created, replaced, upgraded or dropped, in this order.
    pub changes: Changes,
    /// The fields for which all rows would be flagged, each as its table and its name.
    pub flagged: Vec<(String, &'static str)>,
    /// The statements that would change the schema, in this order, without a semicolon at the end.
    /// Flags, and the library's own records, are not among them.
    pub statements: Vec<String>,
    /// What has to end each statement where a client would take a semicolon within it for its end.
    #[cfg_attr(feature = "serde", serde(skip))]
    delimiter: Option<&'static str>,
}

impl Plan {
    /// Returns the statements as a script for the database's own client: `psql`, `sqlite3`, or
    /// `mysql`, which is told not to end the statement of a trigger at a semicolon within it.
    pub fn script(&self) -> String {
        let begin = match self.delimiter {
            Some(delimiter) if !self.statements.is_empty() => format!("DELIMITER {delimiter}\n\n"),
            _ => String::new(),
        };
        let end = self.delimiter.unwrap_or(";");
        let statements = self.statements.iter().map(|statement| format!("{statement}{end}\n\n"));
        begin + &statements.collect::<String>()
    }

    /// Returns whether nothing would be changed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.flagged.is_empty()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "nothing to do");
        }
        if !self.changes.is_empty() {
            write!(f, "{:#}", self.changes)?;
        }
        self.flagged
            .iter()
            .try_for_each(|(table, field)| writeln!(f, "{table}: flagged all rows for {field}"))
    }
}

/// Compares the database with what is needed.
pub(crate) async fn plan(
    db: &DatabaseExecutor<'_>,
    models: &[Arc<Model>],
) -> Result<Plan, InstallError> {
    check_cycles(models)?;
    let backend = Backend::of(db)?;
    let mut plan = Plan { delimiter: backend.delimiter(), ..Plan::default() };

    let dead = abandoned(db, backend, models).await?.into_iter().filter(|found| found.is_dead);
    for abandoned in dead {
        for object in abandoned.objects.into_iter().rev() {
            let beside = &object.on;
            let parent = object.parent.as_deref();
            plan.statements.push(backend.drop_object(beside, object.kind, &object.name, parent));
            plan.changes.0.push(Change::dropped(&abandoned.owner, object.kind, object.name));
        }
    }

    for model in models {
        let inspected = inspect(backend, db, model, models).await?;
        add_columns(&mut plan, backend, model, &inspected);
        add_objects(&mut plan, db, backend, model, &inspected).await?;
    }
    Ok(plan)
}

fn add_columns(plan: &mut Plan, backend: Backend, model: &Model, inspected: &Inspected) {
    for field in &inspected.without_columns {
        for column in model.columns(backend.kind(), *field) {
            let mut definition = column.definition.clone();
            backend.fit_column(&inspected.table, &mut definition);
            let add = backend.kind().build(&column.add(definition));
            plan.statements.push(add.sql);
            let table = inspected.owner.table.name.clone();
            plan.changes.0.push(Change::Created { table, kind: "column", name: column.name });
        }
    }
}

async fn add_objects(
    plan: &mut Plan,
    db: &DatabaseExecutor<'_>,
    backend: Backend,
    model: &Model,
    inspected: &Inspected,
) -> Result<(), InstallError> {
    let owner = &inspected.owner;
    let comparison = compare(db, backend, inspected).await?;
    let versions = if comparison.has(&versions_table(owner)) && comparison.outdated.is_empty() {
        Versions::read(db, backend, owner).await?
    } else if comparison.has(&marks(owner)) {
        Versions::default()
    } else {
        Versions::none()
    };

    let mut flagged: Vec<usize> = if comparison.outdated.is_empty() {
        versions.outdated(model, owner, &comparison.standing).collect()
    } else {
        Vec::new()
    };
    if comparison.outdated.is_empty() && inspected.without_columns.is_empty() {
        let has_queue = comparison.has(&recalculations(owner));
        let unknown = versions.unknown(db, backend, owner, has_queue).await?;
        flagged.extend(unknown);
        flagged.sort_unstable();
        flagged.dedup();
    }
    let table = owner.table.name.clone();
    plan.flagged.extend(flagged.into_iter().map(|field| (table.clone(), owner.fields[field].name)));

    let has_marks = comparison.has(&marks(owner));
    let Comparison { wanted, outdated, superfluous, misplaced, .. } = comparison;
    for (object, from) in outdated {
        plan.statements.extend(backend.upgrade_steps(owner, &inspected.table, &object, from));
        plan.changes.0.push(Change::Upgraded { table: table.clone(), name: object.name });
    }
    add_drops(plan, backend, owner, misplaced);
    for (object, replaces) in wanted {
        plan.statements.extend(statements(backend, owner, &object, replaces));
        plan.changes.0.push(Change::of_object(owner, object, replaces));
    }
    add_drops(plan, backend, owner, superfluous);
    if has_marks {
        for right in backend.missing_rights(db, owner).await? {
            let MissingRight { role, privilege, remedy, can_be_granted } = right;
            if can_be_granted {
                plan.statements.push(remedy);
                plan.changes.0.push(Change::Granted { table: table.clone(), role, privilege });
            }
        }
    }
    Ok(())
}

fn add_drops(plan: &mut Plan, backend: Backend, owner: &Owner, objects: Installed) {
    for ((kind, name, parent), _) in objects.into_iter().rev() {
        let drop = backend.drop_object(&owner.table, kind, &name, parent.as_deref());
        plan.statements.push(drop);
        plan.changes.0.push(Change::dropped(&owner.table, kind, name));
    }
}
