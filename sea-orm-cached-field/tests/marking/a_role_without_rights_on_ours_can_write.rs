use sea_orm::{ConnectionTrait, Database};

use crate::{
    changes_behind_has_many_are_seen::perched,
    harness::{TestDb, lampposts::*},
    support::Watch,
};

/// A role that may write pigeons and nothing else, dropped at the end: roles belong to the server,
/// not to a database.
async fn as_falconer(db: &TestDb, statements: &[&str]) -> Vec<Result<u64, sea_orm::DbErr>> {
    let role = format!("falconer_{}", std::process::id());
    db.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'x'")).await;
    db.sql(&format!("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON pigeon TO {role}")).await;
    db.sql(&format!("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")).await;
    let connection = db.connect_as(&role).await;
    let mut results = Vec::new();
    for statement in statements {
        results
            .push(connection.execute_unprepared(statement).await.map(|done| done.rows_affected()));
    }
    connection.close().await.expect("closed");
    db.drop_role(&role).await;
    results
}

#[apply(on_postgres)]
async fn what_it_writes_is_marked(db: TestDb) {
    let mut watch = perched(&db).await;
    // A table of the same name in a schema of its own does not come in between.
    let results = as_falconer(
        &db,
        &[
            "SELECT 1 FROM _lamppost_cached_marks",
            "CREATE TEMP TABLE _lamppost_cached_marks (id integer)",
            "INSERT INTO pigeon (weight_in_g, lamppost_id) VALUES (50, 1)",
            "UPDATE pigeon SET weight_in_g = 7 WHERE id = 2",
        ],
    )
    .await;

    assert!(results[0].is_err(), "it may not read our tables");
    for result in &results[1..] {
        assert!(result.is_ok(), "{result:?}");
    }

    assert!(reloaded(&db, 1).await.full_name_recalculation_needed, "the flag is set at its COMMIT");
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1", "lamppost.full_name 2"]);
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Ada of nowhere, 2 pigeons of 350, -")
    );
}

/// The triggers of MySQL run with the rights of the account that made them.
#[apply(on_mariadb_and_mysql)]
async fn what_it_writes_is_marked_on_mysql(db: TestDb) {
    let mut watch = perched(&db).await;
    let role = format!("falconer_{}", std::process::id());
    // Without a password, which MySQL would want encrypted. An anonymous user of this host would
    // come before one of any.
    let users = format!("{role}@localhost, {role}@'%'");
    db.sql(&format!(
        "CREATE USER {users}; GRANT SELECT, INSERT, UPDATE, DELETE ON pigeon TO {users}"
    ))
    .await;
    let (_, place) = db.url.split_once('@').expect("a user in the URL");
    let falconer = Database::connect(format!("mysql://{role}@{place}")).await;

    let mut results = Vec::new();
    if let Ok(falconer) = &falconer {
        for statement in [
            "SELECT 1 FROM _lamppost_cached_marks",
            "SELECT 1 FROM lamppost",
            "INSERT INTO pigeon (weight_in_g, lamppost_id) VALUES (50, 1)",
            "UPDATE pigeon SET weight_in_g = 7 WHERE id = 2",
        ] {
            results.push(
                falconer.execute_unprepared(statement).await.map(|done| done.rows_affected()),
            );
        }
        falconer.close_by_ref().await.expect("closed");
    }

    db.sql(&format!("DROP USER {users}")).await;
    falconer.expect("connected");

    assert!(
        results[0].is_err() && results[1].is_err(),
        "it may read neither our tables nor the owners: {results:?}"
    );
    assert!(results[2].is_ok() && results[3].is_ok(), "{results:?}");
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1", "lamppost.full_name 2"]);
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Ada of nowhere, 2 pigeons of 350, -")
    );
}

/// Nor the right to use the schema of the owner, nor that to write the whole row; and taken on by
/// another role.
#[apply(on_postgres)]
async fn what_it_writes_without_the_owners_schema_is_marked(db: TestDb) {
    let mut watch = perched(&db).await;
    let role = format!("fledgling_{}", std::process::id());
    db.sql(
        "CREATE SCHEMA aviary;
            ALTER TABLE pigeon SET SCHEMA aviary;
            REVOKE ALL ON SCHEMA public FROM PUBLIC",
    )
    .await;
    db.sql(&format!("CREATE ROLE {role}; GRANT USAGE ON SCHEMA aviary TO {role}")).await;
    db.sql(&format!("GRANT SELECT (id), UPDATE (weight_in_g) ON aviary.pigeon TO {role}")).await;

    let as_role = |sql: &str| format!("SET LOCAL ROLE {role}; {sql}");
    let refused = db.execute_unprepared(&as_role("SELECT 1 FROM public.lamppost")).await.is_err();
    let written = db
        .execute_unprepared(&as_role("UPDATE aviary.pigeon SET weight_in_g = 7 WHERE id = 1"))
        .await;
    db.sql(&format!(
        "DROP OWNED BY {role}; DROP ROLE {role}; ALTER TABLE aviary.pigeon SET SCHEMA public"
    ))
    .await;

    assert!(refused, "it may not use the schema");
    written.expect("written");
    assert!(reloaded(&db, 1).await.full_name_recalculation_needed, "flagged at its COMMIT");
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);
}

/// Any session may set the variable that tells the library's own writes from foreign ones.
#[apply(on_postgres)]
async fn what_it_forges_as_if_it_were_a_worker_is_healed(db: TestDb) {
    let partitioned = TestDb::postgres().await;
    partitioned
        .sql(
            "CREATE TABLE lamppost (
               id serial, first_name varchar NOT NULL, note varchar, city_id integer,
               cached_full_name varchar,
               full_name_recalculation_needed boolean NOT NULL DEFAULT true,
               full_name_expires_after timestamptz
             ) PARTITION BY RANGE (id);
             CREATE TABLE lamppost_all PARTITION OF lamppost DEFAULT",
        )
        .await;
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    partitioned.create(city::Entity).await;

    for db in [&db, &partitioned] {
        db.sql(
            "CREATE TABLE pigeon (
               id integer, weight_in_g integer NOT NULL, colour varchar, ring varchar,
               lamppost_id integer);
             CREATE TABLE plaque (id integer, text varchar NOT NULL, lamppost_id integer)",
        )
        .await;
        lampposts().install(&**db).await.expect("installed");
        a_lamppost(db, "Ada").await;
        let mut watch = Watch::begin(db, lampposts).await;
        let role = format!("forger_{}", std::process::id());
        db.sql(&format!("CREATE ROLE {role}; GRANT SELECT, UPDATE ON lamppost TO {role}")).await;

        let mut healed = Vec::new();
        for forged in [
            "cached_full_name = 'forged', full_name_recalculation_needed = false",
            "full_name_recalculation_needed = true",
            "first_name = 'Bob', full_name_recalculation_needed = false",
        ] {
            let forged = format!(
                "SET LOCAL ROLE {role};
                 SET LOCAL cached_field.internal = on;
                 UPDATE lamppost SET {forged}"
            );
            let written = db.execute_unprepared(&forged).await.map(drop);
            healed.push((
                written,
                reloaded(db, 1).await.full_name_recalculation_needed,
                watch.recalculated().await,
            ));
        }

        let again = format!(
            "UPDATE lamppost SET full_name_recalculation_needed = true;
             DELETE FROM _lamppost_cached_marks;
             SET LOCAL ROLE {role};
             SET LOCAL cached_field.internal = on;
             UPDATE lamppost SET full_name_recalculation_needed = true"
        );
        db.sql(&again).await;
        let marked_again = db.pending("lamppost").await;
        db.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;

        for (written, flagged, recalculated) in healed {
            written.expect("written");
            assert!(flagged);
            assert_eq!(recalculated.len(), 1, "{recalculated:?}");
            assert!(recalculated[0].starts_with("lamppost.full_name 1"), "{recalculated:?}");
        }
        assert_eq!(marked_again, 1);
        assert_eq!(
            reloaded(db, 1).await.cached_full_name.as_deref(),
            Some("Bob of nowhere, 0 pigeons of 0, -")
        );
    }
}
