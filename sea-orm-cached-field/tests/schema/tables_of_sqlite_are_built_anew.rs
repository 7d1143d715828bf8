//! SQLite only. Migration tools change a table by building it anew. They create another table, copy
//! the rows, drop the old one and give its name to the new one. The triggers on the old one go with
//! it.

use sea_orm::{ConnectionTrait, TransactionTrait};
use sea_orm_cached_field::CachedFields;

use crate::{
    catalog::installed,
    harness::{TestDb, lampposts::*},
};

/// A lamppost of one pigeon in a city, fresh; another that waits to be recalculated.
async fn lampposts_at_work(db: TestDb) -> TestDb {
    set_up_lampposts(&db).await;
    db.sql("INSERT INTO city (id, name) VALUES (1, 'Rome')").await;
    let ada = a_lamppost(&db, "Ada").await;
    a_pigeon(&db, ada.id, 300).await;
    db.sql("UPDATE lamppost SET city_id = 1").await;
    db.drain(lampposts()).await;
    a_lamppost(&db, "Bob").await;
    // As each of these tools does: what refers to the table would go with it.
    let db = db.with_one_connection().await;
    db.sql("PRAGMA foreign_keys = OFF").await;
    db
}

/// What builds a table anew, with a column more.
async fn anew(db: &TestDb, table: &str) -> [String; 4] {
    let made: String =
        db.scalar(&format!("SELECT sql FROM sqlite_master WHERE name = '{table}'")).await;
    let (head, columns) = made.split_once('(').expect("columns");
    assert!(head.contains(table), "{made}");
    let columns = columns.replacen("\"id\"", "\"height\" integer, \"id\"", 1);
    let copied = "SELECT group_concat('\"' || name || '\"') FROM pragma_table_info";
    let copied: String = db.scalar(&format!("{copied}('{table}')")).await;
    [
        format!("CREATE TABLE new_{table} ({columns}"),
        format!("INSERT INTO new_{table} ({copied}) SELECT {copied} FROM {table}"),
        format!("DROP TABLE {table}"),
        format!("ALTER TABLE new_{table} RENAME TO {table}"),
    ]
}

/// Names of all lampposts, which are fresh, and nothing waits.
async fn assert_all_fresh(db: &TestDb, names: [&str; 2]) {
    db.drain(lampposts()).await;
    for (id, name) in (1..).zip(names) {
        assert_fresh(db, id, name).await;
    }
    let found = lampposts().doctor(&**db).await.expect("examined");
    assert!(found.is_healthy(), "{found}");
}

/// The migration, what is written before the next `install`, and that.
async fn migrate(db: &TestDb, statements: &[String]) {
    let transaction = db.begin().await.expect("begun");
    for statement in statements {
        transaction
            .execute_unprepared(statement)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    transaction.commit().await.expect("committed");

    db.sql("UPDATE lamppost SET first_name = 'Cyd' WHERE id = 1").await;
    db.sql("UPDATE pigeon SET weight_in_g = 500").await;
    db.sql("UPDATE city SET name = 'Roma'").await;
    installed(db, lampposts()).await;
    assert_all_fresh(db, ["Cyd of Roma, 1 pigeons of 500, -", "Bob of nowhere, 0 pigeons of 0, -"])
        .await;
    assert_eq!(installed(db, lampposts()).await, "nothing to do\n");

    db.sql("UPDATE pigeon SET weight_in_g = 600").await;
    db.sql("UPDATE lamppost SET first_name = 'Dan' WHERE id = 2").await;
    assert_all_fresh(db, ["Cyd of Roma, 1 pigeons of 600, -", "Dan of nowhere, 0 pigeons of 0, -"])
        .await;
}

#[apply(on_sqlite)]
async fn a_related_table_needs_no_call(db: TestDb) {
    for table in ["pigeon", "city"] {
        let db = lampposts_at_work(db.another_database().await).await;
        migrate(&db, &anew(&db, table).await).await;
    }
}

/// As Django does.
#[apply(on_sqlite)]
async fn nor_does_a_tool_that_renames_as_it_was_done_before(db: TestDb) {
    for table in ["lamppost", "pigeon", "city"] {
        let db = lampposts_at_work(db.another_database().await).await;
        db.sql("PRAGMA legacy_alter_table = ON").await;
        migrate(&db, &anew(&db, table).await).await;
    }
}

/// As Rails does: the rows are copied to another table, and back.
#[apply(on_sqlite)]
async fn nor_does_one_that_makes_the_table_under_its_own_name(db: TestDb) {
    for table in ["lamppost", "pigeon", "city"] {
        let db = lampposts_at_work(db.another_database().await).await;
        let [create, copy, drop, _] = anew(&db, table).await;
        let statements = [
            create.clone(),
            copy,
            drop,
            create.replacen(&format!("new_{table}"), table, 1),
            format!("INSERT INTO {table} SELECT * FROM new_{table}"),
            format!("DROP TABLE new_{table}"),
        ];
        migrate(&db, &statements).await;
    }
}

/// As Alembic, Atlas and Prisma do it, and a migration of SeaORM.
#[apply(on_sqlite)]
async fn an_owner_needs_one(db: TestDb) {
    for table in ["lamppost", "pigeon", "city"] {
        let db = lampposts_at_work(db.another_database().await).await;
        CachedFields::suspend(table, &*db).await.expect("suspended");
        migrate(&db, &anew(&db, table).await).await;
    }
}

/// SQLite looks at all triggers when a table is renamed, and those of related tables name one that
/// is not there.
#[apply(on_sqlite)]
async fn without_a_call_an_owner_is_left_as_it_is(db: TestDb) {
    let db = lampposts_at_work(db).await;
    let [create, copy, drop, rename] = anew(&db, "lamppost").await;

    let transaction = db.begin().await.expect("begun");
    for statement in [create, copy, drop] {
        transaction.execute_unprepared(&statement).await.expect("done");
    }

    let refused = transaction.execute_unprepared(&rename).await.expect_err("refused").to_string();
    assert!(refused.contains("no such table: main.lamppost"), "{refused}");
    transaction.rollback().await.expect("rolled back");

    db.sql("UPDATE pigeon SET weight_in_g = 500").await;
    assert_all_fresh(
        &db,
        ["Ada of Rome, 1 pigeons of 500, -", "Bob of nowhere, 0 pigeons of 0, -"],
    )
    .await;
    assert_eq!(installed(&db, lampposts()).await, "nothing to do\n");
}
