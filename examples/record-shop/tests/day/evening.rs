//! Evening: other programs write, even to columns that are not theirs. Then everything is emptied
//! and loaded again.

use anyhow::{Result, ensure};
use record_shop::{
    chinook, database,
    entity::{artist, invoice, invoice_line},
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel,
    TransactionTrait, prelude::Decimal, sea_query::OnConflict,
};
use sea_orm_cached_field::CachedFields;

use crate::{Step, shop::Shop, sql, step};

pub fn steps() -> Vec<Step> {
    let mut steps = others();
    steps.extend(reloads());
    steps
}

fn others() -> Vec<Step> {
    vec![
        step("another program sells, too", another_program).read_at_once(),
        step("two programs sell while a third calculates", three_programs),
        step("a line is upserted by the ORM", upserted),
        step("a line is upserted in SQL", upserted_in_sql).read_at_once(),
        step("a line is replaced", replaced),
        step("an artist is saved over, with an old figure", saved_over),
        sql(
            "somebody writes a figure by hand",
            "UPDATE artist SET cached_revenue = 1, revenue_recalculation_needed = false",
        )
        .changing_nothing(),
        sql(
            "somebody else forgets them all",
            "UPDATE genre SET cached_share = NULL, cached_revenue = NULL",
        )
        .changing_nothing(),
        step("all is flagged, and read at once", all_flagged).changing_nothing().read_at_once(),
    ]
}

fn reloads() -> Vec<Step> {
    vec![
        step("the fire: all is lost", async |shop| shop.empty(&database::TABLES).await),
        step("the shop is loaded again, all of it", async |shop| {
            loaded(shop, &database::TABLES).await
        }),
        step("all totals are the recorded ones", recorded).changing_nothing().read_at_once(),
        step("all lines are lost", async |shop| shop.empty(&["invoice_line"]).await).read_at_once(),
        step("a sale is the first of all", first_sale).read_at_once(),
        step("the lines are loaded again", async |shop| loaded(shop, &["invoice_line"]).await),
        step("all that was ever sold is lost", async |shop| {
            shop.empty(&["invoice", "invoice_line"]).await
        }),
        step("and loaded again", async |shop| loaded(shop, &["invoice", "invoice_line"]).await)
            .read_at_once(),
        step("all totals are the recorded ones again", recorded).changing_nothing(),
    ]
}

async fn loaded(shop: &Shop, tables: &[&str]) -> Result<()> {
    let rows = chinook::load_tables(&shop.db, tables).await?;
    ensure!(rows > 2000, "there is more than {rows} rows");
    Ok(())
}

fn a_line(track: i32, invoice: i32) -> invoice_line::ActiveModel {
    invoice_line::ActiveModel {
        track_id: Set(track),
        unit_price: Set(Decimal::new(99, 2)),
        invoice_id: Set(invoice),
        quantity: Set(1),
        ..Default::default()
    }
}

async fn another_program(shop: &Shop) -> Result<()> {
    let sale = shop.till.begin().await?;
    a_line(100, 111).insert(&sale).await?;
    sale.execute_unprepared("UPDATE album SET artist_id = 8 WHERE id = 20").await?;
    sale.commit().await?;
    Ok(())
}

async fn three_programs(shop: &Shop) -> Result<()> {
    let selling = |pool: sea_orm::DatabaseConnection, tracks: std::ops::Range<i32>| async move {
        for track in tracks {
            a_line(track, 264 + track % 20).insert(&pool).await?;
        }
        anyhow::Ok(())
    };

    let calculating = async {
        for _ in 0..10 {
            CachedFields::all().worker(&shop.till).drain().await?;
        }
        anyhow::Ok(())
    };

    tokio::try_join!(
        selling(shop.db.clone(), 200..230),
        selling(shop.till.clone(), 1200..1230),
        calculating
    )?;

    Ok(())
}

async fn upserted(shop: &Shop) -> Result<()> {
    let line = |id: i32| invoice_line::ActiveModel { id: Set(id), ..a_line(3000, 350) };
    let instead = OnConflict::column(invoice_line::Column::Id)
        .update_columns([invoice_line::Column::TrackId, invoice_line::Column::InvoiceId])
        .to_owned();
    invoice_line::Entity::insert_many([line(1000), line(900_000)])
        .on_conflict(instead)
        .exec(&shop.db)
        .await?;
    Ok(())
}

async fn upserted_in_sql(shop: &Shop) -> Result<()> {
    let lines = "INSERT INTO invoice_line (id, track_id, unit_price, invoice_id, quantity)
                 VALUES (1001, 1, 0.99, 350, 4), (900001, 3000, 0.99, 351, 2)";
    shop.sql(&format!("{lines} {}", shop.place.or_update("quantity"))).await
}

/// Replaces rows. If the database has no REPLACE, the row is deleted and inserted.
async fn replaced(shop: &Shop) -> Result<()> {
    let row = "invoice_line (id, track_id, unit_price, invoice_id, quantity)
               VALUES (1002, 3500, 3.33, 352, 1)";
    if let Some(replace) = shop.place.replaces() {
        return shop.sql(&format!("{replace} {row}")).await;
    }
    let replacing = shop.db.begin().await?;
    replacing.execute_unprepared("DELETE FROM invoice_line WHERE id = 1002").await?;
    replacing.execute_unprepared(&format!("INSERT INTO {row}")).await?;
    replacing.commit().await?;
    Ok(())
}

async fn saved_over(shop: &Shop) -> Result<()> {
    let old = artist::Entity::find_by_id(90).one(&shop.db).await?.expect("an artist");
    shop.sql(
        "UPDATE invoice_line
            SET quantity = quantity + 1
          WHERE track_id IN (SELECT id FROM track WHERE album_id = 96)",
    )
    .await?;
    shop.drain().await?;

    let name = format!("{} (again)", old.name);
    artist::ActiveModel { name: Set(name), ..old.into_active_model().reset_all() }
        .update(&shop.db)
        .await?;

    Ok(())
}

async fn all_flagged(shop: &Shop) -> Result<()> {
    shop.sql("UPDATE shop SET revenue_recalculation_needed = true").await?;
    shop.sql("UPDATE employee SET team_revenue_recalculation_needed = true").await?;
    shop.sql("UPDATE invoice SET total_recalculation_needed = true").await?;
    shop.sql("UPDATE playlist SET minutes_recalculation_needed = true").await
}

async fn first_sale(shop: &Shop) -> Result<()> {
    let customer = i32::try_from(shop.number("SELECT max(id) FROM customer").await?)?;
    let invoice = invoice::ActiveModel {
        customer_id: Set(customer),
        invoice_date: Set("2012-01-02T20:00:00Z".parse()?),
        billing_country: Set("Latvia".to_owned()),
        recorded_total: Set(Decimal::ZERO),
        ..Default::default()
    };
    let invoice = invoice.insert(&shop.db).await?;
    a_line(1, invoice.id).insert(&shop.db).await?;
    Ok(())
}

async fn recorded(shop: &Shop) -> Result<()> {
    let wrong = shop.number(
        "SELECT count(*)
           FROM invoice
          WHERE ROUND(cached_total * 100) <> ROUND(recorded_total * 100)",
    );
    ensure!(wrong.await? == 0, "a total is not the recorded one");
    ensure!(shop.number("SELECT count(*) FROM invoice").await? == 412, "there are 412 invoices");
    Ok(())
}
