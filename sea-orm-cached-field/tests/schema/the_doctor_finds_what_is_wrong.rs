//! And repair mends it: afterwards every value is right.

use sea_orm::DbBackend;
use sea_orm_cached_field::{CachedFields, Finding};

use crate::{
    dumps::restored,
    harness::{TestDb, lampposts::*},
    other_program,
};

async fn findings(db: &TestDb, models: CachedFields) -> Vec<Finding> {
    models.doctor(&**db).await.expect("examined").iter().cloned().collect()
}

async fn diagnosis(db: &TestDb) -> String {
    lampposts().doctor(&**db).await.expect("examined").to_string()
}

async fn repaired(db: &TestDb) -> String {
    format!("{:#}", lampposts().repair(&**db).await.expect("repaired"))
}

/// A lamppost of one pigeon, fresh.
async fn a_lamppost_at_rest(db: &TestDb) -> i32 {
    set_up_lampposts(db).await;
    let ada = a_lamppost(db, "Ada").await;
    a_pigeon(db, ada.id, 300).await;
    db.drain(lampposts()).await;
    assert_eq!(diagnosis(db).await, "nothing is wrong\n");
    ada.id
}

/// Returns a trigger of the library on this table.
async fn a_trigger_on(db: &TestDb, table: &str) -> String {
    let query = match db.get_database_backend() {
        DbBackend::Sqlite => format!(
            "SELECT name
               FROM sqlite_master
              WHERE type = 'trigger'
                AND tbl_name = '{table}'
                AND name LIKE '%\\_au0\\_%' ESCAPE '\\'"
        ),
        DbBackend::MySql => format!(
            "SELECT trigger_name
               FROM information_schema.triggers
              WHERE trigger_schema = database()
                AND event_object_table = '{table}'
                AND event_manipulation = 'UPDATE'"
        ),
        _ => format!(
            "SELECT tgname::text
               FROM pg_trigger
              WHERE tgrelid = '{table}'::regclass
                AND NOT tgisinternal
                AND tgname LIKE '%\\_au\\_%'"
        ),
    };

    db.scalar(&query).await
}

/// Checks that a change that went unseen is repaired.
async fn is_mended(db: &TestDb, id: i32, full_name: &str) {
    let changes = repaired(db).await;
    assert!(changes.contains("lamppost: flagged 1 row for full_name\n"), "{changes}");
    db.drain(lampposts()).await;
    assert_fresh(db, id, full_name).await;
    assert_eq!(
        (diagnosis(db).await, repaired(db).await),
        ("nothing is wrong\n".to_owned(), "nothing to do\n".to_owned())
    );
    db.sql("UPDATE pigeon SET weight_in_g = weight_in_g + 1").await;
    assert!(db.pending("lamppost").await > 0, "changes are seen again");
}

#[apply(contract)]
async fn a_trigger_that_was_dropped(db: TestDb) {
    let id = a_lamppost_at_rest(&db).await;
    let name = a_trigger_on(&db, "pigeon").await;
    let on = if db.get_database_backend() == DbBackend::Postgres { " ON pigeon" } else { "" };
    db.sql(&format!("DROP TRIGGER {name}{on}")).await;
    db.sql("UPDATE pigeon SET weight_in_g = 500").await;
    let expected =
        Finding::Missing { table: "lamppost".to_owned(), kind: "trigger", name: name.clone() };
    assert_eq!(findings(&db, lampposts()).await, [expected]);
    assert_eq!(
        diagnosis(&db).await,
        format!("lamppost: trigger {name} is missing; run `CachedFields::all().repair(&db)`\n")
    );
    is_mended(&db, id, "Ada of nowhere, 1 pigeons of 500, -").await;
}

#[apply(contract)]
async fn tables_that_came_without_ours(db: TestDb) {
    let id = a_lamppost_at_rest(&db).await;
    lampposts().uninstall(&*db).await.expect("uninstalled");
    db.sql("UPDATE pigeon SET weight_in_g = 500").await;
    assert_eq!(
        diagnosis(&db).await,
        "lamppost: nothing is installed; run `CachedFields::all().repair(&db)`\n"
    );
    is_mended(&db, id, "Ada of nowhere, 1 pigeons of 500, -").await;
}

#[apply(contract)]
async fn a_renamed_column(db: TestDb) {
    a_lamppost_at_rest(&db).await;
    db.sql("ALTER TABLE city RENAME COLUMN name TO title").await;
    let diagnosis = diagnosis(&db).await;
    assert!(
        diagnosis.starts_with("lamppost: ")
            && diagnosis.contains("`name`")
            && diagnosis.contains("`city`"),
        "{diagnosis}"
    );
    assert!(lampposts().repair(&*db).await.is_err(), "only the user can mend that");
}

#[apply(contract)]
async fn flagged_rows_that_nobody_will_see(db: TestDb) {
    let id = a_lamppost_at_rest(&db).await;
    db.sql("UPDATE lamppost SET first_name = 'Bob'").await;
    db.sql("DELETE FROM _lamppost_cached_marks").await;
    let seen = diagnosis(&db).await;
    assert_eq!(
        seen,
        "lamppost: 1 row is flagged for full_name, unseen by any worker; run `CachedFields::all().repair(&db)`\n"
    );
    assert_eq!(repaired(&db).await, "lamppost: queued 1 row for full_name\n");
    db.drain(lampposts()).await;
    assert_fresh(&db, id, "Bob of nowhere, 1 pigeons of 300, -").await;
}

#[apply(contract)]
async fn an_older_version_that_has_installed(db: TestDb) {
    let id = a_lamppost_at_rest(&db).await;
    other_program::models().install(&*db).await.expect("installed");
    db.sql("UPDATE pigeon SET weight_in_g = 500").await;
    let found = findings(&db, lampposts()).await;
    let missing = |finding: &Finding| matches!(finding, Finding::Missing { kind: "trigger", .. });
    assert!(found.iter().any(missing), "{found:?}");
    is_mended(&db, id, "Ada of nowhere, 1 pigeons of 500, -").await;
}

#[apply(contract)]
async fn a_newer_version_that_has_installed(db: TestDb) {
    a_lamppost_at_rest(&db).await;
    db.sql(
        "INSERT INTO _lamppost_cached_recalculations (key_1, field, generation)
         VALUES (7, 'height', 1)",
    )
    .await;
    let found = findings(&db, other_program::models()).await;
    let superfluous =
        |finding: &Finding| matches!(finding, Finding::Superfluous { kind: "trigger", .. });
    assert!(found.iter().any(superfluous), "{found:?}");
    let waits =
        Finding::UnknownField { table: "lamppost".to_owned(), field: "height".to_owned(), rows: 1 };
    assert!(found.contains(&waits), "{found:?}");
}

#[apply(contract)]
async fn a_dump_that_was_restored(db: TestDb) {
    let id = a_lamppost_at_rest(&db).await;
    let restored = restored(db).await;
    assert_eq!(diagnosis(&restored).await, "nothing is wrong\n");
    restored.sql("UPDATE pigeon SET weight_in_g = 500").await;
    restored.drain(lampposts()).await;
    assert_fresh(&restored, id, "Ada of nowhere, 1 pigeons of 500, -").await;
}

mod only_on_postgres {
    use super::*;

    #[apply(on_postgres)]
    async fn a_trigger_that_was_disabled(db: TestDb) {
        let id = a_lamppost_at_rest(&db).await;
        let name = a_trigger_on(&db, "pigeon").await;
        db.sql(&format!("ALTER TABLE pigeon DISABLE TRIGGER \"{name}\"")).await;
        db.sql("UPDATE pigeon SET weight_in_g = 500").await;
        let seen = diagnosis(&db).await;
        let remedy = format!("ALTER TABLE pigeon ENABLE TRIGGER {name}");
        assert_eq!(
            seen,
            format!(
                "lamppost: trigger {name} is disabled; run `CachedFields::all().repair(&db)`, which runs `{remedy}` and flags all rows\n"
            )
        );
        is_mended(&db, id, "Ada of nowhere, 1 pigeons of 500, -").await;
    }

    #[apply(on_postgres)]
    async fn sessions_in_which_no_trigger_fires(db: TestDb) {
        let db = db.with_one_connection().await;
        a_lamppost_at_rest(&db).await;
        db.sql("SET session_replication_role = replica").await;
        let seen = diagnosis(&db).await;
        assert!(seen.starts_with("no trigger fires in this session: "), "{seen}");
        db.sql("RESET session_replication_role").await;
        let name: String = db.scalar("SELECT current_database()::text").await;
        db.sql(&format!("ALTER DATABASE {name} SET session_replication_role = replica")).await;
        let seen = diagnosis(&db).await;
        assert!(
            seen.starts_with(&format!("no trigger fires in sessions of database {name}: ")),
            "{seen}"
        );
    }
}

mod only_on_sqlite {
    use super::*;

    /// As <https://sqlite.org/lang_altertable.html#otheralter> has it.
    #[apply(on_sqlite)]
    async fn a_table_that_was_built_anew(db: TestDb) {
        let db = db.with_one_connection().await;
        let id = a_lamppost_at_rest(&db).await;
        let table: String =
            db.scalar("SELECT sql FROM sqlite_master WHERE name = 'lamppost'").await;

        db.sql("PRAGMA foreign_keys = OFF").await;
        db.sql("PRAGMA legacy_alter_table = ON").await;
        db.sql(&table.replacen("lamppost", "new_lamppost", 1)).await;
        db.sql("INSERT INTO new_lamppost SELECT * FROM lamppost").await;
        db.sql("DROP TABLE lamppost").await;
        db.sql("ALTER TABLE new_lamppost RENAME TO lamppost").await;
        db.sql("PRAGMA legacy_alter_table = OFF").await;
        db.sql("UPDATE lamppost SET first_name = 'Bob'").await;

        let found = findings(&db, lampposts()).await;
        let missing =
            |finding: &&Finding| matches!(finding, Finding::Missing { kind: "trigger", .. });
        assert!(found.iter().filter(missing).count() >= 3, "{found:?}");
        is_mended(&db, id, "Bob of nowhere, 1 pigeons of 300, -").await;
    }
}
