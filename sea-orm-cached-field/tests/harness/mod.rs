//! A fresh database for every test, and what tests ask of it.

#![allow(dead_code, unused_macros, reason = "each test binary asks for something else")]

pub mod client;
pub mod gate;
pub mod lampposts;
pub mod log;
mod server;
mod spare;

use std::{future::poll_fn, ops::Deref, task::Poll, time::Duration};

use futures_util::{FutureExt, Stream, StreamExt};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, EntityTrait,
    FromQueryResult, JsonValue, Schema, Statement,
};
use sea_orm_cached_field::{CachedFields, Error, Event};
use tempfile::TempDir;

use server::{DropOnServer, MARIADB, MYSQL, POSTGRES, of_this_test};

/// A test on each of these databases: of a function `claim`, the tests `claim::sqlite`, ...
macro_rules! tests_on {
    ([$($database:ident)*] $(#[$attribute:meta])* async fn $name:ident($db:ident: TestDb) $body:block) => {
        $(#[$attribute])*
        async fn $name($db: $crate::harness::TestDb) $body

        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $database() {
                    super::$name($crate::harness::TestDb::$database().await).await;
                }
            )*
        }
    };
}

/// Runs the test on every database: `#[apply(contract)] async fn claim(db: TestDb) { .. }`
macro_rules! contract {
    ($($test:tt)*) => { tests_on! { [sqlite postgres mariadb mysql] $($test)* } };
}

/// Runs the test on SQLite alone.
macro_rules! on_sqlite {
    ($($test:tt)*) => { tests_on! { [sqlite] $($test)* } };
}

/// Runs the test on each database that is a server.
macro_rules! on_servers {
    ($($test:tt)*) => { tests_on! { [postgres mariadb mysql] $($test)* } };
}

/// Runs the test on PostgreSQL alone.
macro_rules! on_postgres {
    ($($test:tt)*) => { tests_on! { [postgres] $($test)* } };
}

/// Runs the test on MariaDB and on MySQL.
macro_rules! on_mariadb_and_mysql {
    ($($test:tt)*) => { tests_on! { [mariadb mysql] $($test)* } };
}

/// How long a test waits for what will not come, before it fails: longer than it could take on any
/// machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A database that exists for one test.
pub struct TestDb {
    connection: DatabaseConnection,
    pub url: String,
    place: Place,
}

enum Place {
    Folder { _folder: TempDir },
    Server(DropOnServer),
}

impl Deref for TestDb {
    type Target = DatabaseConnection;

    fn deref(&self) -> &DatabaseConnection {
        &self.connection
    }
}

impl TestDb {
    pub async fn sqlite() -> Self {
        of_this_test("sqlite");
        let folder = tempfile::tempdir().expect("a temp folder");
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
        let connection = connect(&url).await;
        Self { connection, url, place: Place::Folder { _folder: folder } }
    }

    pub async fn postgres() -> Self {
        POSTGRES.fresh_database().await
    }

    pub async fn mariadb() -> Self {
        MARIADB.fresh_database().await
    }

    pub async fn mysql() -> Self {
        MYSQL.fresh_database().await
    }

    /// A database of a server that the test has started in this folder.
    pub async fn of_a_server(url: String, folder: TempDir) -> Self {
        let connection = connect(&url).await;
        Self { connection, url, place: Place::Folder { _folder: folder } }
    }

    /// An empty database on the same server.
    pub async fn another_database(&self) -> Self {
        match &self.place {
            Place::Folder { .. } => Self::sqlite().await,
            Place::Server(DropOnServer { server, .. }) => server.fresh_database().await,
        }
    }

    pub fn is_mariadb(&self) -> bool {
        matches!(&self.place, Place::Server(DropOnServer { server, .. }) if *server == MARIADB)
    }

    /// Whether it is MariaDB or MySQL.
    pub fn is_mysql(&self) -> bool {
        self.get_database_backend() == DbBackend::MySql
    }

    pub fn is_sqlite(&self) -> bool {
        self.get_database_backend() == DbBackend::Sqlite
    }

    /// Whether the flags of owners are set by the worker that collects the marks of related rows,
    /// and not before.
    pub fn flags_by_the_collector(&self) -> bool {
        self.is_mysql()
    }

    /// Standard SQL, with this database's quotes around identifiers.
    pub fn quoted(&self, text: &str) -> String {
        if !self.is_mysql() {
            return text.to_owned();
        }
        let parts: Vec<String> = text.split("\"\"").map(|part| part.replace('"', "`")).collect();
        parts.join("\"")
    }

    /// Another pool of connections to the same database: another process, as far as it can be told.
    pub async fn another_pool(&self) -> DatabaseConnection {
        connect(&self.url).await
    }

    /// The URL of the server itself, where the tests reach it through a pooler; else the same as
    /// `url`. PostgreSQL only.
    pub async fn direct_url(&self) -> String {
        let port: i32 = self.scalar("SELECT inet_server_port()").await;
        let (server, database) = self.url.rsplit_once('/').expect("the URL names a database");
        let (host, _) = server.rsplit_once(':').expect("the URL names a port");
        format!("{host}:{port}/{database}")
    }

    /// Whether the tests reach the server through a pooler, which gives each transaction to any of
    /// its sessions.
    pub async fn is_pooled(&self) -> bool {
        self.get_database_backend() == DbBackend::Postgres && self.direct_url().await != self.url
    }

    /// For tests of what a session keeps.
    pub async fn needs_sessions_of_its_own(&self) {
        if self.is_pooled().await {
            not_run("the pooler gives each transaction to any session");
        }
    }

    /// For tests of what came with this version of PostgreSQL.
    pub async fn needs_postgres(&self, since: i32, what: &str) {
        let server = self.version_of_postgres().await;
        if server < since {
            not_run(&format!("{what} came with PostgreSQL {since}, this is {server}"));
        }
    }

    pub async fn version_of_postgres(&self) -> i32 {
        self.scalar("SELECT current_setting('server_version_num')::integer / 10000").await
    }

    /// Connects as this role of the test's own, whose password is `x`. PostgreSQL only.
    pub async fn connect_as(&self, role: &str) -> DatabaseConnection {
        let (_, place) = self.url.split_once('@').expect("a user in the URL");
        let connection = match Database::connect(format!("postgres://{role}:x@{place}")).await {
            Ok(connection) => connection,
            Err(error) => {
                self.drop_role(role).await;
                panic!("{role} cannot connect: {error}");
            }
        };

        let who = Statement::from_string(DbBackend::Postgres, "SELECT current_user::text");
        let row = connection.query_one_raw(who).await.expect("a role").expect("a row");
        let connected: String = row.try_get_by_index(0).expect("a text");
        if connected != role {
            connection.close().await.expect("closed");
            self.drop_role(role).await;
            not_run(&format!("the pooler connects as {connected}, whatever role the client names"));
        }
        connection
    }

    /// Roles belong to the server and outlive a test's database: drop them before anything is
    /// asserted.
    pub async fn drop_role(&self, role: &str) {
        self.sql(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}")).await;
    }

    /// The same database, with all sessions but one closed.
    pub async fn with_one_connection(mut self) -> Self {
        self.connection.close_by_ref().await.expect("closed");
        self.connection =
            Database::connect(ConnectOptions::new(&self.url).max_connections(1).to_owned())
                .await
                .expect("one");
        self
    }

    /// The same database, as it stands there by now.
    pub async fn reopened(mut self) -> Self {
        self.connection = connect(&self.url).await;
        self
    }

    /// The same database, in which each session begins with this setting. PostgreSQL only.
    pub async fn with_setting(self, setting: &str) -> Self {
        let name: String = self.scalar("SELECT current_database()::text").await;
        self.sql(&format!("ALTER DATABASE {name} SET {setting}")).await;
        if !self.is_pooled().await {
            return self.reopened().await;
        }

        // The pooler keeps sessions that have begun without it.
        let one = ConnectOptions::new(self.direct_url().await).max_connections(1).to_owned();
        let direct =
            TestDb { connection: Database::connect(one).await.expect("connected"), ..self };
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
        while direct.scalar::<i64>(end).await > 0 {}
        direct.close_by_ref().await.expect("closed");
        let pooled = direct.reopened().await;
        // It may give out one of those sessions before it sees that they have ended.
        while pooled.execute_unprepared("SELECT 1").await.is_err() {}
        pooled
    }

    pub async fn create<E: EntityTrait>(&self, entity: E) {
        let backend = self.get_database_backend();
        self.connection
            .execute(&Schema::new(backend).create_table_from_entity(entity))
            .await
            .expect("a table");
    }

    /// A name that no other test of this process uses.
    pub fn name(&self, what: &str) -> String {
        let place = self.url.rsplit('/').nth(usize::from(self.is_sqlite())).unwrap_or_default();
        format!("{what} {place}")
    }

    pub async fn sql(&self, text: &str) -> u64 {
        self.execute_unprepared(text)
            .await
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .rows_affected()
    }

    /// The first column of the first row.
    pub async fn scalar<T: sea_orm::TryGetable>(&self, text: &str) -> T {
        let row =
            self.query_one_raw(Statement::from_string(self.get_database_backend(), text)).await;
        let row = row
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .unwrap_or_else(|| panic!("{text}: no row"));
        row.try_get_by_index(0).unwrap_or_else(|error| panic!("{text}: {error:?}"))
    }

    pub async fn rows(&self, text: &str) -> Vec<JsonValue> {
        let statement = Statement::from_string(self.get_database_backend(), text);
        JsonValue::find_by_statement(statement)
            .all(&self.connection)
            .await
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Whether the server refuses to write, under `REPEATABLE READ`, a row that has changed since
    /// the snapshot. MariaDB does so from 11.6.2 on, by default.
    pub async fn refuses_newer_rows(&self) -> bool {
        let setting = "SELECT count(*)
                         FROM information_schema.global_variables
                        WHERE variable_name = 'innodb_snapshot_isolation'
                          AND variable_value = 'ON'";
        self.is_mariadb() && self.scalar::<i64>(setting).await > 0
    }

    /// What the engine does from now on.
    pub fn narration(&self) -> Narration {
        Narration(Box::pin(CachedFields::all().events(&self.connection).expect("events")))
    }

    /// Marks and queue rows of an owner's table, which may have its schema before it, together.
    pub async fn pending(&self, table: &str) -> i64 {
        let beside = match table.rsplit_once('.') {
            Some((schema, table)) => format!("{schema}._{table}"),
            None => format!("_{table}"),
        };

        // A mark may be of several fields.
        let fields = "CAST(
            coalesce(sum(length(field) - length(replace(field, ',', '')) + 1), 0)
            AS {integer})";
        let integer =
            if self.get_database_backend() == DbBackend::MySql { "SIGNED" } else { "BIGINT" };
        let fields = fields.replace("{integer}", integer);

        let marks: i64 = self.scalar(&format!("SELECT {fields} FROM {beside}_cached_marks")).await;
        let queued: i64 =
            self.scalar(&format!("SELECT count(*) FROM {beside}_cached_recalculations")).await;
        marks + queued
    }

    /// Makes everything in the queue due, whose lease or delay has not ended.
    pub async fn let_time_pass(&self, table: &str) {
        let past = match self.get_database_backend() {
            DbBackend::Sqlite => "due_at = 0, leased_until = 0",
            DbBackend::MySql => "due_at = '1970-01-01', leased_until = '1970-01-01'",
            _ => "due_at = '-infinity', leased_until = '-infinity'",
        };
        let text =
            format!("UPDATE _{table}_cached_recalculations SET {past} WHERE due_at IS NOT NULL");

        // The server may still run a statement of a killed worker, which may deadlock with this
        // one.
        let due = async {
            while let Err(error) = self.execute_unprepared(&text).await.map_err(Error::from) {
                assert!(error.is_transient(), "{text}: {error}");
            }
        };
        tokio::time::timeout(PATIENCE, due).await.expect("everything should become due");
    }

    /// Makes all leases last for an hour from now, however slow the machine is.
    pub async fn let_time_stand_still(&self, table: &str) {
        let (never, hour) = match self.get_database_backend() {
            DbBackend::Sqlite => ("0", "3600000"),
            DbBackend::MySql => ("'1970-01-01'", "INTERVAL 1 HOUR"),
            _ => ("'-infinity'", "interval '1 hour'"),
        };
        let queue = format!("_{table}_cached_recalculations");
        let now = self.now();
        self.sql(&format!(
            "UPDATE {queue} SET leased_until = {now} + {hour} WHERE leased_until > {never}"
        ))
        .await;
    }

    /// Moves a moment of all rows of a table by so many seconds.
    pub async fn shift(&self, table: &str, column: &str, seconds: i64) {
        let shifted = match self.get_database_backend() {
            DbBackend::Sqlite => format!("{column} + {seconds}000"),
            DbBackend::MySql => format!("{column} + INTERVAL {seconds} SECOND"),
            _ => format!("{column} + interval '{seconds} seconds'"),
        };
        self.sql(&format!("UPDATE {table} SET {column} = {shifted}")).await;
    }

    /// An SQL expression: the time, as the queue has it.
    pub fn now(&self) -> &'static str {
        match self.get_database_backend() {
            DbBackend::Sqlite => "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
            DbBackend::MySql => "utc_timestamp(6)",
            _ => "now()",
        }
    }

    /// Works until nothing is due. What fails is due again in an hour, however slow the machine is.
    pub async fn drain(&self, models: CachedFields) -> usize {
        let hour = Duration::from_secs(3600);
        models.worker(&self.connection).backoff(hour, hour).drain().await.expect("drained")
    }
}

pub async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(8).sqlx_logging(false).acquire_timeout(Duration::from_secs(20));
    if url.starts_with("sqlite") {
        options.map_sqlx_sqlite_opts(|options| {
            options
                .journal_mode(sea_orm::sqlx::sqlite::SqliteJournalMode::Wal)
                .busy_timeout(Duration::from_secs(20))
        });
    }
    Database::connect(options).await.unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// Fails the test, for something is missing on this machine. `cargo xtask test-servers` counts it
/// as not run.
pub fn not_run(reason: &str) -> ! {
    panic!("not run: {reason}")
}

/// For what this database does not have: no failure, but `cargo xtask test-servers` counts the test
/// as not run.
pub fn not_there(reason: &str) {
    if std::env::var_os("CACHED_FIELD_TEST_COUNTED").is_some() {
        not_run(reason);
    }
}

/// Whether a session of this database waits for a lock; other tests have databases of their own.
/// PostgreSQL only.
pub async fn postgres_waits(db: &TestDb) -> bool {
    let waiting = "SELECT count(*)
          FROM pg_locks l
          JOIN pg_stat_activity a USING (pid)
         WHERE NOT l.granted
           AND a.datname = current_database()";
    db.scalar::<i64>(waiting).await > 0
}

/// Whether a transaction waits for a row of this table. MariaDB and MySQL only, whose tables of
/// transactions and locks repeat what they have said less than 100 ms ago.
pub async fn innodb_waits_for(db: &TestDb, table: &str) -> bool {
    let table = format!("`{}`.`{table}`", db.scalar::<String>("SELECT DATABASE()").await);
    let status = Statement::from_string(DbBackend::MySql, "SHOW ENGINE INNODB STATUS");
    let status = db.query_one_raw(status).await.expect("asked").expect("a row");
    let status: String = status.try_get("", "Status").expect("a text");
    status.lines().any(|line| line.contains(&table) && line.ends_with("waiting"))
}

/// The future, dropped after so many polls.
pub async fn cut_off<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = Box::pin(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// What the engine says it does.
pub struct Narration(std::pin::Pin<Box<dyn Stream<Item = Event> + Send>>);

impl Narration {
    /// All that was said since the last time, as text; what runs side by side comes in any order,
    /// so it is sorted.
    pub fn said(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(Some(event)) = self.0.next().now_or_never() {
            said.push(event.to_string());
        }
        said.sort();
        said
    }

    /// Forgets what was said so far.
    pub fn clear(&mut self) {
        self.said();
    }

    /// Waits for an event.
    pub async fn wait_for(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        let found = async {
            loop {
                let event = self.0.next().await.expect("the stream of events has no end");
                if wanted(&event) {
                    return event;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("the event should have come")
    }
}
