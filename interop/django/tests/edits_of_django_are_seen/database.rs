//! A database on PostgreSQL for this test alone, and the queries of the test.

use std::{env, ops::Deref};

use anyhow::{Context, Result};
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, Statement, TryGetable};

const VARIABLE: &str = "CACHED_FIELD_TEST_POSTGRES_URL";
const DEFAULT_URL: &str = "postgres://postgres@127.0.0.1:5432/postgres";

pub struct Database {
    connection: DatabaseConnection,
    pub url: String,
    _dropped: DropOnServer,
}

impl Deref for Database {
    type Target = DatabaseConnection;

    fn deref(&self) -> &DatabaseConnection {
        &self.connection
    }
}

struct DropOnServer {
    server: String,
    name: String,
}

impl Drop for DropOnServer {
    fn drop(&mut self) {
        let server = self.server.clone();
        let text = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // The test's runtime may be gone by now.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                if let Ok(server) = sea_orm::Database::connect(server).await {
                    let _ = server.execute_unprepared(&text).await;
                }
            });
        });
        let _ = dropping.join();
    }
}

impl Database {
    pub async fn create() -> Result<Self> {
        let server_url = env::var(VARIABLE).unwrap_or_else(|_| DEFAULT_URL.to_owned());
        let missing = || {
            format!(
                "no PostgreSQL at {server_url}: start one with `cargo xtask services`, or name one in {VARIABLE}"
            )
        };
        let server = sea_orm::Database::connect(&server_url).await.with_context(missing)?;
        let name = format!("cached_field_django_{}", std::process::id());
        server.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE template0")).await?;
        let (address, options) = server_url.split_once('?').unwrap_or((&server_url, ""));
        let (address, _) = address.rsplit_once('/').context("the URL names no database")?;
        let url = format!("{address}/{name}{}{options}", if options.is_empty() { "" } else { "?" });
        let dropped = DropOnServer { server: server_url.clone(), name };
        let options = ConnectOptions::new(&url).max_connections(8).sqlx_logging(false).to_owned();
        let connection = sea_orm::Database::connect(options).await?;
        Ok(Self { connection, url, _dropped: dropped })
    }

    async fn scalar<T: TryGetable>(&self, text: &str) -> Result<T> {
        let row =
            self.query_one_raw(Statement::from_string(self.get_database_backend(), text)).await?;
        let row = row.with_context(|| format!("no row: {text}"))?;
        row.try_get_by_index(0).map_err(|error| anyhow::anyhow!("{text}: {error:?}"))
    }

    /// Returns the rows of a query, each as text.
    async fn rows(&self, query: &str) -> Result<Vec<String>> {
        let text = format!("SELECT r::text AS row FROM ({query}) r");
        let rows =
            self.query_all_raw(Statement::from_string(self.get_database_backend(), text)).await?;
        Ok(rows.iter().map(|row| row.try_get("", "row")).collect::<Result<_, _>>()?)
    }

    /// Returns the number of flagged rows: names, loads.
    pub async fn flagged(&self) -> Result<[i64; 2]> {
        let count = |flag| format!("SELECT count(*) FROM street_lamppost WHERE {flag}");
        let names = self.scalar(&count("slow_full_name_recalculation_needed")).await?;
        Ok([names, self.scalar(&count("load_is_stale")).await?])
    }

    /// Returns the number of rows.
    pub async fn lampposts(&self) -> Result<i64> {
        self.scalar("SELECT count(*) FROM street_lamppost").await
    }

    /// Returns the number of marked or queued rows: names, loads.
    pub async fn waiting(&self) -> Result<[i64; 2]> {
        let count = |field| {
            format!(
                "SELECT count(*) FROM (
                 SELECT key_1 FROM _street_lamppost_cached_marks
                  WHERE '{field}' = ANY (string_to_array(field, ','))
                  UNION
                 SELECT key_1 FROM _street_lamppost_cached_recalculations WHERE field = '{field}') w"
            )
        };
        Ok([self.scalar(&count("slow_full_name")).await?, self.scalar(&count("load")).await?])
    }

    /// Returns the number of everything that is marked or queued.
    pub async fn pending(&self) -> Result<i64> {
        self.scalar(
            "SELECT (SELECT count(*) FROM _street_lamppost_cached_marks)
                  + (SELECT count(*) FROM _street_lamppost_cached_recalculations)",
        )
        .await
    }

    pub async fn deadlocks(&self) -> Result<i64> {
        self.scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            .await
    }

    /// Returns whether the value of a row has an expiry.
    pub async fn expiry(&self, id: i64) -> Result<bool> {
        self.scalar(&format!(
            "SELECT slow_full_name_expires_after IS NOT NULL FROM street_lamppost WHERE id = {id}"
        ))
        .await
    }

    /// Returns everything that Django has made and filled: columns with their types and defaults,
    /// and rows without their flags.
    pub async fn picture(&self) -> Result<Vec<String>> {
        let mut picture = self
            .rows(
                "SELECT table_name, column_name, ordinal_position, data_type, is_nullable, column_default
                   FROM information_schema.columns WHERE table_name IN ('street_lamppost', 'street_pigeon')
                  ORDER BY table_name, ordinal_position",
            )
            .await?;
        for table in ["street_lamppost", "street_pigeon"] {
            let rows = format!(
                "SELECT to_jsonb(t) - 'slow_full_name_recalculation_needed' - 'load_is_stale'
                   FROM {table} t
                  ORDER BY id"
            );
            picture.extend(self.rows(&rows).await?);
        }
        Ok(picture)
    }

    /// Returns the rows with a value that differs from the result of a query.
    pub async fn wrong(&self) -> Result<Vec<String>> {
        self.rows(
                "SELECT l.* FROM street_lamppost l, LATERAL (
                 SELECT coalesce(sum(weight), 0) AS load FROM street_pigeon WHERE lamppost_id = l.id) p
           WHERE total_load IS DISTINCT FROM p.load
              OR cached_slow_full_name IS DISTINCT FROM 'The ' || p.load || ' ton ' || first_name || ' of ' || country",
            )
            .await
    }
}
