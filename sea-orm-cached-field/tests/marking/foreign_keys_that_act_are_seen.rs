//! What a foreign key does to other rows is a change like any other, on the side of the owner and
//! of the related row.

use sea_orm::DbBackend;

use crate::{
    harness::{TestDb, lampposts::*, not_there},
    support::{NOTHING, Watch},
};

const BOTH: [&str; 2] = ["lamppost.full_name 1", "lamppost.full_name 2"];

/// Two lampposts of a city each, with a pigeon and a plaque each; `action` is what the foreign keys
/// do.
async fn tied<'d>(db: &'d TestDb, action: &str) -> Watch<'d> {
    let key = "id integer PRIMARY KEY";
    let moment = if db.get_database_backend() == DbBackend::Postgres {
        "timestamptz"
    } else {
        "timestamp NULL"
    };

    for table in [
        format!("city ({key}, name varchar(99) NOT NULL, mayor varchar(99))"),
        format!(
            "lamppost (
             {key}, first_name varchar(99) NOT NULL, note varchar(99), city_id integer DEFAULT 2,
             cached_full_name varchar(99),
             full_name_recalculation_needed boolean NOT NULL DEFAULT true,
             full_name_expires_after {moment},
             FOREIGN KEY (city_id) REFERENCES city (id) {action})"
        ),
        format!(
            "pigeon (
             {key}, weight_in_g integer NOT NULL, colour varchar(99), ring varchar(99),
             lamppost_id integer DEFAULT 2,
             FOREIGN KEY (lamppost_id) REFERENCES lamppost (id) {action})"
        ),
        format!("plaque ({key}, text varchar(99) NOT NULL, lamppost_id integer)"),
    ] {
        db.sql(&format!("CREATE TABLE {table}")).await;
    }

    lampposts().install(&**db).await.expect("installed");
    db.sql("INSERT INTO city (id, name) VALUES (1, 'Ulm'), (2, 'Bonn')").await;
    db.sql("INSERT INTO lamppost (id, first_name, city_id) VALUES (1, 'Ada', 1), (2, 'Bob', 2)")
        .await;
    db.sql("INSERT INTO pigeon (id, weight_in_g, lamppost_id) VALUES (1, 10, 1), (2, 20, 2)").await;
    Watch::begin(db, lampposts).await
}

async fn names(db: &TestDb) -> Vec<String> {
    let rows = db.rows("SELECT cached_full_name AS name FROM lamppost ORDER BY id").await;
    rows.into_iter().map(|row| row["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[apply(contract)]
async fn on_delete_cascade(db: TestDb) {
    let mut watch = tied(&db, "ON DELETE CASCADE").await;
    assert_eq!(watch.after("DELETE FROM lamppost WHERE id = 1").await, NOTHING);
    assert_eq!(db.scalar::<i64>("SELECT count(*) FROM pigeon").await, 1);
    assert_eq!(watch.after("DELETE FROM city WHERE id = 2").await, NOTHING);
    assert_eq!(names(&db).await, NOTHING);
    assert_eq!(db.pending("lamppost").await, 0);
}

#[apply(contract)]
async fn on_delete_set_null(db: TestDb) {
    let mut watch = tied(&db, "ON DELETE SET NULL").await;
    assert_eq!(watch.after("DELETE FROM city WHERE id = 1").await, BOTH[..1]);
    assert_eq!(watch.after("DELETE FROM lamppost WHERE id = 1").await, NOTHING);
    assert_eq!(db.scalar::<i64>("SELECT count(*) FROM pigeon WHERE lamppost_id IS NULL").await, 1);
    assert_eq!(watch.after("UPDATE pigeon SET lamppost_id = 2").await, BOTH[1..]);
    assert_eq!(names(&db).await, ["Bob of Bonn, 2 pigeons of 30, -"]);
}

#[apply(contract)]
async fn on_delete_set_default(db: TestDb) {
    if db.is_mysql() {
        return not_there("InnoDB has no SET DEFAULT");
    }
    let mut watch = tied(&db, "ON DELETE SET DEFAULT").await;
    assert_eq!(watch.after("DELETE FROM city WHERE id = 1").await, BOTH[..1]);
    assert_eq!(names(&db).await[0], "Ada of Bonn, 1 pigeons of 10, -");
    // The pigeon comes to the default lamppost.
    assert_eq!(watch.after("DELETE FROM lamppost WHERE id = 1").await, BOTH[1..]);
    assert_eq!(names(&db).await, ["Bob of Bonn, 2 pigeons of 30, -"]);
}

#[apply(contract)]
async fn on_update_cascade(db: TestDb) {
    let mut watch = tied(&db, "ON UPDATE CASCADE").await;

    assert_eq!(
        watch.after("UPDATE city SET id = 9 WHERE id = 1").await,
        ["lamppost.full_name 1, unchanged"]
    );
    assert_eq!(watch.after("UPDATE city SET name = 'Ulm!' WHERE id = 9").await, BOTH[..1]);
    assert_eq!(
        watch.after("UPDATE lamppost SET id = 7 WHERE id = 1").await,
        ["lamppost.full_name 7, unchanged"]
    );
    assert_eq!(
        watch.after("UPDATE pigeon SET weight_in_g = 11 WHERE id = 1").await,
        ["lamppost.full_name 7"]
    );
    assert_eq!(
        names(&db).await,
        ["Bob of Bonn, 1 pigeons of 20, -", "Ada of Ulm!, 1 pigeons of 11, -"]
    );
    assert_eq!(db.pending("lamppost").await, 0);
}

#[apply(contract)]
async fn on_update_set_null(db: TestDb) {
    let mut watch = tied(&db, "ON UPDATE SET NULL").await;
    assert_eq!(watch.after("UPDATE city SET id = 9 WHERE id = 1").await, BOTH[..1]);
    let recalculated = watch.after("UPDATE lamppost SET id = 7 WHERE id = 1").await;
    assert_eq!(recalculated, ["lamppost.full_name 7"]);
    assert_eq!(names(&db).await[1], "Ada of nowhere, 0 pigeons of 0, -");
}
