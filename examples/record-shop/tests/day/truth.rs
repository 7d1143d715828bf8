//! The right value of every figure: for each field one query over the plain data, which knows no
//! cached columns.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use sea_orm::{ConnectionTrait, Statement};

use crate::{place::Place, shop::Shop};

/// A field: `artist.revenue`
pub type Figure = &'static str;

/// The values of a field, by the ids of its rows: cents, minutes and millionths.
pub type Rows = BTreeMap<i64, Option<i64>>;

/// All values of all fields.
pub type Values = BTreeMap<Figure, Rows>;

pub async fn all(shop: &Shop) -> Result<Values> {
    let mut values = Values::new();
    for (figure, query) in queries(shop.place) {
        let statement = Statement::from_string(shop.db.get_database_backend(), query.clone());
        let rows = shop.db.query_all_raw(statement).await.context(query)?;
        let rows = rows.iter().map(|row| Ok((row.try_get("", "id")?, row.try_get("", "value")?)));
        values.insert(figure, rows.collect::<Result<_>>()?);
    }
    Ok(values)
}

/// The lines that count.
const SOLD: &str = "FROM invoice_line l
     JOIN invoice i ON i.id = l.invoice_id AND NOT i.voided
     JOIN track t ON t.id = l.track_id";

fn queries(place: Place) -> [(Figure, String); 8] {
    let int = place.integer();
    let cents = format!("CAST(ROUND(l.unit_price * 100) AS {int}) * l.quantity");
    let sum = |table: &str, what: &str, by: &str, from: &str| {
        format!(
            "SELECT CAST(o.id AS {int}) AS id, CAST(COALESCE(s.value, 0) AS {int}) AS value
               FROM {table} o
               LEFT JOIN (SELECT {by} AS id, SUM({what}) AS value
                            {from}
                           GROUP BY {by}) s ON s.id = o.id"
        )
    };

    let of_artists = format!("{SOLD} JOIN album a ON a.id = t.album_id");
    let played = sum(
        "playlist",
        "t.milliseconds",
        "p.playlist_id",
        "FROM playlist_track p JOIN track t ON t.id = p.track_id",
    );

    let of_teams = format!(
        "{SOLD} JOIN customer c ON c.id = i.customer_id
         JOIN (WITH RECURSIVE team (boss, id) AS (
                    SELECT id, id FROM employee
                     UNION
                    SELECT team.boss, e.id
                      FROM team
                      JOIN employee e ON e.reports_to_id = team.id)
               SELECT boss, id FROM team) e ON e.id = c.support_rep_id"
    );

    let genres = sum("genre", &cents, "t.genre_id", SOLD);
    let shops =
        sum("shop", &cents, "g.shop_id", &format!("{SOLD} JOIN genre g ON g.id = t.genre_id"));
    let share = place.quotient("g.value * 1000000", "s.value");

    [
        ("invoice.total", sum("invoice", &cents, "l.invoice_id", "FROM invoice_line l")),
        ("customer.lifetime_value", sum("customer", &cents, "i.customer_id", SOLD)),
        ("employee.team_revenue", sum("employee", &cents, "e.boss", &of_teams)),
        ("artist.revenue", sum("artist", &cents, "a.artist_id", &of_artists)),
        (
            "playlist.minutes",
            format!(
                "SELECT p.id, {} AS value
                   FROM ({played}) p",
                place.quotient("p.value", "60000")
            ),
        ),
        ("genre.revenue", genres.clone()),
        ("shop.revenue", shops.clone()),
        (
            "genre.share",
            format!(
                "SELECT g.id, CASE WHEN s.value <> 0 THEN {share} END AS value
                   FROM ({genres}) g
                   JOIN genre o ON o.id = g.id
                   JOIN ({shops}) s ON s.id = o.shop_id"
            ),
        ),
    ]
}

/// Returns all values that have changed, and every seventh row.
pub fn changed_and_some_others(before: &Values, now: &Values) -> Values {
    let picked = now.iter().map(|(figure, rows)| {
        let was = |id: &i64| before[figure].get(id);
        let rows = rows.iter().filter(|(id, value)| *id % 7 == 1 || was(id) != Some(*value));
        (*figure, rows.map(|(id, value)| (*id, *value)).collect())
    });
    picked.collect()
}

/// Fails with all differences.
pub fn compare(truth: &Values, found: &Values) -> Result<()> {
    let mut wrong = Vec::new();
    for (figure, truth) in truth {
        let Some(found) = found.get(figure) else { bail!("{figure} is not looked at") };
        let ids: std::collections::BTreeSet<&i64> = truth.keys().chain(found.keys()).collect();
        for id in ids.into_iter().filter(|id| truth.get(id) != found.get(id)) {
            let expected = told(truth.get(id));
            let found = told(found.get(id));
            wrong.push(format!("{figure} of row {id}: expected {expected}, found {found}"));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }

    let more = wrong.len().saturating_sub(20);
    wrong.truncate(20);
    bail!("\n  {}\n  and {more} more\n", wrong.join("\n  "));
}

fn told(value: Option<&Option<i64>>) -> String {
    match value {
        Some(Some(value)) => value.to_string(),
        Some(None) => "NULL".to_owned(),
        None => "no row".to_owned(),
    }
}
