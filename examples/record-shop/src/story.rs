//! The story of the shop: its data is loaded, its figures are calculated, and then some of it
//! changes.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use record_shop::{
    chinook, database,
    entity::{invoice, invoice_line},
};
use sea_orm::{ConnectionTrait, DatabaseConnection, EntityTrait};
use sea_orm_cached_field::{CachedFields, Change};

use crate::report;

/// The line that is changed: the 1,000th of 2,240.
const LINE: i32 = 1000;

/// Tells the story.
pub async fn tell(db: &DatabaseConnection, place: &str) -> Result<()> {
    println!("The Chinook record shop, on {place}.\n");
    load_then_install(db).await?;
    calculate_all(db).await?;
    report::print(db).await?;
    sell_one_more(db).await?;
    move_an_album(db).await?;
    move_an_employee(db).await?;
    add_to_a_playlist(db).await?;
    report::print(db).await
}

/// Loads the data first, then installs: the shop has been open for years when cached figures come.
pub async fn load_then_install(db: &DatabaseConnection) -> Result<()> {
    database::make_tables(db).await?;
    let started = Instant::now();
    let rows = chinook::load(db).await?;
    println!(
        "loaded {rows} rows into {} tables in {:.1?}",
        database::TABLES.len(),
        started.elapsed()
    );
    let changes = CachedFields::all().install(db).await?;
    let created = changes.iter().filter(|change| matches!(change, Change::Created { .. })).count();
    println!("installed {created} tables, indexes and triggers for the cached fields");
    Ok(())
}

async fn calculate_all(db: &DatabaseConnection) -> Result<()> {
    let started = Instant::now();
    let calculated = CachedFields::all().worker(db).drain().await?;
    println!("a worker calculated {calculated} figures in {:.1?}", started.elapsed());
    let invoices = invoice::Entity::find().all(db).await?;
    let right = invoices.iter().filter(|invoice| has_recorded_total(invoice)).count();
    println!("{right} of {} totals equal the recorded ones", invoices.len());
    ensure!(right == 412 && invoices.len() == 412, "all 412 should");
    Ok(())
}

/// Returns whether the row says that its total is fresh, and it is the recorded one.
fn has_recorded_total(invoice: &invoice::Model) -> bool {
    !invoice.total_recalculation_needed && invoice.cached_total == Some(invoice.recorded_total)
}

/// Sells one more copy, without the ORM. The sum goes up the shop: invoice, customer, three
/// employees; artist, genre, shop.
async fn sell_one_more(db: &DatabaseConnection) -> Result<()> {
    let line = invoice_line::Entity::find_by_id(LINE).one(db).await?.context("the line is gone")?;
    let before = invoice::Entity::find_by_id(line.invoice_id)
        .one(db)
        .await?
        .context("the invoice is gone")?;

    let sale = format!("UPDATE invoice_line SET quantity = quantity + 1 WHERE id = {LINE}");
    let recalculated = change(db, "One more copy is sold", &sale).await?;

    ensure!(
        recalculated.get("invoice.total") == Some(&1),
        "exactly one invoice should have been recalculated"
    );
    let old = before.total(db).await?;
    let new = before.fresh_total(db).await?;
    println!("  invoice {}: {old} -> {new}", before.id);
    ensure!(new == old + line.unit_price, "the total should have grown by {}", line.unit_price);
    Ok(())
}

/// Moves the first album of the best-selling artist to another artist.
async fn move_an_album(db: &DatabaseConnection) -> Result<()> {
    let movement = "UPDATE album SET artist_id = 22 WHERE id = 94";
    change(db, "An album was by Led Zeppelin, not by Iron Maiden", movement).await.map(drop)
}

/// Moves Jane out of the sales team, with her customers.
async fn move_an_employee(db: &DatabaseConnection) -> Result<()> {
    let movement = "UPDATE employee SET reports_to_id = 6 WHERE id = 3";
    change(db, "Jane moves from sales to IT, and takes her customers along", movement)
        .await
        .map(drop)
}

/// Adds the track Polly, of 2 minutes and 57 seconds, to a playlist.
async fn add_to_a_playlist(db: &DatabaseConnection) -> Result<()> {
    let addition = "INSERT INTO playlist_track (playlist_id, track_id) VALUES (16, 2008)";
    change(db, "Polly comes onto the playlist Grunge", addition).await.map(drop)
}

/// Runs a change in SQL, lets a worker follow, and prints how many rows of which field have
/// changed.
async fn change(db: &DatabaseConnection, what: &str, sql: &str) -> Result<report::Recalculated> {
    println!("\n{what}:\n  {sql}");
    let mut events = CachedFields::all().events(db)?;
    db.execute_unprepared(sql).await?;
    CachedFields::all().worker(db).drain().await?;
    let recalculated = report::recalculated(&mut events).await;
    println!("  recalculated: {}", report::listed(&recalculated));
    Ok(recalculated)
}
