//! I2. On SQLite there is one writer at a time anyway, so this concerns PostgreSQL and MySQL.
//! InnoDB's own foreign keys lock the row that is referred to, for which its writers wait: there
//! the tables are without.

use sea_orm::{ConnectionTrait, DatabaseTransaction, IsolationLevel, TransactionTrait};

use crate::harness::{TestDb, gate::Gate, lampposts::*, not_there};

const ONE_WRITER: &str = "SQLite has one writer at a time";

/// A transaction in which every wait for another one is an error.
async fn impatient(db: &TestDb) -> DatabaseTransaction {
    let transaction = db.begin().await.unwrap();
    let timeout = if db.is_mysql() {
        "SET innodb_lock_wait_timeout = 2"
    } else {
        "SET LOCAL lock_timeout = '2s'"
    };
    transaction.execute_unprepared(timeout).await.unwrap();
    transaction
}

async fn run(transaction: &DatabaseTransaction, sql: &str) {
    transaction.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn without_foreign_keys(db: &TestDb) {
    let keys = "SELECT table_name AS `table`, constraint_name AS name
                  FROM information_schema.referential_constraints
                 WHERE constraint_schema = database()";
    for key in db.rows(keys).await {
        let table = key["table"].as_str().unwrap();
        let name = key["name"].as_str().unwrap();
        db.sql(&format!("ALTER TABLE {table} DROP FOREIGN KEY `{name}`")).await;
    }
    lampposts().install(&**db).await.unwrap();
}

async fn two_fresh_lampposts(db: &TestDb) {
    set_up_lampposts(db).await;
    if db.is_mysql() {
        without_foreign_keys(db).await;
    }
    a_lamppost(db, "one").await;
    a_lamppost(db, "two").await;
    db.drain(lampposts()).await;
}

fn pigeon_of(lamppost: i32) -> String {
    format!("INSERT INTO pigeon (weight_in_g, lamppost_id) VALUES (1, {lamppost})")
}

fn note_of(lamppost: i32) -> String {
    format!("UPDATE lamppost SET note = 'x' WHERE id = {lamppost}")
}

/// Each transaction writes a pigeon of its own lamppost, then something of the other's.
async fn in_opposite_order(db: &TestDb, second: fn(i32) -> String, pigeons: u8) {
    two_fresh_lampposts(db).await;
    let a = impatient(db).await;
    let b = impatient(db).await;
    run(&a, &pigeon_of(1)).await;
    run(&b, &pigeon_of(2)).await;
    run(&a, &second(2)).await;
    run(&b, &second(1)).await;
    a.commit().await.unwrap();
    b.commit().await.unwrap();
    db.drain(lampposts()).await;
    assert_fresh(db, 1, &format!("one of nowhere, {pigeons} pigeons of {pigeons}, -")).await;
    assert_fresh(db, 2, &format!("two of nowhere, {pigeons} pigeons of {pigeons}, -")).await;
}

#[apply(contract)]
async fn two_transactions_that_touch_two_owners_in_opposite_order(db: TestDb) {
    if db.is_sqlite() {
        return not_there(ONE_WRITER);
    }
    in_opposite_order(&db, pigeon_of, 2).await;
}

#[apply(contract)]
async fn two_transactions_that_write_two_owners_in_opposite_order(db: TestDb) {
    if db.is_sqlite() {
        return not_there(ONE_WRITER);
    }
    in_opposite_order(&db, note_of, 1).await;
}

#[apply(contract)]
async fn many_writers_under_one_owner(db: TestDb) {
    if db.is_sqlite() {
        return not_there(ONE_WRITER);
    }

    two_fresh_lampposts(&db).await;
    let mut open = Vec::new();
    for _ in 0..5 {
        let transaction = impatient(&db).await;
        run(&transaction, &pigeon_of(1)).await;
        open.push(transaction);
    }

    let direct = impatient(&db).await;
    run(&direct, &note_of(1)).await;
    direct.commit().await.unwrap();
    for transaction in open {
        transaction.commit().await.unwrap();
    }

    db.drain(lampposts()).await;
    assert_fresh(&db, 1, "one of nowhere, 5 pigeons of 5, -").await;
}

#[apply(contract)]
async fn a_writer_of_the_related_row_of_many_owners(db: TestDb) {
    if db.is_sqlite() {
        return not_there(ONE_WRITER);
    }

    two_fresh_lampposts(&db).await;
    db.sql("INSERT INTO city (id, name) VALUES (1, 'Rome')").await;
    db.sql("UPDATE lamppost SET city_id = 1").await;
    db.drain(lampposts()).await;

    let holder = impatient(&db).await;
    let mayor = impatient(&db).await;
    run(&holder, &note_of(1)).await;
    run(&mayor, "UPDATE city SET name = 'Roma' WHERE id = 1").await;
    mayor.commit().await.unwrap();
    holder.commit().await.unwrap();

    db.drain(lampposts()).await;
    assert_fresh(&db, 1, "one of Roma, 0 pigeons of 0, -").await;
}

#[apply(contract)]
async fn a_completion_steps_back_from_a_row_that_a_user_holds(db: TestDb) {
    if db.is_sqlite() {
        return not_there(ONE_WRITER);
    }

    two_fresh_lampposts(&db).await;
    let name = db.name("held");
    let gate = Gate::at(&name);
    let lamppost = a_lamppost(&db, &name).await;
    let mut narration = db.narration();

    let worker = tokio::spawn(lampposts().worker(&db).run_once());
    gate.arrival().await;
    let user = impatient(&db).await;
    run(&user, &note_of(lamppost.id)).await;
    gate.open();
    worker.await.unwrap().unwrap();
    assert!(narration.said().contains(&format!("handed back lamppost.full_name {}", lamppost.id)));

    run(&user, &note_of(lamppost.id)).await;
    user.commit().await.unwrap();
    db.drain(lampposts()).await;
    assert_fresh(&db, lamppost.id, &format!("{name} of nowhere, 0 pigeons of 0, -")).await;
}

/// A newer version of the owner's row, such as a completion makes, is no business of a transaction
/// that only inserts a related row.
#[apply(contract)]
async fn an_old_snapshot_is_no_reason_to_fail(db: TestDb) {
    if db.is_sqlite() {
        return not_there(ONE_WRITER);
    }

    two_fresh_lampposts(&db).await;
    // A serializable transaction of MySQL locks what it reads.
    let levels = [IsolationLevel::RepeatableRead, IsolationLevel::Serializable];
    for (pigeons, level) in (1..).zip(&levels[..if db.is_mysql() { 1 } else { 2 }]) {
        let old = db.begin_with_config(Some(*level), None).await.unwrap();
        run(&old, "SELECT count(*) FROM lamppost").await;
        db.sql(&note_of(1)).await;
        run(&old, &pigeon_of(1)).await;
        old.commit().await.unwrap();
        db.drain(lampposts()).await;
        assert_fresh(&db, 1, &format!("one of nowhere, {pigeons} pigeons of {pigeons}, -")).await;
    }
}
