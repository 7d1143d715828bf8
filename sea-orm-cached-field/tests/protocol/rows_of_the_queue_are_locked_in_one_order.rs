//! I2: a reader that waits for a row of the queue holds none that another one could hold while it waits for the reader.

// On SQLite there is one writer.

use std::time::Duration;

use sea_orm::{ConnectionTrait, EntityTrait, Statement, TransactionTrait};

use crate::harness::{TestDb, lampposts::*};

const ROWS: i64 = 8;

/// Loads all lampposts fresh while the first of them is locked in the queue, and looks whether the others are locked, too.
async fn locks_no_other(db: TestDb, waiting: &str) {
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
    let reader = tokio::spawn(async move { lamppost::FullName::load(&pool, &mut rows).await });
    while !reader.is_finished() && db.scalar::<i64>(waiting).await == 0 {
        // InnoDB repeats an answer that it has given less than 100 ms ago.
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    let other = db.begin().await.expect("begun");
    let rest = "SELECT key_1 FROM _lamppost_cached_recalculations WHERE key_1 > 1 FOR UPDATE SKIP LOCKED";
    let rest = Statement::from_string(db.get_database_backend(), rest);
    let free = other.query_all_raw(rest).await.expect("asked").len();
    other.rollback().await.expect("rolled back");
    holder.rollback().await.expect("rolled back");
    reader.await.expect("ended").expect("loaded");
    assert_eq!(free, 7, "rows that nobody holds");
}

#[apply(on_postgres)]
async fn postgres(db: TestDb) {
    let waiting = "SELECT count(*)
          FROM pg_locks l
          JOIN pg_stat_activity a USING (pid)
         WHERE NOT l.granted
           AND a.datname = current_database()";
    locks_no_other(db, waiting).await;
}

#[apply(on_mariadb_and_mysql)]
async fn mysql(db: TestDb) {
    let waiting = "SELECT count(*)
          FROM information_schema.innodb_trx t
          JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
         WHERE t.trx_state = 'LOCK WAIT'
           AND p.db = DATABASE()";
    locks_no_other(db, waiting).await;
}
