//! The databases that the day runs on, and all of their differences.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use anyhow::{Context, Result};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use tempfile::TempDir;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Sqlite,
    Postgres,
    MariaDb,
    MySql,
}

/// A database that exists for one day.
pub struct Site {
    pub url: String,
    /// The folder of SQLite's file.
    _folder: Option<TempDir>,
    /// The server, and the statement that drops the database there.
    on_server: Option<(String, String)>,
}

impl Site {
    pub async fn demolish(self) -> Result<()> {
        if let Some((server, drop)) = self.on_server {
            let server = Database::connect(server).await?;
            server.execute_unprepared(&drop).await?;
            server.close().await?;
        }
        Ok(())
    }
}

impl Place {
    pub async fn make(self) -> Result<Site> {
        let (variable, server) = match self {
            Self::Sqlite => {
                let folder = tempfile::tempdir()?;
                let url =
                    format!("sqlite://{}?mode=rwc", folder.path().join("shop.sqlite").display());
                return Ok(Site { url, _folder: Some(folder), on_server: None });
            }
            Self::Postgres => {
                ("CACHED_FIELD_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
            }
            Self::MariaDb => ("CACHED_FIELD_TEST_MARIADB_URL", "mysql://root@127.0.0.1:3306/mysql"),
            Self::MySql => ("CACHED_FIELD_TEST_MYSQL_URL", "mysql://root@127.0.0.1:3307/mysql"),
        };

        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("shop_day_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let server = std::env::var(variable).unwrap_or_else(|_| server.to_owned());
        let remedy = || {
            format!(
                "no server at {server}: `cargo xtask services` starts one, {variable} names another"
            )
        };

        let connection = Database::connect(&server).await.with_context(remedy)?;
        connection.execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
        connection.close().await?;

        let (address, database) = server.rsplit_once('/').context("the URL names no database")?;
        let options = database.find('?').map(|start| &database[start..]).unwrap_or_default();
        let url = format!("{address}/{name}{options}");

        // A pooler keeps sessions in it.
        let force = if self == Self::Postgres { "WITH (FORCE)" } else { "" };
        let drop = format!("DROP DATABASE {name} {force}");
        Ok(Site { url, _folder: None, on_server: Some((server, drop)) })
    }

    /// Returns the type with which CAST makes whole numbers.
    pub fn integer(self) -> &'static str {
        match self {
            Self::Sqlite => "INTEGER",
            Self::Postgres => "BIGINT",
            Self::MariaDb | Self::MySql => "SIGNED",
        }
    }

    /// Divides whole numbers, rounding down.
    pub fn quotient(self, dividend: &str, divisor: &str) -> String {
        let operator = if matches!(self, Self::MariaDb | Self::MySql) { "DIV" } else { "/" };
        format!("({dividend}) {operator} ({divisor})")
    }

    /// Empties tables. Each of them comes after those that it refers to.
    pub fn empty(self, tables: &[&str]) -> Vec<String> {
        match self {
            Self::Postgres => vec![format!("TRUNCATE {}", tables.join(", "))],
            Self::Sqlite | Self::MariaDb | Self::MySql => {
                tables.iter().rev().map(|table| format!("DELETE FROM {table}")).collect()
            }
        }
    }

    /// Returns the end of an INSERT that updates this column where the id is taken.
    pub fn or_update(self, column: &str) -> String {
        match self {
            Self::MariaDb | Self::MySql => {
                format!("ON DUPLICATE KEY UPDATE {column} = VALUES({column})")
            }
            Self::Sqlite | Self::Postgres => {
                format!("ON CONFLICT (id) DO UPDATE SET {column} = excluded.{column}")
            }
        }
    }

    /// Returns the beginning of an INSERT that deletes a row with which it collides.
    pub fn replaces(self) -> Option<&'static str> {
        (self != Self::Postgres).then_some("REPLACE INTO")
    }
}

pub async fn connect(url: &str) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(6).sqlx_logging(false).acquire_timeout(Duration::from_secs(20));
    if url.starts_with("mysql") {
        // 60 for each model of the shop, as docs/databases.md says.
        options.map_sqlx_mysql_opts(|options| options.statement_cache_capacity(7 * 60));
    }

    if url.starts_with("sqlite") {
        options.map_sqlx_sqlite_opts(|options| {
            options
                .journal_mode(sea_orm::sqlx::sqlite::SqliteJournalMode::Wal)
                .busy_timeout(Duration::from_secs(20))
        });
    }

    Ok(Database::connect(options).await?)
}
