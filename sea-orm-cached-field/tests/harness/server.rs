//! Servers, and the databases of tests on them.

use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};

use super::{Place, TestDb, connect, spare};

/// A server on which each test has a database of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Server {
    name: &'static str,
    /// The module of its tests.
    module: &'static str,
    /// The environment variable that names another.
    variable: &'static str,
    default_url: &'static str,
    /// What follows `CREATE DATABASE name` and `DROP DATABASE name`.
    create: &'static str,
    drop: &'static str,
}

pub(super) const POSTGRES: Server = Server {
    name: "PostgreSQL",
    module: "postgres",
    variable: "CACHED_FIELD_TEST_POSTGRES_URL",
    default_url: "postgres://postgres@127.0.0.1:5432/postgres",
    create: "TEMPLATE template0",
    drop: "WITH (FORCE)",
};

pub(super) const MARIADB: Server = Server {
    name: "MariaDB",
    module: "mariadb",
    variable: "CACHED_FIELD_TEST_MARIADB_URL",
    default_url: "mysql://root@127.0.0.1:3306/mysql",
    create: "",
    drop: "",
};

pub(super) const MYSQL: Server = Server {
    name: "MySQL",
    module: "mysql",
    variable: "CACHED_FIELD_TEST_MYSQL_URL",
    default_url: "mysql://root@127.0.0.1:3307/mysql",
    ..MARIADB
};

impl Server {
    pub(super) fn url(self) -> String {
        std::env::var(self.variable).unwrap_or_else(|_| self.default_url.to_owned())
    }

    pub(super) async fn fresh_database(self) -> TestDb {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        of_this_test(self.module);
        let name = format!(
            "cached_field_test_{}_{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        );

        let server = self.connect().await;
        if self != POSTGRES || !spare::take(&server, &name).await {
            server
                .execute_unprepared(&format!("CREATE DATABASE {name} {}", self.create))
                .await
                .expect("a database");
        }
        server.close().await.expect("closed");

        let url = with_database(&self.url(), &name);
        let connection = connect(&url).await;
        TestDb { connection, url, place: Place::Server(DropOnServer { server: self, name }) }
    }

    /// Connects to the server, and sees to it that it is the one that is meant.
    async fn connect(self) -> DatabaseConnection {
        let Self { name, variable, .. } = self;
        let url = self.url();
        let server = Database::connect(&url).await.unwrap_or_else(|error| {
            panic!("no {name} at {url}: {error}\nstart one with `cargo xtask services`, or name one in {variable}")
        });

        if server.get_database_backend() == DbBackend::MySql {
            let version = Statement::from_string(DbBackend::MySql, "SELECT version()");
            let version = server.query_one_raw(version).await.expect("a version").expect("a row");
            let version: String = version.try_get_by_index(0).expect("a text");
            let is_mariadb = version.contains("MariaDB");
            assert_eq!(
                is_mariadb,
                self == MARIADB,
                "{variable} has to name {name}, but {url} says that it is {version}"
            );
        }

        server
    }
}

/// `cargo xtask test-servers` chooses the tests of a server by their names.
pub(super) fn of_this_test(module: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    // Without threads for each test, it is called `main`.
    assert!(
        !test.contains("::") || test.split("::").any(|part| part == module),
        "{test} uses a database of another kind than its name says: use `#[apply(contract)]`, or `#[apply(on_postgres)]` and its like"
    );
}

/// The same server, another database.
fn with_database(url: &str, database: &str) -> String {
    let (server, options) =
        url.split_once('?').map_or((url, ""), |(server, options)| (server, options));
    let (server, _) = server.rsplit_once('/').expect("the URL names a database");
    if options.is_empty() {
        format!("{server}/{database}")
    } else {
        format!("{server}/{database}?{options}")
    }
}

pub(super) struct DropOnServer {
    pub(super) server: Server,
    name: String,
}

impl Drop for DropOnServer {
    fn drop(&mut self) {
        let server = self.server;
        let name = std::mem::take(&mut self.name);

        // The test's runtime may be gone by now.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let url = with_database(&server.url(), &name);
                let left =
                    if server == POSTGRES { spare::keep(&url, name).await } else { vec![name] };
                if let Ok(connection) = Database::connect(server.url()).await {
                    for name in left {
                        let drop = format!("DROP DATABASE IF EXISTS {name} {}", server.drop);
                        let _ = connection.execute_unprepared(&drop).await;
                    }
                    let _ = connection.close().await;
                }
            });
        });

        let _ = dropping.join();
    }
}
