//! Tables of bound values: how the rows that a statement is about travel to the database.

use std::mem::discriminant;

use sea_orm::Value;

use super::{
    names::{Columns, Dialect},
    sizes::{padded, repeated},
    sql::{Sql, key_columns},
};
use crate::{
    declaration::Key,
    layout::{Column, Owner},
};

/// A column of such a table, with the value of each row.
pub(crate) struct Bound<'a> {
    name: String,
    /// What the values are compared with, or written to.
    column: Option<&'a Column>,
    values: Vec<Value>,
    /// Whether they are bound once if they are all the same. Each such column doubles the number of
    /// texts.
    folds: bool,
}

impl<'a> Bound<'a> {
    pub(crate) fn new(
        name: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<Value>>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        Self { name: name.into(), column: None, values, folds: false }
    }

    pub(crate) fn to(
        column: &'a Column,
        name: impl Into<String>,
        values: impl IntoIterator<Item = Value>,
    ) -> Self {
        Self { column: Some(column), ..Self::new(name, values) }
    }

    /// Of which all rows have the same, mostly.
    pub(crate) fn alike(
        name: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<Value>>,
    ) -> Self {
        Self { folds: true, ..Self::new(name, values) }
    }

    /// The columns of the owner's key.
    pub(crate) fn keys<'k>(
        owner: &'a Owner,
        keys: impl Iterator<Item = &'k Key> + Clone,
    ) -> Vec<Self> {
        let columns = owner.key.iter().zip(key_columns(owner)).enumerate();
        columns
            .map(|(at, (column, name))| {
                Self::to(column, name, keys.clone().map(|key| key.values()[at].clone()))
            })
            .collect()
    }
}

impl Sql {
    /// `IN (..)`, for values of a column. On PostgreSQL the text does not depend on their number.
    pub(crate) fn among(
        &mut self,
        column: &Column,
        values: impl IntoIterator<Item = Value>,
    ) -> String {
        let bound = Bound::to(column, String::new(), values);
        let is_cast = column.cast.postgres != Default::default();
        if self.dialect() == Dialect::Postgres && bound.is_array() && !is_cast {
            let array = self.bind(array(bound.values).1);
            return format!("= ANY ({array})");
        }

        let values = repeated(bound.values).into_iter().map(|value| self.bind_for(column, value));
        let values: Columns = values.collect();
        // MariaDB looks a single value up first of all, and then reads a query that is joined with
        // it from end to end.
        let values = values.and((self.dialect() == Dialect::MySql).then(|| "NULL".to_owned()));
        format!("IN ({values})")
    }

    /// `name (columns) AS (..)`, for a WITH clause. On PostgreSQL the text does not depend on the
    /// number of rows.
    pub(crate) fn table(&mut self, name: &str, columns: Vec<Bound<'_>>) -> String {
        let names: Columns = columns.iter().map(|column| column.name.clone()).collect();
        let are_arrays = self.dialect() == Dialect::Postgres && columns.iter().all(Bound::is_array);
        let rows = if are_arrays { self.arrays(columns) } else { self.tuples_of(columns) };
        format!("{name} ({names}) AS ({rows})")
    }

    /// A list of tuples. What it is filled up with has no key, and is left out again.
    fn tuples_of(&mut self, columns: Vec<Bound<'_>>) -> String {
        let rows = columns.first().map_or(0, |column| column.values.len());
        let mut selected = Vec::new();
        let mut varying = Vec::new();
        for bound in columns {
            let is_constant = bound.is_constant();
            let mut values = bound.values.into_iter();
            match values.next() {
                Some(value) if is_constant => selected.push(self.bind_to(bound.column, value)),
                first => {
                    let null = first.as_ref().map(Value::as_null);
                    varying.push((
                        bound.column,
                        first.into_iter().chain(values).chain(null.into_iter().cycle()),
                    ));
                    let number = varying.len();
                    selected.push(format!("u.column{number}"));
                }
            }
        }

        let tuples = (0..padded(rows)).map(|_| {
            let row = varying
                .iter_mut()
                .filter_map(|(column, values)| Some(self.bind_to(*column, values.next()?)));
            let row: Columns = row.collect();
            format!("({row})")
        });
        let tuples: Columns = tuples.collect();
        let selected: Columns = selected.into_iter().collect();
        format!("SELECT {selected} FROM (VALUES {tuples}) AS u WHERE u.column1 IS NOT NULL")
    }

    fn bind_to(&mut self, column: Option<&Column>, value: Value) -> String {
        match column {
            Some(column) => self.bind_for(column, value),
            None => self.bind(value),
        }
    }

    /// One array a column.
    fn arrays(&mut self, columns: Vec<Bound<'_>>) -> String {
        let mut selected = Vec::new();
        let mut arrays = Vec::new();
        let mut names = Vec::new();
        for bound in columns {
            if bound.is_constant() {
                let value = bound.values.into_iter().next().expect("a table has rows");
                selected.push(self.bind_to(bound.column, value));
                continue;
            }
            let mut unnest = |sql: &mut Self, array| {
                arrays.push(sql.bind(array));
                let number = names.len() + 1;
                names.push(format!("c_{number}"));
                format!("u.c_{number}")
            };
            let (nulls, array) = array(bound.values);
            let value = unnest(self, array);
            let value = match nulls {
                Some(nulls) => {
                    let is_null = unnest(self, nulls);
                    format!("CASE WHEN NOT {is_null} THEN {value} END")
                }
                None => value,
            };
            selected
                .push(bound.column.map_or(value.clone(), |column| self.cast_for(column, &value)));
        }

        let [selected, arrays, names] =
            [selected, arrays, names].map(|columns| columns.into_iter().collect::<Columns>());
        format!("SELECT {selected} FROM unnest({arrays}) AS u ({names})")
    }
}

/// The types of values that sqlx sends as arrays, by name: most of them exist only with a feature
/// of SeaORM.
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
        self.folds && self.values.iter().all(|value| *value == self.values[0])
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
    let values = values
        .into_iter()
        .zip(&nulls)
        .map(|(value, null)| if *null { value.dummy_value() } else { value });
    let array = Value::Array(kind, Some(Box::new(values.collect())));
    (is_null.then(|| nulls.into()), array)
}

#[cfg(not(feature = "sqlx-postgres"))]
fn array(values: Vec<Value>) -> (Option<Value>, Value) {
    unreachable!("{} values are no array without PostgreSQL", values.len())
}

#[cfg(all(test, feature = "sqlx-postgres"))]
mod tests {
    use super::*;

    /// A table of such values, with a column of numbers beside it.
    fn text(values: impl Fn(i64) -> Value, rows: i64) -> (String, Vec<Value>) {
        let mut sql = Sql::postgres();
        let columns =
            vec![Bound::new("key_1", (0..rows).map(values)), Bound::new("generation", 0..rows)];
        let table = sql.table("v", columns);
        let statement = sql.statement(table);
        (statement.sql, statement.values.unwrap().0)
    }

    #[test]
    fn what_makes_no_array_is_filled_up() {
        let json = |n: i64| Value::Json(Some(Box::new(n.into())));
        let (two, bound) = text(json, 2);
        assert_eq!(two, text(json, 5).0);
        assert_eq!(bound.len(), 10);
        assert_eq!(bound[2..6], [json(1), 1_i64.into(), Value::Json(None), Value::BigInt(None)]);
        assert!(two.ends_with("WHERE u.column1 IS NOT NULL)"), "{two}");
    }

    #[test]
    fn arrays_have_one_text() {
        assert_eq!(text(Value::from, 1).0, text(Value::from, 600).0);
    }
}
