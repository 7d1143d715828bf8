//! A row is a row, by whatever statement it is written.

use sea_orm::DbBackend;

use crate::{changes_behind_has_many_are_seen::perched, harness::lampposts::*, support::NOTHING};

const BOTH: [&str; 2] = ["lamppost.full_name 1", "lamppost.full_name 2"];

#[apply(contract)]
async fn update_from(db: TestDb) {
    let mut watch = perched(&db).await;
    let (lighter, named) = if db.is_mysql() {
        (
            "UPDATE pigeon
               JOIN lamppost l ON l.id = pigeon.lamppost_id
                SET weight_in_g = l.id
              WHERE l.first_name = 'Bob'",
            "UPDATE lamppost
               JOIN pigeon p ON p.lamppost_id = lamppost.id
                SET first_name = 'Cid'
              WHERE p.weight_in_g = 300",
        )
    } else {
        (
            "UPDATE pigeon
                SET weight_in_g = l.id
               FROM lamppost l
              WHERE l.id = pigeon.lamppost_id
                AND l.first_name = 'Bob'",
            "UPDATE lamppost
                SET first_name = 'Cid'
               FROM pigeon p
              WHERE p.lamppost_id = lamppost.id
                AND p.weight_in_g = 300",
        )
    };

    assert_eq!(watch.after(lighter).await, BOTH[1..]);
    assert_eq!(watch.after(named).await, BOTH[..1]);
}

#[apply(contract)]
async fn insert_from_a_query_and_returning(db: TestDb) {
    let mut watch = perched(&db).await;
    let twins = "INSERT INTO pigeon (weight_in_g, lamppost_id)
                 SELECT weight_in_g, lamppost_id
                   FROM pigeon
                  WHERE id = 1
                 RETURNING id";
    // Where nothing can be returned it is a change all the same.
    let statement =
        |text: &str| if db.is_mysql() { text.replace("RETURNING id", "") } else { text.to_owned() };
    assert_eq!(watch.after(&statement(twins)).await, BOTH[..1]);
    let gone = "DELETE FROM pigeon WHERE lamppost_id IN (SELECT l.id FROM lamppost l) RETURNING id";
    assert_eq!(watch.after(&statement(gone)).await, BOTH);
}

#[apply(contract)]
async fn a_key_of_a_related_row(db: TestDb) {
    let mut watch = perched(&db).await;
    // The rows behind a relation are told apart by their key, so a new key is another row.
    assert_eq!(
        watch.after("UPDATE pigeon SET id = 77 WHERE id = 1").await.len(),
        usize::from(db.get_database_backend() == DbBackend::Postgres)
    );
    assert_eq!(watch.after("UPDATE pigeon SET weight_in_g = 8 WHERE id = 77").await, BOTH[..1]);
    db.sql("INSERT INTO city (id, name) VALUES (1, 'Ulm'), (2, 'Bonn')").await;
    assert_eq!(watch.after("UPDATE lamppost SET city_id = id").await, BOTH);
    db.sql("UPDATE lamppost SET city_id = NULL WHERE city_id = 1").await;
    assert_eq!(watch.recalculated().await, BOTH[..1]);
    assert_eq!(watch.after("DELETE FROM city WHERE id = 1").await, NOTHING);
}

/// The owner that the first write concerns is marked, whatever the next write does.
#[apply(contract)]
async fn a_row_that_is_written_twice_in_a_transaction(db: TestDb) {
    let mut watch = perched(&db).await;
    assert_eq!(
        watch
            .after(
                "BEGIN;
                 UPDATE pigeon SET lamppost_id = 2 WHERE id = 1;
                 UPDATE pigeon SET lamppost_id = 1 WHERE id = 1;
                 COMMIT"
            )
            .await,
        ["lamppost.full_name 1, unchanged", "lamppost.full_name 2, unchanged"]
    );

    assert_eq!(
        watch
            .after(
                "BEGIN;
                 DELETE FROM pigeon WHERE id = 1;
                 INSERT INTO pigeon (id, weight_in_g, lamppost_id) VALUES (1, 5, 1);
                 COMMIT"
            )
            .await,
        BOTH[..1]
    );
}

#[apply(on_postgres)]
async fn delete_using(db: TestDb) {
    let mut watch = perched(&db).await;
    let gone = "DELETE FROM pigeon USING lamppost l
                 WHERE l.id = pigeon.lamppost_id
                   AND l.first_name = 'Bob'";
    assert_eq!(watch.after(gone).await, BOTH[1..]);
}

#[apply(on_postgres)]
async fn several_writes_in_one_statement(db: TestDb) {
    let mut watch = perched(&db).await;
    let all = "WITH gone AS (DELETE FROM pigeon WHERE id = 1 RETURNING weight_in_g),
                    come AS (INSERT INTO pigeon (id, weight_in_g, lamppost_id)
                             SELECT 9, weight_in_g, 2 FROM gone
                             RETURNING id),
                    named AS (UPDATE lamppost SET first_name = 'Cid' WHERE id = 1 RETURNING id)
               INSERT INTO plaque (text, lamppost_id) SELECT 'here', id FROM named";
    assert_eq!(watch.after(all).await, BOTH);

    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Cid of nowhere, 0 pigeons of 0, here")
    );
    assert_eq!(
        reloaded(&db, 2).await.cached_full_name.as_deref(),
        Some("Bob of nowhere, 2 pigeons of 600, -")
    );
}

#[apply(on_postgres)]
async fn merge_of_the_owner_and_one_that_deletes(db: TestDb) {
    db.needs_postgres(15, "MERGE").await;
    let mut watch = perched(&db).await;
    let merge = "MERGE INTO lamppost l
                 USING (VALUES (1, 'Cid'), (2, 'Bob'), (3, 'Eve')) AS v (id, name) ON l.id = v.id
                  WHEN MATCHED THEN
                       UPDATE SET first_name = v.name
                  WHEN NOT MATCHED THEN
                       INSERT (id, first_name, full_name_recalculation_needed)
                       VALUES (v.id, v.name, false)";
    assert_eq!(watch.after(merge).await, ["lamppost.full_name 1", "lamppost.full_name 3"]);
    let merge = "MERGE INTO pigeon p USING lamppost l ON l.id = p.lamppost_id AND l.id < 3
                  WHEN MATCHED AND l.first_name = 'Bob' THEN DELETE
                  WHEN MATCHED THEN DO NOTHING";
    assert_eq!(watch.after(merge).await, BOTH[1..]);
}

#[apply(on_postgres)]
async fn truncate_with_its_options(db: TestDb) {
    let mut watch = perched(&db).await;
    assert_eq!(watch.after("TRUNCATE pigeon RESTART IDENTITY CASCADE").await, BOTH);
    db.sql("INSERT INTO city (name) VALUES ('Ulm'); UPDATE lamppost SET city_id = 1").await;
    watch.recalculated().await;
    // The lampposts go with the city, and the pigeons and plaques with the lampposts.
    assert_eq!(watch.after("TRUNCATE city RESTART IDENTITY CASCADE").await, NOTHING);
    assert_eq!(db.scalar::<i64>("SELECT count(*) FROM lamppost").await, 0);
    assert_eq!(db.pending("lamppost").await, 0);
    db.sql("INSERT INTO lamppost (id, first_name) VALUES (1, 'Ada')").await;
    assert_eq!(watch.recalculated().await, BOTH[..1]);
}

#[apply(on_postgres)]
async fn truncate_of_a_table_behind_belongs_to(db: TestDb) {
    set_up_lampposts(&db).await;
    db.sql("ALTER TABLE lamppost DROP CONSTRAINT IF EXISTS \"fk-lamppost-city_id\"").await;
    db.sql(
        "DO $$DECLARE c text; BEGIN
           FOR c IN SELECT conname
                      FROM pg_constraint
                     WHERE contype = 'f' AND conrelid = 'lamppost'::regclass
           LOOP
             EXECUTE format('ALTER TABLE lamppost DROP CONSTRAINT %I', c);
           END LOOP;
         END$$",
    )
    .await;
    a_lamppost(&db, "Ada").await;
    db.sql("INSERT INTO city (id, name) VALUES (1, 'Ulm'); UPDATE lamppost SET city_id = 1").await;
    let mut watch = crate::support::Watch::begin(&db, lampposts).await;

    assert_eq!(watch.after("TRUNCATE city").await, BOTH[..1]);
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Ada of nowhere, 0 pigeons of 0, -")
    );
}
