//! PostgreSQL, where a worker has connections of its own.

use std::time::Duration;

use sea_orm::{DatabaseConnection, SqlxPostgresConnector};
use sqlx::{AssertSqlSafe, Executor, postgres::PgPoolOptions};

use sea_orm_cached_field::Worker;

use crate::{fragile::*, harness::TestDb};

/// A pool whose sessions begin with this.
async fn pool(db: &TestDb, begin: &'static str) -> DatabaseConnection {
    let options = PgPoolOptions::new().acquire_timeout(Duration::from_secs(20)).after_connect(
        move |session, _| {
            Box::pin(async move { session.execute(AssertSqlSafe(begin)).await.map(drop) })
        },
    );
    SqlxPostgresConnector::from_sqlx_postgres_pool(
        options.connect(&db.url).await.expect("connected"),
    )
}

/// What a session of the worker was set to when it wrote a value, once nothing is stale any more.
async fn writers(db: &TestDb, begin: &'static str, setting: &str) -> Vec<String> {
    written_by(
        db,
        fragiles().worker(&pool(db, begin).await),
        &format!("current_setting('{setting}')"),
    )
    .await
}

/// What is so in the session in which this worker writes a value.
async fn written_by(db: &TestDb, worker: Worker, expression: &str) -> Vec<String> {
    set_up_fragiles(db).await;
    db.sql("CREATE TABLE writers (setting text)").await;
    db.sql(&format!(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
         $$ BEGIN INSERT INTO writers VALUES ({expression}); RETURN NEW; END $$"
    ))
    .await;
    db.sql(
        "CREATE TRIGGER note BEFORE UPDATE OF cached_opinion ON fragile
           FOR EACH ROW EXECUTE FUNCTION note()",
    )
    .await;

    let [id] = rows_of(db, ["fine"]).await;
    assert_eq!(worker.drain().await.expect("drained"), 1);
    assert_opinion(db, id, "feels fine").await;
    let rows = db.rows("SELECT setting FROM writers").await;
    rows.iter().map(|row| row["setting"].as_str().expect("a setting").to_owned()).collect()
}

#[apply(on_postgres)]
async fn over_the_pool_alone_if_it_is_to_open_none(db: TestDb) {
    db.needs_sessions_of_its_own().await;
    for (connections, over_the_pool) in [(0, true), (1, false)] {
        let db = db.another_database().await.with_one_connection().await;
        let of_the_pool: String = db.scalar("SELECT pg_backend_pid()::text").await;
        let worker = fragiles().worker(&db).connections(connections);
        let written = written_by(&db, worker, "pg_backend_pid()::text").await;
        assert_eq!(written == [of_the_pool], over_the_pool, "{connections} of its own");
    }
}

#[apply(on_postgres)]
async fn with_what_its_sessions_begin_with(db: TestDb) {
    db.needs_sessions_of_its_own().await;
    assert_eq!(
        writers(&db, "SET application_name = 'the pool'", "application_name").await,
        ["the pool"]
    );
}

#[apply(on_postgres)]
async fn whose_transactions_may_be_serializable_and_for_reading_only(db: TestDb) {
    db.needs_sessions_of_its_own().await;
    let begin =
        "SET default_transaction_isolation = serializable; SET default_transaction_read_only = on";
    assert_eq!(writers(&db, begin, "transaction_isolation").await, ["read committed"]);
}

/// A proxy may keep the worker's settings from the server. Then a session would take the worker's
/// own writes for foreign ones.
#[apply(on_postgres)]
async fn also_where_it_cannot_set_its_sessions(db: TestDb) {
    db.needs_sessions_of_its_own().await;
    assert_eq!(
        writers(&db, "SET cached_field.internal = off", "cached_field.internal").await,
        ["on"]
    );
}
