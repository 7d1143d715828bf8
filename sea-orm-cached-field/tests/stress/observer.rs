//! The observer: what must hold in every snapshot.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::harness::TestDb;

/// What the stored name should be, by one query over everything that it depends on.
const EXPECTED: &str =
    "l.first_name || ' of ' || coalesce((SELECT name FROM city c WHERE c.id = l.city_id), 'nowhere') || ', '
    || (SELECT count(*) FROM pigeon p WHERE p.lamppost_id = l.id) || ' pigeons of '
    || (SELECT coalesce(sum(weight_in_g), 0) FROM pigeon p WHERE p.lamppost_id = l.id) || ', '
    || coalesce((SELECT text FROM plaque q WHERE q.lamppost_id = l.id), '-')";

pub struct Observer {
    db: Arc<TestDb>,
    query: String,
}

impl Observer {
    pub fn new(db: Arc<TestDb>) -> Self {
        // A mark may name the city, and the owners are looked up when it is collected.
        let by_city = |link: &str| {
            format!("OR EXISTS (SELECT 1 FROM lamppost_cached_marks m WHERE m.via IS NOT NULL AND m.link = {link})")
        };
        let by_city = match db.get_database_backend() {
            DbBackend::Sqlite => String::new(),
            DbBackend::MySql => by_city("concat('i', hex(cast(l.city_id AS char)))"),
            _ => by_city("ARRAY[l.city_id::text]::text"),
        };
        let query = format!(
            "SELECT l.id AS id, l.full_name_recalculation_needed AS flagged, l.cached_full_name AS stored, {EXPECTED} AS expected,
                    (EXISTS (SELECT 1 FROM lamppost_cached_marks m WHERE m.key_1 = l.id) {by_city}) AS marked,
                    EXISTS (SELECT 1 FROM lamppost_cached_recalculations r WHERE r.key_1 = l.id) AS queued
               FROM lamppost l",
        );
        Self { db, query }
    }

    /// Looks at snapshots until it is told to stop; returns how many.
    pub async fn watch(self, watching: Arc<AtomicBool>) -> Result<u64, String> {
        let mut snapshots = 0;
        while watching.load(Ordering::Relaxed) {
            for row in self.snapshot().await {
                row.check(self.db.is_sqlite())?;
            }
            snapshots += 1;
            tokio::task::yield_now().await;
        }
        Ok(snapshots)
    }

    /// Everything is fresh and right, and nothing is left behind.
    pub async fn check_at_rest(&self) -> Result<(), String> {
        for row in self.snapshot().await {
            if row.flagged || row.marked || row.queued || row.stored.as_ref() != Some(&row.expected) {
                return Err(format!("not at rest: {row:?}"));
            }
        }
        Ok(())
    }

    async fn snapshot(&self) -> Vec<Row> {
        let statement = Statement::from_string(self.db.get_database_backend(), self.query.as_str());
        let rows = self.db.query_all_raw(statement).await.expect("a snapshot");
        let rows = rows.iter().map(|row| {
            Ok::<_, sea_orm::DbErr>(Row {
                id: row.try_get("", "id")?,
                flagged: row.try_get("", "flagged")?,
                stored: row.try_get("", "stored")?,
                expected: row.try_get("", "expected")?,
                marked: row.try_get("", "marked")?,
                queued: row.try_get("", "queued")?,
            })
        });
        rows.collect::<Result<_, _>>().expect("rows of the snapshot")
    }
}

#[derive(Debug)]
#[expect(dead_code, reason = "the id is there to be printed")]
struct Row {
    id: i32,
    flagged: bool,
    stored: Option<String>,
    expected: String,
    marked: bool,
    queued: bool,
}

impl Row {
    fn check(&self, flag_is_exact: bool) -> Result<(), String> {
        let wrong = self.stored.as_ref() != Some(&self.expected);
        if wrong && !self.flagged && !self.marked && !self.queued {
            return Err(format!("a wrong value that nothing tells of: {self:?}"));
        }
        if wrong && !self.flagged && flag_is_exact {
            return Err(format!("a wrong value without flag: {self:?}"));
        }
        if self.flagged && !self.marked && !self.queued {
            return Err(format!("a flag that no worker will see: {self:?}"));
        }
        Ok(())
    }
}
