//! What stands in the tables of every contender.

use anyhow::Result;
use sea_orm::{ConnectionTrait, Schema};

use super::Place;
use crate::schema::row_wise::{lamppost, pigeon};

/// How many lampposts there are, and how many pigeons sit on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Town {
    pub(crate) lampposts: u64,
    pub(crate) pigeons_each: u64,
}

impl Town {
    pub(crate) fn of(lampposts: u64) -> Self {
        Self { lampposts, pigeons_each: 10 }
    }

    /// For calculations that do not look at pigeons.
    pub(crate) fn without_pigeons(lampposts: u64) -> Self {
        Self { lampposts, pigeons_each: 0 }
    }

    /// Makes the tables, with all names right. The first pigeons are one of each lamppost.
    pub(super) async fn build(self, place: &Place) -> Result<()> {
        let schema = Schema::new(place.db.get_database_backend());
        place.db.execute(&schema.create_table_from_entity(lamppost::Entity)).await?;
        place.db.execute(&schema.create_table_from_entity(pigeon::Entity)).await?;
        place.sql(&self.fill_lampposts(place)).await?;
        if self.pigeons_each > 0 {
            place.sql(&self.fill_pigeons(place)).await?;
        }
        for index in schema.create_index_from_entity(pigeon::Entity) {
            place.db.execute(&index).await?;
        }
        Ok(())
    }

    fn fill_lampposts(self, place: &Place) -> String {
        let names = if self.pigeons_each == 0 {
            format!("SELECT i + 1 AS id, '' AS weight FROM {}", series(place, self.lampposts))
        } else {
            format!(
                "SELECT {LAMPPOST} AS id, sum({WEIGHT}) || ' ' AS weight FROM {} GROUP BY 1",
                series(place, self.lampposts * self.pigeons_each),
                LAMPPOST = self.lamppost_of_pigeon(),
            )
        };
        format!(
            "INSERT INTO lamppost (id, first_name, country, cached_slow_full_name, slow_full_name_recalculation_needed)
             SELECT id, 'Name' || id, 'Country' || id % 200,
                    'The ' || weight || 'Name' || id || ' of Country' || id % 200, false
               FROM ({names}) named ORDER BY id"
        )
    }

    fn fill_pigeons(self, place: &Place) -> String {
        format!(
            "INSERT INTO pigeon (id, lamppost_id, weight, name) SELECT i + 1, {}, {WEIGHT}, 'Pigeon' || i FROM {}",
            self.lamppost_of_pigeon(),
            series(place, self.lampposts * self.pigeons_each),
        )
    }

    /// Those of one lamppost lie scattered.
    fn lamppost_of_pigeon(self) -> String {
        format!("1 + (i * 7919) % {}", self.lampposts)
    }
}

const WEIGHT: &str = "(1 + (i * 31) % 1000)";

/// The numbers from 0 on as `i`.
fn series(place: &Place, count: u64) -> String {
    let last = count - 1;
    if place.is_sqlite() {
        format!(
            "(WITH RECURSIVE s (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < {last}) SELECT i FROM s) AS s"
        )
    } else {
        format!("generate_series(0::bigint, {last}) AS s (i)")
    }
}

/// All names at once, as one writes it by hand who needs no library.
pub(crate) const SET_ALL_NAMES: &str = "
    UPDATE lamppost
       SET cached_slow_full_name = 'The ' || s.weight || ' ' || first_name || ' of ' || country,
           slow_full_name_recalculation_needed = false
      FROM (SELECT lamppost_id, sum(weight) AS weight FROM pigeon GROUP BY lamppost_id) s
     WHERE s.lamppost_id = lamppost.id";

const WRONG_NAMES: &str = "
    SELECT count(*)
      FROM lamppost JOIN (SELECT lamppost_id, sum(weight) AS weight FROM pigeon GROUP BY lamppost_id) s
           ON s.lamppost_id = lamppost.id
     WHERE slow_full_name_recalculation_needed
        OR cached_slow_full_name IS DISTINCT FROM 'The ' || s.weight || ' ' || first_name || ' of ' || country";

impl Place {
    /// Whoever leaves a wrong name was not measured, but broken.
    pub(crate) async fn check_names(&self) -> Result<()> {
        let wrong: i64 = self.scalar(WRONG_NAMES).await?;
        anyhow::ensure!(wrong == 0, "{wrong} names are wrong or flagged in {}", self.url);
        Ok(())
    }

    /// Changes one pigeon of each of the first lampposts.
    pub(crate) async fn change_pigeons(&self, pigeons: u64) -> Result<()> {
        self.sql(&format!("UPDATE pigeon SET weight = weight + 1 WHERE id <= {pigeons}")).await.map(drop)
    }
}
