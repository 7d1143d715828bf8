//! The counters of workers, at the end of a round, when all is at rest. What a killed worker did
//! since its last report is lost. So other workers begin here, and none of them is killed. Triggers
//! write a ledger of the values that become fresh. The counters have to agree with it.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use futures_util::future::try_join_all;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use sea_orm_cached_field::FieldActivity;
use tokio::sync::watch;

use crate::{
    calculation, entity,
    role::{connect, worker},
    schema::{DATA, Schema, field_name},
    snapshot::Snapshot,
    sql::said,
};

/// The beginning of a line that reports a difference.
pub(crate) const DIFFERENCE: &str = "counters differ: ";

/// A line for each value that both have counted.
pub(crate) const COUNTED: &str = "counted";

const WORKERS: usize = 3;

/// The number of times that all rows are changed.
const CHANGES: usize = 12;

/// The time within which a change is written and something is recalculated. In the end all has to
/// be recalculated within it.
const PATIENCE: Duration = Duration::from_secs(60);

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// The time for which reports are kept.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The numbers of values of each field.
type Counts = BTreeMap<String, Count>;

/// The numbers of values of a field that were stored.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    changed: u64,
    unchanged: u64,
    /// They were marked again meanwhile, and did not become fresh. The ledger does not count them.
    published: u64,
}

impl Count {
    fn became_fresh(self) -> u64 {
        self.changed + self.unchanged
    }

    /// Returns whether a ledger agrees with it. A worker compares a value with the one that it has
    /// read, and the ledger with the one before it. They differ where another worker has published
    /// a value in between.
    fn agrees_with(self, ledger: Self) -> bool {
        self.became_fresh() == ledger.became_fresh()
            && self.changed.abs_diff(ledger.changed) <= self.published
    }
}

/// Lets workers recalculate, compares their counters with the ledger, and prints what it finds.
pub(crate) async fn compare(url: &str, of_workers: &str, seed: u64) -> Result<()> {
    std::panic::set_hook(Box::new(|_| {}));
    calculation::IS_ROUGH.store(true, Ordering::Relaxed);
    let schema = entity::set_schema(seed);
    let db = connect(url, 3).await?;
    for statement in ledger(schema, db.get_database_backend()) {
        db.execute_unprepared(&statement).await.context(statement)?;
    }

    for writes in [Writes::Data, Writes::Flags] {
        compare_once(url, of_workers, &db, schema, writes).await?;
    }
    Ok(())
}

/// What is written to all rows, before the counters are compared with the ledger.
#[derive(Clone, Copy)]
enum Writes {
    /// New data, again and again.
    Data,
    /// Only the flags, once. All values stay the same, so none is published in between, and the
    /// counters have to be exact.
    Flags,
}

async fn compare_once(
    url: &str,
    of_workers: &str,
    db: &DatabaseConnection,
    schema: &Schema,
    writes: Writes,
) -> Result<()> {
    let clear = said(db.get_database_backend(), "DELETE FROM \"recalculated\"");
    db.execute_unprepared(&clear).await?;
    let before = counted(url).await?;
    let (stop, stopped) = watch::channel(());
    let workers = try_join_all((0..WORKERS).map(|_| work(of_workers, stopped.clone())));
    let changes = async {
        match writes {
            Writes::Data => change_all(db, schema).await?,
            Writes::Flags => flag_all(db, schema).await?,
        }
        Ok(stop.send(())?)
    };
    tokio::try_join!(workers, changes)?;
    let after = counted(url).await?;
    let written = written(db).await?;

    for (table, field, _) in schema.fields() {
        let name = full_name(schema, table, field);
        let of = |counts: &Counts| counts.get(&name).copied().unwrap_or_default();
        let [before, after, written] = [&before, &after, &written].map(of);
        let counted = Count {
            changed: after.changed - before.changed,
            unchanged: after.unchanged - before.unchanged,
            published: after.published - before.published,
        };
        if counted.agrees_with(written) {
            (0..written.became_fresh()).try_for_each(|_| say(COUNTED))?;
        } else {
            say(&format!("{DIFFERENCE}{name}: {counted:?}, the ledger has {written:?}"))?;
        }
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}

fn full_name(schema: &Schema, table: usize, field: usize) -> String {
    format!("{}.{}", schema.tables[table].name, field_name(field))
}

/// Recalculates until the signal comes.
async fn work(url: &str, mut stopped: watch::Receiver<()>) -> Result<()> {
    let db = connect(url, 8).await?;
    let signal = async move {
        let _ = stopped.changed().await;
    };
    Ok(worker(&db).run_until(signal).await?)
}

/// Changes all rows but the canaries, again and again, while workers recalculate. Returns when all
/// is recalculated.
async fn change_all(db: &DatabaseConnection, schema: &Schema) -> Result<()> {
    let mut chance = Rng::new();
    let backend = db.get_database_backend();
    let mut values = 0;

    for change in 0..CHANGES {
        for table in &schema.tables {
            let column = DATA[change % DATA.len()];
            let change = format!(
                "UPDATE \"{}\" SET \"{column}\" = \"{column}\" + {} WHERE \"canary\" = 0",
                table.name,
                chance.i64(1..=2),
            );
            write(db, &said(backend, &change)).await?;
        }

        wait(async || {
            let found: u64 = written(db).await?.values().map(|count| count.became_fresh()).sum();
            let is_more = found > values || pending(db, schema).await? == 0;
            values = found;
            Ok(is_more)
        })
        .await?;
    }

    wait(async || Ok(pending(db, schema).await? == 0)).await
}

/// Flags all fields of all rows but the canaries. Returns when all is recalculated.
async fn flag_all(db: &DatabaseConnection, schema: &Schema) -> Result<()> {
    let backend = db.get_database_backend();
    for (table, field, _) in schema.fields() {
        let flag = format!(
            "UPDATE \"{}\" SET \"{}_recalculation_needed\" = true WHERE \"canary\" = 0",
            schema.tables[table].name,
            field_name(field),
        );
        write(db, &said(backend, &flag)).await?;
    }

    wait(async || Ok(pending(db, schema).await? == 0)).await
}

/// Writes; again if the server refuses, as it does to end a deadlock.
async fn write(db: &DatabaseConnection, statement: &str) -> Result<()> {
    let begun = Instant::now();
    loop {
        match db.execute_unprepared(statement).await {
            Ok(_) => return Ok(()),
            Err(error) if begun.elapsed() > PATIENCE => return Err(error.into()),
            Err(_) => tokio::time::sleep(BETWEEN_LOOKS).await,
        }
    }
}

async fn wait(mut until: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !until().await? {
        ensure!(begun.elapsed() < PATIENCE, "the workers are not done within {PATIENCE:?}");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Ok(())
}

async fn pending(db: &DatabaseConnection, schema: &Schema) -> Result<usize> {
    Ok(Snapshot::take(db, schema).await?.pending())
}

/// Returns what workers say. It asks over a pool of its own: each pool shares its last answer.
async fn counted(url: &str) -> Result<Counts> {
    let db = connect(url, 1).await?;
    let fields = entity::models().activity(DAY, &db).await?;
    db.close().await?;
    let count = |of: &FieldActivity| Count {
        changed: of.changed,
        unchanged: of.unchanged,
        published: of.published,
    };
    Ok(fields.iter().map(|of| (of.name(), count(of))).collect())
}

/// Returns what the ledger says.
async fn written(db: &DatabaseConnection) -> Result<Counts> {
    let backend = db.get_database_backend();
    let read = "SELECT \"field\", \"changed\", count(*) AS \"found\"
                  FROM \"recalculated\"
                 GROUP BY \"field\", \"changed\"";
    let mut counts = Counts::new();
    for row in db.query_all_raw(Statement::from_string(backend, said(backend, read))).await? {
        let found: i64 = row.try_get("", "found")?;
        let count: &mut Count = counts.entry(row.try_get("", "field")?).or_default();
        match row.try_get::<i32>("", "changed")? {
            0 => count.unchanged = found.try_into()?,
            _ => count.changed = found.try_into()?,
        }
    }
    Ok(counts)
}

/// Returns the statements that create the ledger and its triggers. A row is written for each flag
/// that ends.
fn ledger(schema: &Schema, backend: DbBackend) -> Vec<String> {
    let table = "CREATE TABLE \"recalculated\" (
                        \"field\" VARCHAR(20) NOT NULL,
                        \"changed\" INTEGER NOT NULL)";
    let mut statements = vec![table.to_owned()];
    for (table, field, _) in schema.fields() {
        let name = schema.tables[table].name;
        let field = field_name(field);
        let flag = format!("\"{field}_recalculation_needed\"");
        let value = format!("\"cached_{field}\"");
        let is_same = match backend {
            DbBackend::MySql => format!("OLD.{value} <=> NEW.{value}"),
            DbBackend::Sqlite => format!("OLD.{value} IS NEW.{value}"),
            _ => format!("OLD.{value} IS NOT DISTINCT FROM NEW.{value}"),
        };
        let ends = format!("OLD.{flag} AND NOT NEW.{flag}");
        let insert = format!(
            "INSERT INTO \"recalculated\"
             VALUES ('{name}.{field}', CASE WHEN {is_same} THEN 0 ELSE 1 END);"
        );
        let trigger = format!(
            "CREATE TRIGGER \"ledger_{name}_{field}\"
             AFTER UPDATE ON \"{name}\"
             FOR EACH ROW"
        );

        statements.extend(match backend {
            DbBackend::Sqlite => vec![format!("{trigger} WHEN {ends} BEGIN {insert} END")],
            DbBackend::MySql => {
                vec![format!("{trigger} BEGIN IF {ends} THEN {insert} END IF; END")]
            }
            _ => vec![
                format!(
                    "CREATE FUNCTION \"ledger_{name}_{field}\"() RETURNS trigger
                     LANGUAGE plpgsql SECURITY DEFINER
                     AS $$ BEGIN {insert} RETURN NULL; END $$"
                ),
                format!("{trigger} WHEN ({ends}) EXECUTE PROCEDURE \"ledger_{name}_{field}\"()"),
            ],
        });
    }
    statements.iter().map(|statement| said(backend, statement)).collect()
}
