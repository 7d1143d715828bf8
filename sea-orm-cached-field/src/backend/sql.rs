//! What SQL text is put together with. Identifiers are quoted, values are bound.

use std::fmt::Display;

use sea_orm::{
    DbBackend, Statement, Value,
    sea_query::{
        MysqlQueryBuilder, PostgresQueryBuilder, SelectStatement, SqlWriterValues,
        SqliteQueryBuilder, Values,
    },
};

use super::sizes;
use crate::{
    catalog::checksum,
    declaration::Key,
    layout::{Cast, Column, Field, Owner, Table},
};

/// The greatest length of an identifier that all databases accept, in bytes.
const IDENTIFIER_BYTES: usize = 63;

/// What stands before the number of a placeholder until the statement is made: a character that SQL
/// text does not have.
const PLACEHOLDER: char = '\u{1}';

/// A statement in the making: text, and the values bound in it.
#[derive(Debug)]
pub(crate) struct Sql {
    backend: DbBackend,
    values: Vec<Value>,
}

impl Sql {
    pub(crate) fn postgres() -> Self {
        Self { backend: DbBackend::Postgres, values: Vec::new() }
    }

    pub(crate) fn sqlite() -> Self {
        Self { backend: DbBackend::Sqlite, values: Vec::new() }
    }

    pub(crate) fn mysql() -> Self {
        Self { backend: DbBackend::MySql, values: Vec::new() }
    }

    /// An identifier, quoted as this database does.
    pub(crate) fn quote(&self, identifier: &str) -> String {
        quoted(identifier, self.mark())
    }

    /// A table, quoted and with its schema if it has one.
    pub(crate) fn qualified(&self, table: &Table) -> String {
        let schema = table.schema.iter().map(|schema| self.quote(schema) + ".").collect::<String>();
        schema + &self.quote(&table.name)
    }

    /// The table that [`Sql::qualified`] has written so.
    pub(crate) fn table_of(&self, qualified: &str) -> Option<Table> {
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

    fn mark(&self) -> char {
        if self.backend == DbBackend::MySql { '`' } else { '"' }
    }

    /// The owner's key columns, quoted.
    pub(crate) fn owner_key(&self, owner: &Owner) -> Vec<String> {
        owner.key.iter().map(|column| self.quote(&column.name)).collect()
    }

    /// `t.id AS key_1, ...`: the keys of the owner's rows `t`, as SeaORM reads them.
    pub(crate) fn own_keys(&self, owner: &Owner) -> String {
        let columns: Vec<String> =
            self.owner_key(owner).iter().map(|column| format!("t.{column}")).collect();
        self.read_keys(owner, &columns)
    }

    /// `q.key_1, ...`: keys as SeaORM reads them, of rows `q` that hold them in these columns; of
    /// none, if it is empty.
    pub(crate) fn kept_keys(&self, owner: &Owner, row: &str) -> String {
        let columns = key_columns(owner).into_iter();
        let columns =
            columns.map(|column| if row.is_empty() { column } else { format!("{row}.{column}") });
        self.read_keys(owner, &columns.collect::<Vec<_>>())
    }

    /// `m.after_key_1 IS NOT NULL AS has_after, m.after_key_1, ..`: the chunks that marks `m` stand
    /// for.
    pub(crate) fn marked_chunks(&self, owner: &Owner) -> String {
        let bounds = ["after", "to"].map(|bound| {
            let columns = bound_columns(owner, bound);
            let read = owner.key.iter().zip(&columns).map(|(key, column)| {
                let value = self.cast(&key.read, &format!("m.{column}"));
                format!("{value} AS {column}")
            });
            let read = read.collect::<Vec<_>>().join(", ");
            let first = &columns[0];
            format!("m.{first} IS NOT NULL AS has_{bound}, {read}")
        });
        bounds.join(",\n                ")
    }

    /// Whether a mark stands for a chunk of rows. On SQLite no other mark is without a key.
    pub(crate) fn is_chunk(&self, mark: &str) -> String {
        match self.backend {
            DbBackend::Sqlite => format!("{mark}.key_1 IS NULL"),
            _ => format!("{mark}.via = '{CHUNK}'"),
        }
    }

    /// Whether the owner's row `t` is of the chunk that a mark `m` stands for.
    pub(crate) fn is_of_chunk(&self, owner: &Owner) -> String {
        let ordered = |row: &str, columns: Vec<String>| {
            let columns = owner.key.iter().zip(columns);
            let columns = columns.map(|(key, column)| match self.backend {
                DbBackend::MySql => self.cast(&key.order, &format!("{row}.{column}")),
                _ => format!("{row}.{column}"),
            });
            columns.collect::<Vec<_>>().join(", ")
        };
        let key = ordered("t", self.owner_key(owner));
        let bounds = [("after", ">"), ("to", "<=")].map(|(bound, operator)| {
            let columns = bound_columns(owner, bound);
            let first = columns[0].clone();
            let bound = ordered("m", columns);
            format!("(m.{first} IS NULL OR ({key}) {operator} ({bound}))")
        });
        let [after, to] = bounds;
        format!(
            "{is_chunk}
                       AND {after}
                       AND {to}",
            is_chunk = self.is_chunk("m"),
        )
    }

    /// Keys as SeaORM reads them, of rows that hold them in these columns.
    pub(crate) fn read_keys(&self, owner: &Owner, columns: &[String]) -> String {
        let columns = owner.key.iter().zip(columns).zip(key_columns(owner));
        let read = columns.map(|((key, column), name)| {
            let value = self.cast(&key.read, column);
            if value == name || value.ends_with(&format!(".{name}")) {
                value
            } else {
                format!("{value} AS {name}")
            }
        });
        read.collect::<Vec<_>>().join(", ")
    }

    /// A query of the user, before anything is bound.
    pub(crate) fn embed(&mut self, select: &SelectStatement) -> String {
        assert!(self.values.is_empty(), "a query numbers its placeholders from 1 on");
        let mut writer = SqlWriterValues::new(PLACEHOLDER.to_string(), true);
        match self.backend {
            DbBackend::Sqlite => select.build_collect_into(SqliteQueryBuilder, &mut writer),
            DbBackend::MySql => select.build_collect_into(MysqlQueryBuilder, &mut writer),
            _ => select.build_collect_into(PostgresQueryBuilder, &mut writer),
        }
        let (text, Values(values)) = writer.into_parts();
        self.values = values;
        text
    }

    /// Binds a value and returns its placeholder.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("{PLACEHOLDER}{}", self.values.len())
    }

    /// Binds a value that is compared with, or written to, this column.
    pub(crate) fn bind_for(&mut self, column: &Column, value: Value) -> String {
        let bound = self.bind(value);
        self.cast_for(column, &bound)
    }

    /// The expression as SeaORM writes it to this column.
    pub(crate) fn cast_for(&self, column: &Column, expression: &str) -> String {
        self.cast(&column.cast, expression)
    }

    pub(crate) fn cast(&self, cast: &Cast, expression: &str) -> String {
        let (before, after) = match self.backend {
            DbBackend::Sqlite => &cast.sqlite,
            DbBackend::MySql => &cast.mysql,
            _ => &cast.postgres,
        };
        format!("{before}{expression}{after}")
    }

    /// Whether a mark is of a field, by its list of fields; both are expressions. See [`list`].
    pub(crate) fn is_listed(&self, field: &str, list: &str) -> String {
        match self.backend {
            DbBackend::Postgres => format!("{field} = ANY (string_to_array({list}, ','))"),
            DbBackend::MySql => format!("FIND_IN_SET({field}, {list}) > 0"),
            _ => format!("instr(',' || {list} || ',', ',' || {field} || ',') > 0"),
        }
    }

    /// Whether a mark is of a field with one of these names, by its list of fields.
    pub(crate) fn lists_any<'a>(
        &self,
        list: &str,
        names: impl IntoIterator<Item = &'a str>,
    ) -> String {
        let listed: Vec<String> =
            names.into_iter().map(|name| self.is_listed(&literal(name), list)).collect();
        let listed = listed.join(" OR ");
        format!("({listed})")
    }

    /// Whether a mark is of a field of this program: others belong to a newer version of it.
    pub(crate) fn lists_known(&self, list: &str, owner: &Owner) -> String {
        self.lists_any(list, owner.fields.iter().map(|field| field.name))
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.backend
    }

    /// `(key_1 = $1 AND ...)`, for one key.
    pub(crate) fn key_is(
        &mut self,
        owner: &Owner,
        prefix: &str,
        columns: &[String],
        key: &Key,
    ) -> String {
        let equal = |((column, bound), value): ((&Column, &String), &Value)| {
            let value = self.bind_for(column, value.clone());
            format!("{prefix}{bound} = {value}")
        };
        owner.key.iter().zip(columns).zip(key.values()).map(equal).collect::<Vec<_>>().join(" AND ")
    }

    /// The rows whose key, in these columns, comes before or after another. MySQL goes by an index
    /// only if each column is compared by itself.
    pub(crate) fn compare_keys(
        &mut self,
        owner: &Owner,
        columns: &[String],
        operator: &str,
        key: &Key,
    ) -> String {
        if self.backend != DbBackend::MySql {
            let tuple = self.tuples(owner, &[key], |key| key, |_, _| Vec::new());
            let columns = columns.join(", ");
            return format!("({columns}) {operator} {tuple}");
        }
        let strictly = operator.trim_end_matches('=');
        let mut compared = String::new();
        for ((kind, column), value) in owner.key.iter().zip(columns).zip(key.values()).rev() {
            let value = self.bind_for(kind, value.clone());
            let column = self.cast(&kind.order, column);
            compared = if compared.is_empty() {
                format!("{column} {operator} {value}")
            } else {
                format!("({column} {strictly} {value} OR {column} = {value} AND {compared})")
            };
        }
        compared
    }

    /// The tuples of a `VALUES` list: of each row its key, then what `rest` binds.
    pub(crate) fn tuples<T>(
        &mut self,
        owner: &Owner,
        rows: &[T],
        key: impl Fn(&T) -> &Key,
        rest: impl FnMut(&mut Self, &T) -> Vec<String>,
    ) -> String {
        self.tuple_list(owner, rows, key, rest).join(", ")
    }

    /// The same, each by itself.
    pub(crate) fn tuple_list<T>(
        &mut self,
        owner: &Owner,
        rows: &[T],
        key: impl Fn(&T) -> &Key,
        mut rest: impl FnMut(&mut Self, &T) -> Vec<String>,
    ) -> Vec<String> {
        rows.iter().map(|row| self.tuple(owner, row, &key, &mut rest)).collect()
    }

    fn tuple<T>(
        &mut self,
        owner: &Owner,
        row: &T,
        key: impl Fn(&T) -> &Key,
        rest: impl FnOnce(&mut Self, &T) -> Vec<String>,
    ) -> String {
        let columns = owner.key.iter().zip(key(row).values());
        let mut tuple: Vec<String> =
            columns.map(|(column, value)| self.bind_for(column, value.clone())).collect();
        tuple.extend(rest(self, row));
        let tuple = tuple.join(", ");
        format!("({tuple})")
    }

    /// The same, filled up with tuples in which all that is bound is NULL.
    pub(crate) fn padded_tuples<T>(
        &mut self,
        owner: &Owner,
        rows: &[T],
        key: impl Fn(&T) -> &Key,
        mut rest: impl FnMut(&mut Self, &T) -> Vec<String>,
    ) -> String {
        let mut tuples = self.tuple_list(owner, rows, &key, &mut rest);
        let missing = sizes::padded(rows.len()) - rows.len();

        for last in rows.last().into_iter().cycle().take(missing) {
            let first = self.values.len();
            tuples.push(self.tuple(owner, last, &key, &mut rest));
            self.values[first..].iter_mut().for_each(|value| *value = value.as_null());
        }

        tuples.join(", ")
    }

    pub(crate) fn statement(self, text: String) -> Statement {
        #[cfg(feature = "__mutations")]
        let text = super::mutation::mutated(&text);
        let text = super::apart::apart(text);
        let mut parts = text.split(PLACEHOLDER);
        let mut text = parts.next().unwrap_or_default().to_owned();
        let mut values = Vec::new();
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = part.split_at(digits);
            if self.backend == DbBackend::Postgres {
                text.extend(["$", number, rest]);
            } else {
                // On SQLite, sqlx looks each numbered placeholder up among all others.
                let number: usize = number.parse().expect("a placeholder has a number");
                values.push(self.values[number - 1].clone());
                text.extend(["?", rest]);
            }
        }
        if self.backend == DbBackend::Postgres {
            values = self.values;
        }
        debug_assert!(values.len() <= sizes::MOST_VALUES, "{} values", values.len());
        Statement::from_sql_and_values(self.backend, text, values)
    }
}

/// An identifier, quoted.
pub(crate) fn quote(identifier: &str) -> String {
    quoted(identifier, '"')
}

fn quoted(identifier: &str, mark: char) -> String {
    let doubled = identifier.replace(mark, &format!("{mark}{mark}"));
    format!("{mark}{doubled}{mark}")
}

/// Identifiers, each quoted.
pub(crate) fn quote_all<'a>(identifiers: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    identifiers.into_iter().map(quote).collect()
}

/// A string that stands in the text of a trigger, where nothing can be bound.
pub(crate) fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    format!("'{doubled}'")
}

/// A table, quoted and with its schema if it has one.
pub(crate) fn qualified(table: &Table) -> String {
    match &table.schema {
        Some(schema) => quote(schema) + "." + &quote(&table.name),
        None => quote(&table.name),
    }
}

/// `key_1`, `key_2`, ...: the columns of our tables that hold the owner's key.
pub(crate) fn key_columns(owner: &Owner) -> Vec<String> {
    (1..=owner.key.len()).map(|n| format!("key_{n}")).collect()
}

/// `after_key_1`, ... or `to_key_1`, ...: the columns of a mark that hold a bound of the chunk of
/// rows that it stands for.
pub(crate) fn bound_columns(owner: &Owner, bound: &str) -> Vec<String> {
    key_columns(owner).iter().map(|column| format!("{bound}_{column}")).collect()
}

/// What a mark of a chunk carries in the column `via`. No source has this name, for each has two
/// underscores in a row.
pub(crate) const CHUNK: &str = "chunk";

/// The owner's key columns, quoted.
pub(crate) fn owner_key(owner: &Owner) -> Vec<String> {
    quote_all(owner.key.iter().map(|column| column.name.as_str()))
}

/// `a.x = b.y AND ...` over pairs of columns.
pub(crate) fn equal(
    left: &str,
    left_columns: &[String],
    right: &str,
    right_columns: &[String],
) -> String {
    let pairs = left_columns.iter().zip(right_columns);
    pairs.map(|(l, r)| format!("{left}.{l} = {right}.{r}")).collect::<Vec<_>>().join(" AND ")
}

/// `a.x, a.y`
pub(crate) fn prefixed(prefix: &str, columns: &[String]) -> String {
    columns.iter().map(|column| format!("{prefix}.{column}")).collect::<Vec<_>>().join(", ")
}

/// `CASE .. END`: something of each of these fields, by their names in a column, and otherwise
/// something else.
pub(crate) fn by_field<'a, T: Display>(
    column: &str,
    fields: impl Iterator<Item = (&'a Field, T)>,
    other: T,
) -> String {
    let cases = fields.map(|(field, of)| (literal(field.name), of));
    let cases: String = cases.map(|(name, of)| format!(" WHEN {name} THEN {of}")).collect();
    if cases.is_empty() {
        other.to_string()
    } else {
        format!("CASE {column}{cases} ELSE {other} END")
    }
}

/// A list of fields, as a mark has it in its column `field`: their names with commas in between.
pub(crate) fn list(owner: &Owner, fields: impl IntoIterator<Item = usize>) -> String {
    fields.into_iter().map(|field| owner.fields[field].name).collect::<Vec<_>>().join(",")
}

/// The names of some fields.
pub(crate) fn names_of(owner: &Owner, fields: &[usize]) -> impl Iterator<Item = &'static str> {
    fields.iter().map(|field| owner.fields[*field].name)
}

/// The names of all fields: `'a', 'b'`.
pub(crate) fn names(owner: &Owner) -> String {
    owner.fields.iter().map(|field| literal(field.name)).collect::<Vec<_>>().join(", ")
}

/// Rows of the queue of some fields. An expression, for no plan may go by the field: nearly all
/// rows have it.
pub(crate) fn one_of(owner: &Owner, fields: impl IntoIterator<Item = usize>) -> String {
    let names: Vec<String> =
        fields.into_iter().map(|field| literal(owner.fields[field].name)).collect();
    let names = names.join(", ");
    format!("field || '' IN ({names})")
}

/// The name cut to what the databases accept; what was cut off is told apart by a checksum.
pub(crate) fn fitted(name: String) -> String {
    if name.len() <= IDENTIFIER_BYTES {
        return name;
    }
    let end = name.floor_char_boundary(IDENTIFIER_BYTES - 9);
    format!("{}_{}", &name[..end], checksum(&name))
}

/// The name of an object of an owner that stands among those of others. What is put together with
/// underscores is ambiguous (`lamp` and `post_x`, `lamp_post` and `x`): the checksum is of the
/// parts, and of the owner's schema where owners of several schemas meet.
pub(crate) fn unique_name(
    prefix: &str,
    schema: Option<&str>,
    owner: &Owner,
    suffix: &str,
) -> String {
    let checksum = checksum(&[schema.unwrap_or_default(), &owner.table.name, suffix].join("\0"));
    let readable = format!("{prefix}_{}_{suffix}", owner.table.name);
    let end = readable.floor_char_boundary(IDENTIFIER_BYTES - 9);
    format!("{}_{checksum}", &readable[..end])
}

/// The table of marks of an owner.
pub(crate) fn marks(owner: &Owner) -> Table {
    beside(&owner.table, "cached_marks")
}

/// The table of recalculations (the queue) of an owner.
pub(crate) fn recalculations(owner: &Owner) -> Table {
    beside(&owner.table, "cached_recalculations")
}

/// The table of the versions of an owner's calculations.
pub(crate) fn versions(owner: &Owner) -> Table {
    versions_beside(&owner.table)
}

/// The same, of an owner of which no more is known than its table.
pub(crate) fn versions_beside(owner: &Table) -> Table {
    beside(owner, "cached_versions")
}

/// The name begins with an underscore, so that `sea-orm-cli generate entity` passes over the table.
fn beside(owner: &Table, suffix: &str) -> Table {
    Table { schema: owner.schema.clone(), name: fitted(format!("_{}_{suffix}", owner.name)) }
}

/// The name that a table of the library has in this schema. Before schema 3 it had no underscore at
/// its beginning.
pub(crate) fn name_in_schema(schema: u32, owner: &Table, table: &str) -> String {
    let suffixes = ["cached_marks", "cached_recalculations", "cached_versions"];
    match suffixes.into_iter().find(|suffix| beside(owner, suffix).name == table) {
        Some(suffix) if schema < 3 => fitted(format!("{}_{suffix}", owner.name)),
        _ => table.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_it_was_written() {
        for sql in [Sql::postgres(), Sql::mysql()] {
            for (schema, name) in [(None, "a.b"), (Some("pub\"lic"), "la`mp"), (Some("``"), "\"\"")]
            {
                let table = Table { schema: schema.map(str::to_owned), name: name.to_owned() };
                assert_eq!(sql.table_of(&sql.qualified(&table)), Some(table));
            }
            assert_eq!(sql.table_of("lamp"), None);
            assert_eq!(sql.table_of(&format!("{} ", sql.quote("lamp"))), None);
        }
    }

    #[test]
    fn placeholders_come_in_the_order_of_the_text() {
        let mut sql = Sql::mysql();
        let one = sql.bind(1);
        let two = sql.bind(2);
        let statement =
            sql.statement(format!("SELECT {two}, `a``$1`, \"$1\", '$2''$1', {one}, {two}"));
        assert_eq!(statement.sql, "SELECT ?, `a``$1`, \"$1\", '$2''$1', ?, ?");
        let values = statement.values.unwrap().0;
        assert_eq!(values, [Value::from(2), Value::from(1), Value::from(2)]);
    }
}
