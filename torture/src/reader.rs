//! A reader that is also the only writer. So each read as of now has to return what the data says.

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use fastrand::Rng;
use futures_util::future::join_all;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DbBackend, DbErr, Statement,
    TransactionTrait,
};
use sea_orm_cached_field::Error;

use crate::{
    client::{CUT_OFF, Client, refusal},
    entity::{self, Reading},
    observer::Observer,
    role::{connect, say_what_is_replaced, told_to_stop},
    schema::{CANARIES, Schema, field_name},
    snapshot::Snapshot,
};

/// The beginning of a line that reports a violation.
pub(crate) const VIOLATION: &str = "I8, ";

/// The number of readers at a time, and the number of their reads after every transaction.
const READERS: u32 = 4;
const READS: usize = 8;

/// The time until the work of a connection that was cut off has ended.
const SETTLED: Duration = Duration::from_millis(500);

/// Writes and reads until the end of its input, and prints for each transaction and read how it
/// ended. `readers`: the URL for reads that are not in a transaction of their own. These may
/// deadlock with each other and with workers, because such a read is retried.
pub(crate) async fn read(url: &str, readers: &str, seed: u64, chance: u64) -> Result<()> {
    let schema = entity::set_schema(seed);
    let is_over = Arc::new(AtomicBool::new(false));
    let url = url.to_owned();
    let readers = readers.to_owned();
    let told = Arc::clone(&is_over);
    let reading = tokio::spawn(async move {
        write_and_read([&url, &readers], schema, Rng::with_seed(chance), &told).await
    });
    told_to_stop().await;
    // A read that is cut off by the end of the process would look like one that failed.
    is_over.store(true, Ordering::Relaxed);
    reading.await??;
    say_what_is_replaced()
}

async fn write_and_read(
    [url, readers]: [&str; 2],
    schema: &'static Schema,
    chance: Rng,
    is_over: &AtomicBool,
) -> Result<()> {
    let mut client = Client::new(url, None, schema, chance).await;
    let within = connect(url, READERS).await?;
    let db = connect(readers, 2 * READERS).await?;

    while !is_over.load(Ordering::Relaxed) {
        let ended = client.ended().await;
        say(ended)?;
        if ended == CUT_OFF {
            tokio::time::sleep(SETTLED).await;
            continue;
        }

        let Ok(server) = begun(&db).await else { continue };
        let Ok(snapshot) = Snapshot::take(&db, schema).await else { continue };
        let observer = Observer::of_data(schema, &snapshot);
        let read_one = async || {
            for _ in 0..READS {
                if let Some(ended) =
                    read_some_row([&within, &db], &observer, schema, &snapshot, &server).await
                {
                    say(&ended)?;
                }
            }
            anyhow::Ok(())
        };
        for ended in join_all((0..READERS).map(|_| read_one())).await {
            ended?;
        }
    }

    Ok(())
}

/// Returns when the server has begun, where a crash loses the last moment of workers.
async fn begun(db: &DatabaseConnection) -> Result<String> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(String::new());
    }
    let begun =
        Statement::from_string(DbBackend::Postgres, "SELECT pg_postmaster_start_time()::text");
    let row = db.query_one_raw(begun).await?.context("no row")?;
    Ok(row.try_get_by_index(0)?)
}

fn say(ended: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{ended}")?)
}

/// Reads some row. Returns how that ended; `None` if there is no row.
async fn read_some_row(
    [within, db]: [&DatabaseConnection; 2],
    observer: &Observer<'_>,
    schema: &Schema,
    snapshot: &Snapshot,
    server: &str,
) -> Option<String> {
    let fields: Vec<(usize, usize)> =
        schema.fields().map(|(table, field, _)| (table, field)).collect();
    let (table, field) = *fastrand::choice(&fields)?;
    let n = *fastrand::choice(
        snapshot.tables[table].keys().filter(|n| !CANARIES.contains(n)).collect::<Vec<_>>(),
    )?;

    let (how, read) = match fastrand::u8(..8) {
        0 => ("within a transaction", read_within(within, (table, field), n).await),
        1 => (
            "with others",
            entity::read(&DatabaseExecutor::Connection(db), (table, field), n, Reading::Loaded)
                .await,
        ),
        _ => (
            "fresh",
            entity::read(&DatabaseExecutor::Connection(db), (table, field), n, Reading::Fresh)
                .await,
        ),
    };

    let is_within = how == "within a transaction";
    let expected = observer.expected(table, field, n);
    let name = schema.tables[table].name;
    let said = |what: String| {
        Some(format!(
            "{VIOLATION}{what}: {name} {n}, {}, {how}, expected {expected}",
            field_name(field)
        ))
    };

    match read {
        Ok(read) if read == expected => Some("read".to_owned()),
        // The server that has answered may have lost these data in a crash: workers do not wait for
        // its disk.
        Ok(_) if !begun(db).await.is_ok_and(|begun| begun == server) => {
            Some("a read across a crash".to_owned())
        }
        Ok(read) => said(format!("a read that is not fresh, {read}")),
        Err(error) if is_cut_off(&error) => Some(CUT_OFF.to_owned()),
        // Other readers store the same inputs, and hold them locked.
        Err(error) if is_within && is_of_locks(&error) => {
            Some("a read within a transaction".to_owned())
        }
        Err(error) => said(format!("a read that failed, {error}").replace('\n', " ")),
    }
}

/// Returns whether the connection was cut off, even if a calculation has noticed it.
fn is_cut_off(error: &Error) -> bool {
    match error {
        Error::Shared(error) => is_cut_off(error),
        Error::Database(error) => refusal(error) == CUT_OFF,
        Error::Calculation { source, .. } => {
            source.downcast_ref::<DbErr>().is_some_and(|error| refusal(error) == CUT_OFF)
        }
        _ => false,
    }
}

fn is_of_locks(error: &Error) -> bool {
    match error {
        Error::Shared(error) => is_of_locks(error),
        Error::StaleInput { reason, .. } => reason.contains("holds its row locked"),
        Error::Database(error) => {
            ["deadlock", "serialization", "lock wait"].contains(&refusal(error))
        }
        _ => false,
    }
}

/// Reads in a transaction of the user, which is rolled back.
async fn read_within(db: &DatabaseConnection, field: (usize, usize), n: i64) -> Result<i64, Error> {
    let transaction = db.begin().await?;
    let read =
        entity::read(&DatabaseExecutor::Transaction(&transaction), field, n, Reading::Fresh).await;
    let ended: Result<(), DbErr> = transaction.rollback().await;
    ended?;
    read
}
