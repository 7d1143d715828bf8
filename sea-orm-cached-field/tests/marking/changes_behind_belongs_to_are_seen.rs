use sea_orm::DbBackend;

use crate::{
    harness::{TestDb, lampposts::*},
    support::{NOTHING, Watch},
};

/// Two cities; lampposts 1 and 2 stand in the first, 3 in the second, 4 nowhere; nothing stale.
async fn settled(db: &TestDb) -> Watch<'_> {
    set_up_lampposts(db).await;
    db.sql("INSERT INTO city (id, name) VALUES (1, 'Rome'), (2, 'Oslo')").await;
    db.sql(
        "INSERT INTO lamppost (first_name, city_id)
         VALUES ('Ada', 1), ('Bob', 1), ('Cid', 2), ('Dan', NULL)",
    )
    .await;
    Watch::begin(db, lampposts).await
}

#[apply(contract)]
async fn a_change_of_the_far_row_concerns_all_that_point_to_it(db: TestDb) {
    let mut watch = settled(&db).await;
    assert_eq!(
        watch.after("UPDATE city SET name = 'Roma' WHERE id = 1").await,
        ["lamppost.full_name 1", "lamppost.full_name 2"]
    );
    assert_eq!(
        reloaded(&db, 2).await.cached_full_name.as_deref(),
        Some("Bob of Roma, 0 pigeons of 0, -")
    );
    assert_eq!(watch.after("UPDATE city SET mayor = 'x', name = name").await, NOTHING);
    assert_eq!(watch.after("INSERT INTO city (id, name) VALUES (3, 'Nice')").await, NOTHING);
    assert_eq!(watch.after("DELETE FROM city WHERE id = 3").await, NOTHING);
}

#[apply(contract)]
async fn another_far_row_is_a_change_of_the_row_itself(db: TestDb) {
    let mut watch = settled(&db).await;

    assert_eq!(
        watch.after("UPDATE lamppost SET city_id = 2 WHERE id = 1").await,
        ["lamppost.full_name 1"]
    );
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Ada of Oslo, 0 pigeons of 0, -")
    );
    assert_eq!(
        watch.after("UPDATE lamppost SET city_id = NULL WHERE id = 1").await,
        ["lamppost.full_name 1"]
    );
    assert_eq!(
        watch.after("UPDATE city SET name = 'Bergen' WHERE id = 2").await,
        ["lamppost.full_name 3"],
        "the one that left is not concerned any more"
    );
}

#[apply(contract)]
async fn a_far_row_that_is_deleted_concerns_those_that_pointed_to_it(db: TestDb) {
    db.create(city::Entity).await;
    // As SeaORM makes it, but for the foreign key.
    let lampposts_table = "CREATE TABLE lamppost (
        id INTEGER PRIMARY KEY, first_name varchar(100) NOT NULL, note varchar(100),
        city_id integer, cached_full_name varchar(100),
        full_name_recalculation_needed boolean NOT NULL DEFAULT true,
        full_name_expires_after timestamp with time zone,
        FOREIGN KEY (city_id) REFERENCES city (id) ON DELETE SET NULL ON UPDATE CASCADE)";
    let timestamp = match db.get_database_backend() {
        DbBackend::Sqlite => "timestamp_with_timezone_text",
        DbBackend::MySql => "timestamp NULL",
        _ => "timestamptz",
    };
    db.sql(&lampposts_table.replace("timestamp with time zone", timestamp)).await;
    db.create(pigeon::Entity).await;
    db.create(plaque::Entity).await;
    lampposts().install(&*db).await.expect("installed");
    db.sql("INSERT INTO city (id, name) VALUES (1, 'Rome'), (2, 'Oslo')").await;
    db.sql(
        "INSERT INTO lamppost (id, first_name, city_id)
         VALUES (1, 'Ada', 1), (2, 'Bob', 1), (3, 'Cid', 2)",
    )
    .await;

    let mut watch = Watch::begin(&db, lampposts).await;
    assert_eq!(
        watch.after("UPDATE city SET id = 5 WHERE id = 2").await,
        ["lamppost.full_name 3, unchanged"]
    );
    assert_eq!(
        watch.after("DELETE FROM city WHERE id = 1").await,
        ["lamppost.full_name 1", "lamppost.full_name 2"]
    );
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Ada of nowhere, 0 pigeons of 0, -")
    );
    assert_eq!(
        reloaded(&db, 3).await.cached_full_name.as_deref(),
        Some("Cid of Oslo, 0 pigeons of 0, -")
    );
}
