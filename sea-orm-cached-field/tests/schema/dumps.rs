//! Databases that are dumped, and loaded again, with the programs of their servers.

use std::{fmt::Display, path::Path, process::Command};

use sea_orm::{DbBackend, JsonValue};

use crate::harness::{TestDb, not_run};

/// Runs the text of a dump, in which the database is named `DATABASE_NAME`, in an empty database.
pub async fn load(db: &TestDb, dump: &str) {
    if db.is_sqlite() {
        db.sql(dump).await;
        return;
    }

    let name: String = db
        .scalar(if db.is_mysql() { "SELECT database()" } else { "SELECT current_database()::text" })
        .await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), dump.replace("DATABASE_NAME", &name)).expect("written");
    let file = file.path().display();
    if db.is_mysql() {
        let [_, client] = mysql_programs(db);
        shell(&format!("{client} {} < {file}", mysql_arguments(&db.url)));
    } else {
        shell(&format!(
            "psql --quiet --set ON_ERROR_STOP=1 --file {file} '{}'",
            db.direct_url().await
        ));
    }
}

/// All of a database as [`load`] takes it, without what is of the moment and the machine.
pub async fn dump(db: &TestDb) -> String {
    if db.is_sqlite() {
        return dump_of_sqlite(db).await;
    }

    if !db.is_mysql() {
        let is_kept = |line: &&str| {
            let is_setting = line.starts_with("SET ") && !line.contains("check_function_bodies");
            !(line.is_empty()
                || line.starts_with("--")
                || line.starts_with('\\') && *line != "\\."
                || is_setting)
        };
        let pg_dump = pg_dump(db).await;
        let dump = shell(&format!("{pg_dump} --no-owner '{}'", db.direct_url().await));
        return lines(dump.lines().filter(is_kept));
    }

    let name: String = db.scalar("SELECT database()").await;
    let [program, _] = mysql_programs(db);
    let dump = shell(&format!("{program} --compact {}", mysql_arguments(&db.url)))
        .replace(&name, "DATABASE_NAME");
    let is_kept = |line: &&str| {
        !(line.starts_with("/*M!") || line.starts_with("/*!") && line.contains(" SET "))
    };
    // `CREATE*/ /*!50017 DEFINER=..*/ /*!50003 TRIGGER ..`, to the end of the trigger
    let as_whoever_loads_it = |line: &str| match line.split_once("*/ /*!50003 TRIGGER ") {
        Some((_, trigger)) => format!("CREATE TRIGGER {trigger}"),
        // MySQL wants parentheses around the expression.
        None => line
            .replace("*/;;", ";;")
            .replace("DEFAULT utc_timestamp(6)", "DEFAULT (utc_timestamp(6))"),
    };
    lines(dump.lines().filter(is_kept).map(as_whoever_loads_it))
}

async fn dump_of_sqlite(db: &TestDb) -> String {
    let mut dump = Vec::new();
    let text = |row: &JsonValue| row["it"].as_str().unwrap_or_default().to_owned();
    let tables = "FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    dump.extend(db.rows(&format!("SELECT sql AS it {tables}")).await.iter().map(text));

    for table in db.rows(&format!("SELECT name AS it {tables}")).await.iter().map(text) {
        let columns = format!(
            "SELECT group_concat('quote(\"' || name || '\")', ' || '','' || ')
               FROM pragma_table_info('{table}')"
        );
        let columns: String = db.scalar(&columns).await;
        let rows = format!(
            "SELECT 'INSERT INTO \"{table}\" VALUES (' || {columns} || ')' AS it FROM \"{table}\""
        );
        dump.extend(db.rows(&rows).await.iter().map(text));
    }

    let others = "SELECT sql AS it FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL";
    dump.extend(db.rows(others).await.iter().map(text));
    lines(dump.into_iter().map(|statement| format!("{statement};")))
}

fn lines(lines: impl Iterator<Item = impl Display>) -> String {
    lines.map(|line| format!("{line}\n")).collect()
}

/// Another database; on MySQL, an empty one of the same name.
pub async fn emptied(db: TestDb) -> TestDb {
    match db.get_database_backend() {
        DbBackend::MySql => {
            let name: String = db.scalar("SELECT database()").await;
            db.sql(&format!("DROP DATABASE {name}")).await;
            db.sql(&format!("CREATE DATABASE {name}")).await;
            db.reopened().await
        }
        _ => db.another_database().await,
    }
}

/// The same in another database; on MySQL, where triggers name the database that they write to, in
/// one of the same name.
pub async fn restored(db: TestDb) -> TestDb {
    match db.get_database_backend() {
        DbBackend::Sqlite => {
            let restored = db.another_database().await;
            let file = restored
                .url
                .trim_start_matches("sqlite://")
                .trim_end_matches("?mode=rwc")
                .to_owned();
            restored.close_by_ref().await.expect("closed");
            std::fs::remove_file(&file).expect("an empty database");
            db.sql(&format!("VACUUM INTO '{file}'")).await;
            restored.reopened().await
        }
        DbBackend::MySql => {
            let folder = tempfile::tempdir().expect("a folder");
            let place = mysql_arguments(&db.url);
            let [program, client] = mysql_programs(&db);
            let dump = folder.path().join("dump").display().to_string();
            shell(&format!("{program} {place} > {dump}"));
            let db = emptied(db).await;
            shell(&format!("{client} {place} < {dump}"));
            db
        }
        _ => {
            let pg_dump = pg_dump(&db).await;
            let restored = db.another_database().await;
            let [from, to] = [db.direct_url().await, restored.direct_url().await];
            // A newer program sets what this server may not know.
            shell(&format!(
                "{pg_dump} '{from}' | grep --invert-match '^SET transaction_timeout' | psql --quiet --set ON_ERROR_STOP=1 '{to}'"
            ));
            restored
        }
    }
}

/// The program that dumps PostgreSQL, which refuses newer servers.
async fn pg_dump(db: &TestDb) -> String {
    let program =
        std::env::var("CACHED_FIELD_TEST_PG_DUMP").unwrap_or_else(|_| "pg_dump".to_owned());
    let version = version(&program).unwrap_or_else(|| not_run(&format!("there is no {program}")));
    let major = |word: &str| word.split('.').next().and_then(|major| major.parse::<i32>().ok());
    let of_program = version.split_whitespace().find_map(major).expect("a version");
    let of_server = db.version_of_postgres().await;
    if of_program < of_server {
        not_run(&format!("pg_dump {of_program} cannot dump PostgreSQL {of_server}"));
    }
    program
}

/// What dumps, and what loads, with their options. Each server has programs of its own, and
/// MariaDB's may have MySQL's names.
fn mysql_programs(db: &TestDb) -> [String; 2] {
    if db.is_mariadb() {
        version("mariadb-dump").unwrap_or_else(|| not_run("there is no mariadb-dump"));
        return ["mariadb-dump".to_owned(), "mariadb".to_owned()];
    }

    // Where `cargo xtask services` puts them, or where the shell looks.
    let folder = Path::new("/var/lib/cached-field-mysql/bin");
    let [dump, client] = ["mysqldump", "mysql"].map(|name| {
        let own = folder.join(name);
        if own.exists() { own.display().to_string() } else { name.to_owned() }
    });

    match version(&dump) {
        Some(version) if !version.contains("MariaDB") => {
            [format!("{dump} --set-gtid-purged=OFF"), client]
        }
        _ => not_run("there is no mysqldump of MySQL"),
    }
}

fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn shell(command: &str) -> String {
    let ended = Command::new("sh").args(["-c", command]).output().expect("a shell");
    assert!(ended.status.success(), "{command}: {}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).expect("text")
}

/// `mysql://user:password@host:port/database` as the clients want it.
fn mysql_arguments(url: &str) -> String {
    let rest = url.trim_start_matches("mysql://");
    let (account, place) = rest.split_once('@').expect("an account");
    let (user, password) =
        account.split_once(':').map_or((account, None), |(user, password)| (user, Some(password)));
    let (host, database) = place.split_once('/').expect("a database");
    let (host, port) = host.split_once(':').unwrap_or((host, "3306"));
    let database = database.split('?').next().unwrap_or(database);
    let password = password.map(|password| format!("--password='{password}'")).unwrap_or_default();
    format!("--protocol=tcp --host={host} --port={port} --user={user} {password} {database}")
}
