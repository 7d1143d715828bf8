//! The parts of a statement: names of tables, columns and fields, lists of columns, conditions.
//!
//! Each type renders as the SQL of one database.

use std::fmt::{self, Display};

use sea_orm::DbBackend;

use super::sql::{CHUNK, key_columns, marks, minutes, recalculations, settings, versions, workers};
use crate::layout::{Cast, Field, Owner, Step, Table};

/// Now, in milliseconds since 1970: the Julian day 2440587.5 is their beginning.
/// `unixepoch('subsec')` is NULL before SQLite 3.42.
pub(super) const NOW_OF_SQLITE: &str =
    "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)";

/// The SQL of a database: how it writes names, texts and casts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    MySql,
    Sqlite,
}

impl Dialect {
    pub(crate) fn backend(self) -> DbBackend {
        match self {
            Self::Postgres => DbBackend::Postgres,
            Self::MySql => DbBackend::MySql,
            Self::Sqlite => DbBackend::Sqlite,
        }
    }

    /// Writes the current time, as the library's tables hold moments.
    pub(crate) fn now(self) -> &'static str {
        match self {
            Self::Postgres => "now()",
            Self::MySql => "UTC_TIMESTAMP(6)",
            Self::Sqlite => NOW_OF_SQLITE,
        }
    }

    /// Writes a moment of the library's tables in milliseconds since 1970.
    pub(crate) fn milliseconds(self, moment: &str) -> String {
        match self {
            Self::Postgres => {
                format!("CAST(floor(extract(epoch FROM {moment}) * 1000) AS bigint)")
            }
            Self::MySql => {
                format!("(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', {moment}) DIV 1000)")
            }
            Self::Sqlite => moment.to_owned(),
        }
    }

    /// Writes the moment so many milliseconds after the beginning of 1970. On MySQL it is at most a
    /// hundred years later.
    pub(crate) fn moment(self, milliseconds: &str) -> String {
        match self {
            Self::Postgres => format!("to_timestamp({milliseconds} / 1000.0)"),
            Self::MySql => format!(
                "(CAST('1970-01-01 00:00:00' AS DATETIME(6)) \
                 + INTERVAL (LEAST({milliseconds}, 3153600000000) * 1000) MICROSECOND)"
            ),
            Self::Sqlite => milliseconds.to_owned(),
        }
    }

    /// Writes the time from one moment of the library's tables to another, in milliseconds.
    pub(crate) fn milliseconds_between(self, from: &str, to: &str) -> String {
        match self {
            Self::Postgres => {
                format!("CAST(extract(epoch FROM {to} - {from}) * 1000 AS bigint)")
            }
            Self::MySql => {
                format!("CAST(TIMESTAMPDIFF(MICROSECOND, {from}, {to}) DIV 1000 AS SIGNED)")
            }
            Self::Sqlite => format!("({to} - {from})"),
        }
    }

    /// Writes a moment so that times to it can be told. PostgreSQL has infinite ones: for it, the
    /// end of time is NULL, and the beginning of time is that of 1970.
    pub(crate) fn finite(self, moment: &str) -> String {
        match self {
            Self::Postgres => {
                format!("CASE WHEN {moment} < 'infinity' THEN greatest({moment}, 'epoch') END")
            }
            Self::MySql | Self::Sqlite => moment.to_owned(),
        }
    }

    /// Returns the names of an owner.
    pub(crate) fn names(self, owner: &Owner) -> Names<'_> {
        Names { owner, dialect: self }
    }

    /// Quotes an identifier. MySQL has backticks, which no `sql_mode` gives another meaning.
    pub(crate) fn quote(self, identifier: &str) -> String {
        let mark = self.mark();
        let doubled = identifier.replace(mark, &format!("{mark}{mark}"));
        format!("{mark}{doubled}{mark}")
    }

    fn mark(self) -> char {
        if self == Self::MySql { '`' } else { '"' }
    }

    /// Quotes columns of the user.
    pub(crate) fn columns<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Columns {
        names.into_iter().map(|name| self.quote(name)).collect()
    }

    /// Quotes the columns of a step's link on the side of the owner.
    pub(crate) fn near(self, step: &Step) -> Columns {
        self.columns(step.link.iter().map(|link| link.near.as_str()))
    }

    /// Quotes the columns of a step's link on the side of the source.
    pub(crate) fn far(self, step: &Step) -> Columns {
        self.columns(step.link.iter().map(|link| link.far.as_str()))
    }

    /// Quotes a table, with its schema if it has one.
    pub(crate) fn qualified(self, table: &Table) -> String {
        let name = self.quote(&table.name);
        match &table.schema {
            Some(schema) => self.quote(schema) + "." + &name,
            None => name,
        }
    }

    /// Quotes the name of an object in the schema of this table.
    pub(crate) fn beside(self, table: &Table, name: &str) -> String {
        self.qualified(&Table { schema: table.schema.clone(), name: name.to_owned() })
    }

    /// Reads a table from text that [`Dialect::qualified`] has written.
    pub(crate) fn table_of(self, qualified: &str) -> Option<Table> {
        let mark = self.mark();
        let mut rest = qualified.chars().peekable();
        let mut names = Vec::new();
        loop {
            rest.next_if_eq(&mark)?;
            let mut name = String::new();
            loop {
                match rest.next()? {
                    next if next != mark => name.push(next),
                    _ if rest.next_if_eq(&mark).is_some() => name.push(mark),
                    _ => break,
                }
            }
            names.push(name);
            match rest.next() {
                Some('.') => {}
                None => break,
                Some(_) => return None,
            }
        }

        Some(Table { name: names.pop()?, schema: names.pop() })
    }

    /// Writes a string where nothing can be bound, as in the text of a trigger. On MySQL a
    /// backslash means what `sql_mode` says, so it is not written.
    pub(crate) fn literal(self, text: &str) -> String {
        if self == Self::MySql && text.contains('\\') {
            let bytes: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            return format!("_utf8mb4 X'{bytes}'");
        }
        let doubled = text.replace('\'', "''");
        format!("'{doubled}'")
    }

    /// Writes several strings.
    pub(crate) fn literals<'a>(self, texts: impl IntoIterator<Item = &'a str>) -> Columns {
        texts.into_iter().map(|text| self.literal(text)).collect()
    }

    /// Quotes the column of a field's flag.
    pub(crate) fn flag(self, field: &Field) -> String {
        self.quote(&field.recalculation_needed)
    }

    /// Quotes the column of a field's value.
    pub(crate) fn cached(self, field: &Field) -> String {
        self.quote(&field.cached.name)
    }

    /// Quotes the column of a field's expiry, if it has one.
    pub(crate) fn expiry(self, field: &Field) -> Option<String> {
        field.expires_after.as_ref().map(|column| self.quote(column))
    }

    /// Writes `CASE .. END`, which has one case for each field. A column holds the field's name.
    /// `other` is for all other names.
    pub(crate) fn by_field<'a, T: Display>(
        self,
        column: &str,
        fields: impl Iterator<Item = (&'a Field, T)>,
        other: T,
    ) -> String {
        let cases = fields.map(|(field, of)| (self.literal(field.name), of));
        let cases: String = cases.map(|(name, of)| format!(" WHEN {name} THEN {of}")).collect();
        if cases.is_empty() {
            other.to_string()
        } else {
            format!("CASE {column}{cases} ELSE {other} END")
        }
    }

    /// Puts the cast of this database around an expression.
    pub(crate) fn cast(self, cast: &Cast, expression: &str) -> String {
        let (before, after) = match self {
            Self::Sqlite => &cast.sqlite,
            Self::MySql => &cast.mysql,
            Self::Postgres => &cast.postgres,
        };
        format!("{before}{expression}{after}")
    }

    /// Writes the condition that a mark's list of fields has a field. Both are expressions. See
    /// [`list`](super::sql::list).
    pub(crate) fn is_listed(self, field: &str, list: &str) -> String {
        match self {
            Self::Postgres => format!("{field} = ANY (string_to_array({list}, ','))"),
            Self::MySql => format!("FIND_IN_SET({field}, {list}) > 0"),
            Self::Sqlite => format!("instr(',' || {list} || ',', ',' || {field} || ',') > 0"),
        }
    }

    /// Writes the condition that a mark's list of fields has one of these names.
    pub(crate) fn lists_any<'a>(
        self,
        list: &str,
        names: impl IntoIterator<Item = &'a str>,
    ) -> String {
        let names = names.into_iter().map(|name| self.literal(name));
        let listed: Any = names.map(|name| self.is_listed(&name, list)).collect();
        format!("({listed})")
    }

    /// Writes the condition that a mark is for a chunk of rows. On SQLite only such marks have no
    /// key.
    pub(crate) fn is_chunk(self, mark: &str) -> String {
        match self {
            Self::Sqlite => format!("{mark}.key_1 IS NULL"),
            _ => format!("{mark}.via = '{CHUNK}'"),
        }
    }
}

/// The names of an owner: of its table and of those of the library beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    owner: &'a Owner,
    pub(crate) dialect: Dialect,
}

impl Names<'_> {
    /// Names the owner's table.
    pub(crate) fn table(self) -> String {
        self.dialect.qualified(&self.owner.table)
    }

    /// Names the table of marks.
    pub(crate) fn marks(self) -> String {
        self.dialect.qualified(&marks(self.owner))
    }

    /// Names the table of recalculations.
    pub(crate) fn queue(self) -> String {
        self.dialect.qualified(&recalculations(self.owner))
    }

    /// Names the table of the versions of calculations.
    pub(crate) fn versions(self) -> String {
        self.dialect.qualified(&versions(self.owner))
    }

    /// Names the table of the settings of fields.
    pub(crate) fn settings(self) -> String {
        self.dialect.qualified(&settings(self.owner))
    }

    /// Names the table of workers.
    pub(crate) fn workers(self) -> String {
        self.dialect.qualified(&workers(self.owner))
    }

    /// Names the table of what workers did in each minute.
    pub(crate) fn minutes(self) -> String {
        self.dialect.qualified(&minutes(self.owner))
    }

    /// Lists the columns of the library's tables that hold the owner's key: `key_1, ..`.
    pub(crate) fn keys(self) -> Columns {
        key_columns(self.owner).into_iter().collect()
    }

    /// Lists them of a row: `q.key_1, ..`.
    pub(crate) fn keys_of(self, row: &str) -> Columns {
        self.keys().of(row)
    }

    /// Lists the columns of the owner's key: `"id", ..`.
    pub(crate) fn own_key(self) -> Columns {
        self.dialect.columns(self.owner.key.iter().map(|column| column.name.as_str()))
    }

    /// Lists them of a row: `t."id", ..`.
    pub(crate) fn own_key_of(self, row: &str) -> Columns {
        self.own_key().of(row)
    }

    /// Lists them under the names of the library's columns: `t."id" AS key_1, ..`.
    pub(crate) fn own_key_as_keys(self, row: &str) -> Columns {
        self.own_key_of(row).named(&self.keys())
    }

    /// Lists the columns of a mark that hold a bound of its chunk: `after_key_1, ..`.
    pub(crate) fn bound(self, bound: &str) -> Columns {
        self.keys().each(|key| format!("{bound}_{key}"))
    }

    /// Writes the condition that rows of two of the library's tables have one key: `q.key_1 =
    /// k.key_1 AND ..`.
    pub(crate) fn same_key(self, row: &str, other: &str) -> All {
        self.keys_of(row).equal(&self.keys_of(other))
    }

    /// Writes the condition that a row of the owner has the key of another row: `t."id" = q.key_1
    /// AND ..`.
    pub(crate) fn same_row(self, owner_row: &str, row: &str) -> All {
        self.own_key_of(owner_row).equal(&self.keys_of(row))
    }

    /// Writes the same condition with its sides exchanged: `q.key_1 = t."id" AND ..`.
    pub(crate) fn is_of(self, row: &str, owner_row: &str) -> All {
        self.keys_of(row).equal(&self.own_key_of(owner_row))
    }

    /// Selects keys as SeaORM reads them, of rows that hold them in these columns.
    pub(crate) fn read(self, columns: &Columns) -> Columns {
        let columns = self.owner.key.iter().zip(columns.iter()).zip(self.keys());
        let read = columns.map(|((key, column), name)| {
            let value = self.dialect.cast(&key.read, column);
            if value == name || value.ends_with(&format!(".{name}")) {
                value
            } else {
                format!("{value} AS {name}")
            }
        });
        read.collect()
    }

    /// Selects `q.key_1, ..`, as SeaORM reads them.
    pub(crate) fn read_keys_of(self, row: &str) -> Columns {
        self.read(&self.keys_of(row))
    }

    /// Selects the keys of the owner's rows `t`, as SeaORM reads them: `t."id" AS key_1, ..`.
    pub(crate) fn read_own_key(self) -> Columns {
        self.read(&self.own_key_of("t"))
    }

    /// Selects the chunks of marks `m`: `m.after_key_1 IS NOT NULL AS has_after,
    /// m.after_key_1, ..`.
    pub(crate) fn marked_chunks(self) -> String {
        let bounds = ["after", "to"].map(|bound| {
            let columns = self.bound(bound);
            let read = self.owner.key.iter().zip(columns.iter()).map(|(key, column)| {
                let value = self.dialect.cast(&key.read, &format!("m.{column}"));
                format!("{value} AS {column}")
            });
            let read: Columns = read.collect();
            let first = columns.first();
            format!("m.{first} IS NOT NULL AS has_{bound}, {read}")
        });
        bounds.join(",\n                ")
    }

    /// Writes the condition that the owner's row `t` is in the chunk of a mark `m`.
    pub(crate) fn is_of_chunk(self) -> String {
        let ordered = |row: &str, columns: &Columns| -> Columns {
            let columns = self.owner.key.iter().zip(columns.of(row));
            let columns = columns.map(|(key, column)| match self.dialect {
                Dialect::MySql => self.dialect.cast(&key.order, &column),
                _ => column,
            });
            columns.collect()
        };

        let key = ordered("t", &self.own_key());
        let bounds = [("after", ">"), ("to", "<=")].map(|(bound, operator)| {
            let columns = self.bound(bound);
            let first = columns.first();
            let bound = ordered("m", &columns);
            format!("(m.{first} IS NULL OR ({key}) {operator} ({bound}))")
        });
        let [after, to] = bounds;

        format!(
            "{is_chunk}
                       AND {after}
                       AND {to}",
            is_chunk = self.dialect.is_chunk("m"),
        )
    }

    /// Writes the name of a field.
    pub(crate) fn field(self, field: usize) -> String {
        self.dialect.literal(self.owner.fields[field].name)
    }

    /// Quotes the column of a field's flag.
    pub(crate) fn flag(self, field: usize) -> String {
        self.dialect.flag(&self.owner.fields[field])
    }

    /// Writes the names of some fields: `'a', 'b'`.
    pub(crate) fn fields(self, fields: impl IntoIterator<Item = usize>) -> Columns {
        fields.into_iter().map(|field| self.field(field)).collect()
    }

    /// Writes the names of all fields.
    pub(crate) fn all_fields(self) -> Columns {
        self.fields(0..self.owner.fields.len())
    }

    /// Writes the condition that a mark's list of fields has one of these fields.
    pub(crate) fn lists_any(self, list: &str, fields: &[usize]) -> String {
        self.dialect.lists_any(list, fields.iter().map(|field| self.owner.fields[*field].name))
    }

    /// Writes the condition that a mark's list has a field of this program. Others belong to a
    /// newer version of it.
    pub(crate) fn lists_known(self, list: &str) -> String {
        self.dialect.lists_any(list, self.owner.fields.iter().map(|field| field.name))
    }

    /// Writes the condition that a row of the queue is of one of these fields. It compares an
    /// expression, because no plan may go by the field: nearly all rows have it.
    pub(crate) fn one_of(self, fields: &[usize]) -> String {
        let names = self.fields(fields.iter().copied());
        format!("field || '' IN ({names})")
    }
}

/// A list of columns, or of expressions in their place: `a, b`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Columns(Vec<String>);

impl Columns {
    /// Numbers so many columns: `v_1, v_2, ..`.
    pub(crate) fn numbered(prefix: &str, count: usize) -> Self {
        (1..=count).map(|number| format!("{prefix}_{number}")).collect()
    }

    /// Puts the name of a row before each: `q.a, q.b`.
    pub(crate) fn of(&self, row: &str) -> Self {
        self.each(|column| format!("{row}.{column}"))
    }

    /// Changes each column.
    pub(crate) fn each(&self, written: impl Fn(&str) -> String) -> Self {
        self.iter().map(|column| written(column)).collect()
    }

    /// Names each: `a AS x, b AS y`.
    pub(crate) fn named(&self, names: &Self) -> Self {
        let named = self.iter().zip(names.iter());
        named.map(|(column, name)| format!("{column} AS {name}")).collect()
    }

    /// Adds others after them.
    pub(crate) fn and(mut self, others: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.0.extend(others.into_iter().map(Into::into));
        self
    }

    /// Compares each with its counterpart: `a = x AND b = y`.
    pub(crate) fn equal(&self, others: &Self) -> All {
        let pairs = self.iter().zip(others.iter());
        pairs.map(|(column, other)| format!("{column} = {other}")).collect()
    }

    pub(crate) fn first(&self) -> &str {
        &self.0[0]
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, String> {
        self.0.iter()
    }

    /// Writes them with something else in between than a comma.
    pub(crate) fn join(&self, separator: &str) -> String {
        self.0.join(separator)
    }
}

impl<const N: usize> From<[&str; N]> for Columns {
    fn from(columns: [&str; N]) -> Self {
        Self(columns.map(str::to_owned).into())
    }
}

impl FromIterator<String> for Columns {
    fn from_iter<T: IntoIterator<Item = String>>(columns: T) -> Self {
        Self(columns.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Columns {
    type Item = &'a String;
    type IntoIter = std::slice::Iter<'a, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl IntoIterator for Columns {
    type Item = String;
    type IntoIter = std::vec::IntoIter<String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// Conditions that all have to be true: `a AND b`.
#[derive(Clone, Debug)]
pub(crate) struct All(Vec<String>);

impl FromIterator<String> for All {
    fn from_iter<T: IntoIterator<Item = String>>(conditions: T) -> Self {
        Self(conditions.into_iter().collect())
    }
}

impl Display for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" AND "))
    }
}

/// Conditions of which one has to be true: `a OR b`.
#[derive(Clone, Debug)]
pub(crate) struct Any(Vec<String>);

impl FromIterator<String> for Any {
    fn from_iter<T: IntoIterator<Item = String>>(conditions: T) -> Self {
        Self(conditions.into_iter().collect())
    }
}

impl Display for Any {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" OR "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_it_was_written() {
        for dialect in [Dialect::Postgres, Dialect::MySql] {
            for (schema, name) in [(None, "a.b"), (Some("pub\"lic"), "la`mp"), (Some("``"), "\"\"")]
            {
                let table = Table { schema: schema.map(str::to_owned), name: name.to_owned() };
                assert_eq!(dialect.table_of(&dialect.qualified(&table)), Some(table));
            }
            assert_eq!(dialect.table_of("lamp"), None);
            let lamp = dialect.quote("lamp");
            assert_eq!(dialect.table_of(&format!("{lamp} ")), None);
        }
    }
}
