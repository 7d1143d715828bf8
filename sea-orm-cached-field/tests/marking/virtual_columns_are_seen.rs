//! PostgreSQL computes virtual generated columns since version 18, by default. Triggers read them
//! as NULL. The other databases have their virtual columns in
//! `changes_that_equality_hides_are_seen`.

use sea_orm::ConnectionTrait;

use crate::{
    harness::{TestDb, lampposts::*, not_there},
    support::{NOTHING, Watch},
};

/// Tables in which all that the field reads is virtual, and the link to the city, too.
const TABLES: &str = "
    CREATE TABLE city (
      id integer PRIMARY KEY, base varchar NOT NULL,
      name varchar GENERATED ALWAYS AS (upper(base)), mayor varchar);
    CREATE TABLE lamppost (
      id integer PRIMARY KEY, base varchar NOT NULL,
      first_name varchar GENERATED ALWAYS AS (base || '!'), note varchar,
      town integer, city_id integer GENERATED ALWAYS AS (town + 0), cached_full_name varchar,
      full_name_recalculation_needed boolean NOT NULL DEFAULT true,
      full_name_expires_after timestamptz);
    CREATE TABLE pigeon (
      id integer PRIMARY KEY, head integer NOT NULL, tail integer NOT NULL,
      weight_in_g integer GENERATED ALWAYS AS (head + tail),
      colour varchar, ring varchar, lamppost_id integer);
    CREATE TABLE plaque (
      id integer PRIMARY KEY, base varchar NOT NULL, text varchar GENERATED ALWAYS AS (base),
      lamppost_id integer)";

/// Creates these tables; an older server, which knows no virtual columns, refuses to.
async fn has(db: &TestDb, tables: &str) -> bool {
    let created = db.execute_unprepared(tables).await;
    if db.version_of_postgres().await < 18 {
        let refused = created.expect_err("a virtual column on an older server").to_string();
        assert!(refused.contains("syntax error"), "{refused}");
        not_there("virtual columns came with PostgreSQL 18");
        return false;
    }
    created.expect("created");
    true
}

#[apply(on_postgres)]
async fn of_rows_and_of_those_behind_relations(db: TestDb) {
    if !has(&db, TABLES).await {
        return;
    }

    lampposts().install(&*db).await.expect("installed");
    db.sql(
        "INSERT INTO city (id, base)
         VALUES (1, 'Ulm'), (2, 'Bonn');
         INSERT INTO lamppost (id, base, town)
         VALUES (1, 'Ada', 1), (2, 'Bob', 1)",
    )
    .await;
    db.sql(
        "INSERT INTO pigeon (id, head, tail, lamppost_id)
         VALUES (1, 5, 1, 1);
         INSERT INTO plaque (id, base, lamppost_id)
         VALUES (1, 'x', 2)",
    )
    .await;
    let mut watch = Watch::begin(&db, lampposts).await;
    let ada = "lamppost.full_name 1";
    let bob = "lamppost.full_name 2";

    assert_eq!(watch.after("UPDATE lamppost SET base = 'Cid' WHERE id = 1").await, [ada]);
    assert_eq!(watch.after("UPDATE lamppost SET note = 'x'").await, NOTHING);
    assert_eq!(watch.after("UPDATE pigeon SET tail = 2").await, [ada]);
    assert_eq!(watch.after("UPDATE pigeon SET colour = 'grey'").await, NOTHING);
    assert_eq!(watch.after("UPDATE plaque SET base = 'y'").await, [bob]);
    assert_eq!(watch.after("UPDATE city SET base = 'Ulm!' WHERE id = 1").await, [ada, bob]);
    assert_eq!(watch.after("UPDATE city SET mayor = 'z'").await, NOTHING);
    assert_eq!(watch.after("UPDATE lamppost SET town = 2 WHERE id = 2").await, [bob]);
    assert_eq!(watch.after("UPDATE city SET base = 'Bonn!' WHERE id = 2").await, [bob]);
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Cid! of ULM!, 1 pigeons of 7, -")
    );
    assert_eq!(
        reloaded(&db, 2).await.cached_full_name.as_deref(),
        Some("Bob! of BONN!, 0 pigeons of 0, y")
    );
    assert_eq!(lampposts().doctor(&*db).await.expect("examined").to_string(), "nothing is wrong\n");
}

/// Its triggers are for each row.
#[apply(on_postgres)]
async fn of_partitions(db: TestDb) {
    let tables = TABLES.replace(
        "CREATE TABLE pigeon (
      id integer PRIMARY KEY, head integer NOT NULL, tail integer NOT NULL,
      weight_in_g integer GENERATED ALWAYS AS (head + tail),
      colour varchar, ring varchar, lamppost_id integer)",
        "CREATE TABLE pigeon (
      id integer, head integer NOT NULL, tail integer NOT NULL,
      weight_in_g integer GENERATED ALWAYS AS (head + tail),
      colour varchar, ring varchar, lamppost_id integer) PARTITION BY RANGE (id);
    CREATE TABLE pigeon_all PARTITION OF pigeon DEFAULT",
    );
    if !has(&db, &tables).await {
        return;
    }

    lampposts().install(&*db).await.expect("installed");
    db.sql(
        "INSERT INTO lamppost (id, base)
         VALUES (1, 'Ada');
         INSERT INTO pigeon (id, head, tail, lamppost_id)
         VALUES (1, 5, 1, 1)",
    )
    .await;
    let mut watch = Watch::begin(&db, lampposts).await;

    assert_eq!(watch.after("UPDATE pigeon SET head = 2").await, ["lamppost.full_name 1"]);
    assert_eq!(watch.after("UPDATE pigeon_all SET tail = 2").await, ["lamppost.full_name 1"]);
}

#[apply(on_postgres)]
async fn of_a_link_they_are_refused(db: TestDb) {
    let tables = TABLES.replace(
        "ring varchar, lamppost_id integer",
        "ring varchar, post integer, lamppost_id integer GENERATED ALWAYS AS (post)",
    );
    if !has(&db, &tables).await {
        return;
    }

    let refused = lampposts().install(&*db).await.expect_err("refused").to_string();
    assert!(
        refused.contains("pigeon") && refused.contains("is a virtual generated column"),
        "{refused}"
    );

    db.sql(
        "ALTER TABLE pigeon DROP COLUMN lamppost_id;
            ALTER TABLE pigeon ADD lamppost_id integer GENERATED ALWAYS AS (post) STORED",
    )
    .await;
    lampposts().install(&*db).await.expect("installed");
}
