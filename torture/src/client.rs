//! Clients that know nothing of cached fields, and write everything that they can.

use std::{io::Write, time::Duration};

use anyhow::Result;
use fastrand::Rng;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use crate::{
    entity::set_schema,
    mutation,
    role::{connect, told_to_stop},
    schema::{CANARIES, DATA, ROWS, Schema, field_name},
    sql::{is_row, key, key_values, link_columns, link_values, said, set_link},
};

/// The number of clients that write at a time, in each process.
const WRITERS: u64 = 3;

/// The number of rows that are written most of the time.
const HOT: i64 = 6;

/// Fills the tables as they are at the beginning.
pub(crate) async fn populate(db: &DatabaseConnection, schema: &Schema) -> Result<()> {
    let mut chance = Rng::with_seed(1);
    let backend = db.get_database_backend();

    for table in 0..schema.tables.len() {
        for n in 0..ROWS / 2 {
            let links: Vec<Option<i64>> =
                schema.tables[table].links.iter().map(|_| Some(chance.i64(0..ROWS / 4))).collect();
            // A foreign key to the row itself, or to a row that does not exist yet, would make it
            // fail.
            let _ = db
                .execute_unprepared(&said(
                    backend,
                    &insert(schema, table, n, chance.i64(0..100), &links, false),
                ))
                .await;
        }

        for n in CANARIES {
            let links: Vec<Option<i64>> = schema.tables[table]
                .links
                .iter()
                .map(|link| Some(chance.i64(CANARIES)).filter(|_| link.to <= table))
                .collect();
            db.execute_unprepared(&said(backend, &insert(schema, table, n, 7, &links, true)))
                .await?;
        }
    }
    Ok(())
}

fn insert(
    schema: &Schema,
    table: usize,
    n: i64,
    data: i64,
    links: &[Option<i64>],
    canary: bool,
) -> String {
    let mut columns: Vec<String> =
        key(table).iter().map(|(column, _)| (*column).to_owned()).collect();
    let mut values = key_values(table, n);
    columns.extend(["a", "b", "born", "canary"].map(str::to_owned));
    values.extend([
        data.to_string(),
        (data + 1).to_string(),
        fastrand::i64(1..i64::MAX).to_string(),
    ]);
    values.push(i64::from(canary).to_string());

    for (link, to) in links.iter().enumerate() {
        columns.extend(link_columns(schema, table, link));
        values.extend(link_values(schema, table, link, *to));
    }

    let columns: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
    format!(
        "INSERT INTO \"{}\" ({}) VALUES ({})",
        schema.tables[table].name,
        columns.join(", "),
        values.join(", ")
    )
}

/// Writes until the end of its input, and prints for each transaction how it ended.
pub(crate) async fn write(
    urls: &[String],
    undecided: Option<String>,
    seed: u64,
    chance: u64,
) -> Result<()> {
    let schema = set_schema(seed);
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| {
            let url = urls[n as usize % urls.len()].clone();
            let undecided = undecided.clone();
            tokio::spawn(async move {
                write_as_one(&url, undecided, schema, Rng::with_seed(chance ^ n)).await
            })
        })
        .collect();
    told_to_stop().await;
    writers.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}

async fn write_as_one(
    url: &str,
    undecided: Option<String>,
    schema: &'static Schema,
    chance: Rng,
) -> Result<()> {
    let mut client = Client::new(url, undecided, schema, chance).await;
    loop {
        let ended = client.ended().await;
        writeln!(std::io::stdout().lock(), "{ended}")?;
        if ended == CUT_OFF {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn connected(url: &str) -> DatabaseConnection {
    loop {
        match connect(url, 1).await {
            Ok(db) => break db,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The outcome of a transaction whose connection was lost.
pub(crate) const CUT_OFF: &str = "cut off";

/// Returns the reason why the database refused a transaction.
pub(crate) fn refusal(error: &DbErr) -> &'static str {
    let text = error.to_string().to_lowercase();
    let known = [
        ("deadlock", "deadlock"),
        ("could not serialize", "serialization"),
        ("record has changed", "serialization"),
        ("duplicate", "duplicate key"),
        ("unique", "duplicate key"),
        ("foreign key", "foreign key"),
        ("lock wait", "lock wait"),
        ("database is locked", "lock wait"),
    ];

    let connection = matches!(error, DbErr::Conn(_) | DbErr::ConnectionAcquire(_));
    match known.iter().find(|(part, _)| text.contains(part)) {
        Some((_, name)) => name,
        None if connection
            || text.contains("connection")
            || text.contains("shut")
            || text.contains("communicat")
            || text.contains("starting up")
            || text.contains("recovery")
            || text.contains("server login has been failing")
            || text.contains("server conn crashed") =>
        {
            CUT_OFF
        }
        None => {
            let _ = std::io::stderr().write_all(format!("a client: {error}\n").as_bytes());
            "another error"
        }
    }
}

/// A row that was loaded some time ago.
struct LoadedRow {
    table: usize,
    n: i64,
    /// `"a" = 3, ...`
    as_loaded: String,
}

/// The choice whether a transaction rolls its writes back to a savepoint.
#[derive(Clone, Copy)]
enum TakesBack {
    Never,
    Sometimes,
    Always,
}

pub(crate) struct Client {
    schema: &'static Schema,
    chance: Rng,
    backend: DbBackend,
    usual: DatabaseConnection,
    /// The account for transactions that [`TakesBack::Always`], if the server tells them apart from
    /// others.
    undecided: Option<DatabaseConnection>,
    /// Rows to save as a whole later, as many an ORM does.
    loaded: Vec<LoadedRow>,
}

impl Client {
    pub(crate) async fn new(
        url: &str,
        undecided: Option<String>,
        schema: &'static Schema,
        chance: Rng,
    ) -> Self {
        let usual = connected(url).await;
        let undecided = match undecided {
            Some(url) => Some(connected(&url).await),
            None => None,
        };
        let backend = usual.get_database_backend();
        Self { schema, chance, backend, usual, undecided, loaded: Vec::new() }
    }

    /// Runs the next transaction, and returns how it ended.
    pub(crate) async fn ended(&mut self) -> &'static str {
        match self.transaction().await {
            Ok(true) => "committed",
            Ok(false) => "rolled back",
            Err(error) => refusal(&error),
        }
    }

    /// Runs a transaction, and returns whether it was committed.
    async fn transaction(&mut self) -> Result<bool, DbErr> {
        let options = self.options();
        let takes_back = self.takes_back(options.isolation_level);
        let db = match (&self.undecided, takes_back) {
            (Some(undecided), TakesBack::Always) => undecided,
            _ => &self.usual,
        };

        let transaction = db.begin_with_options(options).await?;
        if self.chance.u8(..100) < 8 {
            self.change_canaries(&transaction).await?;
            return self.take_back(transaction).await.map(|()| false);
        }

        for n in 0..self.chance.u8(1..=4) {
            self.statement(&transaction).await?;
            match self.chance.u8(..30) {
                _ if n == 0 && matches!(takes_back, TakesBack::Always) => {
                    self.savepoint(&transaction, takes_back).await?
                }
                0..3 => self.savepoint(&transaction, takes_back).await?,
                3..8 => tokio::time::sleep(Duration::from_millis(self.chance.u64(..10))).await,
                _ => {}
            }
        }

        if self.chance.u8(..100) < 10 {
            transaction.rollback().await?;
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
    }

    async fn take_back(&mut self, transaction: DatabaseTransaction) -> Result<(), DbErr> {
        if mutation::commits_what_is_to_be_rolled_back() {
            transaction.commit().await
        } else {
            transaction.rollback().await
        }
    }

    fn options(&mut self) -> TransactionOptions {
        if self.backend == DbBackend::Sqlite {
            let sqlite_transaction_mode = Some(SqliteTransactionMode::Immediate);
            return TransactionOptions { sqlite_transaction_mode, ..Default::default() };
        }
        let isolation_level = Some(match self.chance.u8(..11) {
            0..=5 => IsolationLevel::ReadCommitted,
            6..=8 => IsolationLevel::RepeatableRead,
            _ => IsolationLevel::Serializable,
        });
        TransactionOptions { isolation_level, ..Default::default() }
    }

    /// Chooses whether to roll back to a savepoint. At `READ COMMITTED`, or where accounts are not
    /// told apart, each transaction may. Above it one transaction in five does.
    fn takes_back(&mut self, isolation: Option<IsolationLevel>) -> TakesBack {
        if self.undecided.is_none() || isolation == Some(IsolationLevel::ReadCommitted) {
            TakesBack::Sometimes
        } else if self.chance.u8(..5) == 0 {
            TakesBack::Always
        } else {
            TakesBack::Never
        }
    }

    /// Keeps the changes since the savepoint, or rolls them back. Canaries are always rolled back.
    async fn savepoint(
        &mut self,
        transaction: &DatabaseTransaction,
        takes_back: TakesBack,
    ) -> Result<(), DbErr> {
        let inner = transaction.begin().await?;
        let (canaries, keeps) = match takes_back {
            TakesBack::Never => (false, true),
            TakesBack::Sometimes => (self.chance.bool(), self.chance.bool()),
            TakesBack::Always => (self.chance.bool(), false),
        };
        if canaries {
            self.change_canaries(&inner).await?;
            return self.take_back(inner).await;
        }
        self.statement(&inner).await?;
        if keeps { inner.commit().await } else { inner.rollback().await }
    }

    async fn run(&self, db: &DatabaseTransaction, sql: &str) -> Result<(), DbErr> {
        db.execute_unprepared(&said(self.backend, sql)).await.map(drop)
    }

    fn table(&mut self) -> usize {
        self.chance.usize(..self.schema.tables.len())
    }

    /// Returns a row. Usually it is one of a few, which change all the time.
    fn row(&mut self) -> i64 {
        if self.chance.u8(..3) > 0 { self.chance.i64(0..HOT) } else { self.chance.i64(0..ROWS) }
    }

    async fn change_canaries(&mut self, db: &DatabaseTransaction) -> Result<(), DbErr> {
        let table = self.table();
        let name = self.schema.tables[table].name;
        let row = is_row(table, self.chance.i64(CANARIES));
        let sql = match self.chance.u8(..4) {
            0 => format!("UPDATE \"{name}\" SET \"a\" = \"a\" + 1, \"b\" = 3 WHERE {row}"),
            1 => format!("DELETE FROM \"{name}\" WHERE {row}"),
            2 => {
                let link = self.chance.usize(..self.schema.tables[table].links.len());
                format!(
                    "UPDATE \"{name}\" SET {} WHERE {row}",
                    set_link(self.schema, table, link, None)
                )
            }
            _ => {
                let field = self.field(table);
                format!("UPDATE \"{name}\" SET \"{field}_recalculation_needed\" = true WHERE {row}")
            }
        };

        self.run(db, &sql).await
    }

    fn field(&mut self, table: usize) -> &'static str {
        field_name(self.chance.usize(..self.schema.tables[table].fields.len()))
    }

    async fn statement(&mut self, db: &DatabaseTransaction) -> Result<(), DbErr> {
        let table = self.table();
        match self.chance.u8(..100) {
            0..50 => {
                let sql = self.change(table);
                self.run(db, &sql).await
            }
            50..64 => self.insert(db, table).await,
            64..72 => {
                let row = self.row();
                self.run(
                    db,
                    &format!(
                        "DELETE FROM \"{}\" WHERE {}",
                        self.schema.tables[table].name,
                        is_row(table, row)
                    ),
                )
                .await
            }
            72..78 => self.change_key(db, table).await,
            78..84 => self.take_a_turn(db, table).await,
            84..92 => self.load(db, table).await,
            _ => self.save_whole_row(db).await,
        }
    }

    fn change(&mut self, table: usize) -> String {
        let name = self.schema.tables[table].name;
        let row = is_row(table, self.row());
        let number = self.chance.i64(-9..100);
        let column = DATA[self.chance.usize(..DATA.len())];
        let link = self.chance.usize(..self.schema.tables[table].links.len());
        let field = self.field(table);

        let set = match self.chance.u8(..50) {
            0..14 => format!("\"{column}\" = {number} WHERE {row}"),
            14..18 => format!("\"{column}\" = \"{column}\" + 1 WHERE {row}"),
            18..21 => format!(
                "\"{column}\" = \"{column}\" + 1 WHERE \"canary\" = 0 AND \"a\" < {}",
                number / 3
            ),
            21..22 => format!("\"{column}\" = \"{column}\" WHERE \"canary\" = 0"),
            22..35 => {
                let to = Some(self.chance.i64(0..ROWS / 2)).filter(|_| self.chance.u8(..6) > 0);
                format!("{} WHERE {row}", set_link(self.schema, table, link, to))
            }
            35..38 => format!("\"note\" = 'note {number}' WHERE {row}"),
            38..40 => format!("\"{field}_recalculation_needed\" = true WHERE {row}"),
            40..44 => format!("\"{field}_recalculation_needed\" = false WHERE {row}"),
            44..46 => format!("\"cached_{field}\" = {number} WHERE {row}"),
            46..48 => format!(
                "\"cached_{field}\" = {number}, \"{field}_recalculation_needed\" = false \
                 WHERE {row}"
            ),
            _ => format!("\"f0_expires_after\" = '2020-01-01 00:00:00' WHERE {row}"),
        };

        format!("UPDATE \"{name}\" SET {set}")
    }

    /// Inserts a row in some way. As most of these rows exist, it is often an upsert.
    async fn insert(&mut self, db: &DatabaseTransaction, table: usize) -> Result<(), DbErr> {
        let links = self.schema.tables[table].links.len();
        let links: Vec<Option<i64>> = (0..links)
            .map(|_| Some(self.chance.i64(0..ROWS / 2)).filter(|_| self.chance.u8(..4) > 0))
            .collect();
        let n = self.row();
        let data = self.chance.i64(0..100);
        let insert = insert(self.schema, table, n, data, &links, false);
        let keys: Vec<String> =
            key(table).iter().map(|(column, _)| format!("\"{column}\"")).collect();

        let upsert = match (self.backend, self.chance.bool()) {
            (DbBackend::MySql, true) => {
                format!("{insert} ON DUPLICATE KEY UPDATE \"a\" = VALUES(\"a\")")
            }
            (DbBackend::MySql, false) => insert.replacen("INSERT", "INSERT IGNORE", 1),
            (_, true) => format!(
                "{insert} ON CONFLICT ({}) DO UPDATE SET \"a\" = excluded.\"a\"",
                keys.join(", ")
            ),
            (_, false) => format!("{insert} ON CONFLICT DO NOTHING"),
        };

        self.run(db, &upsert).await
    }

    async fn change_key(&mut self, db: &DatabaseTransaction, table: usize) -> Result<(), DbErr> {
        let from = self.row();
        let to = self.row();
        let name = self.schema.tables[table].name;
        let taken =
            said(self.backend, &format!("SELECT 1 FROM \"{name}\" WHERE {}", is_row(table, to)));
        if db.query_one_raw(Statement::from_string(self.backend, taken)).await?.is_some() {
            return Ok(());
        }

        let set: Vec<String> = key(table)
            .iter()
            .zip(key_values(table, to))
            .map(|((column, _), value)| format!("\"{column}\" = {value}"))
            .collect();
        self.run(
            db,
            &format!("UPDATE \"{name}\" SET {} WHERE {}", set.join(", "), is_row(table, from)),
        )
        .await
    }

    /// Counts in the row, and in the ledger too: a count that is overwritten would be missing.
    async fn take_a_turn(&mut self, db: &DatabaseTransaction, table: usize) -> Result<(), DbErr> {
        let name = self.schema.tables[table].name;
        let row = is_row(table, self.row());
        let turn = said(
            self.backend,
            &format!("UPDATE \"{name}\" SET \"turns\" = \"turns\" + 1 WHERE {row}"),
        );
        if db.execute_unprepared(&turn).await?.rows_affected() == 0 {
            return Ok(());
        }

        self.run(
            db,
            &format!(
                "INSERT INTO \"ledger\" (\"born\") \
                 SELECT \"born\" FROM \"{name}\" WHERE {row}"
            ),
        )
        .await
    }

    async fn load(&mut self, db: &DatabaseTransaction, table: usize) -> Result<(), DbErr> {
        let n = self.row();
        let field = self.field(table);
        let name = self.schema.tables[table].name;
        let row = is_row(table, n);
        let columns = [DATA[0].to_owned(), DATA[1].to_owned(), format!("cached_{field}")];
        let flag = format!("{field}_recalculation_needed");

        let selected: Vec<String> =
            columns.iter().chain([&flag]).map(|column| format!("\"{column}\"")).collect();
        let select = said(
            self.backend,
            &format!("SELECT {} FROM \"{name}\" WHERE {row}", selected.join(", ")),
        );
        let Some(found) = db.query_one_raw(Statement::from_string(self.backend, select)).await?
        else {
            return Ok(());
        };

        let mut set = Vec::new();
        for column in &columns {
            let value: Option<i64> = found.try_get("", column)?;
            set.push(format!(
                "\"{column}\" = {}",
                value.map_or_else(|| "NULL".to_owned(), |value| value.to_string())
            ));
        }

        set.push(format!("\"{flag}\" = {}", found.try_get::<bool>("", &flag)?));
        self.loaded.push(LoadedRow { table, n, as_loaded: set.join(", ") });
        Ok(())
    }

    async fn save_whole_row(&mut self, db: &DatabaseTransaction) -> Result<(), DbErr> {
        if self.loaded.is_empty() {
            return Ok(());
        }
        let LoadedRow { table, n, as_loaded } =
            self.loaded.swap_remove(self.chance.usize(..self.loaded.len()));
        let name = self.schema.tables[table].name;
        self.run(db, &format!("UPDATE \"{name}\" SET {as_loaded} WHERE {}", is_row(table, n))).await
    }
}
