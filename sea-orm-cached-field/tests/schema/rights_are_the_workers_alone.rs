//! PostgreSQL only. The library's functions run as the role that installed them. So only roles that
//! need them may call them.

use sea_orm::{ConnectionTrait, DatabaseConnection};
use sea_orm_cached_field::Finding;

use crate::harness::{TestDb, lampposts::*};

/// A role of the server with these rights, which must be the test's own, and a connection as it.
pub async fn role(db: &TestDb, name: &str, rights: &[&str]) -> (String, DatabaseConnection) {
    let role = format!("cached_field_{name}_{}", std::process::id());
    db.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'x'")).await;
    for right in rights {
        db.sql(&right.replace("ROLE", &role)).await;
    }
    let connection = db.connect_as(&role).await;
    (role, connection)
}

/// Before anything is asserted: roles belong to the server, and outlive a test's database.
pub async fn drop_role(db: &TestDb, role: &str, connection: DatabaseConnection) {
    connection.close().await.expect("closed");
    db.drop_role(role).await;
}

/// Returns a call of each function of the library, with NULL for each argument, and whether it is a
/// trigger's.
async fn calls(db: &TestDb) -> Vec<(String, bool)> {
    let rows = db
        .rows(
            "SELECT p.proname || '('
                    || coalesce(
                         (SELECT string_agg('NULL::' || format_type(t, NULL), ', ' ORDER BY n)
                            FROM unnest(p.proargtypes) WITH ORDINALITY a (t, n)),
                         '')
                    || ')' AS call,
                    p.prorettype = 'trigger'::regtype AS of_trigger
               FROM pg_proc p
              WHERE p.proname LIKE 'cf\\_%'
              ORDER BY 1",
        )
        .await;

    let call = |row: &sea_orm::JsonValue| {
        (
            row["call"].as_str().expect("a call").to_owned(),
            row["of_trigger"].as_bool().expect("a bool"),
        )
    };
    rows.iter().map(call).collect()
}

#[apply(on_postgres)]
async fn a_role_without_rights_calls_none_of_our_functions(db: TestDb) {
    set_up_lampposts(&db).await;
    let rights = [
        "GRANT SELECT, UPDATE ON lamppost, pigeon TO ROLE",
        "GRANT CREATE ON SCHEMA public TO ROLE",
    ];
    let (role, poor) = role(&db, "poor", &rights).await;
    let calls = calls(&db).await;
    let mut allowed = Vec::new();
    poor.execute_unprepared("CREATE TABLE own (id integer, first_name text)")
        .await
        .expect("a table of its own");

    for (call, of_trigger) in &calls {
        let statement = match of_trigger {
            false => format!("SELECT {call}"),
            true => format!(
                "CREATE TRIGGER own AFTER INSERT ON own FOR EACH ROW EXECUTE FUNCTION {call}"
            ),
        };
        match poor.execute_unprepared(&statement).await {
            Err(error) if error.to_string().contains("permission denied for function") => {}
            other => allowed.push(format!("{call}: {other:?}")),
        }
    }

    drop_role(&db, &role, poor).await;
    assert!(calls.len() > 10, "{calls:?}");
    assert_eq!(allowed, Vec::<String>::new());
}

/// Which an older release had left to all.
#[apply(on_postgres)]
async fn an_older_installation_is_mended_by_the_next(db: TestDb) {
    set_up_lampposts(&db).await;
    db.sql(
        "DO $$ DECLARE f record; BEGIN
           FOR f IN SELECT p.oid::regprocedure AS name, d.description
                      FROM pg_proc p
                      JOIN pg_description d ON d.objoid = p.oid
                     WHERE p.proname LIKE 'cf\\_%'
           LOOP
             EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC;
                             COMMENT ON FUNCTION %s IS %L',
                            f.name, f.name, f.description || '1');
           END LOOP; END $$",
    )
    .await;

    let open = "SELECT count(*)
                  FROM pg_proc p
                 WHERE p.proname LIKE 'cf\\_%'
                   AND has_function_privilege('public', p.oid, 'EXECUTE')";
    assert!(db.scalar::<i64>(open).await > 0);
    lampposts().install(&*db).await.expect("installed");
    assert_eq!(db.scalar::<i64>(open).await, 0);
}

/// What docs/databases.md names, and the installation after it, is enough.
#[apply(on_postgres)]
async fn a_workers_role_works_with_what_is_documented(db: TestDb) {
    set_up_lampposts(&db).await;
    let ada = a_lamppost(&db, "Ada").await;
    db.sql(&format!(
        "INSERT INTO city (id, name)
         VALUES (1, 'Ulm');
         UPDATE lamppost
            SET city_id = 1
          WHERE id = {}",
        ada.id
    ))
    .await;

    let rights = [
        "GRANT SELECT ON city, pigeon, plaque TO ROLE",
        "GRANT SELECT, INSERT, UPDATE, DELETE
            ON lamppost, _lamppost_cached_marks, _lamppost_cached_recalculations
            TO ROLE",
    ];
    let (role, worker) = role(&db, "worker", &rights).await;

    let lacking: Vec<Finding> =
        lampposts().doctor(&*db).await.expect("examined").iter().cloned().collect();
    let plan = lampposts().plan(&*db).await.expect("a plan").to_string();
    let changes = format!("{:#}", lampposts().install(&*db).await.expect("installed"));
    let healthy = lampposts().doctor(&*db).await.expect("examined").to_string();
    db.sql("UPDATE city SET name = 'Bonn'").await;
    let worked = lampposts().worker(&worker).drain().await;
    let read = reloaded(&db, ada.id).await.fresh_full_name(&worker).await;
    drop_role(&db, &role, worker).await;

    let is_lacking = |finding: &Finding| matches!(finding, Finding::MissingRight { role: named, .. } if *named == role);
    assert_eq!(lacking.iter().filter(|finding| is_lacking(finding)).count(), 15, "{lacking:?}");
    assert_eq!(changes.matches(&format!("to {role}\n")).count(), 15, "{changes}");
    assert_eq!(plan, changes);
    assert_eq!(healthy, "nothing is wrong\n");
    assert_eq!(worked.expect("worked"), 1);
    assert_eq!(read.expect("read"), "Ada of Bonn, 0 pigeons of 0, -");
    assert_fresh(&db, ada.id, "Ada of Bonn, 0 pigeons of 0, -").await;
}

#[apply(on_postgres)]
async fn the_doctor_names_what_a_workers_role_lacks_on_tables(db: TestDb) {
    set_up_lampposts(&db).await;
    let (role, worker) =
        role(&db, "lacking", &["GRANT DELETE ON _lamppost_cached_recalculations TO ROLE"]).await;
    lampposts().install(&*db).await.expect("installed");
    let diagnosis = lampposts().doctor(&*db).await.expect("examined").to_string();
    let remedies: Vec<&str> = diagnosis.split('`').skip(1).step_by(2).collect();
    for remedy in &remedies {
        db.sql(remedy).await;
    }
    let mended = lampposts().doctor(&*db).await.expect("examined").to_string();
    drop_role(&db, &role, worker).await;
    assert!(diagnosis.contains(&format!("lamppost: a worker of the role {role} would lack SELECT ON \"public\".\"lamppost\"; run `GRANT SELECT ON \"public\".\"lamppost\" TO {role}`")), "{diagnosis}");
    assert_eq!((remedies.len(), mended.as_str()), (9, "nothing is wrong\n"));
}

/// A partition gets the triggers of its table. So the role that creates it has to be allowed to
/// call their functions.
#[apply(on_postgres)]
async fn an_owner_of_a_table_makes_partitions_after_another_role_has_installed(db: TestDb) {
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(plaque::Entity).await;
    db.sql(
        "CREATE TABLE pigeon (
           id integer, weight_in_g integer NOT NULL, colour varchar, ring varchar,
           lamppost_id integer
         ) PARTITION BY LIST (colour)",
    )
    .await;

    let rights = [
        "GRANT CREATE ON SCHEMA public TO ROLE",
        "ALTER TABLE pigeon OWNER TO ROLE",
        "ALTER TABLE lamppost OWNER TO ROLE",
        "ALTER TABLE city OWNER TO ROLE",
        "ALTER TABLE plaque OWNER TO ROLE",
    ];
    let (role, owner) = role(&db, "owner_of_all", &rights).await;

    let installed = lampposts().install(&*db).await.map(drop);
    let partition = "CREATE TABLE pigeon_grey PARTITION OF pigeon FOR VALUES IN ('grey')";
    let made = owner.execute_unprepared(partition).await.map(drop);
    let written = owner
        .execute_unprepared(
            "INSERT INTO lamppost (first_name)
             VALUES ('Ada');
             INSERT INTO pigeon
             VALUES (1, 5, 'grey', NULL, 1);
             UPDATE pigeon
                SET weight_in_g = 6",
        )
        .await
        .map(drop);
    let flagged = db.pending("lamppost").await;

    drop_role(&db, &role, owner).await;
    for (what, result) in [("made", made), ("written", written)] {
        result.unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    installed.expect("installed");
    assert!(flagged > 0);
}
