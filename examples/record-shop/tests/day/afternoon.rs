//! Afternoon: people come, go and are moved about, and a part of the shop becomes a shop of its
//! own.

use anyhow::{Result, ensure};
use record_shop::entity::{customer, employee, genre, shop as shops};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, TransactionTrait,
    prelude::{Decimal, Expr},
};
use sea_orm_cached_field::Error;

use crate::{Step, shop::Shop, sql, step};

pub fn steps() -> Vec<Step> {
    let mut steps = people();
    steps.extend(departments());
    steps
}

fn people() -> Vec<Step> {
    vec![
        step("a customer is supported by somebody else", somebody_else).read_at_once(),
        sql(
            "Jane's customers are all Margaret's",
            "UPDATE customer SET support_rep_id = 4 WHERE support_rep_id = 3",
        ),
        sql(
            "a customer is supported by nobody",
            "UPDATE customer SET support_rep_id = NULL WHERE id = 2",
        ),
        sql("Margaret moves to IT", "UPDATE employee SET reports_to_id = 6 WHERE id = 4")
            .read_at_once(),
        sql(
            "IT becomes a company of its own",
            "UPDATE employee SET reports_to_id = NULL WHERE id = 6",
        ),
        step("somebody new comes between Nancy and Steve", somebody_between).read_at_once(),
        step("two swap their managers in one transaction", swapped),
        step("a circle is told of, and broken", a_circle),
        sql(
            "a sale goes up all of the tree",
            "UPDATE invoice_line SET quantity = 7 WHERE invoice_id = 300",
        )
        .read_at_once(),
        sql("Margaret leaves; nobody has her customers", "DELETE FROM employee WHERE id = 4"),
        sql("Nancy leaves; her people report to nobody", "DELETE FROM employee WHERE id = 2")
            .read_at_once(),
        sql(
            "Steve takes all who are supported by nobody",
            "UPDATE customer SET support_rep_id = 5 WHERE support_rep_id IS NULL",
        ),
    ]
}

fn departments() -> Vec<Step> {
    vec![
        step("the classical department becomes a shop of its own", a_second_shop).read_at_once(),
        step("a genre without tracks goes, and another comes", genres_come_and_go),
        step("the second shop has sold nothing: there are no shares of it", nothing_sold),
        sql("all is one shop again", "UPDATE genre SET shop_id = 1").read_at_once(),
    ]
}

async fn somebody_else(shop: &Shop) -> Result<()> {
    let customer = customer::Entity::find_by_id(1).one(&shop.db).await?.expect("a customer");
    customer::ActiveModel { support_rep_id: Set(Some(5)), ..customer.into_active_model() }
        .update(&shop.db)
        .await?;
    Ok(())
}

async fn somebody_between(shop: &Shop) -> Result<()> {
    let lead = employee::ActiveModel {
        first_name: Set("Ada".to_owned()),
        last_name: Set("Lovelace".to_owned()),
        title: Set("Team Lead".to_owned()),
        reports_to_id: Set(Some(2)),
        ..Default::default()
    };
    let lead = lead.insert(&shop.db).await?;
    shop.sql(&format!("UPDATE employee SET reports_to_id = {} WHERE id = 5", lead.id)).await
}

async fn swapped(shop: &Shop) -> Result<()> {
    let swap = shop.db.begin().await?;
    for (employee, manager) in [(7, 2), (4, 1), (3, 6)] {
        let moved = employee::Entity::update_many()
            .col_expr(employee::Column::ReportsToId, Expr::value(manager));
        moved.filter(employee::Column::Id.eq(employee)).exec(&swap).await?;
    }
    swap.commit().await?;
    Ok(())
}

/// Makes a circle of employees, and breaks it. While there is one, those whose figure depends on
/// itself have none. As soon as it is broken, all have one.
async fn a_circle(shop: &Shop) -> Result<()> {
    shop.sql("UPDATE employee SET reports_to_id = 5 WHERE id = 1").await?;
    shop.drain().await?;
    let steve = employee::Entity::find_by_id(5).one(&shop.db).await?.expect("Steve");
    ensure!(steve.team_revenue_recalculation_needed, "the figure is known to be wrong");
    let told = steve.fresh_team_revenue(&shop.db).await;
    ensure!(matches!(&told, Err(Error::DataCycle { path, .. }) if path.len() > 3), "{told:?}");
    shop.sql("UPDATE customer SET support_rep_id = 7 WHERE id = 1").await?;
    shop.drain().await?;
    shop.sql("UPDATE employee SET reports_to_id = NULL WHERE id = 1").await
}

async fn a_second_shop(shop: &Shop) -> Result<()> {
    let classical = shops::ActiveModel { name: Set("Classical".to_owned()), ..Default::default() };
    let classical = classical.insert(&shop.db).await?;
    let moved =
        genre::Entity::update_many().col_expr(genre::Column::ShopId, Expr::value(classical.id));
    let done = moved.filter(genre::Column::Id.gte(24)).exec(&shop.db).await?;
    ensure!(done.rows_affected == 2, "classical music and opera");
    Ok(())
}

async fn genres_come_and_go(shop: &Shop) -> Result<()> {
    shop.sql("DELETE FROM genre WHERE id = 2").await?;
    let genre = genre::ActiveModel {
        name: Set("Birdsong".to_owned()),
        shop_id: Set(1),
        ..Default::default()
    };
    genre.insert(&shop.db).await?;
    Ok(())
}

async fn nothing_sold(shop: &Shop) -> Result<()> {
    shop.sql(
        "UPDATE invoice_line
            SET quantity = 0
          WHERE track_id IN (SELECT id FROM track WHERE genre_id >= 24)",
    )
    .await?;
    shop.drain().await?;
    let opera = genre::Entity::find_by_id(25).one(&shop.db).await?.expect("opera");
    ensure!(opera.share(&shop.db).await?.is_none(), "a share of nothing");
    ensure!(opera.revenue(&shop.db).await? == Decimal::ZERO, "nothing was sold");
    Ok(())
}
