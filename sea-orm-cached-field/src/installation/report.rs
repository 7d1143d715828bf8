use std::fmt;

use crate::{error::counted, layout::Owner};

/// A change that [`install`](crate::CachedFields::install), [`repair`](crate::CachedFields::repair)
/// or [`uninstall`](crate::CachedFields::uninstall) made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// An object was created. Its kind is `table`, `index`, `function`, `trigger` or `column`.
    Created {
        /// The owner's table.
        table: String,
        /// The kind of object.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// An object of the library was replaced, because it had changed.
    Replaced {
        /// The owner's table.
        table: String,
        /// The kind of object.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A table of the library was brought from the schema of an older release to that of this one.
    /// Its contents were kept.
    Upgraded {
        /// The owner's table.
        table: String,
        /// The name of the library's table.
        name: String,
    },
    /// An object of the library was dropped.
    Dropped {
        /// The owner's table.
        table: String,
        /// The kind of object.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The objects of a table serve nothing that this program declares. They are left alone,
    /// because another version of the program may need them.
    /// [`CachedFields::remove_abandoned`](crate::CachedFields::remove_abandoned) removes them.
    Abandoned {
        /// The table.
        table: String,
    },
    /// A worker's role got a right on an object of the library.
    Granted {
        /// The owner's table.
        table: String,
        /// The role.
        role: String,
        /// The right that it has now.
        privilege: String,
    },
    /// Rows that were already stale wait for a worker now.
    Queued {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The number of rows.
        rows: u64,
    },
    /// A trigger of the library that was disabled fires again.
    Enabled {
        /// The owner's table.
        table: String,
        /// The trigger's name.
        name: String,
    },
    /// All rows were flagged. Something that the field depends on was not watched for a while, and
    /// the writes meanwhile went unseen.
    Flagged {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The number of rows.
        rows: u64,
    },
    /// Calculations that had failed, for good or not, are retried.
    Retried {
        /// The owner's table.
        table: String,
        /// The number of fields of rows.
        rows: u64,
    },
    /// All rows were flagged, because the calculation has another version now.
    Outdated {
        /// The owner's table.
        table: String,
        /// The cached field.
        field: &'static str,
        /// The version; 0 is none.
        version: u32,
        /// The number of rows.
        rows: u64,
    },
}

/// The changes that [`install`](crate::CachedFields::install),
/// [`repair`](crate::CachedFields::repair) or [`uninstall`](crate::CachedFields::uninstall) made,
/// in their order. Displayed, each of them is a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(pub(super) Vec<Change>);

impl Changes {
    /// Returns whether nothing had to be changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether all rows were flagged for this field.
    pub(super) fn has_flagged(&self, owner: &Owner, field: usize) -> bool {
        let name = owner.fields[field].name;
        self.0.iter().any(|change| match change {
            Change::Flagged { table, field, .. } | Change::Outdated { table, field, .. } => {
                *table == owner.table.name && *field == name
            }
            _ => false,
        })
    }

    /// Returns the changes, in their order.
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
