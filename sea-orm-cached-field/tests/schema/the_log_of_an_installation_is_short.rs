use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use sea_orm_cached_field::{CachedFields, Changes, InstallError};

use crate::harness::{TestDb, connect, lampposts::*, log::logged};

owner!(lamp, { table_name = "lamp" }, {}, depends_on(name));

fn both() -> CachedFields {
    lampposts().and::<lamp::Entity>()
}

/// Tables with a row each, in which nothing is installed.
async fn tables(db: &TestDb) {
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(pigeon::Entity).await;
    db.create(plaque::Entity).await;
    db.create(lamp::Entity).await;
    db.sql("INSERT INTO lamppost (id, first_name) VALUES (1, 'Ada')").await;
    db.sql("INSERT INTO lamp (id, name) VALUES (1, 'Bea')").await;
}

/// Works over a pool of its own. Returns what comes of it, and what the log says.
async fn logged_at<T: Send + 'static>(
    db: &TestDb,
    work: impl AsyncFnOnce(&DatabaseConnection) -> T + Send + 'static,
) -> (T, Vec<String>) {
    let url = db.url.clone();
    logged(move || async move { work(&connect(&url).await).await }).await
}

async fn changes(
    db: &TestDb,
    work: impl AsyncFnOnce(&DatabaseConnection) -> Result<Changes, InstallError> + Send + 'static,
) -> (Changes, Vec<String>) {
    let (changes, said) = logged_at(db, work).await;
    (changes.expect("changed"), said)
}

/// The log has a line of counts for each of these tables, then each change for those who debug.
fn assert_logged(tables: &[&str], (changes, said): (Changes, Vec<String>)) {
    let counts = changes.to_string();
    let counts: Vec<&str> = counts.lines().collect();
    let starts: Vec<String> = tables.iter().map(|table| format!("{table}: ")).collect();
    assert_eq!(counts.len(), tables.len(), "{counts:?}");
    assert!(counts.iter().zip(&starts).all(|(line, start)| line.starts_with(start)), "{counts:?}");

    let each = format!("{changes:#}");
    let expected: Vec<String> = counts
        .iter()
        .map(|line| format!("INFO {line};"))
        .chain(each.lines().map(|line| format!("DEBUG {line};")))
        .collect();
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(&expected) {
        let (message, fields) = said.split_at(expected.len().min(said.len()));
        let (table, _) = expected.split_once(": ").expect("a table");
        let table = table.split_once(' ').expect("a level").1;
        assert_eq!(message, expected);
        assert!(fields.starts_with(&format!(" table=\"{table}\"")), "{said}");
    }
    let lines = said.iter().filter(|said| said.starts_with("INFO "));
    lines.for_each(|said| assert!(said.contains(" seconds="), "{said}"));
}

#[apply(contract)]
async fn a_line_of_counts_for_each_model(db: TestDb) {
    tables(&db).await;
    let (changes, said) = changes(&db, async |db| both().install(db).await).await;
    let line = changes.to_string();
    let line = line.lines().find(|line| line.starts_with("lamp: ")).expect("a line");
    let objects = if db.is_sqlite() {
        "6 tables, 2 indexes, 5 triggers created"
    } else if db.is_mysql() {
        "6 tables, 4 triggers created"
    } else {
        "6 tables, 9 functions, 8 triggers created"
    };
    assert_eq!(line, format!("lamp: {objects}; 1 row queued for label"));

    let said_of_it = said.iter().find(|said| said.contains(line)).expect("logged");
    assert!(said_of_it.contains(" objects_created="), "{said_of_it}");
    assert!(said_of_it.contains(" rows_queued=1 "), "{said_of_it}");
    assert_logged(&["lamppost", "lamp"], (changes, said));
}

#[apply(contract)]
async fn and_none_for_what_did_not_change(db: TestDb) {
    tables(&db).await;
    lampposts().install(&*db).await.expect("installed");
    assert_logged(&["lamp"], changes(&db, async |db| both().install(db).await).await);
    let (changes, said) = changes(&db, async |db| both().install(db).await).await;
    assert_eq!((changes.is_empty(), said), (true, Vec::new()));
}

#[apply(contract)]
async fn also_of_all_else_that_changes_what_is_installed(db: TestDb) {
    tables(&db).await;
    both().install(&*db).await.expect("installed");
    let suspend = async |db: &DatabaseConnection| CachedFields::suspend("pigeon", db).await;
    assert_logged(&["lamppost"], changes(&db, suspend).await);

    let repaired = changes(&db, async |db| both().repair(db).await).await;
    let line = repaired.0.to_string();
    assert!(line.ends_with(" created; 1 row flagged for full_name\n"), "{line}");
    assert_logged(&["lamppost"], repaired);

    let uninstall = async |db: &DatabaseConnection| both().uninstall(db).await;
    assert_logged(&["lamppost", "lamp"], changes(&db, uninstall).await);
}

async fn setting(db: &impl ConnectionTrait) -> String {
    let query = "SELECT current_setting('client_min_messages') AS it";
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, query)).await;
    row.expect("asked").expect("a row").try_get("", "it").expect("a text")
}

/// PostgreSQL notices that what is dropped does not exist.
#[apply(on_postgres)]
async fn the_users_own_notices_come_as_before(db: TestDb) {
    tables(&db).await;
    let (settings, said) = logged_at(&db, async |db| {
        let mut settings = Vec::new();
        for setting_before in ["notice", "error", "log"] {
            let transaction = db.begin().await.expect("begun");
            let set = format!("SET LOCAL client_min_messages = {setting_before}");
            transaction.execute_unprepared(&set).await.expect("set");
            both().install(&transaction).await.expect("installed");
            let drop = "DROP TABLE IF EXISTS not_there";
            transaction.execute_unprepared(drop).await.expect("nothing dropped");
            settings.push((setting_before, setting(&transaction).await));
            transaction.rollback().await.expect("rolled back");
            settings.push(("notice", setting(db).await));
        }
        settings
    })
    .await;

    for (before, after) in settings {
        assert_eq!(before, after);
    }
    let notices: Vec<&String> =
        said.iter().filter(|said| said.starts_with("INFO notice: ")).collect();
    // With `log`, PostgreSQL sends notices, too.
    assert_eq!(
        notices, ["INFO notice: table \"not_there\" does not exist, skipping;"; 2],
        "they are heard if they come"
    );
}

#[apply(on_postgres)]
async fn also_after_an_installation_that_is_refused(db: TestDb) {
    db.create(lamp::Entity).await;
    db.sql("CREATE TABLE _lamp_cached_marks (id integer)").await;
    let transaction = db.begin().await.expect("begun");
    CachedFields::of::<lamp::Entity>().install(&transaction).await.expect_err("the name is taken");
    assert_eq!(setting(&transaction).await, "notice");
    transaction.rollback().await.expect("rolled back");
}
