//! The shape of an owner (a table with cached fields) as the database sees it: plain data that SQL is rendered from.

use super::Flagging;

/// A table of the user, named as its entity names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Table {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

/// A column, with the cast that SeaORM writes its values through (for enums and `save_as`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) cast: Cast,
}

/// What stands before and after a value that is written to a column, such as `CAST(` and ` AS "mood")`. The databases
/// differ: SQLite has no enum types, and would make a number of the value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cast {
    pub(crate) postgres: (String, String),
    pub(crate) sqlite: (String, String),
}

/// A table with cached fields.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) table: Table,
    pub(crate) key: Vec<Column>,
    pub(crate) fields: Vec<Field>,
    pub(crate) sources: Vec<Source>,
}

/// A cached field of an owner.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) cached: Column,
    pub(crate) recalculation_needed: String,
    pub(crate) expires_after: Option<String>,
    pub(crate) flagging: Flagging,
    /// The columns of the row itself that the calculation reads or that lead to related rows, beside the key.
    pub(crate) own_columns: Vec<String>,
}

/// A relation whose far rows the owner's fields depend on.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The related table.
    pub(crate) table: Table,
    /// Pairs of the owner's column and the related table's column that equals it.
    pub(crate) link: Vec<Link>,
    /// The fields that depend on it, by index, each with the related columns that it reads.
    pub(crate) readers: Vec<Reader>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) owner: String,
    pub(crate) related: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) field: usize,
    pub(crate) columns: Vec<String>,
}

impl Owner {
    /// The names of all fields, for messages.
    pub(crate) fn field_names(&self) -> String {
        self.fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn field_index(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The sources whose rows do not hold the owner's key, so that the owners have to be looked up.
    pub(crate) fn looked_up(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| source.key_columns(self).is_none())
    }
}

impl Source {
    /// The related columns that hold the owner's key, in the key's order; `None` if the link is not the whole key.
    pub(crate) fn key_columns(&self, owner: &Owner) -> Option<Vec<&str>> {
        let related =
            |key: &Column| self.link.iter().find(|link| link.owner == key.name).map(|link| link.related.as_str());
        let columns: Option<Vec<&str>> = owner.key.iter().map(related).collect();
        columns.filter(|columns| columns.len() == self.link.len())
    }

    /// What tells this source from others of the same owner: the related table and the columns of the link.
    pub(crate) fn name(&self) -> String {
        let columns: Vec<&str> = self.link.iter().map(|link| link.related.as_str()).collect();
        let near: Vec<&str> = self.link.iter().map(|link| link.owner.as_str()).collect();
        format!("{}__{}__{}", self.table.name, columns.join("__"), near.join("__"))
    }
}
