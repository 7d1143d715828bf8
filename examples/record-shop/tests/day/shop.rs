//! The shop, and the actions of the steps.

use anyhow::{Context, Result, ensure};
use record_shop::{chinook, database};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use sea_orm_cached_field::CachedFields;

use crate::{
    kept,
    place::{self, Place, Site},
    truth::{self, Values},
};

pub struct Shop {
    pub place: Place,
    pub db: DatabaseConnection,
    /// Another pool of connections, which acts as another program.
    pub till: DatabaseConnection,
    site: Site,
}

impl Shop {
    pub async fn make(place: Place) -> Result<Self> {
        let site = place.make().await?;
        let db = place::connect(&site.url).await?;
        let till = place::connect(&site.url).await?;
        Ok(Self { place, db, till, site })
    }

    /// Loads the data, installs, calculates all figures, and returns them.
    pub async fn open(&self) -> Result<Values> {
        database::make_tables(&self.db).await?;
        chinook::load(&self.db).await?;
        CachedFields::all().install(&self.db).await?;
        self.drain().await?;
        let truth = truth::all(self).await?;
        truth::compare(&truth, &kept::all(self).await?).context("as the shop opens")?;
        Ok(truth)
    }

    pub async fn close(self) -> Result<()> {
        self.till.close().await?;
        self.db.close().await?;
        self.site.demolish().await
    }

    pub async fn drain(&self) -> Result<usize> {
        Ok(CachedFields::all().worker(&self.db).drain().await?)
    }

    /// Runs a statement, which must affect at least one row.
    pub async fn sql(&self, statement: &str) -> Result<()> {
        let done =
            self.db.execute_unprepared(statement).await.with_context(|| statement.to_owned())?;
        ensure!(done.rows_affected() > 0, "{statement}: no row is concerned");
        Ok(())
    }

    /// Deletes all rows of tables. Each of them comes after those that it refers to.
    pub async fn empty(&self, tables: &[&str]) -> Result<()> {
        for statement in self.place.empty(tables) {
            self.db.execute_unprepared(&statement).await.context(statement)?;
        }
        Ok(())
    }

    /// Returns the only value of the only row.
    pub async fn number(&self, query: &str) -> Result<i64> {
        let query = format!("SELECT CAST(({query}) AS {}) AS number", self.place.integer());
        let row = self
            .db
            .query_one_raw(Statement::from_string(self.db.get_database_backend(), query))
            .await?;
        Ok(row.context("no row")?.try_get("", "number")?)
    }
}
