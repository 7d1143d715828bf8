//! Databases that are dumped, and loaded again, with the programs of their servers.

use sea_orm::DbBackend;

use crate::harness::TestDb;

/// Runs the text of a dump, in which the database is named `DATABASE_NAME`, in an empty database.
pub async fn load(db: &TestDb, dump: &str) {
    if db.is_sqlite() {
        db.sql(dump).await;
        return;
    }
    let name: String =
        db.scalar(if db.is_mysql() { "SELECT database()" } else { "SELECT current_database()::text" }).await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), dump.replace("DATABASE_NAME", &name)).expect("written");
    let file = file.path().display();
    if db.is_mysql() {
        shell(&format!("mariadb {} < {file}", mysql_arguments(&db.url)));
    } else {
        shell(&format!("psql --quiet --set ON_ERROR_STOP=1 --file {file} '{}'", db.url));
    }
}

/// The same in another database; on MySQL, where triggers name the database that they write to, in one of the same name.
pub async fn restored(db: TestDb) -> TestDb {
    match db.get_database_backend() {
        DbBackend::Sqlite => {
            let restored = TestDb::sqlite().await;
            let file = restored.url.trim_start_matches("sqlite://").trim_end_matches("?mode=rwc").to_owned();
            restored.close_by_ref().await.expect("closed");
            std::fs::remove_file(&file).expect("an empty database");
            db.sql(&format!("VACUUM INTO '{file}'")).await;
            restored.reopened().await
        }
        DbBackend::MySql => {
            let (folder, place) = (tempfile::tempdir().expect("a folder"), mysql_arguments(&db.url));
            let (dump, name) =
                (folder.path().join("dump").display().to_string(), db.scalar::<String>("SELECT database()").await);
            shell(&format!("mariadb-dump {place} > {dump}"));
            db.sql(&format!("DROP DATABASE {name}")).await;
            db.sql(&format!("CREATE DATABASE {name}")).await;
            shell(&format!("mariadb {place} < {dump}"));
            db.reopened().await
        }
        _ => {
            let restored = TestDb::postgres().await;
            shell(&format!("pg_dump '{}' | psql --quiet --set ON_ERROR_STOP=1 '{}'", db.url, restored.url));
            restored
        }
    }
}

fn shell(command: &str) {
    let ended = std::process::Command::new("sh").args(["-c", command]).output().expect("a shell");
    assert!(ended.status.success(), "{command}: {}", String::from_utf8_lossy(&ended.stderr));
}

/// `mysql://user:password@host:port/database` as the clients want it.
fn mysql_arguments(url: &str) -> String {
    let rest = url.trim_start_matches("mysql://");
    let (account, place) = rest.split_once('@').expect("an account");
    let (user, password) = account.split_once(':').map_or((account, None), |(user, password)| (user, Some(password)));
    let (host, database) = place.split_once('/').expect("a database");
    let (host, port) = host.split_once(':').unwrap_or((host, "3306"));
    let database = database.split('?').next().unwrap_or(database);
    let password = password.map(|password| format!("--password='{password}'")).unwrap_or_default();
    format!("--protocol=tcp --host={host} --port={port} --user={user} {password} {database}")
}
