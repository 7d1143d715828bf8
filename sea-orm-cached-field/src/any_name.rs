//! The user's tables and columns may have any name. That includes the names in the library's
//! statements: its tables, aliases, variables and columns, as they are found in the text itself.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseExecutor, DbBackend,
    DbErr, QueryResult, Statement, Value,
};
use tempfile::TempDir;

use crate::{
    Error,
    backend::{Backend, sql::Sql, words},
    declaration::{Calculation, Flagging, Key},
    installation,
    layout::{Column, Field, Link, Owner, Reader, Source, Step, Table},
    registry::{Loaded, LoadedOrUnreadable, Model, Rows, Unreadable},
    worker::Worker,
};

/// Names that mean something in SQL, beside those that are found.
const WORDS: [&str; 10] =
    ["new", "old", "excluded", "main", "temp", "public", "select", "table", "values", "user"];

/// The names that a user has given to everything that a total is calculated from. That is: rows
/// that refer to the owner, rows behind those, and a row that the owner refers to.
struct Names<'n> {
    owner: &'n str,
    part: &'n str,
    detail: &'n str,
    kind: &'n str,
    key: &'n str,
    input: &'n str,
    part_key: &'n str,
    part_owner: &'n str,
    size: &'n str,
    detail_part: &'n str,
    amount: &'n str,
    kind_key: &'n str,
    weight: &'n str,
}

impl<'n> Names<'n> {
    /// Takes four table names, and some column names of each, from this place on.
    fn from(all: &'n [String], place: usize) -> Self {
        let name = |at: usize| all[(place + at) % all.len()].as_str();

        Self {
            owner: name(0),
            part: name(1),
            detail: name(2),
            kind: name(3),
            key: name(4),
            input: name(5),
            part_key: name(6),
            part_owner: name(7),
            size: name(8),
            detail_part: name(9),
            amount: name(10),
            kind_key: name(11),
            weight: name(12),
        }
    }
}

/// The number of names, from the beginning, that are names of tables.
const TABLES: usize = 4;

const TOTAL: &str = "cached total";
const FLAG: &str = "total is stale";
/// The owner's columns that relate it to other tables.
const KIND: &str = "kind of it";
const WHOLE: &str = "whole of it";

impl Names<'_> {
    fn tables(&self, sql: &Sql) -> [String; 4] {
        let quote = |name: &str| sql.quote(name);

        [
            format!(
                "CREATE TABLE {} (
                     {} integer NOT NULL PRIMARY KEY,
                     {} integer,
                     {} integer,
                     {} integer,
                     {} bigint,
                     {} boolean NOT NULL DEFAULT true)",
                quote(self.owner),
                quote(self.key),
                quote(self.input),
                quote(KIND),
                quote(WHOLE),
                quote(TOTAL),
                quote(FLAG),
            ),
            format!(
                "CREATE TABLE {} ({} integer NOT NULL PRIMARY KEY, {} integer, {} integer)",
                quote(self.part),
                quote(self.part_key),
                quote(self.part_owner),
                quote(self.size),
            ),
            format!(
                "CREATE TABLE {} ({} integer NOT NULL PRIMARY KEY, {} integer)",
                quote(self.kind),
                quote(self.kind_key),
                quote(self.weight),
            ),
            format!(
                "CREATE TABLE {} ({} integer, {} integer)",
                quote(self.detail),
                quote(self.detail_part),
                quote(self.amount),
            ),
        ]
    }

    fn layout(&self) -> Owner {
        let table = |name: &str| Table { schema: None, name: name.to_owned() };
        let column = |name: &str| Column {
            name: name.to_owned(),
            cast: Default::default(),
            read: Default::default(),
            order: Default::default(),
        };
        let step = |name: &str, near: &str, far: &str| Step {
            table: table(name),
            link: vec![Link { near: near.to_owned(), far: far.to_owned() }],
        };
        let source = |steps: &[Step], columns: &[&str]| Source {
            steps: steps.to_vec(),
            at: steps.len() - 1,
            repeated: Vec::new(),
            readers: vec![Reader {
                field: 0,
                columns: columns.iter().map(|&name| name.to_owned()).collect(),
            }],
        };

        let part = step(self.part, self.key, self.part_owner);
        let detail = step(self.detail, self.part_key, self.detail_part);
        let below = step(self.owner, self.key, WHOLE);
        let mut below = source(&[below], &[self.input, self.key]);
        below.repeated = std::iter::once(0..1).collect();

        Owner {
            table: table(self.owner),
            key: vec![column(self.key)],
            key_reader: read_key,
            fields: vec![Field {
                exact: true,
                name: "total",
                cached: column(TOTAL),
                recalculation_needed: FLAG.to_owned(),
                expires_after: None,
                expires_every: None,
                time_zone: None,
                flagging: Flagging::Commit,
                index_flag: false,
                debounce: None,
                version: 0,
                lazy: false,
                query: None,
                recursive: false,
                own_columns: vec![self.input.to_owned(), KIND.to_owned()],
            }],
            sources: vec![
                source(std::slice::from_ref(&part), &[self.size, self.part_key]),
                source(&[part, detail], &[self.amount]),
                source(&[step(self.kind, KIND, self.kind_key)], &[self.weight]),
                below,
            ],
        }
    }

    /// Returns the total of the row that `o` names in the query around it.
    fn total(&self, sql: &Sql) -> String {
        let quote = |name: &str| sql.quote(name);
        let sum = |of: String, from: String| format!("COALESCE((SELECT SUM({of}) FROM {from}), 0)");

        let parts = format!(
            "{} p WHERE p.{} = o.{}",
            quote(self.part),
            quote(self.part_owner),
            quote(self.key)
        );
        let details = format!(
            "{} d JOIN {} p ON p.{} = d.{} WHERE p.{} = o.{}",
            quote(self.detail),
            quote(self.part),
            quote(self.part_key),
            quote(self.detail_part),
            quote(self.part_owner),
            quote(self.key),
        );
        let kinds =
            format!("{} k WHERE k.{} = o.{}", quote(self.kind), quote(self.kind_key), quote(KIND));
        let below =
            format!("{} b WHERE b.{} = o.{}", quote(self.owner), quote(WHOLE), quote(self.key));

        let sums = [
            format!("o.{}", quote(self.input)),
            sum(format!("p.{}", quote(self.size)), parts),
            sum(format!("d.{}", quote(self.amount)), details),
            sum(format!("k.{}", quote(self.weight)), kinds),
            sum(format!("b.{}", quote(self.input)), below),
        ];
        let integer = if sql.backend() == DbBackend::MySql { "SIGNED" } else { "bigint" };
        format!("CAST({} AS {integer})", sums.join(" + "))
    }

    /// Returns the writes to the rows: groups of changes that are worked off together.
    fn steps(&self, sql: &Sql) -> [Vec<String>; 4] {
        let quote = |name: &str| sql.quote(name);
        let owner = quote(self.owner);
        let part = quote(self.part);
        let kind = quote(self.kind);
        let detail = quote(self.detail);
        let input = format!(
            "{}, {}, {}, {}",
            quote(self.key),
            quote(self.input),
            quote(KIND),
            quote(WHOLE)
        );

        [
            vec![
                format!("INSERT INTO {kind} VALUES (1, 1000), (2, 2000)"),
                format!(
                    "INSERT INTO {owner} ({input})
                     VALUES (1, 1, 1, NULL), (2, 2, 1, 1), (3, 3, 2, 1)"
                ),
                format!("INSERT INTO {part} VALUES (1, 1, 10), (2, 2, 20), (3, 1, 30)"),
                format!("INSERT INTO {detail} VALUES (1, 100), (3, 300), (2, 200)"),
            ],
            vec![
                format!(
                    "UPDATE {part} SET {} = 40 WHERE {} = 1",
                    quote(self.size),
                    quote(self.part_key)
                ),
                format!(
                    "UPDATE {detail} SET {0} = {0} + 1 WHERE {1} = 2",
                    quote(self.amount),
                    quote(self.detail_part)
                ),
                format!(
                    "UPDATE {kind} SET {} = 5000 WHERE {} = 2",
                    quote(self.weight),
                    quote(self.kind_key)
                ),
            ],
            // Row 1 changes by the row below it, row 2 by its own column.
            vec![
                format!(
                    "UPDATE {owner} SET {} = 7 WHERE {} = 2",
                    quote(self.input),
                    quote(self.key)
                ),
                format!("UPDATE {owner} SET {} = 0 WHERE {} = 3", quote(TOTAL), quote(self.key)),
            ],
            vec![
                format!(
                    "UPDATE {part} SET {} = 3 WHERE {} = 1",
                    quote(self.part_owner),
                    quote(self.part_key)
                ),
                format!("DELETE FROM {part} WHERE {} = 2", quote(self.part_key)),
                format!("UPDATE {owner} SET {0} = 4 WHERE {0} = 1", quote(self.key)),
            ],
        ]
    }
}

fn read_key(row: &QueryResult, prefix: &str) -> Result<Key, DbErr> {
    Ok(Key::new([row.try_get::<i32>(prefix, "key_1")?.into()]))
}

/// Loads rows by plain SQL.
struct Plain {
    of_keys: String,
    key: String,
}

struct PlainRows(Vec<(Key, i64)>);

impl Rows for Plain {
    fn key_columns(&self) -> Vec<(String, sea_orm::ColumnType)> {
        Vec::new()
    }

    fn is_batch(&self, _: usize) -> bool {
        false
    }

    fn has_hook(&self, _: usize) -> bool {
        false
    }

    fn load<'a>(
        &'a self,
        db: &'a DatabaseExecutor<'a>,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<LoadedOrUnreadable<'a>, DbErr>> {
        Box::pin(async move {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            let text = format!("{} WHERE o.{} IN ({})", self.of_keys, self.key, keys.join(", "));
            let mut rows = Vec::new();
            for row in
                db.query_all_raw(Statement::from_string(db.get_database_backend(), text)).await?
            {
                rows.push((read_key(&row, "")?, row.try_get("", "expected")?));
            }
            Ok((Box::new(PlainRows(rows)) as Box<dyn Loaded>, Unreadable::new()))
        })
    }
}

impl Loaded for PlainRows {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn key(&self, row: usize) -> Key {
        self.0[row].0.clone()
    }

    fn stored(&self, _: usize, _: usize) -> Value {
        Value::BigInt(None)
    }

    fn calculate<'a>(
        &'a self,
        row: usize,
        _: usize,
        _: &'a DatabaseExecutor<'a>,
    ) -> Calculation<'a, Value> {
        Box::pin(std::future::ready(Ok(self.0[row].1.into())))
    }

    fn calculate_batch<'a>(
        &'a self,
        _: &[usize],
        _: usize,
        _: &'a DatabaseExecutor<'a>,
    ) -> Calculation<'a, Vec<Value>> {
        unreachable!("the field is calculated row by row")
    }

    fn after_recalculation<'a>(
        &'a self,
        _: usize,
        _: usize,
        _: &'a DatabaseExecutor<'a>,
    ) -> Option<Calculation<'a, ()>> {
        None
    }
}

/// A database of its own.
struct Fresh {
    db: DatabaseConnection,
    server: Option<(DatabaseConnection, String)>,
    _folder: Option<TempDir>,
}

impl Fresh {
    async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("names.db").display());
        Self { db: Database::connect(url).await.unwrap(), server: None, _folder: Some(folder) }
    }

    async fn on_server(variable: &str, default: &str) -> Self {
        let url = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
        let server =
            Database::connect(&url).await.expect("start a server with `cargo xtask services`");
        let name = format!("cached_field_names_{}", std::process::id());
        server.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name}")).await.unwrap();
        server.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();

        let (place, rest) = url.rsplit_once('/').unwrap();
        let options =
            rest.split_once('?').map(|(_, options)| format!("?{options}")).unwrap_or_default();
        let mut fresh = ConnectOptions::new(format!("{place}/{name}{options}"));
        // Each name makes other texts. For a text that falls out of the cache, MySQL's protocol
        // waits 40 ms.
        fresh.map_sqlx_mysql_opts(|options| options.statement_cache_capacity(1000));

        let db = Database::connect(fresh).await.unwrap();
        Self { db, server: Some((server, name)), _folder: None }
    }

    async fn drop(self) {
        self.db.close().await.unwrap();
        if let Some((server, name)) = self.server {
            server.execute_unprepared(&format!("DROP DATABASE {name}")).await.unwrap();
        }
    }
}

/// Runs all steps. After each, every total is right, and nothing is left to do.
async fn follow(db: &DatabaseConnection, names: &Names<'_>) -> Result<(), Error> {
    let sql = Backend::of(db)?.sql();
    for table in names.tables(&sql) {
        db.execute_unprepared(&table).await?;
    }

    let [key, owner, total, flag] =
        [names.key, names.owner, TOTAL, FLAG].map(|name| sql.quote(name));
    let expected = names.total(&sql);
    let of_keys = format!(
        "SELECT o.{key} AS key_1,
                {expected} AS expected,
                o.{total} AS it_has,
                o.{flag} AS is_stale
           FROM {owner} o"
    );

    let rows = Box::new(Plain { of_keys: of_keys.clone(), key });
    let models = vec![Arc::new(Model::plain(names.layout(), rows))];
    installation::install(&DatabaseExecutor::Connection(db), &models).await?;
    for step in names.steps(&sql) {
        for change in &step {
            db.execute_unprepared(change).await?;
        }
        Worker::new(db, crate::CachedFields::these(models.clone())).drain().await?;
        for row in db
            .query_all_raw(Statement::from_string(db.get_database_backend(), of_keys.as_str()))
            .await?
        {
            let expected: i64 = row.try_get("", "expected")?;
            let stored: Option<i64> = row.try_get("", "it_has")?;
            if stored != Some(expected) || row.try_get("", "is_stale")? {
                return Err(Error::Worker(format!(
                    "{stored:?} is not {expected}, or is stale, after {step:?}"
                )));
            }
        }
    }

    let found = installation::doctor(&DatabaseExecutor::Connection(db), &models).await?;
    if !found.is_healthy() {
        return Err(Error::Worker(found.to_string()));
    }

    installation::uninstall(&DatabaseExecutor::Connection(db), &models).await?;
    for table in [names.owner, names.part, names.kind, names.detail] {
        db.execute_unprepared(&format!("DROP TABLE {}", sql.quote(table))).await?;
    }
    Ok(())
}

/// Tests each name in so many roles.
async fn serves(fresh: Fresh, roles: usize) {
    let mut all = words::names_beside_the_users(Backend::of(&fresh.db).unwrap());
    assert!(all.len() > 40, "{all:?}");
    all.extend(WORDS.map(str::to_owned));
    // No column can have the name of a system column.
    all.retain(|name| !["ctid", "tableoid"].contains(&name.as_str()));
    let all: Vec<String> = all.into_iter().collect();
    let mut failures: Vec<String> = Vec::new();
    for place in (0..roles).flat_map(|role| (role..all.len() + role).step_by(TABLES)) {
        if let Err(error) = follow(&fresh.db, &Names::from(&all, place)).await {
            failures.push(format!("from {} on: {error}", all[place % all.len()]));
        }
    }
    fresh.drop().await;
    assert!(failures.is_empty(), "of {all:?}:\n{}", failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_on_sqlite() {
    serves(Fresh::on_sqlite().await, TABLES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_on_postgres() {
    let default = "postgres://postgres@127.0.0.1:5432/postgres";
    serves(Fresh::on_server("CACHED_FIELD_TEST_POSTGRES_URL", default).await, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_on_mariadb() {
    let default = "mysql://root@127.0.0.1:3306/mysql";
    serves(Fresh::on_server("CACHED_FIELD_TEST_MARIADB_URL", default).await, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_on_mysql() {
    let default = "mysql://root@127.0.0.1:3307/mysql";
    serves(Fresh::on_server("CACHED_FIELD_TEST_MYSQL_URL", default).await, 1).await;
}
