//! Databases on a MariaDB or MySQL server.

use anyhow::{Context, Result};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use super::{Database, Place, connect};

/// The beginning of all names; the number of the process follows.
const PREFIX: &str = "cached_field_bench_";

pub(super) struct Server {
    url: String,
    db: DatabaseConnection,
    /// The URLs of the databases that exist.
    made: Vec<String>,
    count: u32,
}

impl Server {
    pub(super) async fn connect(database: Database) -> Result<Self> {
        let (variable, default) = if database == Database::Mariadb {
            ("CACHED_FIELD_TEST_MARIADB_URL", "mysql://root@127.0.0.1:3306/mysql")
        } else {
            ("CACHED_FIELD_TEST_MYSQL_URL", "mysql://root@127.0.0.1:3307/mysql")
        };
        let url = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
        let db = connect(&url, 1, false).await.with_context(|| {
            format!(
                "start a server with `cargo xtask services`, or name one of yours in {variable}"
            )
        })?;
        let server = Self { url, db, made: Vec::new(), count: 0 };
        server.drop_what_was_left().await?;
        Ok(server)
    }

    /// Drops the databases of runs that were killed.
    async fn drop_what_was_left(&self) -> Result<()> {
        let names = format!(
            "SELECT CAST(schema_name AS CHAR)
               FROM information_schema.schemata
              WHERE schema_name LIKE '{PREFIX}%'"
        );

        for row in self.db.query_all_raw(Statement::from_string(DbBackend::MySql, names)).await? {
            let name: String = row.try_get_by_index(0)?;
            let process = name
                .strip_prefix(PREFIX)
                .and_then(|rest| rest.split('_').next())
                .unwrap_or_default();

            if !std::path::Path::new("/proc").join(process).exists() {
                self.drop(&name).await?;
            }
        }
        Ok(())
    }

    async fn drop(&self, name: &str) -> Result<()> {
        self.db.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name}")).await?;
        Ok(())
    }

    pub(super) async fn create(&mut self) -> Result<String> {
        let name = format!("{PREFIX}{}_{}", std::process::id(), self.count);
        self.count += 1;
        self.db.execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
        let (server, old) = self.url.rsplit_once('/').context("the URL names no database")?;
        let options =
            old.split_once('?').map(|(_, options)| format!("?{options}")).unwrap_or_default();
        let url = format!("{server}/{name}{options}");
        self.made.push(url.clone());
        Ok(url)
    }

    pub(super) async fn drop_all(&mut self) -> Result<()> {
        for url in std::mem::take(&mut self.made) {
            let name = url.rsplit('/').next().unwrap_or(&url);
            self.drop(name.split('?').next().unwrap_or(name)).await?;
        }
        Ok(())
    }

    pub(super) async fn version(&self) -> Result<String> {
        let version = Statement::from_string(DbBackend::MySql, "SELECT version()");
        let row = self.db.query_one_raw(version).await?.context("no version")?;
        let version: String = row.try_get_by_index(0)?;
        Ok(if version.contains("MariaDB") { version } else { format!("MySQL {version}") })
    }
}

pub(super) async fn tidy(place: &Place) -> Result<()> {
    let tables = "SELECT group_concat(table_name)
                    FROM information_schema.tables
                   WHERE table_schema = database()";
    let tables: String = place.scalar(tables).await?;
    place.sql(&format!("ANALYZE TABLE {tables}")).await.map(drop)
}
