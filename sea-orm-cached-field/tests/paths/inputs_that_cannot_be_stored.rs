//! Readers that may not store what they calculate, or cannot, because another transaction holds the
//! row locked.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, TransactionTrait,
};
use sea_orm_cached_field::{Error, Event};

use crate::{harness::TestDb, poles::*};

/// The value itself is calculated; nothing is stored.
#[apply(contract)]
async fn where_one_may_not_write(db: TestDb) {
    open(&db).await;
    grow(&db, 2).await;
    let pending = db.pending("pole").await;

    let reader = read_only(&db).await;
    let loaded = pole(&reader).await;
    assert_eq!(loaded.fresh_slow(&reader).await.expect("read"), 20);
    let mut rows = [loaded];
    pole::Slow::load(&mut rows, &reader).await.expect("loaded");
    assert_eq!((rows[0].cached_slow, rows[0].slow_recalculation_needed), (Some(20), false));
    assert_eq!((pole(&db).await.cached_slow, db.pending("pole").await), (Some(10), pending));

    // On MariaDB and MySQL its flag is not set before the mark is collected.
    let mut rows_of_poles = [row(&reader).await];
    row::Tall::load(&mut rows_of_poles, &reader).await.expect("loaded");
    assert_eq!(
        (rows_of_poles[0].cached_tall, rows_of_poles[0].tall_recalculation_needed),
        (Some(2), false)
    );

    assert_settled(&db, 2).await;
    assert_eq!(rows[0].fresh_both(&reader).await.expect("read"), 20_023);
}

/// Connections that may not write.
async fn read_only(db: &TestDb) -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(&db.url);
    options.max_connections(2).sqlx_logging(false);

    match db.get_database_backend() {
        DbBackend::Sqlite => {
            options.map_sqlx_sqlite_opts(|options| options.read_only(true));
        }
        DbBackend::Postgres => {
            db.needs_sessions_of_its_own().await;
            options.map_sqlx_postgres_opts(|options| {
                options.options([("default_transaction_read_only", "on")])
            });
        }
        _ => {
            // It is called once, not for each connection.
            options.max_connections(1).after_connect(|connection| {
                Box::pin(async move {
                    connection.execute_unprepared("SET SESSION TRANSACTION READ ONLY").await?;
                    Ok(())
                })
            });
        }
    }

    sea_orm::Database::connect(options).await.expect("connected")
}

/// A pole whose field below is stale and locked by a transaction, which is returned.
async fn locked(db: &TestDb) -> DatabaseTransaction {
    open(db).await;
    grow(db, 2).await;
    let holder = db.begin().await.expect("begun");
    holder.execute_unprepared("UPDATE pole SET row_id = 1 WHERE id = 1").await.expect("locked");
    holder
}

#[apply(on_servers)]
async fn a_transaction_fails_if_another_holds_an_input(db: TestDb) {
    let holder = locked(&db).await;
    let transaction = db.begin().await.expect("begun");
    let failed = pole(&db).await.fresh_loud(&transaction).await.expect_err("it cannot be stored");
    assert_eq!(
        failed.to_string(),
        "`slow` of `pole` 1 could not be made fresh: another transaction holds its row locked"
    );
    transaction.rollback().await.expect("rolled back");
    holder.commit().await.expect("committed");
    assert_settled(&db, 2).await;
}

#[apply(on_servers)]
async fn a_reader_waits_for_an_input_that_is_locked(db: TestDb) {
    let holder = locked(&db).await;
    let mut narration = db.narration();
    let loaded = pole(&db).await;
    let reader = tokio::spawn({
        let db = (*db).clone();
        async move { loaded.fresh_loud(&db).await }
    });
    narration.wait_for(|event| matches!(event, Event::HandedBack { field: "slow", .. })).await;
    holder.commit().await.expect("committed");
    assert_eq!(reader.await.unwrap().expect("read"), 21);
    assert_settled(&db, 2).await;
}

/// It may neither ask for marks nor claim. What it reads is calculated, and nothing is stored.
async fn assert_calculates(reader: &DatabaseConnection) -> Result<(), Error> {
    let loaded = pole(reader).await;
    assert_eq!(loaded.fresh_slow(reader).await?, 20);
    let mut rows = [loaded];
    pole::Slow::load(&mut rows, reader).await?;
    assert_eq!(rows[0].cached_slow, Some(20));
    let unknown = rows[0].fresh_loud(reader).await;
    assert!(
        matches!(unknown, Err(Error::Database(_))),
        "whether `slow` is stale cannot be known: {unknown:?}"
    );
    Ok(())
}

#[apply(on_postgres)]
async fn a_role_without_rights_on_the_librarys_tables(db: TestDb) {
    open(&db).await;
    grow(&db, 2).await;
    let role = format!("reader_{}", std::process::id());
    db.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT SELECT ON pole TO {role}")).await;
    let reader = db.connect_as(&role).await;

    let read = tokio::spawn({
        let reader = reader.clone();
        async move { assert_calculates(&reader).await }
    });
    let read = read.await;
    reader.close().await.expect("closed");
    db.drop_role(&role).await;

    read.expect("no assertion failed").expect("read");
    assert_eq!(pole(&db).await.cached_slow, Some(10), "nothing is stored");
    assert_settled(&db, 2).await;
}

#[apply(on_mariadb_and_mysql)]
async fn an_account_without_rights_on_the_librarys_tables(db: TestDb) {
    open(&db).await;
    grow(&db, 2).await;
    let name = format!("reader_{}", std::process::id());
    // An anonymous user of this host would come before one of any.
    let users = format!("{name}@localhost, {name}@'%'");
    db.sql(&format!("CREATE USER {users}; GRANT SELECT ON pole TO {users}")).await;
    let (_, place) = db.url.split_once('@').expect("a user in the URL");
    let reader = sea_orm::Database::connect(format!("mysql://{name}@{place}")).await;

    let read = tokio::spawn({
        let reader = reader.clone();
        async move { assert_calculates(&reader?).await }
    });
    let read = read.await;
    if let Ok(reader) = reader {
        reader.close().await.expect("closed");
    }
    db.sql(&format!("DROP USER {users}")).await;

    read.expect("no assertion failed").expect("read");
    assert_eq!(pole(&db).await.cached_slow, Some(10), "nothing is stored");
    assert_settled(&db, 2).await;
}
