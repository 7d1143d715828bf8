//! Tables of bound values: how the rows that a statement is about travel to the database.

use std::mem::discriminant;

use sea_orm::{DbBackend, Value};

use super::sql::{Sql, key_columns};
use crate::field::{
    Key,
    layout::{Column, Owner},
};

/// A column of such a table, with the value of each row.
pub(crate) struct Bound<'a> {
    name: String,
    /// What the values are compared with, or written to.
    column: Option<&'a Column>,
    values: Vec<Value>,
}

impl<'a> Bound<'a> {
    pub(crate) fn new(name: impl Into<String>, values: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        Self { name: name.into(), column: None, values: values.into_iter().map(Into::into).collect() }
    }

    pub(crate) fn to(column: &'a Column, name: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Self {
        Self { column: Some(column), ..Self::new(name, values) }
    }

    /// The columns of the owner's key.
    pub(crate) fn keys<'k>(owner: &'a Owner, keys: impl Iterator<Item = &'k Key> + Clone) -> Vec<Self> {
        let columns = owner.key.iter().zip(key_columns(owner)).enumerate();
        columns
            .map(|(at, (column, name))| Self::to(column, name, keys.clone().map(|key| key.values()[at].clone())))
            .collect()
    }
}

impl Sql {
    /// `IN (..)`, for values of a column. On PostgreSQL the text does not depend on their number, so that it is prepared once.
    pub(crate) fn among(&mut self, column: &Column, values: impl IntoIterator<Item = Value>) -> String {
        let bound = Bound::to(column, String::new(), values);
        let is_cast = column.cast.postgres != Default::default();
        if self.backend() == DbBackend::Postgres && bound.is_array() && !is_cast {
            return format!("= ANY ({})", self.bind(array(bound.values).1));
        }
        let values: Vec<String> = bound.values.into_iter().map(|value| self.bind_for(column, value)).collect();
        format!("IN ({})", values.join(", "))
    }

    /// `name (columns) AS (..)`, for a WITH clause. On PostgreSQL the text does not depend on the number of rows, so that it
    /// is prepared once.
    pub(crate) fn table(&mut self, name: &str, columns: Vec<Bound<'_>>) -> String {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let head = format!("{name} ({})", names.join(", "));
        let are_arrays = self.backend() == DbBackend::Postgres && columns.iter().all(Bound::is_array);
        let rows = if are_arrays { self.arrays(columns) } else { self.tuples_of(columns) };
        format!("{head} AS ({rows})")
    }

    /// A list of tuples; what is the same in all rows is bound once.
    fn tuples_of(&mut self, columns: Vec<Bound<'_>>) -> String {
        let rows = columns.first().map_or(0, |column| column.values.len());
        let (mut selected, mut varying) = (Vec::new(), Vec::new());
        for (at, bound) in columns.into_iter().enumerate() {
            let is_constant = at > 0 && bound.is_constant();
            let mut values = bound.values.into_iter();
            match values.next() {
                Some(value) if is_constant => selected.push(self.bind_to(bound.column, value)),
                first => {
                    varying.push((bound.column, first.into_iter().chain(values)));
                    selected.push(format!("u.column{}", varying.len()));
                }
            }
        }
        let tuples = (0..rows).map(|_| {
            let row = varying.iter_mut().filter_map(|(column, values)| Some(self.bind_to(*column, values.next()?)));
            format!("({})", row.collect::<Vec<_>>().join(", "))
        });
        let tuples = tuples.collect::<Vec<_>>().join(", ");
        format!("SELECT {} FROM (VALUES {tuples}) AS u", selected.join(", "))
    }

    fn bind_to(&mut self, column: Option<&Column>, value: Value) -> String {
        match column {
            Some(column) => self.bind_for(column, value),
            None => self.bind(value),
        }
    }

    /// One array a column; what is the same in all rows is bound once.
    fn arrays(&mut self, columns: Vec<Bound<'_>>) -> String {
        let (mut selected, mut arrays, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (at, bound) in columns.into_iter().enumerate() {
            if at > 0 && bound.is_constant() {
                let value = bound.values.into_iter().next().expect("a table has rows");
                selected.push(self.bind_to(bound.column, value));
                continue;
            }
            let mut unnest = |sql: &mut Self, array| {
                arrays.push(sql.bind(array));
                names.push(format!("c_{}", names.len() + 1));
                format!("u.{}", names.last().expect("one was pushed"))
            };
            let (nulls, array) = array(bound.values);
            let value = unnest(self, array);
            let value = match nulls {
                Some(nulls) => format!("CASE WHEN NOT {} THEN {value} END", unnest(self, nulls)),
                None => value,
            };
            selected.push(bound.column.map_or(value.clone(), |column| self.cast_for(column, &value)));
        }
        format!("SELECT {} FROM unnest({}) AS u ({})", selected.join(", "), arrays.join(", "), names.join(", "))
    }
}

/// The types of values that sqlx sends as arrays, by name: most of them exist only with a feature of SeaORM.
const ARRAYS: [&str; 26] = [
    "Bool",
    "SmallInt",
    "Int",
    "BigInt",
    "Unsigned",
    "BigUnsigned",
    "Float",
    "Double",
    "String",
    "Char",
    "Bytes",
    "ChronoDate",
    "ChronoTime",
    "ChronoDateTime",
    "ChronoDateTimeUtc",
    "ChronoDateTimeLocal",
    "ChronoDateTimeWithTimeZone",
    "TimeDate",
    "TimeTime",
    "TimeDateTime",
    "TimeDateTimeWithTimeZone",
    "Uuid",
    "Decimal",
    "BigDecimal",
    "IpNetwork",
    "MacAddress",
];

impl Bound<'_> {
    fn is_array(&self) -> bool {
        let Some(first) = self.values.first() else { return false };
        // A value that is an array itself tells the type of its elements.
        !is_array(first)
            && ARRAYS.contains(&format!("{:?}", first.array_type()).as_str())
            && self.values.iter().all(|value| discriminant(value) == discriminant(first))
    }

    fn is_constant(&self) -> bool {
        self.values.iter().all(|value| *value == self.values[0])
    }
}

#[cfg(feature = "sqlx-postgres")]
fn is_array(value: &Value) -> bool {
    matches!(value, Value::Array(..))
}

#[cfg(not(feature = "sqlx-postgres"))]
fn is_array(_: &Value) -> bool {
    true
}

/// The values as an array, and whether each is NULL, if any is: sqlx takes no NULL in an array.
#[cfg(feature = "sqlx-postgres")]
fn array(values: Vec<Value>) -> (Option<Value>, Value) {
    let nulls: Vec<bool> = values.iter().map(|value| *value == value.as_null()).collect();
    let kind = values[0].array_type();
    let is_null = nulls.contains(&true);
    let values = values.into_iter().zip(&nulls).map(|(value, null)| if *null { value.dummy_value() } else { value });
    let array = Value::Array(kind, Some(Box::new(values.collect())));
    (is_null.then(|| nulls.into()), array)
}

#[cfg(not(feature = "sqlx-postgres"))]
fn array(values: Vec<Value>) -> (Option<Value>, Value) {
    unreachable!("{} values are no array without PostgreSQL", values.len())
}
