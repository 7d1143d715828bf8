use std::fmt;

use sea_orm::{
    DbErr, EntityTrait, Iterable, ModelTrait, PrimaryKeyToColumn, PrimaryKeyTrait, QueryResult,
    TryGetableMany, Value, sea_query::IntoValueTuple,
};

/// The primary key of a row: one value a key column, in the order of their declaration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(Vec<Value>);

impl Key {
    /// Returns a key of these values.
    pub fn new(values: impl IntoIterator<Item = Value>) -> Self {
        Self(values.into_iter().collect())
    }

    /// Returns the values, one a key column.
    pub fn values(&self) -> &[Value] {
        &self.0
    }

    pub(crate) fn of<E: EntityTrait>(model: &E::Model) -> Self {
        Self(E::PrimaryKey::iter().map(|column| model.get(column.into_column())).collect())
    }

    /// Reads the key from the columns `key_1`, `key_2`, ... of a result, whose names begin with
    /// `prefix`.
    pub(crate) fn read<E: EntityTrait>(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let columns: Vec<String> =
            (1..=E::PrimaryKey::iter().count()).map(|n| format!("key_{n}")).collect();
        let values =
            <E::PrimaryKey as PrimaryKeyTrait>::ValueType::try_get_many(row, prefix, &columns)?;
        Ok(Self(values.into_value_tuple().into_iter().collect()))
    }
}

/// The rows of a table whose keys come after one key, up to another, in the order of the database.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Chunk {
    /// The key before the first row. Without one, the chunk has no lower bound.
    pub(crate) after: Option<Key>,
    /// The key of the last row. Without one, the chunk has no upper bound.
    pub(crate) to: Option<Key>,
}

/// `7`, or `(7, 'x')` for a composite key.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [value] => write!(f, "{value}"),
            values => {
                let parts: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "({})", parts.join(", "))
            }
        }
    }
}
