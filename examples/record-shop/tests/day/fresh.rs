//! What the library says when it is asked for the figures as of now.

use anyhow::{Context, Result};
use record_shop::entity::{artist, customer, employee, genre, invoice, playlist, shop};
use sea_orm::{DatabaseConnection, EntityTrait, prelude::Decimal};

use crate::truth::{Rows, Values};

/// Reads `fresh_..` of every row, in any order.
macro_rules! read {
    ($db:ident, $entity:ident.$fresh:ident, $unit:expr) => {{
        let mut rows = Rows::new();
        for row in $entity::Entity::find().all($db).await? {
            let value = row.$fresh($db).await.with_context(|| format!("{row:?}"))?;
            rows.insert(row.id.into(), $unit(value)?);
        }
        rows
    }};
}

/// A field that is calculated from others goes by what is stored of them, and so each is read after those that it is
/// calculated from.
pub async fn all(db: &DatabaseConnection) -> Result<Values> {
    Ok(Values::from([
        ("invoice.total", read!(db, invoice.fresh_total, cents)),
        ("customer.lifetime_value", read!(db, customer.fresh_lifetime_value, cents)),
        ("employee.team_revenue", teams(db).await?),
        ("artist.revenue", read!(db, artist.fresh_revenue, cents)),
        ("playlist.minutes", read!(db, playlist.fresh_minutes, minutes)),
        ("genre.revenue", read!(db, genre.fresh_revenue, cents)),
        ("shop.revenue", read!(db, shop.fresh_revenue, cents)),
        ("genre.share", read!(db, genre.fresh_share, millionths)),
    ]))
}

/// Those first whom nobody reports to.
async fn teams(db: &DatabaseConnection) -> Result<Rows> {
    let mut rows = Rows::new();
    let mut waiting = employee::Entity::find().all(db).await?;
    while !waiting.is_empty() {
        let bosses: Vec<i32> = waiting.iter().filter_map(|employee| employee.reports_to_id).collect();
        for employee in waiting.extract_if(.., |employee| !bosses.contains(&employee.id)) {
            rows.insert(employee.id.into(), cents(employee.fresh_team_revenue(db).await?)?);
        }
    }
    Ok(rows)
}

fn cents(value: Decimal) -> Result<Option<i64>> {
    Ok(Some(i64::try_from((value * Decimal::ONE_HUNDRED).round())?))
}

#[expect(clippy::unnecessary_wraps, reason = "as its siblings")]
fn minutes(value: i64) -> Result<Option<i64>> {
    Ok(Some(value))
}

fn millionths(value: Option<Decimal>) -> Result<Option<i64>> {
    Ok(value.map(|value| i64::try_from((value * Decimal::from(1_000_000)).round())).transpose()?)
}
