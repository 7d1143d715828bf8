//! PostgreSQL only. Policies hide rows from the role that writes, but the library's functions see
//! all.

use sea_orm::ConnectionTrait;

use crate::{
    changes_behind_has_many_are_seen::perched,
    harness::{TestDb, lampposts::*},
};

/// Runs statements as a new role with these rights, over a connection of its own.
async fn as_role(db: &TestDb, name: &str, rights: &[&str], statements: &[&str]) {
    let role = format!("cached_field_{name}_{}", std::process::id());
    db.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'x'")).await;
    for right in rights {
        db.sql(&right.replace("ROLE", &role)).await;
    }

    let connection = db.connect_as(&role).await;
    let mut results = Vec::new();
    for statement in statements {
        results
            .push(connection.execute_unprepared(statement).await.map(|done| done.rows_affected()));
    }

    connection.close().await.expect("closed");
    db.drop_role(&role).await;

    for (result, statement) in results.into_iter().zip(statements) {
        assert!(result.is_ok(), "{statement}: {result:?}");
    }
}

const POLICIES: &str = "
    ALTER TABLE lamppost ENABLE ROW LEVEL SECURITY; ALTER TABLE lamppost FORCE ROW LEVEL SECURITY;
    CREATE POLICY none ON lamppost USING (false);
    ALTER TABLE pigeon ENABLE ROW LEVEL SECURITY; ALTER TABLE pigeon FORCE ROW LEVEL SECURITY;
    CREATE POLICY light ON pigeon USING (weight_in_g < 400) WITH CHECK (true)";

#[apply(on_postgres)]
async fn of_owners_that_the_writer_does_not_see(db: TestDb) {
    let mut watch = perched(&db).await;
    db.sql(
        "INSERT INTO city (id, name)
         VALUES (1, 'Ulm');
         UPDATE lamppost
            SET city_id = 1
          WHERE id = 1",
    )
    .await;
    watch.recalculated().await;
    db.sql(POLICIES).await;
    let rights = [
        "GRANT SELECT, INSERT, UPDATE, DELETE ON pigeon, city TO ROLE",
        "GRANT SELECT ON lamppost TO ROLE",
    ];

    as_role(&db, "hidden", &rights, &["UPDATE pigeon SET weight_in_g = 399 WHERE id = 2"]).await;
    assert!(reloaded(&db, 2).await.full_name_recalculation_needed, "flagged at its COMMIT");
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 2"]);

    as_role(&db, "looked_up", &rights, &["UPDATE city SET name = 'Bonn'"]).await;
    assert!(reloaded(&db, 1).await.full_name_recalculation_needed, "flagged at its COMMIT");
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);

    as_role(&db, "truncating", &["GRANT TRUNCATE ON pigeon TO ROLE"], &["TRUNCATE pigeon"]).await;
    assert_eq!(watch.recalculated().await.len(), 2);
}

#[apply(on_postgres)]
async fn of_owners_whose_own_columns_are_written(db: TestDb) {
    let mut watch = perched(&db).await;
    db.sql(
        "ALTER TABLE lamppost ENABLE ROW LEVEL SECURITY;
            CREATE POLICY first ON lamppost USING (id = 1)",
    )
    .await;
    let rights = ["GRANT SELECT, UPDATE ON lamppost TO ROLE"];
    as_role(&db, "namer", &rights, &["UPDATE lamppost SET first_name = 'Cid'"]).await;
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);
}

/// What a worker says from which rows are hidden.
async fn said_by_a_poor_worker(db: &TestDb, name: &str) -> String {
    let role = format!("cached_field_{name}_{}", std::process::id());
    db.sql(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'x';
                     GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};
                     GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}"
    ))
    .await;
    lampposts().install(&**db).await.expect("which lets it call our functions");
    let poor = db.connect_as(&role).await;
    let worked = lampposts().worker(&poor).run_once().await.map(|_| ());
    poor.close().await.expect("closed");
    db.drop_role(&role).await;
    worked.expect_err("it should say so").to_string()
}

const HIDDEN: &str = "row-level security policy for table \"lamppost\"";

/// Nothing is lost.
#[apply(on_postgres)]
async fn of_a_row_that_the_worker_does_not_see(db: TestDb) {
    let mut watch = perched(&db).await;
    db.sql("UPDATE lamppost SET first_name = 'Cid' WHERE id = 1").await;
    db.sql(POLICIES).await;
    let error = said_by_a_poor_worker(&db, "worker").await;
    assert!(error.contains(HIDDEN), "{error}");
    db.let_time_pass("lamppost").await;
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);
}

#[apply(on_postgres)]
async fn of_rows_that_were_flagged_together(db: TestDb) {
    let mut watch = perched(&db).await;
    db.sql("UPDATE _lamppost_cached_versions SET renewal = 1").await;
    lampposts().install(&*db).await.expect("installed");
    db.sql(POLICIES).await;
    let error = said_by_a_poor_worker(&db, "of_chunks").await;
    assert!(error.contains(HIDDEN), "{error}");
    assert_eq!(watch.recalculated().await.len(), 2);
}
