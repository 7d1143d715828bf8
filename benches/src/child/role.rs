//! The role of a process that another one has started. It ends when its input does.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use anyhow::{Context, Result};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TransactionTrait};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines, Stdin},
    sync::oneshot,
};
use tracing::{Event, Metadata, Subscriber, span};

use crate::{place::Place, schema::Way};

#[derive(clap::Subcommand)]
pub(crate) enum Role {
    /// Works until its input ends; says how many queries it has sent when asked
    #[command(hide = true)]
    Worker { url: String, way: Way, batch_size: u64, concurrency: usize },
    /// Installs when it is told to, and says how many seconds that took
    #[command(hide = true)]
    Installer { url: String, way: Way },
    /// Changes pigeons on request
    #[command(hide = true)]
    Writer {
        url: String,
        /// The names of their lampposts too
        #[arg(long)]
        by_hand: bool,
    },
}

impl Role {
    pub(crate) async fn play(self) -> Result<()> {
        match self {
            Self::Worker { url, way, batch_size, concurrency } => {
                work(url, way, batch_size, concurrency).await
            }
            Self::Installer { url, way } => install(url, way).await,
            Self::Writer { url, by_hand } => write(url, by_hand).await,
        }
    }
}

fn lines() -> Lines<BufReader<Stdin>> {
    println!("ready");
    BufReader::new(tokio::io::stdin()).lines()
}

async fn work(url: String, way: Way, batch_size: u64, concurrency: usize) -> Result<()> {
    tracing::subscriber::set_global_default(CountQueries)?;
    let place = Place::open_logging(url).await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = way.models().worker(&place.db).batch_size(batch_size).concurrency(concurrency);
    let working = tokio::spawn(worker.run_until(async {
        let _ = stopped.await;
    }));
    let mut lines = lines();
    while lines.next_line().await?.is_some() {
        println!("{}", QUERIES.load(Ordering::Relaxed));
    }
    let _ = stop.send(());
    Ok(working.await??)
}

async fn install(url: String, way: Way) -> Result<()> {
    let place = Place::open(url).await?;
    let mut lines = lines();
    while lines.next_line().await?.is_some() {
        let started = Instant::now();
        way.models().install(&place.db).await?;
        println!("{}", started.elapsed().as_secs_f64());
    }
    Ok(())
}

async fn write(url: String, by_hand: bool) -> Result<()> {
    let place = Place::open(url).await?;
    let client = place.client().await?;
    let mut lines = lines();
    while let Some(line) = lines.next_line().await? {
        let pigeon = line.strip_prefix("change ").context("it only changes pigeons")?;
        change(&place, &client, pigeon.parse()?, by_hand).await?;
    }
    Ok(())
}

async fn change(
    place: &Place,
    client: &DatabaseConnection,
    pigeon: i32,
    by_hand: bool,
) -> Result<()> {
    const CHANGE: &str = "UPDATE pigeon SET weight = weight + 1 WHERE id = $1";
    const RENAME: &str = "UPDATE lamppost
           SET cached_slow_full_name = 'The '
                                       || (SELECT sum(weight)
                                             FROM pigeon
                                            WHERE lamppost_id = lamppost.id)
                                       || ' ' || first_name || ' of ' || country
         WHERE id = (SELECT lamppost_id FROM pigeon WHERE id = $1)";

    let statement = |sql: &str| -> Statement { place.statement(sql, [pigeon.into()]) };
    if !by_hand {
        client.execute_raw(statement(CHANGE)).await?;
        return Ok(());
    }

    let transaction = client.begin().await?;
    transaction.execute_raw(statement(CHANGE)).await?;
    transaction.execute_raw(statement(RENAME)).await?;
    Ok(transaction.commit().await?)
}

static QUERIES: AtomicU64 = AtomicU64::new(0);

/// Counts the statements in sqlx's log, which are all that the process sends.
struct CountQueries;

impl Subscriber for CountQueries {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, _: &Event<'_>) {
        QUERIES.fetch_add(1, Ordering::Relaxed);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
