//! Morning: things are sold, corrected, voided and given back.

use anyhow::{Result, ensure};
use record_shop::entity::{invoice, invoice_line};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, TransactionTrait, prelude::Decimal,
};

use crate::{Step, kept, shop::Shop, sql, step};

pub fn steps() -> Vec<Step> {
    vec![
        sql("a customer takes a second copy", "UPDATE invoice_line SET quantity = 2 WHERE id = 1")
            .read_at_once(),
        sql(
            "an invoice is sold off",
            "UPDATE invoice_line SET unit_price = 0.50 WHERE invoice_id = 5",
        ),
        sql("a line is given away", "UPDATE invoice_line SET unit_price = 0 WHERE id = 22"),
        step("an invoice and its lines are saved one by one", one_by_one),
        step("an invoice is saved together with its lines", together).read_at_once(),
        step("a hundred lines are inserted at once", a_hundred_lines),
        step("a sale is rolled back", rolled_back).changing_nothing(),
        step("half of a sale is rolled back", half_rolled_back),
        sql("a line was for another track", "UPDATE invoice_line SET track_id = 3500 WHERE id = 3")
            .read_at_once(),
        sql("a line was on another invoice", "UPDATE invoice_line SET invoice_id = 7 WHERE id = 4"),
        sql(
            "two lines swap their tracks",
            "UPDATE invoice_line SET track_id = 3344 - track_id WHERE id IN (22, 1110)",
        ),
        sql(
            "every tenth line gets another copy",
            "UPDATE invoice_line SET quantity = quantity + 1 WHERE id % 10 = 0",
        ),
        step("all lines are saved as they are", as_they_are).changing_nothing(),
        sql("an invoice is voided", "UPDATE invoice SET voided = true WHERE id = 12")
            .read_at_once(),
        sql(
            "all German invoices are voided",
            "UPDATE invoice SET voided = true WHERE billing_country = 'Germany'",
        ),
        sql(
            "a line of a voided invoice changes",
            "UPDATE invoice_line SET quantity = 9 WHERE invoice_id = 12",
        ),
        sql("nothing was to be voided", "UPDATE invoice SET voided = false"),
        step("an invoice was for another customer", another_customer).read_at_once(),
        sql(
            "all invoices of a customer were for another",
            "UPDATE invoice SET customer_id = 4 WHERE customer_id = 5",
        ),
        step("a line is taken off", taken_off),
        step("the lines of a whole invoice are taken off", all_taken_off),
        sql("an invoice goes, with its lines", "DELETE FROM invoice WHERE id = 9"),
        sql("a customer goes, with invoices and lines", "DELETE FROM customer WHERE id = 4")
            .read_at_once(),
        step("a track that was sold cannot go", cannot_go).changing_nothing(),
    ]
}

fn an_invoice(customer: i32) -> invoice::ActiveModel {
    invoice::ActiveModel {
        customer_id: Set(customer),
        invoice_date: Set("2012-01-02T09:00:00Z".parse().expect("a date")),
        billing_country: Set("Latvia".to_owned()),
        recorded_total: Set(Decimal::ZERO),
        ..Default::default()
    }
}

fn a_line(invoice: i32, track: i32, quantity: i32) -> invoice_line::ActiveModel {
    invoice_line::ActiveModel {
        invoice_id: Set(invoice),
        track_id: Set(track),
        unit_price: Set(Decimal::new(199, 2)),
        quantity: Set(quantity),
        ..Default::default()
    }
}

async fn one_by_one(shop: &Shop) -> Result<()> {
    let invoice = an_invoice(1).insert(&shop.db).await?;
    let line = a_line(invoice.id, 1, 1).save(&shop.db).await?;
    a_line(invoice.id, 2820, 3).save(&shop.db).await?;
    invoice_line::ActiveModel { quantity: Set(2), ..line }.save(&shop.db).await?;
    Ok(())
}

async fn together(shop: &Shop) -> Result<()> {
    let line = |track: i32| {
        let line = invoice_line::ActiveModel::builder().set_track_id(track).set_quantity(1);
        line.set_unit_price(Decimal::new(99, 2))
    };

    let invoice = invoice::ActiveModel::builder()
        .set_customer_id(2)
        .set_invoice_date("2012-01-02T09:30:00Z".parse::<sea_orm::prelude::DateTimeUtc>()?)
        .set_billing_country("Latvia")
        .set_recorded_total(Decimal::ZERO)
        .add_line(line(1200))
        .add_line(line(1400));

    invoice.save(&shop.db).await?;
    Ok(())
}

async fn a_hundred_lines(shop: &Shop) -> Result<()> {
    let lines = (1..=100).map(|n| a_line(100 + n % 7, n * 30, n % 3));
    invoice_line::Entity::insert_many(lines).exec(&shop.db).await?;
    Ok(())
}

/// Inside, the figures are those of the sale.
async fn rolled_back(shop: &Shop) -> Result<()> {
    let before = invoice::Entity::find_by_id(11).one(&shop.db).await?.expect("an invoice");
    let sale = shop.db.begin().await?;
    invoice_line::Entity::insert_many((1..50).map(|n| a_line(11, n, 1))).exec(&sale).await?;
    sale.execute_unprepared("UPDATE album SET artist_id = 1 WHERE artist_id > 200").await?;
    sale.execute_unprepared("UPDATE employee SET reports_to_id = 3 WHERE id = 5").await?;
    let during = before.fresh_total(&sale).await?;
    ensure!(
        during == before.total(&shop.db).await? + Decimal::new(199 * 49, 2),
        "{during} during the sale"
    );
    sale.rollback().await?;
    kept::nothing_is_pending(shop).await
}

async fn half_rolled_back(shop: &Shop) -> Result<()> {
    let sale = shop.db.begin().await?;
    a_line(11, 12, 1).insert(&sale).await?;
    let doubtful = sale.begin().await?;
    a_line(11, 3000, 1).insert(&doubtful).await?;
    doubtful.execute_unprepared("DELETE FROM invoice_line WHERE invoice_id = 13").await?;
    doubtful.rollback().await?;
    a_line(13, 2500, 1).insert(&sale).await?;
    sale.commit().await?;
    Ok(())
}

async fn as_they_are(shop: &Shop) -> Result<()> {
    shop.sql(
        "UPDATE invoice_line SET quantity = quantity, track_id = track_id, unit_price = unit_price",
    )
    .await?;
    kept::nothing_is_pending(shop).await
}

async fn another_customer(shop: &Shop) -> Result<()> {
    let invoice = invoice::Entity::find_by_id(20).one(&shop.db).await?.expect("an invoice");
    let customer = if invoice.customer_id == 30 { 31 } else { 30 };
    let moved = invoice::ActiveModel { customer_id: Set(customer), ..invoice.into_active_model() };
    moved.update(&shop.db).await?;
    Ok(())
}

async fn taken_off(shop: &Shop) -> Result<()> {
    let line = invoice_line::Entity::find_by_id(50).one(&shop.db).await?.expect("a line");
    line.into_active_model().delete(&shop.db).await?;
    Ok(())
}

async fn all_taken_off(shop: &Shop) -> Result<()> {
    let of_invoice = invoice_line::Column::InvoiceId.eq(40);
    let gone = invoice_line::Entity::delete_many().filter(of_invoice).exec(&shop.db).await?;
    ensure!(gone.rows_affected > 0, "the invoice has no lines");
    Ok(())
}

async fn cannot_go(shop: &Shop) -> Result<()> {
    let refused = shop.db.execute_unprepared("DELETE FROM track WHERE id = 2").await;
    ensure!(refused.is_err(), "the line that sold it refers to it");
    kept::nothing_is_pending(shop).await
}
