//! The contents of the columns of the cached fields.

use anyhow::{Context, Result, ensure};
use sea_orm::{ConnectionTrait, Statement};

use crate::{
    shop::Shop,
    truth::{Figure, Values},
};

/// All fields, each after those that it is calculated from. With each comes the number of the
/// truth's units in one of its own.
pub const FIGURES: [(Figure, u32); 8] = [
    ("invoice.total", 100),
    ("customer.lifetime_value", 100),
    ("employee.team_revenue", 100),
    ("artist.revenue", 100),
    ("playlist.minutes", 1),
    ("genre.revenue", 100),
    ("shop.revenue", 100),
    ("genre.share", 1_000_000),
];

pub async fn all(shop: &Shop) -> Result<Values> {
    let mut values = Values::new();
    for (figure, unit) in FIGURES {
        let (table, field) = figure.split_once('.').context("a table and a field")?;
        let int = shop.place.integer();
        let query = format!(
            "SELECT CAST(id AS {int}) AS id, CAST(ROUND(cached_{field} * {unit}) AS {int}) AS value
               FROM {table}"
        );
        let rows = shop
            .db
            .query_all_raw(Statement::from_string(shop.db.get_database_backend(), query))
            .await?;
        let rows = rows.iter().map(|row| Ok((row.try_get("", "id")?, row.try_get("", "value")?)));
        values.insert(figure, rows.collect::<Result<_>>()?);
    }

    Ok(values)
}

/// Checks that no flag is set, and that neither a mark nor a row of a queue is left.
pub async fn nothing_is_pending(shop: &Shop) -> Result<()> {
    for (figure, _) in FIGURES {
        let (table, field) = figure.split_once('.').context("a table and a field")?;
        let failed = errors(shop, table).await?;
        ensure!(
            failed.is_empty(),
            "what has failed is left in the queue of {table}: {}",
            failed.join(", ")
        );
        let flagged = shop
            .number(&format!("SELECT count(*) FROM {table} WHERE {field}_recalculation_needed"))
            .await?;
        ensure!(flagged == 0, "{flagged} rows are flagged as stale for {figure}");
        for beside in [format!("_{table}_cached_marks"), format!("_{table}_cached_recalculations")]
        {
            let left = shop.number(&format!("SELECT count(*) FROM {beside}")).await?;
            ensure!(left == 0, "{left} rows are left in {beside}");
        }
    }

    Ok(())
}

/// Returns `revenue of row 7: no memory left`.
async fn errors(shop: &Shop, table: &str) -> Result<Vec<String>> {
    let query = format!(
        "SELECT field, key_1, last_error
           FROM _{table}_cached_recalculations
          WHERE last_error IS NOT NULL"
    );
    let rows = shop
        .db
        .query_all_raw(Statement::from_string(shop.db.get_database_backend(), query))
        .await?;

    let told = rows.iter().map(|row| {
        let field: String = row.try_get("", "field")?;
        let key: i32 = row.try_get("", "key_1")?;
        let error: String = row.try_get("", "last_error")?;
        Ok(format!("{field} of row {key}: {error}"))
    });

    told.collect()
}
