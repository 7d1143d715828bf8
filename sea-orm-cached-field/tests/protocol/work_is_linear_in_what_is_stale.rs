//! I7: the size of the tables does not matter.

use crate::harness::{TestDb, lampposts::*};

const ROWS: i64 = 50_000;
const STALE: i64 = 50;

/// Returns the rows that the server has read in scans of the owner's table and of the library's. A
/// session reports them at its end at the latest. So every session but this one has to be closed.
async fn rows_read(db: &TestDb) -> i64 {
    let others = "SELECT count(*)
                    FROM pg_stat_activity
                   WHERE datname = current_database()
                     AND pid <> pg_backend_pid()
                     AND backend_type = 'client backend'";
    while db.scalar::<i64>(others).await > 0 {
        tokio::task::yield_now().await;
    }

    db.scalar(
        "SELECT CAST(sum(seq_tup_read + idx_tup_fetch) AS bigint)
           FROM pg_stat_user_tables
          WHERE relname IN ('lamppost',
                            '_lamppost_cached_marks',
                            '_lamppost_cached_recalculations')",
    )
    .await
}

#[apply(on_postgres)]
async fn a_few_stale_rows_of_many_are_found_by_indexes(db: TestDb) {
    db.needs_sessions_of_its_own().await;
    set_up_lampposts(&db).await;

    // All fresh, but for as many failed rows in the queue, which are not due.
    db.sql("ALTER TABLE lamppost DISABLE TRIGGER USER").await;
    db.sql(&format!(
        "INSERT INTO lamppost (first_name, cached_full_name, full_name_recalculation_needed)
         SELECT 'a', 'x', false
           FROM generate_series(1, {ROWS})"
    ))
    .await;
    db.sql("ALTER TABLE lamppost ENABLE TRIGGER USER").await;
    db.sql(
        "INSERT INTO _lamppost_cached_recalculations (key_1, field, generation, due_at)
         SELECT id, 'full_name', id, NULL
           FROM lamppost",
    )
    .await;
    db.drain(lampposts()).await;
    db.sql(&format!(
        "UPDATE lamppost
            SET first_name = 'b'
          WHERE id = ANY (ARRAY(SELECT generate_series({0}, {ROWS}, {0})))",
        ROWS / STALE
    ))
    .await;

    let db = db.with_one_connection().await;
    let before = rows_read(&db).await;
    let pool = db.another_pool().await;
    assert_eq!(lampposts().worker(&pool).drain().await.unwrap() as i64, STALE);
    pool.close().await.unwrap();
    let read = rows_read(&db).await - before;
    assert!(read < STALE * 100, "{read} rows were read for {STALE} stale ones");
}
