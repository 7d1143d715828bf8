//! A client that knows nothing of cached fields, and writes everything that it can.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, IsolationLevel, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};

use crate::{
    LAMPPOSTS,
    harness::{TestDb, lampposts::lamppost},
};

/// How the transactions of clients ended.
#[derive(Default)]
pub struct Tally {
    pub committed: u64,
    rolled_back: u64,
    /// Those that the database refused: deadlocks of the clients among each other, serialization failures.
    refused: BTreeMap<String, u64>,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.committed += other.committed;
        self.rolled_back += other.rolled_back;
        for (why, count) in other.refused {
            *self.refused.entry(why).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} transactions committed, {} rolled back, refused {:?}",
            self.committed, self.rolled_back, self.refused
        )
    }
}

pub async fn populate(db: &TestDb) {
    for id in 1..=3 {
        db.sql(&format!("INSERT INTO city (id, name) VALUES ({id}, 'city {id}')")).await;
    }
    for id in 1..=LAMPPOSTS {
        db.sql(&format!("INSERT INTO lamppost (id, first_name, city_id) VALUES ({id}, 'a', {})", id % 3 + 1)).await;
        db.sql(&format!("INSERT INTO pigeon (id, weight_in_g, lamppost_id) VALUES ({id}, {}, {id})", id % 7)).await;
    }
}

pub async fn write(db: Arc<TestDb>, seed: u64, writing: Arc<AtomicBool>) -> Tally {
    let mut client =
        Client { random: Rng::with_seed(seed), sqlite: db.is_sqlite(), mysql: db.is_mysql(), loaded: Vec::new() };
    let mut tally = Tally::default();
    while writing.load(Ordering::Relaxed) {
        match client.transaction(&db).await {
            Ok(true) => tally.committed += 1,
            Ok(false) => tally.rolled_back += 1,
            Err(error) => *tally.refused.entry(code(&error)).or_default() += 1,
        }
    }
    tally
}

fn code(error: &DbErr) -> String {
    let text = error.to_string();
    ["eadlock", "could not serialize", "uplicate", "UNIQUE", "locked"]
        .into_iter()
        .find(|known| text.contains(known))
        .map_or(text.clone(), str::to_owned)
}

struct Client {
    random: Rng,
    sqlite: bool,
    mysql: bool,
    /// Rows that were loaded some time ago, to be saved whole later, as many an ORM does.
    loaded: Vec<lamppost::Model>,
}

impl Client {
    /// Whether it was committed.
    async fn transaction(&mut self, db: &TestDb) -> Result<bool, DbErr> {
        let transaction = db.begin_with_options(self.options()).await?;
        for _ in 0..self.random.u8(1..=4) {
            self.statement(&transaction).await?;
            if self.random.u8(..10) == 0 {
                self.savepoint(&transaction).await?;
            }
            if self.random.u8(..5) == 0 {
                tokio::time::sleep(Duration::from_millis(self.random.u64(..10))).await;
            }
        }
        if self.random.u8(..100) < 15 {
            transaction.rollback().await?;
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
    }

    fn options(&mut self) -> TransactionOptions {
        if self.sqlite {
            let sqlite_transaction_mode = Some(SqliteTransactionMode::Immediate);
            return TransactionOptions { sqlite_transaction_mode, ..Default::default() };
        }
        let isolation_level = Some(match self.random.u8(..11) {
            0..=5 => IsolationLevel::ReadCommitted,
            6..=8 => IsolationLevel::RepeatableRead,
            _ => IsolationLevel::Serializable,
        });
        TransactionOptions { isolation_level, ..Default::default() }
    }

    async fn savepoint(&mut self, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
        let inner = transaction.begin().await?;
        inner
            .execute_unprepared(&format!(
                "UPDATE pigeon SET weight_in_g = weight_in_g + 1 WHERE lamppost_id = {}",
                self.id()
            ))
            .await?;
        if self.random.bool() { inner.commit().await } else { inner.rollback().await }
    }

    fn id(&mut self) -> i32 {
        self.random.i32(1..=LAMPPOSTS)
    }

    fn owner(&mut self) -> String {
        if self.random.u8(..100) < 3 { "NULL".to_owned() } else { self.id().to_string() }
    }

    async fn statement(&mut self, db: &DatabaseTransaction) -> Result<(), DbErr> {
        match self.random.u8(..100) {
            0..65 => {
                let sql = self.change_of_related_rows();
                db.execute_unprepared(&self.said(sql)).await.map(drop)
            }
            65..82 => {
                let sql = self.change_of_lampposts();
                db.execute_unprepared(&self.said(sql)).await.map(drop)
            }
            82..90 => {
                let id = self.id();
                self.loaded.extend(lamppost::Entity::find_by_id(id).one(db).await?);
                Ok(())
            }
            _ => self.save_whole_row(db).await,
        }
    }

    /// As this database says it.
    fn said(&self, sql: String) -> String {
        if !self.mysql {
            return sql;
        }
        let own = [
            ("random()", "rand()"),
            ("ON CONFLICT (lamppost_id) DO UPDATE SET", "ON DUPLICATE KEY UPDATE"),
            ("ON CONFLICT (id) DO UPDATE SET", "ON DUPLICATE KEY UPDATE"),
            ("excluded.text", "VALUES(text)"),
            ("excluded.full_name_recalculation_needed", "VALUES(full_name_recalculation_needed)"),
        ];
        own.into_iter().fold(sql, |sql, (standard, own)| sql.replace(standard, own))
    }

    fn change_of_related_rows(&mut self) -> String {
        let (id, other, owner, number) = (self.id(), self.id(), self.owner(), self.random.i32(1..9));
        // MySQL reads the table that is written only through one of its own.
        let any_pigeon = "(SELECT id FROM (SELECT id FROM pigeon ORDER BY random() LIMIT 1) picked)";
        match self.random.u8(..65) {
            0..16 => format!(
                "INSERT INTO pigeon (weight_in_g, lamppost_id) SELECT {number}, {owner} WHERE {owner} IS NULL OR EXISTS (SELECT 1 FROM lamppost WHERE id = {owner})"
            ),
            16..28 => format!("UPDATE pigeon SET weight_in_g = weight_in_g + {number} WHERE id = {any_pigeon}"),
            28..32 => format!("UPDATE pigeon SET weight_in_g = weight_in_g + 1 WHERE lamppost_id IN ({id}, {other})"),
            32..42 => format!(
                "UPDATE pigeon SET lamppost_id = (SELECT id FROM lamppost WHERE id = {owner}) WHERE id = {any_pigeon}"
            ),
            42..52 => format!(
                "DELETE FROM pigeon WHERE id IN (SELECT id FROM (SELECT id FROM pigeon ORDER BY random() LIMIT {}) picked)",
                number % 3 + 1
            ),
            52..56 => format!("UPDATE city SET name = 'city {number}' WHERE id = {}", number % 3 + 1),
            56..58 => format!("UPDATE city SET mayor = 'mayor {number}' WHERE id = {}", number % 3 + 1),
            58..62 => format!(
                "INSERT INTO plaque (text, lamppost_id) SELECT 'plaque {number}', id FROM lamppost WHERE id = {id} ON CONFLICT (lamppost_id) DO UPDATE SET text = excluded.text"
            ),
            _ => format!("DELETE FROM plaque WHERE lamppost_id = {id}"),
        }
    }

    fn change_of_lampposts(&mut self) -> String {
        let (id, other, number) = (self.id(), self.id(), self.random.i32(1..9));
        match self.random.u8(..17) {
            0..5 => format!("UPDATE lamppost SET first_name = 'name {number}' WHERE id = {id}"),
            5..7 => format!("UPDATE lamppost SET note = 'note {number}', first_name = first_name WHERE id = {id}"),
            7..9 => format!("UPDATE lamppost SET city_id = {} WHERE id = {id}", number % 3 + 1),
            9 => format!("UPDATE lamppost SET full_name_recalculation_needed = true WHERE id = {id}"),
            10 => format!("UPDATE lamppost SET full_name_recalculation_needed = false WHERE id IN ({id}, {other})"),
            11 => format!("UPDATE lamppost SET cached_full_name = 'forged' WHERE id = {id}"),
            12 => format!("DELETE FROM lamppost WHERE id = {id}"),
            13 => format!(
                "UPDATE lamppost SET id = {other} WHERE id = {id} AND NOT EXISTS (SELECT 1 FROM plaque WHERE lamppost_id = {id}) AND NOT EXISTS (SELECT 1 FROM (SELECT id FROM lamppost WHERE id = {other} LIMIT 1) other)"
            ),
            14 => format!("UPDATE lamppost SET full_name_expires_after = '2020-01-01 00:00:00' WHERE id = {id}"),
            _ => format!(
                "INSERT INTO lamppost (id, first_name, city_id, cached_full_name, full_name_recalculation_needed) VALUES ({id}, 'new', 1, 'forged', false) ON CONFLICT (id) DO UPDATE SET first_name = 'upserted', full_name_recalculation_needed = excluded.full_name_recalculation_needed"
            ),
        }
    }

    async fn save_whole_row(&mut self, db: &DatabaseTransaction) -> Result<(), DbErr> {
        if self.loaded.is_empty() {
            return Ok(());
        }
        let row = self.loaded.swap_remove(self.random.usize(..self.loaded.len()));
        let values = vec![
            row.first_name.into(),
            row.note.into(),
            row.cached_full_name.into(),
            row.full_name_recalculation_needed.into(),
            row.full_name_expires_after.into(),
            row.id.into(),
        ];
        let sql = "UPDATE lamppost SET first_name = $1, note = $2, cached_full_name = $3,
            full_name_recalculation_needed = $4, full_name_expires_after = $5 WHERE id = $6";
        let sql = if self.mysql {
            (1..=6).fold(sql.to_owned(), |sql, n| sql.replace(&format!("${n}"), "?"))
        } else {
            sql.to_owned()
        };
        db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await.map(drop)
    }
}
