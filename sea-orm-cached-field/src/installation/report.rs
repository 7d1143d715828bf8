use std::fmt;

use crate::{error::counted, layout::Owner};

/// Something that [`install`](crate::CachedFields::install),
/// [`repair`](crate::CachedFields::repair) or [`uninstall`](crate::CachedFields::uninstall) did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Something was made: its kind (`table`, `index`, `function`, `trigger` or `column`) and name.
    Created {
        /// The owner's table.
        table: String,
        /// The kind of object.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// Something of the library was made anew, for it had changed.
    Replaced {
        /// The owner's table.
        table: String,
        /// The kind of object.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A table of the library was brought from the schema of an older release of this library to
    /// that of this one, with what is in it.
    Upgraded {
        /// The owner's table.
        table: String,
        /// The name of our table.
        name: String,
    },
    /// Something of the library was dropped.
    Dropped {
        /// The owner's table.
        table: String,
        /// The kind of object.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// What stands there for a table serves nothing that this program declares. It is left alone:
    /// another version of the program may need it.
    /// [`CachedFields::remove_abandoned`](crate::CachedFields::remove_abandoned) removes it.
    Abandoned {
        /// The table.
        table: String,
    },
    /// A worker's role got a right on something of the library.
    Granted {
        /// The owner's table.
        table: String,
        /// The role.
        role: String,
        /// What it may do now.
        privilege: String,
    },
    /// Rows that were stale already wait for a worker now.
    Queued {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// How many.
        rows: u64,
    },
    /// A trigger of the library that was disabled fires again.
    Enabled {
        /// The owner's table.
        table: String,
        /// The trigger's name.
        name: String,
    },
    /// All rows were flagged: something that the field depends on was not watched for a while, and
    /// what was written meanwhile was seen by none.
    Flagged {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// How many.
        rows: u64,
    },
    /// Rows whose calculation had failed for good are calculated once more.
    Retried {
        /// The owner's table.
        table: String,
        /// How many fields of rows.
        rows: u64,
    },
    /// All rows were flagged, for the calculation has another version now.
    Outdated {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The version; 0 is none.
        version: u32,
        /// How many.
        rows: u64,
    },
}

/// What [`install`](crate::CachedFields::install), [`repair`](crate::CachedFields::repair) or
/// [`uninstall`](crate::CachedFields::uninstall) did, in its order. Displayed, it is a line a
/// change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(pub(super) Vec<Change>);

impl Changes {
    /// Whether everything stood as it should already.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all rows were flagged for this field.
    pub(super) fn has_flagged(&self, owner: &Owner, field: usize) -> bool {
        let name = owner.fields[field].name;
        self.0.iter().any(|change| match change {
            Change::Flagged { table, field, .. } | Change::Outdated { table, field, .. } => {
                *table == owner.table.name && *field == name
            }
            _ => false,
        })
    }

    /// The changes, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Change> {
        self.0.iter()
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { table, kind, name } => write!(f, "{table}: created {kind} {name}"),
            Self::Replaced { table, kind, name } => write!(f, "{table}: replaced {kind} {name}"),
            Self::Upgraded { table, name } => write!(f, "{table}: upgraded table {name}"),
            Self::Dropped { table, kind, name } => write!(f, "{table}: dropped {kind} {name}"),
            Self::Abandoned { table } => write!(
                f,
                "{table}: left alone, though this program declares no cached fields of it; if no \
                 other version of it does, run `CachedFields::remove_abandoned(&db, {table:?})`"
            ),
            Self::Outdated { table, field, version, rows } => {
                let rows = counted(*rows, "row");
                let version = Some(version).filter(|version| **version > 0);
                let version = version
                    .map_or("no version now".to_owned(), |version| format!("version {version}"));
                write!(f, "{table}: flagged {rows} for {field}, whose calculation has {version}")
            }
            Self::Granted { table, role, privilege } => {
                write!(f, "{table}: granted {privilege} to {role}")
            }
            Self::Enabled { table, name } => write!(f, "{table}: enabled trigger {name}"),
            Self::Flagged { table, field, rows } => {
                write!(f, "{table}: flagged {} for {field}", counted(*rows, "row"))
            }
            Self::Retried { table, rows } => {
                write!(f, "{table}: retried {} that had failed", counted(*rows, "row"))
            }
            Self::Queued { table, field, rows } => {
                write!(f, "{table}: queued {} for {field}", counted(*rows, "row"))
            }
        }
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing to do\n");
        }
        self.0.iter().try_for_each(|change| writeln!(f, "{change}"))
    }
}
