//! I2: transactions of the library that wait for rows of the queue take them in one order, so that
//! no two deadlock.

// On SQLite there is one writer.

use sea_orm::{ConnectionTrait, EntityTrait, Statement, TransactionTrait};

use crate::harness::{TestDb, innodb_waits_for, lampposts::*, postgres_waits};

const ROWS: usize = 8;

/// Loads all lampposts fresh while the first of them is locked in the queue, and looks whether the
/// others are locked, too.
async fn locks_no_other(db: TestDb, is_waited_for: impl AsyncFn(&TestDb) -> bool) {
    set_up_lampposts(&db).await;
    for _ in 0..ROWS {
        a_lamppost(&db, "in order").await;
    }
    db.drain(lampposts()).await;
    let queue = "INSERT INTO _lamppost_cached_recalculations (key_1, field, generation)";
    db.sql(&format!("{queue} SELECT id, 'full_name', 1 FROM lamppost")).await;

    let holder = db.begin().await.expect("begun");
    let first = "UPDATE _lamppost_cached_recalculations SET due_at = due_at WHERE key_1 = 1";
    assert_eq!(holder.execute_unprepared(first).await.expect("locked").rows_affected(), 1);

    let pool = db.another_pool().await;
    let mut rows = lamppost::Entity::find().all(&*db).await.expect("loaded");
    let reader = tokio::spawn(async move { lamppost::FullName::load(&mut rows, &pool).await });
    while !reader.is_finished() && !is_waited_for(&db).await {
        tokio::task::yield_now().await;
    }

    let other = db.begin().await.expect("begun");
    let rest =
        "SELECT key_1 FROM _lamppost_cached_recalculations WHERE key_1 > 1 FOR UPDATE SKIP LOCKED";
    let rest = Statement::from_string(db.get_database_backend(), rest);
    let free = other.query_all_raw(rest).await.expect("asked").len();
    other.rollback().await.expect("rolled back");
    holder.rollback().await.expect("rolled back");
    reader.await.expect("ended").expect("loaded");

    assert_eq!(free, ROWS - 1, "rows that no transaction holds");
}

#[apply(on_postgres)]
async fn postgres(db: TestDb) {
    locks_no_other(db, postgres_waits).await;
}

#[apply(on_mariadb_and_mysql)]
async fn mysql(db: TestDb) {
    locks_no_other(db, async |db| innodb_waits_for(db, "_lamppost_cached_recalculations").await)
        .await;
}
