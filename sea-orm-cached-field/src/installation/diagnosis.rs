use std::fmt;

use crate::error::counted;

/// Something that [`doctor`](crate::CachedFields::doctor) has found wrong. Displayed, it says what
/// to run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The tables cannot carry the fields as they are declared: a table or a column is missing or
    /// was renamed, or whatever else `install` would refuse.
    Unusable {
        /// The owner's table.
        table: String,
        /// What `install` would say.
        reason: String,
    },
    /// Nothing of the library stands beside the table: it was never installed, or restored without.
    NotInstalled {
        /// The owner's table.
        table: String,
    },
    /// Something of the library is missing: it was dropped, or the table was built anew without
    /// its triggers, or an older version of the program has installed.
    Missing {
        /// The owner's table.
        table: String,
        /// The kind of object: `table`, `index`, `function`, `trigger` or `column`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// Something of the library is of another version of the program, or of this library.
    Differs {
        /// The owner's table.
        table: String,
        /// The kind of object.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The field's values are of another version of its calculation, or of a time in which not all
    /// was watched that it depends on; `install` flags all rows.
    Outdated {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
    },
    /// Something of the library that this program does not need: of a newer version of it, perhaps,
    /// which `install` would take it away from.
    Superfluous {
        /// The owner's table.
        table: String,
        /// The kind of object.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// What was installed for a table serves no program any more: the table is gone or has another
    /// name, or has lost columns of its cached fields. Writes to it and to related tables may fail.
    Dead {
        /// The table, as it was called.
        table: String,
        /// How many triggers, functions, indexes and tables there are.
        objects: usize,
    },
    /// What was installed for a table serves nothing that this program declares. Another version of
    /// the program may need it.
    Abandoned {
        /// The table.
        table: String,
        /// How many triggers, functions, indexes and tables there are.
        objects: usize,
    },
    /// A partition has no trigger of the library for its TRUNCATE: it is newer than the last
    /// `install`. All else in it is seen.
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
        /// What enables it.
        remedy: String,
    },
    /// A trigger runs as an account that is gone, as after `DROP USER` or on another server: all
    /// writes fail that call the trigger. On MySQL and MariaDB.
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
        /// Which: `this session`, or a role or database that is set to it.
        sessions: String,
    },
    /// A role may take rows out of our tables, as only a worker does, and lacks something else that
    /// a worker needs.
    MissingRight {
        /// The owner's table.
        table: String,
        /// The role.
        role: String,
        /// What it lacks.
        privilege: String,
        /// What grants it.
        remedy: String,
    },
    /// Rows are flagged, and no worker will see them.
    Unqueued {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// How many.
        rows: u64,
    },
    /// Rows wait for a field that this program does not know.
    UnknownField {
        /// The owner's table.
        table: String,
        /// The name of the field.
        field: String,
        /// How many.
        rows: u64,
    },
    /// The calculation of these rows fails, and a worker tries it again later.
    Failing {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: String,
        /// How many.
        rows: u64,
        /// The error of one of them.
        error: String,
    },
    /// A change, a row that is due, or an expiry has waited for more than a minute, and has not
    /// been claimed.
    Waiting {
        /// The owner's table.
        table: String,
        /// How long the oldest has waited, in seconds.
        seconds: u64,
        /// Whether something of the table is claimed: then workers run, but are behind. If not,
        /// none runs for this table, or it cannot work.
        claimed: bool,
    },
    /// The calculation of these rows has failed for good.
    Failed {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: String,
        /// How many.
        rows: u64,
        /// The error of one of them.
        error: String,
    },
}

impl Finding {
    /// Whether writes may have gone unseen.
    pub(super) fn hides_writes(&self) -> bool {
        match self {
            Self::NotInstalled { .. } | Self::Disabled { .. } => true,
            Self::Missing { kind, .. } | Self::Differs { kind, .. } => {
                matches!(*kind, "trigger" | "function")
            }
            _ => false,
        }
    }

    /// The owner's table, if it is about one.
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
                 version of it does, run `CachedFields::remove_abandoned(&db, {table:?})`",
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
                "{table}: {field} of {} fails and is tried again later ({error}); mend the cause, \
                 then {REPAIR}, which tries again at once",
                counted(*rows, "row"),
            ),
            Self::Waiting { table, seconds, claimed: false } => write!(
                f,
                "{table}: a change has waited for {seconds} s and is not claimed: no worker runs \
                 for this table, or it cannot work; run `CachedFields::all().worker(&db)`, or \
                 see what its log says"
            ),
            Self::Waiting { table, seconds, claimed: true } => write!(
                f,
                "{table}: a change has waited for {seconds} s: the workers are behind; run more \
                 of them, or raise their `concurrency`"
            ),
            Self::Failed { table, field, rows, error } => write!(
                f,
                "{table}: {field} of {} has failed for good ({error}); mend the cause, then \
                 {REPAIR}, which tries again",
                counted(*rows, "row"),
            ),
        }
    }
}

/// `3 objects were installed`
fn installed(objects: usize) -> String {
    let were = if objects == 1 { "was" } else { "were" };
    format!("{} {were} installed", counted(objects as u64, "object"))
}

/// All that [`doctor`](crate::CachedFields::doctor) has found wrong. Displayed, it is a line a
/// finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnosis(pub(super) Vec<Finding>);

impl Diagnosis {
    /// Whether nothing is wrong.
    pub fn is_healthy(&self) -> bool {
        self.0.is_empty()
    }

    /// The findings, model by model.
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
