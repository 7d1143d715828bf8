//! What statements take and give, as plain data.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::Value;

use super::sql::checksum;
use crate::field::{Key, layout::Table};

/// A leased row of the queue: one field of one row that is to be calculated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Claim {
    pub(crate) key: Key,
    pub(crate) field: usize,
    /// Changes with each newly collected mark; a completion holds only for the generation that it
    /// was claimed with.
    pub(crate) generation: i64,
    /// How often it was claimed since it was last marked, this time included.
    pub(crate) attempts: i32,
    /// How often in a row it was marked again while it was calculated.
    pub(crate) waves: i32,
    /// When it was claimed, by the database's clock in milliseconds since 1970: an expiry after
    /// that is not served by it.
    pub(crate) claimed_at: i64,
    /// Whether the lease belongs to another, which this reader shares: the first to complete ends
    /// it for both.
    pub(crate) shared: bool,
}

/// Which marks are collected.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which<'a> {
    /// Those of these rows.
    Of(&'a [Key]),
    /// So many of the oldest, and all others of the same rows.
    Oldest(u64),
}

/// What is written to a row.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) key: Key,
    pub(crate) claimed_at: i64,
    /// One a field of the shape.
    pub(crate) values: Vec<Value>,
}

/// A mark of an owner's row.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) key: Key,
    /// By its name: it may be one that only another version of the program knows.
    pub(crate) field: String,
    /// In milliseconds since 1970.
    pub(crate) marked_at: i64,
}

/// When a worker tries again what has failed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NextTry {
    /// In so many milliseconds.
    In(i64),
    /// When it is marked again.
    Never,
    /// When it would have without this failure; but in so many milliseconds if no worker has tried
    /// yet.
    AsItWas(i64),
}

impl NextTry {
    /// Whether the attempt that has failed counts. That of a reader does not.
    pub(crate) fn counts(self) -> bool {
        !matches!(self, Self::AsItWas(_))
    }
}

/// Something to be queued.
#[derive(Clone, Debug)]
pub(crate) struct Enqueued {
    pub(crate) key: Key,
    pub(crate) field: usize,
    pub(crate) generation: i64,
    /// Whether the one who queues it wants to calculate it.
    pub(crate) lease: bool,
}

/// What is written to a row: some of its fields, each with or without the flag's end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Shape(pub(crate) Vec<ShapedField>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ShapedField {
    pub(crate) field: usize,
    /// Whether the value is right, so that the flag ends; otherwise it is only newer than what
    /// stood there.
    pub(crate) done: bool,
}

/// A table as the database has it.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    /// With its real schema.
    pub(crate) table: Table,
    /// The role that owns it, where tables have owners.
    pub(crate) owned_by: Option<String>,
    /// Type by name.
    pub(crate) columns: BTreeMap<String, String>,
    /// Whether its columns take only values of their type, and only types that SQLite names itself.
    pub(crate) strict: bool,
    /// The collation by name, quoted, of columns whose own may call different texts equal, where
    /// the type does not name it.
    pub(crate) collations: BTreeMap<String, String>,
    /// The operator of equality by name, of columns whose type brings one of its own.
    pub(crate) operators: BTreeMap<String, String>,
    /// The columns that may be NULL.
    pub(crate) nullable: BTreeSet<String>,
    /// The columns that the database computes from others of the row.
    pub(crate) generated: BTreeSet<String>,
    /// Of those, the columns that triggers read as NULL, each with the columns that it is computed
    /// from.
    pub(crate) unreadable: BTreeMap<String, Vec<String>>,
    /// Whether rows come to it, or leave it, by statements on another table: it has partitions, is
    /// one, or inherits. Only triggers for each row see those.
    pub(crate) by_row: bool,
    /// The partitions that hold its rows.
    pub(crate) partitions: Vec<Table>,
    pub(crate) primary_key: Vec<String>,
    /// The ways on which a statement on another table changes its rows without a trigger that sees
    /// it: each the foreign keys, from that of this table on.
    pub(crate) cascades: Vec<Vec<Cascade>>,
    /// The columns of each unique index, beside the primary key.
    pub(crate) unique: Vec<Vec<UniqueColumn>>,
}

/// A column of a unique index, which may compare it by another collation than the column has.
#[derive(Clone, Debug)]
pub(crate) struct UniqueColumn {
    pub(crate) name: String,
    pub(crate) collation: String,
}

/// A unique index of an owner that has a cached column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UniqueIndex {
    pub(crate) columns: Vec<IndexedColumn>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexedColumn {
    pub(crate) name: String,
    /// By which the index compares it, where that need not be the column's own.
    pub(crate) collation: Option<String>,
    pub(crate) nullable: bool,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cascade {
    pub(crate) name: String,
    pub(crate) table: Table,
    pub(crate) columns: Vec<String>,
    /// What it refers to.
    pub(crate) parent: Table,
    pub(crate) parent_columns: Vec<String>,
    pub(crate) on_delete: Action,
    pub(crate) on_update: Action,
}

/// What becomes of rows when those that they refer to are deleted or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Nothing,
    Cascade,
    SetNull,
}

impl Action {
    pub(crate) fn parse(name: &str) -> Self {
        match name {
            "CASCADE" => Self::Cascade,
            "SET NULL" | "SET DEFAULT" => Self::SetNull,
            _ => Self::Nothing,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ObjectKind {
    Table,
    Index,
    Function,
    Trigger,
}

impl ObjectKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Index => "index",
            Self::Function => "function",
            Self::Trigger => "trigger",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Table, Self::Index, Self::Function, Self::Trigger]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// What is written down of a field: what its values were calculated by, and what has been watched
/// since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) field: String,
    /// The version of the calculation; 0 is none.
    pub(crate) calculation: i64,
    /// What is watched for it, one a line; none if that was never written down.
    pub(crate) inputs: Option<String>,
    /// By which tables, functions and triggers of ours, one a line; none as before.
    pub(crate) kept_by: Option<String>,
    /// Until all rows are flagged: which installation is about to do that.
    pub(crate) renewal: Option<i64>,
    /// The crate of the model that declares the field, as of the last installation; none if that
    /// was never written down.
    pub(crate) declared_by: Option<String>,
}

/// Something that stands in the database for an owner.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) kind: ObjectKind,
    pub(crate) name: String,
    /// The table that a trigger stands on.
    pub(crate) parent: Option<String>,
    /// What makes it, also if another version of it stands there.
    pub(crate) create: Vec<String>,
    /// What the database keeps with it, to tell whether it is this one.
    pub(crate) tag: String,
}

impl Object {
    /// The number of the schema of our tables. A newer one only adds to an older one what has a
    /// default, so that programs with an older release of this library can work with it.
    pub(crate) const SCHEMA: u32 = 3;

    /// What each tag begins with; the name of the owner follows, then the fingerprint.
    pub(crate) const TAG: &str = "sea-orm-cached-field ";

    /// The name of the owner in a tag, as it is written there.
    pub(crate) fn owner(tag: &str) -> Option<&str> {
        tag.strip_prefix(Self::TAG)?.rsplit_once(' ').map(|(owner, _)| owner)
    }

    /// What the tag of an object ends with, after whose it is. That of a table has its schema with
    /// it.
    pub(crate) fn fingerprint(kind: ObjectKind, made_from: &str) -> String {
        match kind {
            ObjectKind::Table => format!("{}.{}", Self::SCHEMA, checksum(made_from)),
            _ => checksum(made_from),
        }
    }

    /// The number of the schema of the table that has this tag; the first had none.
    pub(crate) fn schema(tag: &str) -> u32 {
        let fingerprint = tag.rsplit(' ').next().unwrap_or_default();
        fingerprint.split_once('.').and_then(|(schema, _)| schema.parse().ok()).unwrap_or(1)
    }
}
