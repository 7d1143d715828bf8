//! The places of the contenders: each has a database of its own, all copied from the same template.

mod mysql;
mod postgres;
mod sqlite;
mod town;

use std::time::Duration;

use anyhow::{Context, Result};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, Statement, TryGetable,
};
use sea_orm_cached_field::CachedFields;

use crate::schema;

pub(crate) use town::{Town, series};

/// The number of connections of a pool, by the defaults of SeaORM and sqlx.
const CONNECTIONS: u32 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Database {
    Postgres,
    Sqlite,
    Mariadb,
    Mysql,
}

impl Database {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
            Self::Mariadb => "mariadb",
            Self::Mysql => "mysql",
        }
    }
}

/// Makes and removes places.
pub(crate) struct Places {
    host: Host,
    templates: Vec<(Town, String)>,
}

enum Host {
    Postgres(postgres::Server),
    Sqlite(sqlite::Folder),
    MySql(mysql::Server),
}

impl Places {
    pub(crate) async fn on(database: Database) -> Result<Self> {
        let host = match database {
            Database::Postgres => Host::Postgres(postgres::Server::connect().await?),
            Database::Sqlite => Host::Sqlite(sqlite::Folder::make()?),
            Database::Mariadb | Database::Mysql => {
                Host::MySql(mysql::Server::connect(database).await?)
            }
        };
        Ok(Self { host, templates: Vec::new() })
    }

    /// Returns a new place with such a town, without cached fields.
    pub(crate) async fn with(&mut self, town: Town) -> Result<Place> {
        // MySQL cannot copy databases.
        if matches!(self.host, Host::MySql(_)) {
            let place = self.new_with(town).await?;
            place.tidy().await?;
            return Ok(place);
        }

        let template = match self.templates.iter().find(|(built, _)| *built == town) {
            Some((_, template)) => template.clone(),
            None => self.build_template(town).await?,
        };
        let url = match &mut self.host {
            Host::Postgres(server) => server.copy(&template).await?,
            Host::Sqlite(folder) => folder.copy(&template)?,
            Host::MySql(_) => unreachable!("it has no templates"),
        };

        Place::open(url).await
    }

    /// Returns the same, for a town that no other place needs.
    pub(crate) async fn new_with(&mut self, town: Town) -> Result<Place> {
        let place = self.blank().await?;
        town.build(&place).await?;
        Ok(place)
    }

    /// Returns a new place without any table.
    pub(crate) async fn blank(&mut self) -> Result<Place> {
        Place::open(self.empty().await?).await
    }

    async fn build_template(&mut self, town: Town) -> Result<String> {
        let place = self.new_with(town).await?;
        place.tidy().await?;
        place.db.close_by_ref().await?;
        self.templates.push((town, place.url.clone()));
        Ok(place.url)
    }

    async fn empty(&mut self) -> Result<String> {
        match &mut self.host {
            Host::Postgres(server) => server.create().await,
            Host::Sqlite(folder) => Ok(folder.create()),
            Host::MySql(server) => server.create().await,
        }
    }

    /// Removes all places, except for the templates.
    pub(crate) async fn clear(&mut self) -> Result<()> {
        let kept: Vec<&str> = self.templates.iter().map(|(_, url)| url.as_str()).collect();
        match &mut self.host {
            Host::Postgres(server) => server.drop_all_but(&kept).await,
            Host::Sqlite(folder) => folder.remove_all_but(&kept),
            Host::MySql(server) => server.drop_all().await,
        }
    }

    /// Removes all places.
    pub(crate) async fn close(mut self) -> Result<()> {
        self.templates.clear();
        self.clear().await
    }

    /// Returns the program that serves the database, with its version.
    pub(crate) async fn version(&self) -> Result<String> {
        match &self.host {
            Host::Postgres(server) => server.version().await,
            Host::Sqlite(_) => sqlite::version().await,
            Host::MySql(server) => server.version().await,
        }
    }
}

/// A database of its own.
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) db: DatabaseConnection,
}

impl Place {
    pub(crate) async fn open(url: String) -> Result<Self> {
        let db = connect(&url, CONNECTIONS, false).await?;
        Ok(Self { url, db })
    }

    /// Opens it with each statement in sqlx's log.
    pub(crate) async fn open_logging(url: String) -> Result<Self> {
        let db = connect(&url, CONNECTIONS, true).await?;
        Ok(Self { url, db })
    }

    /// Returns a client with one connection.
    pub(crate) async fn client(&self) -> Result<DatabaseConnection> {
        connect(&self.url, 1, false).await
    }

    /// Returns a statement. `$1`, `$2` and so on stand for the values, each once and in this order.
    pub(crate) fn statement(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = sea_orm::Value>,
    ) -> Statement {
        let values: Vec<sea_orm::Value> = values.into_iter().collect();
        let mut sql = sql.to_owned();
        if self.is_mysql() {
            for number in 1..=values.len() {
                sql = sql.replace(&format!("${number}"), "?");
            }
        }
        Statement::from_sql_and_values(self.db.get_database_backend(), sql, values)
    }

    pub(crate) async fn sql(&self, text: &str) -> Result<u64> {
        let done = self.db.execute_unprepared(text).await;
        Ok(done.with_context(|| text.to_owned())?.rows_affected())
    }

    /// Returns the first column of the first row.
    pub(crate) async fn scalar<T: TryGetable>(&self, text: &str) -> Result<T> {
        let row = self
            .db
            .query_one_raw(self.statement(text, []))
            .await
            .with_context(|| text.to_owned())?;
        row.context("no row")?
            .try_get_by_index(0)
            .map_err(|error| anyhow::anyhow!("{text}: {error:?}"))
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.db.get_database_backend() == DbBackend::Sqlite
    }

    /// Returns whether it is MariaDB or MySQL.
    pub(crate) fn is_mysql(&self) -> bool {
        self.db.get_database_backend() == DbBackend::MySql
    }

    /// Returns the type with which CAST makes an `i64`.
    pub(crate) fn integer(&self) -> &'static str {
        schema::integer(self.db.get_database_backend())
    }

    /// Cleans up, so that no contender pays for another's work. Never timed.
    pub(crate) async fn tidy(&self) -> Result<()> {
        match self.db.get_database_backend() {
            DbBackend::Sqlite => sqlite::tidy(self).await,
            DbBackend::MySql => mysql::tidy(self).await,
            _ => postgres::tidy(self).await,
        }
    }

    /// Makes all rows fresh, and removes the marks. Never timed.
    pub(crate) async fn forget_marks(
        &self,
        models: CachedFields,
        again: CachedFields,
    ) -> Result<()> {
        models.uninstall(&self.db).await?;
        self.sql(
            "UPDATE lamppost
                SET slow_full_name_recalculation_needed = false
              WHERE slow_full_name_recalculation_needed",
        )
        .await?;
        again.install(&self.db).await?;
        self.tidy().await
    }
}

/// Connects as SeaORM's documentation recommends for speed. A ping before every statement is an
/// unnecessary round trip.
pub(crate) async fn connect(url: &str, connections: u32, log: bool) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .sqlx_logging(log)
        .test_before_acquire_if_idle_for(Duration::from_secs(30))
        .acquire_timeout(Duration::from_secs(60));
    options.map_sqlx_sqlite_opts(|options| {
        let wal = sea_orm::sqlx::sqlite::SqliteJournalMode::Wal;
        options.journal_mode(wal).busy_timeout(Duration::from_secs(60))
    });
    sea_orm::Database::connect(options).await.with_context(|| format!("cannot connect to {url}"))
}
