//! What SQL text is put together with. Identifiers are quoted, values are bound.

use sea_orm::{
    DbBackend, Statement, Value,
    sea_query::{
        MysqlQueryBuilder, PostgresQueryBuilder, SelectStatement, SqlWriterValues,
        SqliteQueryBuilder, Values,
    },
};

use super::{
    names::{All, Columns, Dialect, Names},
    sizes,
};
use crate::{
    catalog::checksum,
    declaration::Key,
    layout::{Column, Owner, Table},
};

/// The greatest length of an identifier that all databases accept, in bytes.
const IDENTIFIER_BYTES: usize = 63;

/// What stands before the number of a placeholder until the statement is made: a character that SQL
/// text does not have.
const PLACEHOLDER: char = '\u{1}';

/// A statement in the making: text, and the values bound in it.
#[derive(Debug)]
pub(crate) struct Sql {
    dialect: Dialect,
    values: Vec<Value>,
}

impl Sql {
    fn new(dialect: Dialect) -> Self {
        Self { dialect, values: Vec::new() }
    }

    pub(crate) fn postgres() -> Self {
        Self::new(Dialect::Postgres)
    }

    pub(crate) fn sqlite() -> Self {
        Self::new(Dialect::Sqlite)
    }

    pub(crate) fn mysql() -> Self {
        Self::new(Dialect::MySql)
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The names of an owner, as they stand in this statement.
    pub(crate) fn names<'a>(&self, owner: &'a Owner) -> Names<'a> {
        self.dialect.names(owner)
    }

    /// An identifier, quoted as this database does.
    pub(crate) fn quote(&self, identifier: &str) -> String {
        self.dialect.quote(identifier)
    }

    /// A query of the user, before anything is bound.
    pub(crate) fn embed(&mut self, select: &SelectStatement) -> String {
        assert!(self.values.is_empty(), "a query numbers its placeholders from 1 on");
        let mut writer = SqlWriterValues::new(PLACEHOLDER.to_string(), true);
        match self.dialect {
            Dialect::Sqlite => select.build_collect_into(SqliteQueryBuilder, &mut writer),
            Dialect::MySql => select.build_collect_into(MysqlQueryBuilder, &mut writer),
            Dialect::Postgres => select.build_collect_into(PostgresQueryBuilder, &mut writer),
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
        self.dialect.cast(&column.cast, expression)
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.dialect.backend()
    }

    /// `key_1 = $1 AND ..`, for one key, in these columns.
    pub(crate) fn key_is(&mut self, owner: &Owner, columns: &Columns, key: &Key) -> All {
        let columns = owner.key.iter().zip(columns.iter()).zip(key.values());
        let equal = columns.map(|((kind, column), value)| {
            let value = self.bind_for(kind, value.clone());
            format!("{column} = {value}")
        });
        equal.collect()
    }

    /// The rows whose key, in these columns, comes before or after another. MySQL goes by an index
    /// only if each column is compared by itself.
    pub(crate) fn compare_keys(
        &mut self,
        owner: &Owner,
        columns: &Columns,
        operator: &str,
        key: &Key,
    ) -> String {
        if self.dialect != Dialect::MySql {
            let tuple = self.keys(owner, [key]);
            return format!("({columns}) {operator} {tuple}");
        }

        let strictly = operator.trim_end_matches('=');
        let mut compared = String::new();
        for ((kind, column), value) in owner.key.iter().zip(columns.iter()).zip(key.values()).rev()
        {
            let value = self.bind_for(kind, value.clone());
            let column = self.dialect.cast(&kind.order, column);
            compared = if compared.is_empty() {
                format!("{column} {operator} {value}")
            } else {
                format!("({column} {strictly} {value} OR {column} = {value} AND {compared})")
            };
        }

        compared
    }

    /// The tuples of a `VALUES` list, of keys.
    pub(crate) fn keys<'k>(
        &mut self,
        owner: &Owner,
        keys: impl IntoIterator<Item = &'k Key>,
    ) -> Columns {
        keys.into_iter().map(|key| self.tuple(owner, &key, |key| key, |_, _| Vec::new())).collect()
    }

    /// The tuples of a `VALUES` list: of each row its key, then what `rest` binds.
    pub(crate) fn tuples<T>(
        &mut self,
        owner: &Owner,
        rows: &[T],
        key: impl Fn(&T) -> &Key,
        mut rest: impl FnMut(&mut Self, &T) -> Vec<String>,
    ) -> Columns {
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
        let key: Columns =
            columns.map(|(column, value)| self.bind_for(column, value.clone())).collect();
        let tuple = key.and(rest(self, row));
        format!("({tuple})")
    }

    /// The same, filled up with tuples in which all that is bound is NULL.
    pub(crate) fn padded_tuples<T>(
        &mut self,
        owner: &Owner,
        rows: &[T],
        key: impl Fn(&T) -> &Key,
        mut rest: impl FnMut(&mut Self, &T) -> Vec<String>,
    ) -> Columns {
        let mut tuples = self.tuples(owner, rows, &key, &mut rest);
        let missing = sizes::padded(rows.len()) - rows.len();

        for last in rows.last().into_iter().cycle().take(missing) {
            let first = self.values.len();
            let tuple = self.tuple(owner, last, &key, &mut rest);
            tuples = tuples.and([tuple]);
            self.values[first..].iter_mut().for_each(|value| *value = value.as_null());
        }

        tuples
    }

    pub(crate) fn statement(self, text: String) -> Statement {
        let backend = self.backend();
        #[cfg(feature = "__mutations")]
        let text = super::mutation::mutated(&text);
        let text = super::apart::apart(text);

        let mut parts = text.split(PLACEHOLDER);
        let mut text = parts.next().unwrap_or_default().to_owned();
        let mut values = Vec::new();
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = part.split_at(digits);
            if self.dialect == Dialect::Postgres {
                text.extend(["$", number, rest]);
            } else {
                // On SQLite, sqlx looks each numbered placeholder up among all others.
                let number: usize = number.parse().expect("a placeholder has a number");
                values.push(self.values[number - 1].clone());
                text.extend(["?", rest]);
            }
        }

        if self.dialect == Dialect::Postgres {
            values = self.values;
        }
        debug_assert!(values.len() <= sizes::MOST_VALUES, "{} values", values.len());
        Statement::from_sql_and_values(backend, text, values)
    }
}

/// `key_1`, `key_2`, ...: the columns of our tables that hold the owner's key.
pub(crate) fn key_columns(owner: &Owner) -> Vec<String> {
    (1..=owner.key.len()).map(|n| format!("key_{n}")).collect()
}

/// What a mark of a chunk carries in the column `via`. No source has this name, for each has two
/// underscores in a row.
pub(crate) const CHUNK: &str = "chunk";

/// A list of fields, as a mark has it in its column `field`: their names with commas in between.
pub(crate) fn list(owner: &Owner, fields: impl IntoIterator<Item = usize>) -> String {
    fields.into_iter().map(|field| owner.fields[field].name).collect::<Vec<_>>().join(",")
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
/// underscores is ambiguous (`lamp` and `post_x`, `lamp_post` and `x`). The checksum is of the
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

/// The table of the settings of an owner's fields, which operators change.
pub(crate) fn settings(owner: &Owner) -> Table {
    beside(&owner.table, "cached_settings")
}

/// The table of the workers that serve an owner.
pub(crate) fn workers(owner: &Owner) -> Table {
    beside(&owner.table, "cached_workers")
}

/// The table of what workers did in each minute.
pub(crate) fn minutes(owner: &Owner) -> Table {
    beside(&owner.table, "cached_minutes")
}

/// The tables that no trigger and no calculation needs.
pub(crate) fn records(owner: &Owner) -> [Table; 3] {
    [settings, workers, minutes].map(|table| table(owner))
}

/// All tables of the library beside an owner's.
pub(crate) fn tables(owner: &Owner) -> Vec<Table> {
    let protocol = [marks, recalculations, versions].map(|table| table(owner));
    protocol.into_iter().chain(records(owner)).collect()
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
