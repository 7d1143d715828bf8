//! The Chinook record shop: the total of each invoice is a cached field, calculated from the invoice's lines. The data
//! also has the totals as they were recorded, so that all 412 can be checked.
//!
//! ```sh
//! cargo run -p record-shop                                            # on SQLite, in a temporary folder
//! DATABASE_URL=postgres://user@host/database cargo run -p record-shop # on PostgreSQL, or on another SQLite file
//! ```
//!
//! In a database of yours it makes its eleven tables (`artist`, `album`, `invoice`, ...) afresh, and leaves them there to
//! be looked at. It drops those of an earlier run, and refuses to if there are tables of these names that are not its own.

mod chinook;
mod database;
mod entity;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use sea_orm::{ConnectionTrait, DatabaseConnection, EntityTrait, QueryOrder};
use sea_orm_cached_field::{CachedFields, Change, Event, Key};
use tokio_stream::{Stream, StreamExt};

use crate::entity::{invoice, invoice_line};

/// The line that is changed: the 1,000th of 2,240.
const LINE: i32 = 1000;

#[tokio::main]
async fn main() -> Result<()> {
    let (db, place, _folder) = database::open().await?;
    println!("The Chinook record shop, on {place}.\n");
    load_then_install(&db).await?;
    calculate_all(&db).await?;
    change_one_line(&db).await
}

/// The shop has been open for years when somebody has the idea of cached totals.
async fn load_then_install(db: &DatabaseConnection) -> Result<()> {
    database::make_tables(db).await?;
    let (started, rows) = (Instant::now(), chinook::load(db).await?);
    println!("loaded {rows} rows into {} tables in {:.1?}", database::TABLES.len(), started.elapsed());
    let changes = CachedFields::install(db).await?;
    let created = changes.iter().filter(|change| matches!(change, Change::Created { .. })).count();
    println!("installed {created} tables, indexes and triggers for the cached field");
    let queued = changes.iter().find(|change| matches!(change, Change::Queued { .. }));
    println!("{}", queued.context("the invoices of all these years should be queued")?);
    Ok(())
}

async fn calculate_all(db: &DatabaseConnection) -> Result<()> {
    let started = Instant::now();
    let calculated = CachedFields::worker(db).drain().await?;
    println!("a worker calculated {calculated} totals in {:.1?}", started.elapsed());
    let invoices = invoices(db).await?;
    let right = invoices.iter().filter(|invoice| has_recorded_total(invoice)).count();
    println!("\n{right} of {} totals equal the recorded ones", invoices.len());
    ensure!(right == 412 && invoices.len() == 412, "all 412 should");
    Ok(())
}

/// Whether the row says that its total is fresh, and it is the recorded one.
fn has_recorded_total(invoice: &invoice::Model) -> bool {
    !invoice.total_recalculation_needed && invoice.cached_total == Some(invoice.recorded_total)
}

/// Somebody sells one more copy, past the ORM.
async fn change_one_line(db: &DatabaseConnection) -> Result<()> {
    let line = invoice_line::Entity::find_by_id(LINE).one(db).await?.context("the line is gone")?;
    let before = invoices(db).await?;
    let mut events = CachedFields::events(db)?;

    let change = format!("UPDATE invoice_line SET quantity = quantity + 1 WHERE id = {LINE}");
    println!("\n{change}");
    db.execute_unprepared(&change).await?;
    CachedFields::worker(db).drain().await?;

    let completed = completed(&mut events).await;
    ensure!(completed == [Key::new([line.invoice_id.into()])], "recalculated {completed:?}, not one invoice");
    let after = invoices(db).await?;
    let changed: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
    let [(old, new)] = changed[..] else { bail!("{} invoices have changed, not one", changed.len()) };
    let (old, new) = (old.total(db).await?, new.total(db).await?);
    println!("\nexactly one invoice was recalculated: invoice {}, {old} -> {new}", line.invoice_id);
    ensure!(new == old + line.unit_price, "the total should have grown by {}", line.unit_price);
    Ok(())
}

async fn invoices(db: &DatabaseConnection) -> Result<Vec<invoice::Model>> {
    Ok(invoice::Entity::find().order_by_asc(invoice::Column::Id).all(db).await?)
}

/// Prints what the engine has told so far, and returns the rows that it has completed.
async fn completed(events: &mut (impl Stream<Item = Event> + Unpin)) -> Vec<Key> {
    let mut completed = Vec::new();
    // The worker is done, so all its events are there: nothing is waited for.
    while let Ok(Some(event)) = tokio::time::timeout(Duration::ZERO, events.next()).await {
        println!("  {event}");
        if let Event::Completed { key, .. } = event {
            completed.push(key);
        }
    }
    completed
}
