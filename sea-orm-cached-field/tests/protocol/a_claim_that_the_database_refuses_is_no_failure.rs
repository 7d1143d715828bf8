//! A reader whose claim the database refuses beside another transaction tries again, and then
//! calculates without a claim.

// On SQLite there is one writer.

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseTransaction, EntityTrait, TransactionTrait,
};

use crate::harness::{TestDb, innodb_waits_for, lampposts::*};

const ROWS: i32 = 8;

/// Stale lampposts that are in the queue.
async fn stale(db: &TestDb) -> Vec<lamppost::Model> {
    set_up_lampposts(db).await;
    for _ in 0..ROWS {
        a_lamppost(db, "refused").await;
    }
    db.drain(lampposts()).await;
    db.sql("UPDATE lamppost SET first_name = 'claimed'").await;
    let queue = "INSERT INTO _lamppost_cached_recalculations (key_1, field, generation)";
    db.sql(&format!("{queue} SELECT id, 'full_name', 1 FROM lamppost")).await;
    lamppost::Entity::find().all(&**db).await.expect("loaded")
}

async fn hold(holder: &DatabaseTransaction, rows: &str) {
    let hold = "UPDATE _lamppost_cached_recalculations SET attempts = attempts + 1 WHERE key_1";
    holder.execute_unprepared(&format!("{hold} {rows}")).await.expect("held");
}

/// Error 55P03, each time.
#[apply(on_postgres)]
async fn by_a_lock_timeout(db: TestDb) {
    db.needs_sessions_of_its_own().await;
    let rows = stale(&db).await;
    let mut options = ConnectOptions::new(&db.url);
    options.map_sqlx_postgres_opts(|options| options.options([("lock_timeout", "20ms")]));
    let reader = Database::connect(options).await.expect("connected");

    let holder = db.begin().await.expect("begun");
    hold(&holder, "> 0").await;
    let read = rows[0].fresh_full_name(&reader).await.expect("calculated");
    assert!(read.contains("claimed"), "{read}");
    let mut loaded = rows.clone();
    lamppost::FullName::load(&mut loaded, &reader).await.expect("calculated");
    for row in &loaded {
        assert_eq!(row.cached_full_name.as_ref(), Some(&read));
    }
    assert!(reloaded(&db, 1).await.full_name_recalculation_needed, "nothing is stored");

    holder.rollback().await.expect("rolled back");
    db.drain(lampposts()).await;
    assert_fresh(&db, 1, &read).await;
}

/// Error 1213: the reader waits for the second row, which another transaction holds, and that one
/// for the first.
#[apply(on_mariadb_and_mysql)]
async fn by_a_deadlock(db: TestDb) {
    let mut rows = stale(&db).await;
    let holder = db.begin().await.expect("begun");
    // InnoDB rolls back the transaction that has written less.
    for _ in 0..10 {
        hold(&holder, "> 1").await;
    }
    let pool = db.another_pool().await;
    let reader = tokio::spawn(async move {
        let loaded = lamppost::FullName::load(&mut rows, &pool).await;
        loaded.map(|()| rows)
    });
    while !innodb_waits_for(&db, "_lamppost_cached_recalculations").await {
        assert!(!reader.is_finished(), "the reader does not wait");
        tokio::task::yield_now().await;
    }
    hold(&holder, "= 1").await;
    holder.rollback().await.expect("rolled back");

    for row in reader.await.expect("ended").expect("loaded") {
        let value = row.cached_full_name.expect("a value");
        assert!(value.contains("claimed"), "{value}");
    }
    db.drain(lampposts()).await;
    assert_eq!(db.pending("lamppost").await, 0);
}
