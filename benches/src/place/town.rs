//! The contents of the tables of every contender.

use anyhow::Result;
use sea_orm::{ConnectionTrait, DatabaseConnection, Schema, Statement};

use super::Place;
use crate::schema::row_wise::{lamppost, pigeon};

/// The number of lampposts, and the number of pigeons on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Town {
    pub(crate) lampposts: u64,
    pub(crate) pigeons_each: u64,
}

impl Town {
    pub(crate) fn of(lampposts: u64) -> Self {
        Self { lampposts, pigeons_each: 10 }
    }

    /// Returns a town for calculations that do not look at pigeons.
    pub(crate) fn without_pigeons(lampposts: u64) -> Self {
        Self { lampposts, pigeons_each: 0 }
    }

    /// Makes the tables, with all names right. The first pigeons are one for each lamppost.
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
            "INSERT INTO lamppost (id, first_name, country, cached_slow_full_name,
                                   slow_full_name_recalculation_needed)
             SELECT id, 'Name' || id, 'Country' || (id % 200),
                    'The ' || weight || 'Name' || id || ' of Country' || (id % 200), false
               FROM ({names}) named
              ORDER BY id"
        )
    }

    fn fill_pigeons(self, place: &Place) -> String {
        format!(
            "INSERT INTO pigeon (id, lamppost_id, weight, name)
             SELECT i + 1, {}, {WEIGHT}, 'Pigeon' || i
               FROM {}",
            self.lamppost_of_pigeon(),
            series(place, self.lampposts * self.pigeons_each),
        )
    }

    /// Returns the lamppost of a pigeon. The pigeons of one lamppost are scattered.
    fn lamppost_of_pigeon(self) -> String {
        format!("1 + (i * 7919) % {}", self.lampposts)
    }
}

const WEIGHT: &str = "(1 + (i * 31) % 1000)";

/// Returns the numbers from 0 on as `i`.
pub(crate) fn series(place: &Place, count: u64) -> String {
    let last = count - 1;

    if place.is_sqlite() {
        format!(
            "(WITH RECURSIVE s (i) AS (SELECT 0
                                        UNION ALL
                                       SELECT i + 1 FROM s WHERE i < {last})
              SELECT i FROM s) AS s"
        )
    } else if place.is_mysql() {
        // Neither MariaDB nor MySQL has a function for it, and recursions end after 1,000 steps.
        let digits = last.to_string().len();
        let digit = "SELECT 0 AS d
                      UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3
                      UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6
                      UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9";
        let tables: Vec<String> = (0..digits).map(|n| format!("({digit}) AS d{n}")).collect();
        let terms: Vec<String> =
            (0..digits).map(|n| format!("d{n}.d * {}", 10_u64.pow(n as u32))).collect();
        let sum = terms.join(" + ");
        format!("(SELECT {sum} AS i FROM {} WHERE {sum} <= {last}) AS s", tables.join(", "))
    } else {
        format!("generate_series(0::bigint, {last}) AS s (i)")
    }
}

/// The weight of the pigeons of each lamppost.
const WEIGHTS: &str =
    "(SELECT lamppost_id, sum(weight) AS weight FROM pigeon GROUP BY lamppost_id) s";

impl Place {
    /// Sets all names at once, as one would by hand without a library.
    pub(crate) async fn set_all_names(&self) -> Result<()> {
        const SET: &str = "SET cached_slow_full_name = 'The ' || s.weight || ' '
                                                       || first_name || ' of ' || country,
                               slow_full_name_recalculation_needed = false";
        let update = if self.is_mysql() {
            format!("UPDATE lamppost JOIN {WEIGHTS} ON s.lamppost_id = lamppost.id {SET}")
        } else {
            format!("UPDATE lamppost {SET} FROM {WEIGHTS} WHERE s.lamppost_id = lamppost.id")
        };
        self.sql(&update).await.map(drop)
    }

    /// Sets the names of a few lampposts after another, as one would by hand with a calculation in
    /// Rust.
    pub(crate) async fn set_names_in_chunks(
        &self,
        client: &DatabaseConnection,
        lampposts: u64,
        chunk: u64,
    ) -> Result<()> {
        let inputs = format!(
            "SELECT lamppost.id, first_name, country, s.weight
               FROM lamppost
               JOIN (SELECT lamppost_id, CAST(sum(weight) AS {}) AS weight
                       FROM pigeon
                      WHERE lamppost_id BETWEEN $1 AND $2
                      GROUP BY lamppost_id) s
                 ON s.lamppost_id = lamppost.id
              WHERE lamppost.id BETWEEN $3 AND $4",
            self.integer()
        );

        for first in (1..=lampposts).step_by(usize::try_from(chunk)?) {
            let [first, last] =
                [i32::try_from(first)?, i32::try_from(lampposts.min(first + chunk - 1))?];
            let inputs =
                self.statement(&inputs, [first, last, first, last].map(sea_orm::Value::from));
            let mut ids = Vec::new();
            let mut names = Vec::new();
            for row in client.query_all_raw(inputs).await? {
                let (id, first_name, country, weight): (i32, String, String, i64) =
                    row.try_get_many_by_index()?;
                ids.push(id);
                names.push(format!("The {weight} {first_name} of {country}"));
            }
            client.execute_raw(self.store(ids, names)?).await?;
        }
        Ok(())
    }

    /// Returns one UPDATE of these lampposts, from arrays.
    fn store(&self, ids: Vec<i32>, names: Vec<String>) -> Result<Statement> {
        const SET: &str =
            "SET cached_slow_full_name = new.name, slow_full_name_recalculation_needed = false";
        if !self.is_mysql() && !self.is_sqlite() {
            let update = format!(
                "UPDATE lamppost {SET}
                   FROM unnest($1::integer[], $2::text[]) new (id, name)
                  WHERE new.id = lamppost.id"
            );
            return Ok(self.statement(&update, [ids.into(), names.into()]));
        }

        let update = if self.is_mysql() {
            format!(
                "UPDATE lamppost
                   JOIN JSON_TABLE($1, '$[*]' COLUMNS (
                          id integer PATH '$[0]',
                          name varchar(255) PATH '$[1]')) new
                     ON new.id = lamppost.id
                    {SET}"
            )
        } else {
            format!(
                "UPDATE lamppost {SET}
                   FROM (SELECT value ->> 0 AS id, value ->> 1 AS name FROM json_each($1)) new
                  WHERE new.id = lamppost.id"
            )
        };
        let rows: Vec<(i32, String)> = ids.into_iter().zip(names).collect();
        Ok(self.statement(&update, [serde_json::to_string(&rows)?.into()]))
    }

    /// Checks the names. A contender that leaves a wrong name is broken, and its measurement does
    /// not count.
    pub(crate) async fn check_names(&self) -> Result<()> {
        let wrong = format!(
            "SELECT count(*)
               FROM lamppost
               JOIN {WEIGHTS} ON s.lamppost_id = lamppost.id
              WHERE slow_full_name_recalculation_needed
                 OR coalesce(cached_slow_full_name, '')
                    <> 'The ' || s.weight || ' ' || first_name || ' of ' || country"
        );
        let wrong: i64 = self.scalar(&wrong).await?;
        anyhow::ensure!(wrong == 0, "{wrong} names are wrong or flagged in {}", self.url);
        Ok(())
    }

    /// Changes one pigeon of each of the first lampposts.
    pub(crate) async fn change_pigeons(&self, pigeons: u64) -> Result<()> {
        self.sql(&format!("UPDATE pigeon SET weight = weight + 1 WHERE id <= {pigeons}"))
            .await
            .map(drop)
    }
}
