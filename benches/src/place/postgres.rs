//! Databases on a PostgreSQL server.

use anyhow::{Context, Result};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use super::{Place, connect};

const VARIABLE: &str = "CACHED_FIELD_TEST_POSTGRES_URL";
const DEFAULT_URL: &str = "postgres://postgres@127.0.0.1:5432/postgres";

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
    pub(super) async fn connect() -> Result<Self> {
        let url = std::env::var(VARIABLE).unwrap_or_else(|_| DEFAULT_URL.to_owned());
        let db = connect(&url, 1, false).await.with_context(|| {
            format!("start a server with `cargo xtask services`, or name one of yours in {VARIABLE}; the role has to be a superuser")
        })?;
        let server = Self { url, db, made: Vec::new(), count: 0 };
        server.drop_what_was_left().await?;
        Ok(server)
    }

    /// Drops the databases of runs that were killed.
    async fn drop_what_was_left(&self) -> Result<()> {
        let names = format!("SELECT datname FROM pg_database WHERE datname LIKE '{PREFIX}%'");
        for row in self
            .db
            .query_all_raw(Statement::from_string(sea_orm::DbBackend::Postgres, names))
            .await?
        {
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
        self.db.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        Ok(())
    }

    pub(super) async fn create(&mut self) -> Result<String> {
        self.copy("template0").await
    }

    /// Copies `template`, which is a name or a URL.
    pub(super) async fn copy(&mut self, template: &str) -> Result<String> {
        let name = format!("{PREFIX}{}_{}", std::process::id(), self.count);
        self.count += 1;
        let template = name_in(template);
        self.db.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
        let (server, old) = self.url.rsplit_once('/').context("the URL names no database")?;
        let options =
            old.split_once('?').map(|(_, options)| format!("?{options}")).unwrap_or_default();
        let url = format!("{server}/{name}{options}");
        self.made.push(url.clone());
        Ok(url)
    }

    pub(super) async fn drop_all_but(&mut self, kept: &[&str]) -> Result<()> {
        let (kept, dropped): (Vec<String>, Vec<String>) = std::mem::take(&mut self.made)
            .into_iter()
            .partition(|url| kept.contains(&url.as_str()));
        self.made = kept;
        for url in dropped {
            self.drop(name_in(&url)).await?;
        }
        Ok(())
    }

    pub(super) async fn version(&self) -> Result<String> {
        let version = Statement::from_string(sea_orm::DbBackend::Postgres, "SHOW server_version");
        let row = self.db.query_one_raw(version).await?.context("no version")?;
        Ok(format!("PostgreSQL {}", row.try_get_by_index::<String>(0)?))
    }
}

fn name_in(url: &str) -> &str {
    let name = url.rsplit('/').next().unwrap_or(url);
    name.split('?').next().unwrap_or(name)
}

/// Tidies each table by name, because a `VACUUM` of everything would go through the catalog too.
pub(super) async fn tidy(place: &Place) -> Result<()> {
    let tables = "SELECT string_agg(oid::regclass::text, ', ') FROM pg_class
                   WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    let tables: String = place.scalar(tables).await?;
    place.sql(&format!("VACUUM (ANALYZE) {tables}")).await?;
    place.sql("CHECKPOINT").await?;
    Ok(())
}
