//! Objects of the names that the library's triggers use, where a session would find them first.

use crate::{
    changes_behind_has_many_are_seen::perched,
    harness::{TestDb, lampposts::*},
};

/// All objects that the library's functions could take for those that they mean. Each of them fails
/// the statement that calls it.
const TRAPS: &str = "
    CREATE SCHEMA evil;
    CREATE FUNCTION evil.fail() RETURNS integer LANGUAGE plpgsql
      AS $$BEGIN RAISE EXCEPTION 'hijacked'; END$$;
    CREATE FUNCTION evil.equal(integer, integer) RETURNS boolean LANGUAGE sql
      AS 'SELECT evil.fail() = 1';
    CREATE OPERATOR evil.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = evil.equal);
    CREATE FUNCTION evil.equal(text, text) RETURNS boolean LANGUAGE sql
      AS 'SELECT evil.fail() = 1';
    CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.equal);
    CREATE FUNCTION evil.unnest(integer[]) RETURNS SETOF integer LANGUAGE sql
      AS 'SELECT evil.fail()';
    CREATE FUNCTION evil.set_config(text, text, boolean) RETURNS text LANGUAGE sql
      AS 'SELECT evil.fail()::text';
    CREATE FUNCTION evil.current_setting(text, boolean) RETURNS text LANGUAGE sql
      AS 'SELECT evil.fail()::text';
    CREATE FUNCTION evil.pg_notify(text, text) RETURNS void LANGUAGE plpgsql
      AS $$BEGIN RAISE EXCEPTION 'hijacked'; END$$;
    CREATE AGGREGATE evil.array_agg(integer) (sfunc = int4pl, stype = integer, initcond = '0');
    CREATE AGGREGATE evil.count(integer) (sfunc = int4pl, stype = integer, initcond = '0');
    CREATE DOMAIN evil.text AS pg_catalog.text CHECK (evil.fail() = 1);
    CREATE TABLE evil._lamppost_cached_marks (id integer);
    CREATE TABLE evil.lamppost (id integer);
    CREATE FUNCTION evil.cardinality(integer[]) RETURNS integer LANGUAGE sql
      AS 'SELECT evil.fail()';
    DO $$DECLARE ours record; BEGIN
        FOR ours IN SELECT proname AS name, pg_get_function_identity_arguments(oid) AS arguments
                      FROM pg_proc
                     WHERE pronamespace = 'public'::regnamespace
                       AND proname LIKE 'cf\\_lamppost\\_%'
                       AND prorettype = 'void'::regtype
        LOOP
            EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS void LANGUAGE plpgsql AS %L',
                           ours.name, ours.arguments,
                           'BEGIN RAISE EXCEPTION ''hijacked''; END');
        END LOOP;
    END$$";

/// Puts them up; the function that flags is among them.
async fn set_traps(db: &TestDb) {
    db.sql(TRAPS).await;
    let functions = "SELECT count(*)
                       FROM pg_proc
                      WHERE pronamespace = 'evil'::regnamespace
                        AND proname LIKE 'cf_lamppost%'";
    assert!(db.scalar::<i64>(functions).await >= 1);
}

const FIRST: &str = "
    SET search_path = pg_temp, evil, pg_catalog, public;
    CREATE TEMP TABLE _lamppost_cached_marks (id integer);
    CREATE TEMP TABLE cf_new (id integer);
    CREATE TEMP TABLE cf_old (id integer)";

#[apply(on_postgres)]
async fn when_a_related_row_is_written(db: TestDb) {
    let mut watch = perched(&db).await;
    set_traps(&db).await;
    db.sql(&format!(
        "{FIRST};
         UPDATE public.pigeon SET weight_in_g = 7 WHERE id OPERATOR(pg_catalog.=) 1;
         DISCARD TEMP;
         RESET search_path"
    ))
    .await;
    assert!(reloaded(&db, 1).await.full_name_recalculation_needed, "flagged at its COMMIT");
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);
}

#[apply(on_postgres)]
async fn when_an_owner_or_the_city_of_one_is_written(db: TestDb) {
    let mut watch = perched(&db).await;
    db.sql("INSERT INTO city (id, name) VALUES (1, 'Ulm')").await;
    set_traps(&db).await;

    db.sql(&format!(
        "{FIRST};
         UPDATE public.lamppost
            SET first_name = 'Cid', city_id = 1
          WHERE id OPERATOR(pg_catalog.=) 1;
         UPDATE public.lamppost
            SET full_name_recalculation_needed = true
          WHERE id OPERATOR(pg_catalog.=) 1;
         DISCARD TEMP;
         RESET search_path"
    ))
    .await;
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);

    db.sql(&format!(
        "{FIRST}; UPDATE public.city SET name = 'Bonn'; DISCARD TEMP; RESET search_path"
    ))
    .await;
    assert!(reloaded(&db, 1).await.full_name_recalculation_needed, "flagged at its COMMIT");
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1"]);
}

/// Triggers of SQLite find tables in their own file alone.
#[apply(on_sqlite)]
async fn when_a_session_of_sqlite_has_temporary_tables(db: TestDb) {
    perched(&db).await;
    let db = db.with_one_connection().await;
    let mut watch = crate::support::Watch::begin(&db, lampposts).await;
    let traps = ["lamppost", "_lamppost_cached_marks", "_lamppost_cached_recalculations"];
    for trap in traps {
        db.sql(&format!("CREATE TEMP TABLE {trap} AS SELECT * FROM main.{trap}")).await;
    }

    db.sql(
        "UPDATE pigeon
            SET weight_in_g = 7
          WHERE id = 1;
         UPDATE main.lamppost
            SET first_name = 'Cid'
          WHERE id = 2",
    )
    .await;
    for trap in traps {
        db.sql(&format!("DROP TABLE temp.{trap}")).await;
    }

    assert_eq!(watch.recalculated().await, ["lamppost.full_name 1", "lamppost.full_name 2"]);
}

/// A session that pretends to be the library can forge flags and values, but hides no input.
#[apply(on_postgres)]
async fn when_a_session_says_that_it_is_one_of_ours(db: TestDb) {
    let mut watch = perched(&db).await;
    let internal =
        |sql: &str| format!("SET cached_field.internal = 'on'; {sql}; RESET cached_field.internal");

    assert_eq!(
        watch.after(&internal("UPDATE pigeon SET weight_in_g = 7 WHERE id = 1")).await,
        ["lamppost.full_name 1"]
    );
    let forged = "UPDATE lamppost
                     SET first_name = 'Cid', full_name_recalculation_needed = false
                   WHERE id = 2";
    assert_eq!(watch.after(&internal(forged)).await, ["lamppost.full_name 2"]);
    let new = "INSERT INTO lamppost (id, first_name, full_name_recalculation_needed)
               VALUES (3, 'Eve', false)";
    assert_eq!(watch.after(&internal(new)).await, ["lamppost.full_name 3"]);

    db.sql(&internal("UPDATE lamppost SET id = 4 WHERE id = 3")).await;
    assert!(reloaded(&db, 4).await.full_name_recalculation_needed);
    assert_eq!(watch.recalculated().await, ["lamppost.full_name 4, unchanged"]);
}

/// The one way around all triggers, for replication and restores, which only a superuser may go: as
/// documented.
#[apply(on_postgres)]
async fn but_the_role_of_a_replica_does(db: TestDb) {
    let mut watch = perched(&db).await;
    let replica = "SET session_replication_role = replica;
                   UPDATE pigeon SET weight_in_g = 7;
                   RESET session_replication_role";
    assert_eq!(watch.after(replica).await, crate::support::NOTHING);
    let all = "UPDATE lamppost SET full_name_recalculation_needed = true";
    assert_eq!(watch.after(all).await, ["lamppost.full_name 1", "lamppost.full_name 2"]);
}

/// No trigger is told of what it makes of the values: as documented.
#[apply(on_postgres)]
async fn and_so_does_a_change_of_a_columns_type(db: TestDb) {
    let mut watch = perched(&db).await;
    let heavier = "ALTER TABLE pigeon ALTER COLUMN weight_in_g TYPE integer USING weight_in_g + 1";
    assert_eq!(watch.after(heavier).await, crate::support::NOTHING);
    let all = "UPDATE lamppost SET full_name_recalculation_needed = true";
    assert_eq!(watch.after(all).await, ["lamppost.full_name 1", "lamppost.full_name 2"]);
}

/// MySQL looks for temporary tables first, also in triggers, and there is no name that it would not
/// look for.
#[apply(on_mariadb_and_mysql)]
async fn and_so_does_a_temporary_table_of_mysql(db: TestDb) {
    perched(&db).await;
    let db = db.with_one_connection().await;
    let mut watch = crate::support::Watch::begin(&db, lampposts).await;
    db.sql("CREATE TEMPORARY TABLE _lamppost_cached_marks (field text, key_1 int)").await;
    db.sql("UPDATE pigeon SET weight_in_g = 7; DROP TEMPORARY TABLE _lamppost_cached_marks").await;
    assert_eq!(watch.recalculated().await, crate::support::NOTHING);
    let all = "UPDATE lamppost SET full_name_recalculation_needed = true";
    assert_eq!(watch.after(all).await, ["lamppost.full_name 1", "lamppost.full_name 2"]);
}
