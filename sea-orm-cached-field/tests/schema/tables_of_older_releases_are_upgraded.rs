//! `older_schemas/` has a dump for each older schema of the library's tables. It has the contents
//! that [`busy`] makes with the last release that had this schema. With
//! `CACHED_FIELD_TEST_DUMPS=folder` the dumps of this release are written to that folder.

use sea_orm::DbBackend;
use sea_orm_cached_field::CachedFields;

use crate::{
    catalog::{catalog, installed, names},
    dumps,
    harness::{TestDb, client::sqlite3, lampposts::*},
};

const OLDER_SCHEMAS: [[&str; 3]; 3] = [
    [
        include_str!("older_schemas/1/sqlite.sql"),
        include_str!("older_schemas/1/postgres.sql"),
        include_str!("older_schemas/1/mysql.sql"),
    ],
    [
        include_str!("older_schemas/2/sqlite.sql"),
        include_str!("older_schemas/2/postgres.sql"),
        include_str!("older_schemas/2/mysql.sql"),
    ],
    [
        include_str!("older_schemas/3/sqlite.sql"),
        include_str!("older_schemas/3/postgres.sql"),
        include_str!("older_schemas/3/mysql.sql"),
    ],
];

pub mod measure {
    use sea_orm::entity::prelude::*;

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "measure")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub inches: i32,
        #[cached(version = 1, depends_on(inches))]
        pub length: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_length(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(format!("{} inches", self.inches))
        }
    }
}

fn models() -> CachedFields {
    lampposts().and::<measure::Entity>()
}

/// Lampposts and a measure, with marks of all kinds, a row that has failed for good, and one whose
/// worker is gone.
async fn busy(db: &TestDb) {
    set_up_lampposts(db).await;
    db.create(measure::Entity).await;
    installed(db, models()).await;
    db.sql("INSERT INTO city (id, name) VALUES (1, 'Rome')").await;
    for first_name in ["Ada", "Bob", "Cyd", "Dan", "Eve"] {
        let id = a_lamppost(db, first_name).await.id;
        a_pigeon(db, id, 300).await;
    }
    db.sql("UPDATE lamppost SET city_id = 1 WHERE first_name = 'Eve'").await;
    db.sql("INSERT INTO measure (inches) VALUES (1)").await;
    db.drain(models()).await;

    db.sql("UPDATE pigeon SET weight_in_g = 400 WHERE id IN (3, 4)").await;
    db.sql(
        "UPDATE lamppost
            SET full_name_recalculation_needed = true
          WHERE first_name IN ('Cyd', 'Dan')",
    )
    .await;
    db.sql("DELETE FROM _lamppost_cached_marks").await;
    db.sql(
        "INSERT INTO _lamppost_cached_recalculations
           (key_1, field, generation, due_at, attempts, last_error)
         SELECT id, 'full_name', 1000, NULL, 9, 'broken'
           FROM lamppost
          WHERE first_name = 'Cyd'",
    )
    .await;
    db.sql(
        "INSERT INTO _lamppost_cached_recalculations (key_1, field, generation, attempts)
         SELECT id, 'full_name', 1001, 1 FROM lamppost WHERE first_name = 'Dan'",
    )
    .await;

    db.sql("UPDATE lamppost SET first_name = 'Bea' WHERE first_name = 'Bob'").await;
    db.sql("UPDATE pigeon SET weight_in_g = 500 WHERE id = 1").await;
    db.sql("UPDATE city SET name = 'Roma'").await;
}

/// The names, once everything that [`busy`] has left is calculated.
const WORKED_OFF: [&str; 5] = [
    "Ada of nowhere, 1 pigeons of 500, -",
    "Bea of nowhere, 1 pigeons of 300, -",
    "Cyd of nowhere, 1 pigeons of 400, -",
    "Dan of nowhere, 1 pigeons of 400, -",
    "Eve of Roma, 1 pigeons of 300, -",
];

/// Everything that [`busy`] has left is worked off. Rows that have failed for good wait for
/// `repair`, unless `install` has flagged all rows.
async fn works_off(db: &TestDb, all_were_flagged: bool) {
    db.drain(models()).await;
    if all_were_flagged {
        assert_eq!(full_names(db).await[2], "Cyd of nowhere, 1 pigeons of 400, -");
    } else {
        repaired(db).await;
    }
    assert_eq!(full_names(db).await, WORKED_OFF);
    db.sql("UPDATE measure SET inches = 2").await;
    db.drain(models()).await;
    assert_eq!(db.scalar::<String>("SELECT cached_length FROM measure").await, "2 inches");
}

/// The row that has failed for good is calculated.
async fn repaired(db: &TestDb) {
    let mut names = full_names(db).await;
    assert_eq!(names.remove(2), "Cyd of nowhere, 1 pigeons of 300, -", "it had failed for good");
    let expected = [
        "Ada of nowhere, 1 pigeons of 500, -",
        "Bea of nowhere, 1 pigeons of 300, -",
        "Dan of nowhere, 1 pigeons of 400, -",
        "Eve of Roma, 1 pigeons of 300, -",
    ];
    assert_eq!(names, expected);
    let diagnosis = models().doctor(&**db).await.expect("examined").to_string();
    let failed = "lamppost: full_name of 1 row has failed for good (broken); fix the cause, then run `CachedFields::all().repair(&db)`, which tries again\n";
    assert_eq!(diagnosis, failed);
    models().repair(&**db).await.expect("repaired");
    db.drain(models()).await;
}

/// Returns a database of each older schema, with the number of the schema.
async fn each_older_schema(db: &TestDb) -> Vec<(u32, TestDb)> {
    let mut databases = Vec::new();
    for (schema, [sqlite, postgres, mysql]) in (1..).zip(OLDER_SCHEMAS) {
        let dump = match db.get_database_backend() {
            DbBackend::Sqlite => sqlite,
            DbBackend::MySql => mysql,
            _ => postgres,
        };
        let older = db.another_database().await;
        dumps::load(&older, dump).await;
        databases.push((schema, older));
    }
    databases
}

async fn full_names(db: &TestDb) -> Vec<String> {
    let rows = db.rows("SELECT cached_full_name AS full_name FROM lamppost ORDER BY id").await;
    rows.iter().map(|row| row["full_name"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Returns the columns of the library's tables, with their definitions.
async fn columns(db: &TestDb) -> Vec<String> {
    let query = if db.is_sqlite() {
        "SELECT m.name || ' ' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' '
                || coalesce(c.dflt_value, '') || ' ' || c.pk AS it
           FROM sqlite_master m, pragma_table_info(m.name) c
          WHERE m.name LIKE '%\\_cached\\_%' ESCAPE '\\'
          ORDER BY 1"
    } else if db.is_mysql() {
        // The text of an error has the collation that was the server's when the table was made.
        "SELECT concat_ws(' ', table_name, column_name, column_type,
                          if(column_name = 'last_error', character_set_name, collation_name),
                          is_nullable, column_default, column_key) AS it
           FROM information_schema.columns
          WHERE table_schema = database()
            AND table_name LIKE '%\\_cached\\_%'
          ORDER BY 1"
    } else {
        "SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable,
                          column_default) AS it
           FROM information_schema.columns
          WHERE table_schema = 'public'
            AND table_name LIKE '%\\_cached\\_%'
          ORDER BY 1"
    };

    db.rows(query)
        .await
        .iter()
        .map(|row| row["it"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// SQLite before 3.42 takes the time of the defaults of schema 2 for NULL.
#[apply(on_sqlite)]
async fn so_that_older_clients_of_sqlite_can_write(db: TestDb) {
    for (_, db) in each_older_schema(&db).await {
        installed(&db, models()).await;
        db.drain(models()).await;
        sqlite3(&db, "INSERT INTO lamppost (first_name) VALUES ('Fay')").expect("inserted");
        db.drain(models()).await;
        assert_eq!(
            full_names(&db).await.pop().expect("a name"),
            "Fay of nowhere, 0 pigeons of 0, -"
        );
    }
}

#[apply(contract)]
async fn with_all_that_waits_in_them(db: TestDb) {
    for (schema, db) in each_older_schema(&db).await {
        let report = installed(&db, models()).await;
        assert!(report.contains("lamppost: upgraded table _lamppost_cached_marks\n"), "{report}");
        // MySQL cannot rename a table and replace its triggers at once.
        let were_flagged = db.is_mysql() && schema < 3;
        assert_eq!(report.contains(": flagged "), were_flagged, "{report}");
        assert_eq!(installed(&db, models()).await, "nothing to do\n");
        works_off(&db, were_flagged).await;
    }
}

#[apply(contract)]
async fn also_if_their_triggers_were_suspended_before(db: TestDb) {
    for (_, db) in each_older_schema(&db).await {
        for table in ["measure", "city"] {
            CachedFields::suspend(table, &*db).await.expect("suspended");
        }
        db.sql("UPDATE measure SET inches = 3").await;
        db.sql("UPDATE pigeon SET weight_in_g = 700").await;
        installed(&db, models()).await;
        db.drain(models()).await;
        assert_eq!(db.scalar::<String>("SELECT cached_length FROM measure").await, "3 inches");
        assert_eq!(full_names(&db).await[1], "Bea of nowhere, 1 pigeons of 700, -");
    }
}

#[apply(contract)]
async fn to_what_would_be_made_anew(db: TestDb) {
    for (_, db) in each_older_schema(&db).await {
        installed(&db, models()).await;
        let upgraded = (columns(&db).await, names(&db).await);
        assert!(upgraded.0.len() > 20, "{upgraded:?}");
        models().uninstall(&*db).await.expect("uninstalled");
        installed(&db, models()).await;
        assert_eq!((columns(&db).await, names(&db).await), upgraded);
    }
}

#[apply(contract)]
async fn also_from_what_this_release_leaves(db: TestDb) {
    busy(&db).await;
    let dump = dumps::dump(&db).await;

    if let Ok(folder) = std::env::var("CACHED_FIELD_TEST_DUMPS") {
        let name = if db.is_sqlite() {
            "sqlite"
        } else if db.is_mysql() {
            "mysql"
        } else {
            "postgres"
        };
        std::fs::write(format!("{folder}/{name}.sql"), &dump).expect("written");
    }

    let db = dumps::emptied(db).await;
    dumps::load(&db, &dump).await;
    works_off(&db, false).await;
}

#[apply(contract)]
async fn each_that_there_ever_was(db: TestDb) {
    set_up_lampposts(&db).await;
    let schema = format!(" {}.", OLDER_SCHEMAS.len() + 1);
    let of_our_tables = catalog(&db)
        .await
        .into_iter()
        .filter(|line| line.contains("sea-orm-cached-field") && line.contains(&schema));
    assert_eq!(of_our_tables.count(), 6);
}

#[apply(contract)]
async fn as_the_doctor_says(db: TestDb) {
    for (_, db) in each_older_schema(&db).await {
        let diagnosis = models().doctor(&*db).await.expect("examined").to_string();
        let differs = "lamppost: table _lamppost_cached_marks is of another version; run `CachedFields::all().repair(&db)` with the version that is to stay\n";
        assert!(diagnosis.contains(differs), "{diagnosis}");
    }
}

#[apply(contract)]
async fn or_made_anew_if_they_were_made_for_another_key(db: TestDb) {
    for (schema, db) in each_older_schema(&db).await {
        let marks = if schema < 3 { "lamppost_cached_marks" } else { "_lamppost_cached_marks" };
        if db.is_sqlite() {
            db.sql(&format!("ALTER TABLE {marks} RENAME COLUMN key_1 TO key_0")).await;
        } else if db.is_mysql() {
            db.sql(&format!("ALTER TABLE {marks} MODIFY key_1 bigint NULL")).await;
        } else {
            db.sql(&format!("ALTER TABLE {marks} ALTER key_1 TYPE bigint")).await;
        }
        let report = installed(&db, models()).await;
        let dropped = format!("lamppost: dropped table {marks}\n");
        assert!(report.contains(&dropped), "{report}");
        db.drain(models()).await;
        assert_eq!(full_names(&db).await, WORKED_OFF);
    }
}
