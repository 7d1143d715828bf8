//! The figures as of now, by the library.

use anyhow::{Context, Result};
use record_shop::entity::{artist, customer, employee, genre, invoice, playlist, shop};
use sea_orm::{DatabaseConnection, EntityTrait, prelude::Decimal};

use crate::truth::{Figure, Rows, Values};

/// Reads `fresh_..` of the rows of these ids.
macro_rules! read {
    ($db:ident, $rows:expr, $entity:ident.$fresh:ident, $unit:expr) => {{
        let mut rows = Rows::new();
        for row in $entity::Entity::find().all($db).await? {
            if $rows.contains_key(&row.id.into()) {
                let value = row.$fresh($db).await.with_context(|| format!("{row:?}"))?;
                rows.insert(row.id.into(), $unit(value)?);
            }
        }
        rows
    }};
}

/// Reads the figures of these rows. Each is read before those that it is calculated from, so that
/// reading has to go down to the change.
pub async fn read(db: &DatabaseConnection, of: &Values) -> Result<Values> {
    let of = |figure: Figure| of.get(figure).cloned().unwrap_or_default();

    Ok(Values::from([
        ("genre.share", read!(db, of("genre.share"), genre.fresh_share, millionths)),
        ("shop.revenue", read!(db, of("shop.revenue"), shop.fresh_revenue, cents)),
        ("genre.revenue", read!(db, of("genre.revenue"), genre.fresh_revenue, cents)),
        (
            "employee.team_revenue",
            read!(db, of("employee.team_revenue"), employee.fresh_team_revenue, cents),
        ),
        (
            "customer.lifetime_value",
            read!(db, of("customer.lifetime_value"), customer.fresh_lifetime_value, cents),
        ),
        ("invoice.total", read!(db, of("invoice.total"), invoice.fresh_total, cents)),
        ("artist.revenue", read!(db, of("artist.revenue"), artist.fresh_revenue, cents)),
        ("playlist.minutes", read!(db, of("playlist.minutes"), playlist.fresh_minutes, minutes)),
    ]))
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
