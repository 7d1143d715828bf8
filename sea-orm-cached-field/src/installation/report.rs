use std::{fmt, time::Duration};

use super::summary::Done;
use crate::{
    catalog::{Object, ObjectKind},
    error::{counted, seconds},
    layout::{Owner, Table},
};

/// A change that [`install`](crate::CachedFields::install), [`repair`](crate::CachedFields::repair)
/// or [`uninstall`](crate::CachedFields::uninstall) made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "change", rename_all = "snake_case"))]
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
    /// the writes meanwhile went unseen. Or the field is another roll-up than before.
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
/// in their order.
///
/// Displayed, they are counted, and each table is a line. With `{:#}` each change is a line.
///
/// ```text
/// lamppost: 3 columns added; 6 tables, 1 index, 9 triggers created; 120 rows queued for name
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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

    /// Logs a line for each table, at level `INFO`, and each change at level `DEBUG`. `took` is the
    /// duration of all of it.
    pub(super) fn log(&self, took: Duration) {
        let seconds = seconds(took);
        for summary in self.summaries() {
            tracing::info!(
                table = summary.table,
                columns_added = summary.number(Done::Added),
                objects_created = summary.number(Done::Created),
                objects_replaced = summary.number(Done::Replaced),
                objects_dropped = summary.number(Done::Dropped),
                rows_flagged = summary.number(Done::Flagged),
                rows_queued = summary.number(Done::Queued),
                seconds,
                "{summary}"
            );
        }
        for change in self.iter() {
            tracing::debug!(table = change.table(), "{change}");
        }
    }

    /// Returns the changes, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Change> {
        self.0.iter()
    }
}

impl Change {
    /// An object that is created, or that replaces the one of its name.
    pub(super) fn of_object(owner: &Owner, object: Object, replaces: bool) -> Self {
        let table = owner.table.name.clone();
        let kind = object.kind.name();
        let name = object.name;
        match replaces {
            true => Self::Replaced { table, kind, name },
            false => Self::Created { table, kind, name },
        }
    }

    /// An object that is dropped, of the owner with this table.
    pub(super) fn dropped(table: &Table, kind: ObjectKind, name: String) -> Self {
        Self::Dropped { table: table.name.clone(), kind: kind.name(), name }
    }

    /// Returns the table: the owner's, except for [`Change::Abandoned`].
    pub fn table(&self) -> &str {
        match self {
            Self::Created { table, .. }
            | Self::Replaced { table, .. }
            | Self::Upgraded { table, .. }
            | Self::Dropped { table, .. }
            | Self::Abandoned { table }
            | Self::Granted { table, .. }
            | Self::Queued { table, .. }
            | Self::Enabled { table, .. }
            | Self::Flagged { table, .. }
            | Self::Retried { table, .. }
            | Self::Outdated { table, .. } => table,
        }
    }
}

/// Returns why a table was left alone, and what to do.
pub(super) fn left_alone(table: &str) -> String {
    format!(
        "left alone, though this program declares no cached fields of it; if no other version of \
         it does, run `CachedFields::remove_abandoned({table:?}, &db)`"
    )
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { table, kind, name } => write!(f, "{table}: created {kind} {name}"),
            Self::Replaced { table, kind, name } => write!(f, "{table}: replaced {kind} {name}"),
            Self::Upgraded { table, name } => write!(f, "{table}: upgraded table {name}"),
            Self::Dropped { table, kind, name } => write!(f, "{table}: dropped {kind} {name}"),
            Self::Abandoned { table } => write!(f, "{table}: {}", left_alone(table)),
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
            f.write_str("nothing to do\n")
        } else if f.alternate() {
            self.iter().try_for_each(|change| writeln!(f, "{change}"))
        } else {
            self.summaries().iter().try_for_each(|summary| writeln!(f, "{summary}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn created(kind: &'static str, name: &str) -> Change {
        Change::Created { table: "lamppost".to_owned(), kind, name: name.to_owned() }
    }

    fn flagged(field: &'static str, rows: u64) -> Change {
        Change::Flagged { table: "lamppost".to_owned(), field, rows }
    }

    fn first_installation() -> Changes {
        let table = "measure".to_owned();
        Changes(vec![
            created("column", "cached_name"),
            created("table", "_lamppost_cached_marks"),
            created("index", "_lamppost_cached_marks_key"),
            created("index", "_lamppost_cached_marks_via"),
            created("trigger", "zz_ai"),
            Change::Outdated { table, field: "length", version: 2, rows: 7 },
            created("trigger", "zz_au"),
            Change::Queued { table: "lamppost".to_owned(), field: "name", rows: 120 },
        ])
    }

    #[test]
    fn each_table_is_a_line_of_counts() {
        assert_eq!(
            first_installation().to_string(),
            "lamppost: 1 column added; 1 table, 2 indexes, 2 triggers created; \
             120 rows queued for name\n\
             measure: 7 rows flagged for length (version 2)\n"
        );
    }

    #[test]
    fn with_the_alternate_flag_each_change_is_a_line() {
        assert_eq!(
            format!("{:#}", first_installation()),
            "lamppost: created column cached_name\n\
             lamppost: created table _lamppost_cached_marks\n\
             lamppost: created index _lamppost_cached_marks_key\n\
             lamppost: created index _lamppost_cached_marks_via\n\
             lamppost: created trigger zz_ai\n\
             measure: flagged 7 rows for length, whose calculation has version 2\n\
             lamppost: created trigger zz_au\n\
             lamppost: queued 120 rows for name\n"
        );
    }

    #[test]
    fn that_nothing_was_to_do_is_said_in_both_forms() {
        let nothing = Changes::default();
        assert_eq!(nothing.to_string(), "nothing to do\n");
        assert_eq!(format!("{nothing:#}"), "nothing to do\n");
    }

    #[test]
    fn what_uninstall_repair_and_upgrades_do_is_counted_too() {
        let table = || "lamppost".to_owned();
        let name = || "it".to_owned();
        let dropped = |kind| Change::Dropped { table: table(), kind, name: name() };
        let granted = |privilege: &str| {
            let privilege = privilege.to_owned();
            Change::Granted { table: table(), role: name(), privilege }
        };

        let changes = Changes(vec![
            Change::Enabled { table: table(), name: name() },
            Change::Upgraded { table: table(), name: name() },
            Change::Replaced { table: table(), kind: "function", name: name() },
            dropped("trigger"),
            dropped("trigger"),
            dropped("table"),
            granted("EXECUTE"),
            granted("USAGE"),
            Change::Retried { table: table(), rows: 3 },
        ]);
        assert_eq!(
            changes.to_string(),
            "lamppost: 1 trigger enabled; 1 table upgraded; 1 function replaced; \
             2 triggers, 1 table dropped; 2 rights granted; 3 failed rows retried\n"
        );
    }

    #[test]
    fn fields_of_the_same_rows_are_named_together_unless_they_are_many() {
        let few = ["name", "length", "width"].map(|field| flagged(field, 6));
        let other = flagged("height", 5);
        let changes = Changes(few.iter().cloned().chain([other]).collect());
        assert_eq!(
            changes.to_string(),
            "lamppost: 6 rows flagged for name, length, width; 5 rows flagged for height\n"
        );

        let many = ["a", "b", "c", "d"].map(|field| flagged(field, 6));
        assert_eq!(Changes(many.to_vec()).to_string(), "lamppost: 6 rows flagged for 4 fields\n");
    }

    #[test]
    fn what_is_left_alone_says_what_to_do_in_both_forms() {
        let changes = Changes(vec![Change::Abandoned { table: "kiosk".to_owned() }]);
        assert_eq!(changes.to_string(), format!("{changes:#}"));
        assert!(
            changes.to_string().ends_with("`CachedFields::remove_abandoned(\"kiosk\", &db)`\n")
        );
    }
}
