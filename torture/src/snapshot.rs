//! The whole contents of the database, as one transaction sees them.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Context, Result};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel,
    QueryResult, Statement, TransactionOptions, TransactionTrait,
};

use crate::{
    schema::{DATA, FIELD_NAMES, Schema, field_name},
    sql::{key, link_columns, number, said},
};

/// Each table's rows by their numbers, and their state in the library's tables.
pub(crate) struct Snapshot {
    pub(crate) tables: Vec<BTreeMap<i64, Row>>,
    pub(crate) marked: Vec<Named>,
    pub(crate) queued: Vec<Named>,
    /// Fields that have a mark of a related row, instead of its owners.
    pub(crate) marked_elsewhere: Vec<HashSet<usize>>,
    /// The number of turns that were taken with the row that was first inserted with this number.
    pub(crate) ledger: BTreeMap<i64, i64>,
}

/// Rows and fields.
type Named = HashSet<(i64, usize)>;

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) data: [i64; DATA.len()],
    pub(crate) links: Vec<Option<i64>>,
    pub(crate) born: i64,
    pub(crate) turns: i64,
    pub(crate) fields: Vec<Stored>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    pub(crate) value: Option<i64>,
    pub(crate) flagged: bool,
}

impl Snapshot {
    pub(crate) async fn take(db: &DatabaseConnection, schema: &Schema) -> Result<Self> {
        let isolation_level = (db.get_database_backend() != DbBackend::Sqlite)
            .then_some(IsolationLevel::RepeatableRead);
        let transaction = db
            .begin_with_options(TransactionOptions { isolation_level, ..Default::default() })
            .await?;
        let reader = Reader { transaction, schema };
        let taken = reader.read().await?;
        reader.transaction.rollback().await?;
        Ok(taken)
    }

    /// Returns the number of marks and rows of the queue.
    pub(crate) fn pending(&self) -> usize {
        let sets = self.marked.iter().chain(&self.queued).map(HashSet::len).sum::<usize>();
        sets + self.marked_elsewhere.iter().map(HashSet::len).sum::<usize>()
    }
}

struct Reader<'a> {
    transaction: DatabaseTransaction,
    schema: &'a Schema,
}

impl Reader<'_> {
    async fn read(&self) -> Result<Snapshot> {
        let mut taken = Snapshot {
            tables: Vec::new(),
            marked: Vec::new(),
            queued: Vec::new(),
            marked_elsewhere: Vec::new(),
            ledger: BTreeMap::new(),
        };

        for table in 0..self.schema.tables.len() {
            taken.tables.push(self.rows(table).await?);
            let (marked, elsewhere) = self.named(table, "marks").await?;
            taken.marked.push(marked);
            taken.marked_elsewhere.push(elsewhere);
            taken.queued.push(self.named(table, "recalculations").await?.0);
        }

        for row in self
            .query("SELECT \"born\", count(*) AS turns FROM \"ledger\" GROUP BY \"born\"")
            .await?
        {
            taken.ledger.insert(row.try_get("", "born")?, row.try_get("", "turns")?);
        }
        Ok(taken)
    }

    async fn query(&self, sql: &str) -> Result<Vec<QueryResult>> {
        let backend = self.transaction.get_database_backend();
        let rows = self
            .transaction
            .query_all_raw(Statement::from_string(backend, said(backend, sql)))
            .await;
        rows.with_context(|| sql.to_owned())
    }

    /// Returns `column` as text.
    fn text(&self, column: &str) -> String {
        let kind = if self.transaction.get_database_backend() == DbBackend::MySql {
            "CHAR"
        } else {
            "TEXT"
        };
        format!("CAST(\"{column}\" AS {kind}) AS \"{column}\"")
    }

    async fn rows(&self, table: usize) -> Result<BTreeMap<i64, Row>> {
        let definition = &self.schema.tables[table];
        let keys: Vec<String> = key(table).iter().map(|(column, _)| (*column).to_owned()).collect();
        let links: Vec<Vec<String>> = (0..definition.links.len())
            .map(|link| link_columns(self.schema, table, link))
            .collect();

        let mut selected: Vec<String> =
            keys.iter().chain(links.iter().flatten()).map(|column| self.text(column)).collect();
        selected
            .extend(DATA.iter().chain(&["born", "turns"]).map(|column| format!("\"{column}\"")));
        for field in (0..definition.fields.len()).map(field_name) {
            selected.extend([
                format!("\"cached_{field}\""),
                format!("\"{field}_recalculation_needed\""),
            ]);
        }

        let mut rows = BTreeMap::new();
        for row in self
            .query(&format!("SELECT {} FROM \"{}\"", selected.join(", "), definition.name))
            .await?
        {
            let n = read_number(&row, table, &keys)?.context("a row without a key")?;
            let linked = definition.links.iter().zip(&links);
            let data = DATA.map(|column| {
                row.try_get::<Option<i64>>("", column).map(|value| value.unwrap_or(0))
            });
            let [a, b] = data;
            let fields = (0..definition.fields.len()).map(field_name).map(|field| {
                let value = row.try_get("", &format!("cached_{field}"))?;
                Ok(Stored {
                    value,
                    flagged: row.try_get("", &format!("{field}_recalculation_needed"))?,
                })
            });
            let read = Row {
                data: [a?, b?],
                links: linked
                    .map(|(link, columns)| read_number(&row, link.to, columns))
                    .collect::<Result<_>>()?,
                born: row.try_get("", "born")?,
                turns: row.try_get("", "turns")?,
                fields: fields.collect::<Result<_>>()?,
            };
            rows.insert(n, read);
        }
        Ok(rows)
    }

    async fn named(&self, table: usize, ours: &str) -> Result<(Named, HashSet<usize>)> {
        let keys: Vec<String> = (1..=key(table).len()).map(|n| format!("key_{n}")).collect();
        let selected: Vec<String> = keys.iter().map(|column| self.text(column)).collect();
        let name = self.schema.tables[table].name;
        let mut named = HashSet::new();
        let mut elsewhere = HashSet::new();

        for row in self
            .query(&format!("SELECT field, {} FROM \"_{name}_cached_{ours}\"", selected.join(", ")))
            .await?
        {
            let list: String = row.try_get("", "field")?;
            let n = read_number(&row, table, &keys)?;
            for field in list.split(',') {
                let field = FIELD_NAMES
                    .iter()
                    .position(|name| *name == field)
                    .context("a field that the schema does not have")?;
                match n {
                    Some(n) => drop(named.insert((n, field))),
                    None => drop(elsewhere.insert(field)),
                }
            }
        }
        Ok((named, elsewhere))
    }
}

fn read_number(row: &QueryResult, table: usize, columns: &[String]) -> Result<Option<i64>> {
    let values = columns.iter().map(|column| row.try_get::<Option<String>>("", column));
    let values: Option<Vec<String>> = values.collect::<Result<_, _>>()?;
    Ok(values.and_then(|values| number(table, &values)))
}
