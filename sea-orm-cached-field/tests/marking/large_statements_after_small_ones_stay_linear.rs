//! PostgreSQL only: it keeps the plans of a session's triggers, and one made for few rows may be
//! quadratic for many.

use crate::harness::{TestDb, lampposts::*};

/// Six statements of one row make the plan; then one of 20,000 rows has to end long before a
/// quadratic one would.
async fn ends_soon(db: &TestDb, small: &str, large: &str) {
    for _ in 0..6 {
        db.sql(small).await;
    }
    db.sql("SET statement_timeout = '8s'").await;
    db.sql(large).await;
    db.sql("SET statement_timeout = 0").await;
}

async fn many(db: TestDb) -> TestDb {
    let db = db.with_one_connection().await;
    set_up_lampposts(&db).await;
    db.sql(
        "INSERT INTO lamppost (id, first_name) SELECT n, 'Ada' FROM generate_series(1, 20000) n",
    )
    .await;
    db.sql(
        "INSERT INTO pigeon (id, weight_in_g, lamppost_id)
         SELECT n, 1, n
           FROM generate_series(1, 20000) n",
    )
    .await;
    db.sql("ANALYZE").await;
    db
}

#[apply(on_postgres)]
async fn of_related_rows(db: TestDb) {
    let db = many(db).await;
    let change = "UPDATE pigeon SET weight_in_g = weight_in_g + 1";
    ends_soon(&db, &format!("{change} WHERE id = 1"), change).await;
    assert_eq!(
        db.scalar::<i64>("SELECT count(DISTINCT key_1) FROM _lamppost_cached_marks").await,
        20_000
    );
}

#[apply(on_postgres)]
async fn of_owners(db: TestDb) {
    let db = many(db).await;
    db.sql("TRUNCATE _lamppost_cached_marks").await;
    let change = "UPDATE lamppost SET first_name = first_name || '!'";
    ends_soon(&db, &format!("{change} WHERE id = 1"), change).await;
    assert_eq!(
        db.scalar::<i64>("SELECT count(DISTINCT key_1) FROM _lamppost_cached_marks").await,
        20_000
    );
}
