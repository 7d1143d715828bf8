use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use crate::{
    harness::{TestDb, lampposts::*},
    support::{NOTHING, Watch},
};

const CHANGES: [&str; 4] = [
    "UPDATE lamppost SET first_name = 'Bob'",
    "INSERT INTO pigeon (weight_in_g, lamppost_id) VALUES (50, 1)",
    "UPDATE city SET name = 'Oslo'",
    "UPDATE lamppost SET cached_full_name = 'forged'",
];

async fn settled(db: &TestDb) -> Watch<'_> {
    set_up_lampposts(db).await;
    db.sql("INSERT INTO city (id, name) VALUES (1, 'Rome')").await;
    db.sql("INSERT INTO lamppost (first_name, city_id) VALUES ('Ada', 1)").await;
    Watch::begin(db, lampposts).await
}

async fn changed(transaction: &DatabaseTransaction) {
    for change in CHANGES {
        transaction
            .execute_unprepared(change)
            .await
            .unwrap_or_else(|error| panic!("{change}: {error}"));
    }
}

#[apply(contract)]
async fn of_a_transaction(db: TestDb) {
    let mut watch = settled(&db).await;
    let transaction = db.begin().await.expect("begun");
    changed(&transaction).await;
    transaction.rollback().await.expect("rolled back");
    assert_eq!(db.pending("lamppost").await, 0);
    assert!(!reloaded(&db, 1).await.full_name_recalculation_needed);
    assert_eq!(watch.recalculated().await, NOTHING);
}

#[apply(contract)]
async fn of_a_savepoint(db: TestDb) {
    let mut watch = settled(&db).await;
    let transaction = db.begin().await.expect("begun");
    transaction.execute_unprepared("SAVEPOINT here").await.expect("a savepoint");
    changed(&transaction).await;
    transaction.execute_unprepared("ROLLBACK TO SAVEPOINT here").await.expect("rolled back");
    transaction.commit().await.expect("committed");
    assert_eq!(db.pending("lamppost").await, 0);
    assert!(!reloaded(&db, 1).await.full_name_recalculation_needed);
    assert_eq!(watch.recalculated().await, NOTHING);
}

#[apply(contract)]
async fn and_takes_nothing_along_that_was_committed(db: TestDb) {
    let mut watch = settled(&db).await;
    let transaction = db.begin().await.expect("begun");
    transaction.execute_unprepared(CHANGES[1]).await.expect("a pigeon");
    let inner = transaction.begin().await.expect("a savepoint");
    changed(&inner).await;
    inner.rollback().await.expect("rolled back");
    transaction.commit().await.expect("committed");
    assert_eq!(reloaded(&db, 1).await.full_name_recalculation_needed, !db.flags_by_the_collector());
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Ada of Rome, 1 pigeons of 50, -")
    );
}
