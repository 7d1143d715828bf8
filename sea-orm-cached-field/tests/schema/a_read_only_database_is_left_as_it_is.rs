use sea_orm::{ConnectOptions, Database, DatabaseConnection, sqlx::Executor};

use crate::{
    catalog::catalog,
    harness::{TestDb, lampposts::*},
};

async fn read_only(db: &TestDb) -> DatabaseConnection {
    if db.is_mysql() {
        let mut options = ConnectOptions::new(&db.url);
        options.map_sqlx_mysql_pool_opts(|pool| {
            pool.after_connect(|connection, _| {
                Box::pin(async {
                    connection.execute("SET SESSION TRANSACTION READ ONLY").await.map(|_| ())
                })
            })
        });
        return Database::connect(options).await.expect("connected");
    }

    let url = if db.is_sqlite() {
        db.url.replace("mode=rwc", "mode=ro")
    } else {
        let separator = if db.url.contains('?') { '&' } else { '?' };
        format!("{}{separator}options=-c%20default_transaction_read_only%3Don", db.url)
    };
    Database::connect(url).await.expect("connected")
}

#[apply(contract)]
async fn by_an_install_that_says_so(db: TestDb) {
    db.needs_sessions_of_its_own().await;
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(pigeon::Entity).await;
    db.create(plaque::Entity).await;
    let before = catalog(&db).await;
    let error =
        lampposts().install(&read_only(&db).await).await.expect_err("it should fail").to_string();
    let expected = "the cached fields of `lamppost` (full_name) cannot be installed over a connection that may only read: connect without `mode=ro`, `default_transaction_read_only` or `TRANSACTION READ ONLY`";
    assert_eq!(error, expected);
    assert_eq!(catalog(&db).await, before);
}
