//! What the database's own catalog says, to compare before and after.

use sea_orm::{DbBackend, TransactionTrait};
use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

const SQLITE: &str = "SELECT type || ' ' || name AS name, coalesce(sql, '') AS version
   FROM sqlite_master
 UNION ALL
 SELECT 'schema version', (SELECT schema_version FROM pragma_schema_version)
 ORDER BY 1";

/// The version is the transaction that wrote the catalog's row last: any DDL changes one.
const POSTGRES: &str = "WITH ns AS (
   SELECT *
     FROM pg_namespace
    WHERE nspname !~ '^pg_'
      AND nspname <> 'information_schema')
 SELECT 'relation ' || nspname || '.' || relname AS name, c.oid || ' ' || c.xmin AS version
   FROM pg_class c
   JOIN ns ON ns.oid = relnamespace
 UNION ALL
 SELECT 'column ' || nspname || '.' || relname || '.' || attname, a.xmin::text
   FROM pg_attribute a
   JOIN pg_class c ON c.oid = attrelid
   JOIN ns ON ns.oid = relnamespace
  WHERE attnum > 0
 UNION ALL
 SELECT 'trigger ' || tgname || ' on ' || nspname || '.' || relname, t.oid || ' ' || t.xmin
   FROM pg_trigger t
   JOIN pg_class c ON c.oid = tgrelid
   JOIN ns ON ns.oid = relnamespace
 UNION ALL
 SELECT 'function ' || nspname || '.' || proname, p.oid || ' ' || p.xmin
   FROM pg_proc p
   JOIN ns ON ns.oid = pronamespace
 UNION ALL
 SELECT 'comment ' || description, objoid || ' ' || xmin
   FROM pg_description
  WHERE description ~ '^sea-orm'
 ORDER BY 1, 2";

/// What made each object, and when that was, as far as the database says.
const MYSQL: &str = "SELECT CONCAT('table ', t.table_name) AS name,
        CONCAT(t.table_type, ' ', coalesce(t.create_time, ''), ' ', t.table_comment) AS version
   FROM information_schema.tables t WHERE t.table_schema = database()
 UNION ALL
 SELECT CONCAT('column ', c.table_name, '.', c.column_name), CONCAT(c.column_type, c.column_comment)
   FROM information_schema.columns c WHERE c.table_schema = database()
 UNION ALL
 SELECT CONCAT('index ', s.index_name, ' on ', s.table_name), CONCAT(s.column_name, s.index_comment)
   FROM information_schema.statistics s WHERE s.table_schema = database()
 UNION ALL
 SELECT CONCAT('trigger ', t.trigger_name, ' on ', t.event_object_table),
        CONCAT(t.created, t.action_statement)
   FROM information_schema.triggers t WHERE t.trigger_schema = database()
 ORDER BY 1, 2";

fn query(db: &TestDb) -> &'static str {
    match db.get_database_backend() {
        DbBackend::Sqlite => SQLITE,
        DbBackend::MySql => MYSQL,
        _ => POSTGRES,
    }
}

/// Everything in the database, so that two of them are equal only if no DDL ran in between.
pub async fn catalog(db: &TestDb) -> Vec<String> {
    let rows = db.rows(query(db)).await;
    rows.into_iter().map(|row| format!("{}: {}", row["name"], row["version"])).collect()
}

/// The names of everything in the database.
pub async fn names(db: &TestDb) -> Vec<String> {
    let rows = db.rows(query(db)).await;
    rows.into_iter().map(|row| row["name"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Whether the triggers and functions of this name stand there.
pub async fn has(db: &TestDb, name: &str) -> bool {
    names(db).await.iter().any(|line| line.contains(name))
}

/// The message of an install that is refused, after which the database stands as before; also
/// inside a transaction that is committed all the same.
pub async fn refused(db: &TestDb, models: impl Fn() -> CachedFields) -> String {
    let before = catalog(db).await;
    let error = models().install(&**db).await.expect_err("it should be refused").to_string();
    assert_eq!(catalog(db).await, before);
    let transaction = db.begin().await.expect("begun");
    models().install(&transaction).await.expect_err("it should be refused");
    transaction.commit().await.expect("committed");
    assert_eq!(catalog(db).await, before);
    error
}

/// What an install says.
pub async fn installed(db: &TestDb, models: CachedFields) -> String {
    let changes = models.install(&**db).await.unwrap_or_else(|error| panic!("{error}"));
    format!("{changes:#}")
}

/// Returns the report of an installation, without the checksums at the end of triggers' names. On
/// MySQL the checksums are of the trigger's text, which names the test's own database.
pub fn without_checksums(report: &str) -> String {
    let named = |line: &str| match line.split_once(" trigger ") {
        Some((change, name)) => {
            format!("{change} trigger {}", name.rsplitn(3, '_').last().unwrap_or(name))
        }
        None => line.to_owned(),
    };
    report.lines().map(named).collect::<Vec<_>>().join("\n")
}
