use std::fmt;

use crate::error::counted;

/// A problem that [`doctor`](crate::CachedFields::doctor) has found. Displayed, it says what to
/// run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "finding", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Finding {
    /// The tables cannot carry the fields as they are declared. For instance, a table or a column
    /// is missing or was renamed. `install` would refuse it.
    Unusable {
        /// The owner's table.
        table: String,
        /// The error of `install`.
        reason: String,
    },
    /// No object of the library exists beside the table: it was never installed, or restored
    /// without them.
    NotInstalled {
        /// The owner's table.
        table: String,
    },
    /// An object of the library is missing. It was dropped, or the table was built anew without its
    /// triggers, or an older version of the program has installed.
    Missing {
        /// The owner's table.
        table: String,
        /// The kind of object: `table`, `index`, `function`, `trigger` or `column`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// An object of the library is of another version of the program, or of this library.
    Differs {
        /// The owner's table.
        table: String,
        /// The kind of object.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The field's values are of another version of its calculation, or one of its inputs was not
    /// watched for a while. `install` flags all rows.
    Outdated {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
    },
    /// An object of the library that this program does not need. It may be of a newer version of
    /// the program, which would lose it by `install`.
    Superfluous {
        /// The owner's table.
        table: String,
        /// The kind of object.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The objects that were installed for a table serve no program any more. The table is gone or
    /// was renamed, or has lost columns of its cached fields. Writes to it and to related tables
    /// may fail.
    Dead {
        /// The table, as it was called.
        table: String,
        /// The number of triggers, functions, indexes and tables.
        objects: usize,
    },
    /// The objects that were installed for a table serve nothing that this program declares.
    /// Another version of the program may need them.
    Abandoned {
        /// The table.
        table: String,
        /// The number of triggers, functions, indexes and tables.
        objects: usize,
    },
    /// A partition has no trigger of the library for its TRUNCATE, because it is newer than the
    /// last `install`. All other changes of it are seen.
    NewPartition {
        /// The owner's table.
        table: String,
        /// The partition, as SQL names it.
        partition: String,
    },
    /// A trigger of the library does not fire: it was disabled.
    Disabled {
        /// The owner's table.
        table: String,
        /// The trigger's name.
        name: String,
        /// The statement that enables it.
        remedy: String,
    },
    /// A trigger runs as an account that does not exist, as after `DROP USER` or on another server.
    /// All writes that call the trigger fail. This occurs on MySQL and MariaDB.
    Orphaned {
        /// The owner's table.
        table: String,
        /// The trigger's name.
        name: String,
        /// The account.
        account: String,
    },
    /// No trigger fires in such sessions: `session_replication_role` is `replica`.
    TriggersOff {
        /// The sessions: `this session`, or a role or database that is set to it.
        sessions: String,
    },
    /// A role may take rows out of the library's tables, as only a worker does, but lacks another
    /// right that a worker needs.
    MissingRight {
        /// The owner's table.
        table: String,
        /// The role.
        role: String,
        /// The right that it lacks.
        privilege: String,
        /// The statement that grants it.
        remedy: String,
    },
    /// Rows are flagged, and no worker will see them.
    Unqueued {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The number of rows.
        rows: u64,
    },
    /// Rows wait for a field that this program does not know.
    UnknownField {
        /// The owner's table.
        table: String,
        /// The name of the field.
        field: String,
        /// The number of rows.
        rows: u64,
    },
    /// The calculation of these rows fails, and a worker retries it later.
    Failing {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: String,
        /// The number of rows.
        rows: u64,
        /// The error of one of them, which may hold values of the row. `None` after
        /// [`Diagnosis::without_errors`].
        error: Option<String>,
    },
    /// A change, a row that is due, or an expiry has waited for more than a minute, and has not
    /// been claimed.
    Waiting {
        /// The owner's table.
        table: String,
        /// The time that the oldest of them has waited, in seconds.
        seconds: u64,
        /// Whether a row of the table is claimed. If one is, workers run, but are behind. If none
        /// is, no worker runs for this table, or it cannot work.
        claimed: bool,
    },
    /// The calculation of these rows has failed for good.
    Failed {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: String,
        /// The number of rows.
        rows: u64,
        /// The error of one of them, which may hold values of the row. `None` after
        /// [`Diagnosis::without_errors`].
        error: Option<String>,
    },
}

impl Finding {
    /// Returns whether writes may have gone unseen.
    pub(super) fn hides_writes(&self) -> bool {
        match self {
            Self::NotInstalled { .. } | Self::Disabled { .. } => true,
            Self::Missing { kind, .. } | Self::Differs { kind, .. } => {
                matches!(*kind, "trigger" | "function")
            }
            _ => false,
        }
    }

    /// Returns the owner's table, if the finding is about one.
    pub fn table(&self) -> Option<&str> {
        match self {
            Self::Unusable { table, .. }
            | Self::NotInstalled { table }
            | Self::Missing { table, .. }
            | Self::Differs { table, .. }
            | Self::Outdated { table, .. }
            | Self::Superfluous { table, .. }
            | Self::Dead { table, .. }
            | Self::Abandoned { table, .. }
            | Self::NewPartition { table, .. }
            | Self::Disabled { table, .. }
            | Self::Orphaned { table, .. }
            | Self::MissingRight { table, .. }
            | Self::Unqueued { table, .. }
            | Self::UnknownField { table, .. }
            | Self::Failing { table, .. }
            | Self::Waiting { table, .. }
            | Self::Failed { table, .. } => Some(table),
            Self::TriggersOff { .. } => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const REPAIR: &str = "run `CachedFields::all().repair(&db)`";
        match self {
            Self::Unusable { table, reason } => write!(f, "{table}: {reason}"),
            Self::NotInstalled { table } => write!(f, "{table}: nothing is installed; {REPAIR}"),
            Self::Missing { table, kind, name } => {
                write!(f, "{table}: {kind} {name} is missing; {REPAIR}")
            }
            Self::Differs { table, kind, name } => {
                write!(
                    f,
                    "{table}: {kind} {name} is of another version; {REPAIR} with the version that \
                     is to stay"
                )
            }
            Self::Outdated { table, field } => write!(
                f,
                "{table}: {field} may be outdated: it was calculated by another version, or while \
                 one of its inputs was not watched; {REPAIR}, which flags all rows"
            ),
            Self::Superfluous { table, kind, name } => write!(
                f,
                "{table}: {kind} {name} is no longer used by this program; if no \
                 newer version of the program is deployed, {REPAIR}"
            ),
            Self::Dead { table, objects } => write!(
                f,
                "{table}: {} for its cached fields, but there is no such table any more, or it \
                 has lost their columns; {REPAIR}, which removes them",
                installed(*objects),
            ),
            Self::Abandoned { table, objects } => write!(
                f,
                "{table}: {} for cached fields that this program does not declare; if no other \
                 version of it does, run `CachedFields::remove_abandoned({table:?}, &db)`",
                installed(*objects),
            ),
            Self::NewPartition { table, partition } => write!(
                f,
                "{table}: the partition {partition} is newer than the last installation, and its \
                 TRUNCATE goes unseen; run `CachedFields::all().install(&db)`"
            ),
            Self::Disabled { table, name, remedy } => {
                write!(
                    f,
                    "{table}: trigger {name} is disabled; {REPAIR}, which runs `{remedy}` and \
                     flags all rows"
                )
            }
            Self::Orphaned { table, name, account } => write!(
                f,
                "{table}: trigger {name} runs as the account `{account}`, which does not exist, \
                 so that writes fail; {REPAIR} as an account that stays"
            ),
            Self::MissingRight { table, role, privilege, remedy } => {
                write!(
                    f,
                    "{table}: a worker of the role {role} would lack {privilege}; run `{remedy}`"
                )
            }
            Self::TriggersOff { sessions } => write!(
                f,
                "no trigger fires in {sessions}: `session_replication_role` is `replica`; reset \
                 it, then flag the owners of all that was written so"
            ),
            Self::Unqueued { table, field, rows } => write!(
                f,
                "{table}: {} flagged for {field}, unseen by any worker; {REPAIR}",
                if *rows == 1 { "1 row is".to_owned() } else { format!("{rows} rows are") },
            ),
            Self::UnknownField { table, field, rows } => write!(
                f,
                "{table}: {} for {field}, which this program does not declare; a newer version of \
                 it will take them",
                if *rows == 1 { "1 row waits".to_owned() } else { format!("{rows} rows wait") },
            ),
            Self::Failing { table, field, rows, error } => write!(
                f,
                "{table}: {field} of {} fails and is tried again later{}; fix the cause, then \
                 {REPAIR}, which tries again at once",
                counted(*rows, "row"),
                in_brackets(error.as_deref()),
            ),
            Self::Waiting { table, seconds, claimed: false } => write!(
                f,
                "{table}: a change has waited for {seconds} s and is not claimed: no worker runs \
                 for this table, or it cannot work; run \
                 `CachedFields::all().worker(&db).run().await`, or see what its log says"
            ),
            Self::Waiting { table, seconds, claimed: true } => write!(
                f,
                "{table}: a change has waited for {seconds} s: the workers are behind; run more \
                 of them, or raise their `concurrency`"
            ),
            Self::Failed { table, field, rows, error } => write!(
                f,
                "{table}: {field} of {} has failed for good{}; fix the cause, then {REPAIR}, \
                 which tries again",
                counted(*rows, "row"),
                in_brackets(error.as_deref()),
            ),
        }
    }
}

/// Returns `3 objects were installed`.
fn installed(objects: usize) -> String {
    let were = if objects == 1 { "was" } else { "were" };
    format!("{} {were} installed", counted(objects as u64, "object"))
}

fn in_brackets(error: Option<&str>) -> String {
    error.map(|error| format!(" ({error})")).unwrap_or_default()
}

/// The problems that [`doctor`](crate::CachedFields::doctor) has found. Displayed, each of them is
/// a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Diagnosis(pub(super) Vec<Finding>);

impl Diagnosis {
    /// Returns whether nothing is wrong.
    pub fn is_healthy(&self) -> bool {
        self.0.is_empty()
    }

    /// Leaves out the texts of errors of calculations, which may hold values of rows.
    pub fn without_errors(mut self) -> Self {
        for finding in &mut self.0 {
            if let Finding::Failing { error, .. } | Finding::Failed { error, .. } = finding {
                *error = None;
            }
        }
        self
    }

    /// Returns the findings, model by model.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_healthy() {
            return f.write_str("nothing is wrong\n");
        }
        self.0.iter().try_for_each(|finding| writeln!(f, "{finding}"))
    }
}
