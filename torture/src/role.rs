//! The roles of processes of their own: this program, started again.

use std::{io::Write, sync::atomic::Ordering, time::Duration};

use anyhow::{Context, Result};
use clap::Subcommand;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use sea_orm_cached_field::Worker;
use tokio::io::AsyncReadExt;

use crate::{
    calculation, client, counters,
    entity::{self, Reading},
    mutation::REPLACED,
    reader,
    schema::{Schema, field_name},
    sql,
};

/// The lease of workers. It is short, so that a killed worker's rows are soon free; some
/// calculations take longer.
pub(crate) const LEASE: Duration = Duration::from_millis(500);

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Role {
    /// Creates the tables, and installs.
    Install { url: String, seed: u64 },
    /// Recalculates until it is killed, and reads now and then until the end of its input.
    Worker { url: String, seed: u64 },
    /// Writes and reads until the end of its input, where no other process writes.
    Reader { url: String, readers: String, seed: u64, chance: u64 },
    /// Compares the counters of workers that are not killed with what they have written.
    Count { url: String, workers: String, seed: u64 },
    /// Writes until it is told to stop by the end of its input.
    Client {
        urls: Vec<String>,
        #[arg(long)]
        seed: u64,
        #[arg(long)]
        chance: u64,
        /// For transactions above `READ COMMITTED` that take back a part, if no others may
        #[arg(long)]
        undecided: Option<String>,
    },
}

pub(crate) async fn play(role: Role) -> Result<()> {
    match role {
        Role::Install { url, seed } => install(&url, seed).await,
        Role::Worker { url, seed } => work(&url, seed).await,
        Role::Reader { url, readers, seed, chance } => {
            reader::read(&url, &readers, seed, chance).await
        }
        Role::Count { url, workers, seed } => counters::compare(&url, &workers, seed).await,
        Role::Client { urls, seed, chance, undecided } => {
            client::write(&urls, undecided, seed, chance).await
        }
    }
}

pub(crate) async fn connect(url: &str, connections: u32) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .sqlx_logging(false)
        .acquire_timeout(Duration::from_secs(20));

    if url.starts_with("mysql") {
        // About 60 for each model of a schema.
        options.map_sqlx_mysql_opts(|options| options.statement_cache_capacity(300));
    }
    if url.starts_with("sqlite") {
        options.map_sqlx_sqlite_opts(|options| {
            let wal = sea_orm::sqlx::sqlite::SqliteJournalMode::Wal;
            options.journal_mode(wal).busy_timeout(Duration::from_secs(20)).foreign_keys(true)
        });
    }

    let db = Database::connect(options).await.with_context(|| format!("no connection to {url}"))?;
    let _ = crate::BACKEND.set(db.get_database_backend());
    Ok(db)
}

async fn install(url: &str, seed: u64) -> Result<()> {
    let db = connect(url, 2).await?;
    let schema = entity::set_schema(seed);
    for statement in sql::tables(schema, db.get_database_backend()) {
        db.execute_unprepared(&statement).await.context(statement)?;
    }
    entity::models().install(&db).await?;

    // The entities name all columns that there could be.
    let backend = db.get_database_backend();
    for table in &schema.tables {
        for field in (table.fields.len()..3).map(field_name) {
            let mut columns = vec![
                format!("\"cached_{field}\" BIGINT"),
                format!("\"{field}_recalculation_needed\" BOOLEAN NOT NULL DEFAULT true"),
            ];
            columns.extend((field == "f0").then(|| format!("\"{field}_expires_after\" TIMESTAMP")));
            for column in columns {
                let alter = format!("ALTER TABLE \"{}\" ADD COLUMN {column}", table.name);
                db.execute_unprepared(&sql::said(backend, &alter)).await?;
            }
        }
    }

    client::populate(&db, schema).await?;
    // A value that is never changed has to be at rest from the beginning.
    entity::models().worker(&db).drain().await?;
    say_what_is_replaced()
}

/// Prints the holes that are made in the statements that this process has sent.
pub(crate) fn say_what_is_replaced() -> Result<()> {
    for line in sea_orm_cached_field::__private::matched() {
        writeln!(std::io::stdout(), "{REPLACED}{line}")?;
    }
    Ok(())
}

async fn work(url: &str, seed: u64) -> Result<()> {
    std::panic::set_hook(Box::new(|_| {}));
    calculation::IS_ROUGH.store(true, Ordering::Relaxed);
    let schema = entity::set_schema(seed);

    loop {
        // A server that is about to restart refuses all connections for a while.
        let Ok(db) = connect(url, 8).await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let worker = worker(&db);
        let reading = tokio::spawn(read_until_told(db.clone(), schema));
        if let Err(error) = worker.run().await {
            writeln!(std::io::stdout(), "a worker ended: {error}")?;
        }
        reading.abort();
    }
}

pub(crate) fn worker(db: &DatabaseConnection) -> Worker {
    entity::models()
        .worker(db)
        .lease(LEASE)
        .batch_size(*fastrand::choice([1, 5, 50]).as_ref().expect("one"))
        .concurrency(fastrand::usize(1..8))
        .max_attempts(1000)
        .backoff(Duration::from_millis(20), Duration::from_millis(500))
}

/// Reads now and then, as any other reader.
async fn read_until_told(db: DatabaseConnection, schema: &'static Schema) {
    let fields: Vec<(usize, usize)> =
        schema.fields().map(|(table, field, _)| (table, field)).collect();
    let read = async {
        loop {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..200))).await;
            let (table, field) = *fastrand::choice(&fields).expect("a schema has fields");
            // It may fail as the calculation does, or because the server is gone.
            let reading =
                if fastrand::u8(..4) == 0 { Reading::Recalculated } else { Reading::Fresh };
            let _ = entity::read_some_row(&db, (table, field), reading).await;
        }
    };

    tokio::select! {
        () = read => {}
        () = told_to_stop() => {}
    }
}

/// Waits for the end of the input.
pub(crate) async fn told_to_stop() {
    let mut input = Vec::new();
    let _ = tokio::io::stdin().read_to_end(&mut input).await;
}
