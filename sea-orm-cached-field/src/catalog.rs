//! Tables and the library's objects, as the database has them: plain data.

use std::collections::{BTreeMap, BTreeSet};

use crate::layout::{Owner, Table};

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
    /// By which tables, functions and triggers of the library, one a line; none as before.
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

/// Something that has the name of a table.
pub(crate) struct Found {
    /// `table`, or what else it is.
    pub(crate) kind: String,
    pub(crate) described: Described,
}

/// An object that was installed for an owner, or that stands in the place of one.
pub(crate) struct Standing {
    pub(crate) kind: ObjectKind,
    pub(crate) name: String,
    /// What [`Backend::drop_object`](crate::backend::Backend::drop_object) has to know of a
    /// trigger's place.
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
    /// A statement.
    pub(crate) remedy: String,
    /// Whether it is a right on something of the library, which `install` may grant.
    pub(crate) can_be_granted: bool,
}

impl Standing {
    /// Whether a trigger or an index is known to stand on another table than these.
    pub(crate) fn is_on_none_of(&self, tables: &[String]) -> bool {
        let is_on = |on: &String| tables.iter().any(|table| table.eq_ignore_ascii_case(on));
        self.on.as_ref().is_some_and(|on| !is_on(on))
    }
}

/// What is known of the unique indexes of an owner.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct UniqueIndexes {
    /// Those that have a cached column, and only whole columns.
    pub(crate) indexes: Vec<UniqueIndex>,
    /// Whether there are others, beside the primary key: one over an expression may read a cached
    /// column, too.
    pub(crate) others: bool,
}

impl UniqueIndexes {
    /// Whether a value of this field can be in a row's way.
    pub(crate) fn has(&self, owner: &Owner, field: usize) -> bool {
        self.indexes
            .iter()
            .any(|index| indexed_fields(owner, index).any(|(indexed, _)| indexed == field))
    }
}

/// The fields whose cached columns are in the index, and whether those may be NULL.
pub(crate) fn indexed_fields<'i>(
    owner: &'i Owner,
    index: &'i UniqueIndex,
) -> impl Iterator<Item = (usize, bool)> {
    index.columns.iter().filter_map(move |column| {
        let field = owner.fields.iter().position(|field| field.cached.name == column.name)?;
        Some((field, column.nullable))
    })
}

/// FNV-1a (Fowler, Noll and Vo), 32 bits: the same in every build, as the names of stored objects
/// must be.
pub(crate) fn checksum(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}
