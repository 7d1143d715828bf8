//! Tables and the library's objects, as they are in the database: plain data.

use std::collections::{BTreeMap, BTreeSet};

use crate::layout::{Owner, Table};

/// A table as it is in the database.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    /// Its name, with its real schema.
    pub(crate) table: Table,
    /// The role that owns it, where tables have owners.
    pub(crate) owned_by: Option<String>,
    /// The type of each column, by its name.
    pub(crate) columns: BTreeMap<String, String>,
    /// Whether it is a `STRICT` table of SQLite: its columns take only values of their type, and
    /// have only types that SQLite names itself.
    pub(crate) strict: bool,
    /// The collation by name, quoted, of columns whose own may call different texts equal, where
    /// the type does not name it.
    pub(crate) collations: BTreeMap<String, String>,
    /// The operator of equality by name, of columns whose type has one of its own.
    pub(crate) operators: BTreeMap<String, String>,
    /// The columns that may be NULL.
    pub(crate) nullable: BTreeSet<String>,
    /// The columns that the database computes from other columns of the row.
    pub(crate) generated: BTreeSet<String>,
    /// Those of the generated columns that triggers read as NULL, each with the columns that it is
    /// computed from.
    pub(crate) unreadable: BTreeMap<String, Vec<String>>,
    /// Whether statements on another table can add rows to it or take rows away: it has partitions,
    /// is one, or inherits. Only row-level triggers see those.
    pub(crate) by_row: bool,
    /// The partitions that hold its rows.
    pub(crate) partitions: Vec<Table>,
    pub(crate) primary_key: Vec<String>,
    /// The paths over which a statement on another table changes its rows without a trigger that
    /// sees it. Each is a list of foreign keys, the one of this table first.
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
    /// The collation by which the index compares it, where that need not be the column's own.
    pub(crate) collation: Option<String>,
    pub(crate) nullable: bool,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cascade {
    pub(crate) name: String,
    pub(crate) table: Table,
    pub(crate) columns: Vec<String>,
    /// The table that it refers to.
    pub(crate) parent: Table,
    pub(crate) parent_columns: Vec<String>,
    pub(crate) on_delete: Action,
    pub(crate) on_update: Action,
}

/// The action on rows when those that they refer to are deleted or changed.
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

/// The record of a field: the calculation of its values, and what has been watched since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) field: String,
    /// The version of the calculation; 0 is none.
    pub(crate) calculation: i64,
    /// The inputs that are watched for it, one a line; none if they were never recorded.
    pub(crate) inputs: Option<String>,
    /// The tables, functions and triggers of the library that watch them, one a line; none as
    /// above.
    pub(crate) kept_by: Option<String>,
    /// The installation that is about to flag all rows, until it has.
    pub(crate) renewal: Option<i64>,
    /// The crate of the model that declares the field, as of the last installation; none if it was
    /// never recorded.
    pub(crate) declared_by: Option<String>,
}

/// Something in the database that belongs to an owner.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) kind: ObjectKind,
    pub(crate) name: String,
    /// The table that a trigger stands on.
    pub(crate) parent: Option<String>,
    /// The statements that create it, even if another version of it exists.
    pub(crate) create: Vec<String>,
    /// The text that the database keeps with it, to tell this version from others.
    pub(crate) tag: String,
}

impl Object {
    /// The number of the schema of the library's tables. A newer schema only adds columns with a
    /// default. So programs with an older release of this library can work with it.
    pub(crate) const SCHEMA: u32 = 4;

    /// The beginning of each tag. The name of the owner follows, then the fingerprint.
    pub(crate) const TAG: &str = "sea-orm-cached-field ";

    /// Returns the name of the owner in a tag, as it is written there.
    pub(crate) fn owner(tag: &str) -> Option<&str> {
        tag.strip_prefix(Self::TAG)?.rsplit_once(' ').map(|(owner, _)| owner)
    }

    /// Returns the end of an object's tag, which follows the owner. For a table it begins with the
    /// number of the schema.
    pub(crate) fn fingerprint(kind: ObjectKind, made_from: &str) -> String {
        match kind {
            ObjectKind::Table => format!("{}.{}", Self::SCHEMA, checksum(made_from)),
            _ => checksum(made_from),
        }
    }

    /// Returns the number of the schema of the table that has this tag. The first schema had none.
    pub(crate) fn schema(tag: &str) -> u32 {
        let fingerprint = tag.rsplit(' ').next().unwrap_or_default();
        fingerprint.split_once('.').and_then(|(schema, _)| schema.parse().ok()).unwrap_or(1)
    }
}

/// Something that has the name of a table.
pub(crate) struct Found {
    /// The kind: `table`, or another one.
    pub(crate) kind: String,
    pub(crate) described: Described,
}

/// An object that was installed for an owner, or that stands in the place of one.
pub(crate) struct Standing {
    pub(crate) kind: ObjectKind,
    pub(crate) name: String,
    /// The place of a trigger, as [`Backend::drop_object`](crate::backend::Backend::drop_object)
    /// needs it.
    pub(crate) parent: Option<String>,
    /// Empty if it is not the library's.
    pub(crate) tag: String,
    /// The name of the table that a trigger or an index stands on, where that is known.
    pub(crate) on: Option<String>,
}

/// An object with a tag.
pub(crate) struct Tagged {
    pub(crate) kind: ObjectKind,
    pub(crate) name: String,
    pub(crate) tag: String,
    /// The table that a trigger or an index stands on; of other objects only the schema is known.
    pub(crate) on: Table,
    /// Whether the database's user may drop it.
    pub(crate) is_droppable: bool,
    pub(crate) parent: Option<String>,
}

/// Something that a role lacks, though it works on the library's tables.
pub(crate) struct MissingRight {
    pub(crate) role: String,
    pub(crate) privilege: String,
    /// The statement that grants it.
    pub(crate) remedy: String,
    /// Whether it is a right on an object of the library, which `install` may grant.
    pub(crate) can_be_granted: bool,
}

impl Standing {
    /// Returns whether a trigger or an index is known to be on another table than these.
    pub(crate) fn is_on_none_of(&self, tables: &[String]) -> bool {
        let is_on = |on: &String| tables.iter().any(|table| table.eq_ignore_ascii_case(on));
        self.on.as_ref().is_some_and(|on| !is_on(on))
    }
}

/// The known unique indexes of an owner.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct UniqueIndexes {
    /// The indexes that have a cached column, and only whole columns.
    pub(crate) indexes: Vec<UniqueIndex>,
    /// Whether there are others, beside the primary key. An index over an expression may read a
    /// cached column, too.
    pub(crate) others: bool,
}

impl UniqueIndexes {
    /// Returns whether a value of this field may collide with that of another row.
    pub(crate) fn has(&self, owner: &Owner, field: usize) -> bool {
        self.indexes
            .iter()
            .any(|index| indexed_fields(owner, index).any(|(indexed, _)| indexed == field))
    }
}

/// Returns the fields whose cached columns are in the index, and whether those may be NULL.
pub(crate) fn indexed_fields<'i>(
    owner: &'i Owner,
    index: &'i UniqueIndex,
) -> impl Iterator<Item = (usize, bool)> {
    index.columns.iter().filter_map(move |column| {
        let field = owner.fields.iter().position(|field| field.cached.name == column.name)?;
        Some((field, column.nullable))
    })
}

/// Returns the FNV-1a checksum (Fowler, Noll and Vo) in 32 bits. It is the same in every build, as
/// the names of stored objects must be.
pub(crate) fn checksum(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}
