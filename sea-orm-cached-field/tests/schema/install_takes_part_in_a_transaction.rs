use sea_orm::{ConnectionTrait, TransactionTrait};

use crate::{
    catalog::{catalog, installed},
    harness::{TestDb, lampposts::*, not_there},
};

async fn tables_and_a_row(db: &TestDb) {
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(pigeon::Entity).await;
    db.create(plaque::Entity).await;
    db.sql("INSERT INTO lamppost (id, first_name) VALUES (1, 'Ada')").await;
}

/// On MySQL each change of the schema commits. `install` refuses to end the user's transaction.
#[apply(on_mariadb_and_mysql)]
async fn or_refuses_on_mysql(db: TestDb) {
    tables_and_a_row(&db).await;
    let before = catalog(&db).await;

    let transaction = db.begin().await.expect("begun");
    transaction
        .execute_unprepared("UPDATE lamppost SET first_name = 'Bob'")
        .await
        .expect("updated");
    let install =
        lampposts().install(&transaction).await.expect_err("it should be refused").to_string();
    let uninstall =
        lampposts().uninstall(&transaction).await.expect_err("it should be refused").to_string();
    transaction.rollback().await.expect("rolled back");

    // MariaDB and MySQL come here, in one process.
    insta::allow_duplicates! {
    insta::assert_snapshot!(install, @"on this database each change of the schema commits the transaction that it is made in: call `install` and `uninstall` with a connection, outside of transactions");
    }
    assert_eq!(uninstall, install);
    assert_eq!(db.scalar::<String>("SELECT first_name FROM lamppost").await, "Ada");
    assert_eq!(catalog(&db).await, before);
}

#[apply(contract)]
async fn rolled_back_it_leaves_nothing(db: TestDb) {
    if db.is_mysql() {
        return not_there("MySQL commits each change of a schema, and has a test of its own");
    }
    tables_and_a_row(&db).await;
    let before = catalog(&db).await;
    let transaction = db.begin().await.expect("begun");
    let changes = lampposts().install(&transaction).await.expect("installed");
    assert!(changes.to_string().ends_with("; 1 row queued for full_name\n"), "{changes}");
    transaction.rollback().await.expect("rolled back");
    assert_eq!(catalog(&db).await, before);
}

#[apply(contract)]
async fn committed_it_works(db: TestDb) {
    if db.is_mysql() {
        return not_there("MySQL commits each change of a schema, and has a test of its own");
    }
    tables_and_a_row(&db).await;
    let transaction = db.begin().await.expect("begun");
    lampposts().install(&transaction).await.expect("installed");
    transaction.commit().await.expect("committed");
    assert_eq!(installed(&db, lampposts()).await, "nothing to do\n");
    db.drain(lampposts()).await;
    assert_fresh(&db, 1, "Ada of nowhere, 0 pigeons of 0, -").await;
}

#[apply(contract)]
async fn and_so_does_uninstall(db: TestDb) {
    if db.is_mysql() {
        return not_there("MySQL commits each change of a schema, and has a test of its own");
    }
    set_up_lampposts(&db).await;
    let before = catalog(&db).await;
    let transaction = db.begin().await.expect("begun");
    assert!(!lampposts().uninstall(&transaction).await.expect("uninstalled").is_empty());
    transaction.rollback().await.expect("rolled back");
    assert_eq!(catalog(&db).await, before);
}
