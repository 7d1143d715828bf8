//! What serves no model of this program: told from another program's, reported, and removed when
//! asked.

use sea_orm_cached_field::{CachedFields, Finding};

use crate::{
    catalog::installed,
    dumps,
    harness::TestDb,
    shops::{a_shop_at_rest, before, left_of},
};

/// Shops, and beside them kiosks, of which no model of this program has cached fields any more.
async fn shops_and_kiosks(db: TestDb) -> TestDb {
    a_shop_at_rest(&db).await;
    let kiosks = dumps::dump(&db).await.replace("shop", "kiosk").replace("sale", "deal");
    let db = dumps::emptied(db).await;
    // Tables come in any order.
    let unchecked = if db.is_mysql() { "SET foreign_key_checks = 0;\n" } else { "" };
    dumps::load(&db, &format!("{unchecked}{kiosks}")).await;
    a_shop_at_rest(&db).await;
    db
}

const LEFT_ALONE: &str = "kiosk: left alone, though this program declares no cached fields of it; if no other version of it does, run `CachedFields::remove_abandoned(\"kiosk\", &db)`\n";

#[apply(contract)]
async fn and_removed_when_asked(db: TestDb) {
    let db = shops_and_kiosks(db).await;
    let diagnosis = before::models().doctor(&*db).await.expect("examined");
    let findings: Vec<&Finding> = diagnosis.iter().collect();
    assert!(
        matches!(findings[..], [Finding::Abandoned { table, objects }] if table == "kiosk" && *objects > 5),
        "{diagnosis}"
    );
    assert!(
        diagnosis.to_string().contains("`CachedFields::remove_abandoned(\"kiosk\", &db)`"),
        "{diagnosis}"
    );

    let before = left_of(&db, "kiosk").await;
    assert_eq!(installed(&db, before::models()).await, LEFT_ALONE);
    assert_eq!(left_of(&db, "kiosk").await, before);

    let changes = CachedFields::remove_abandoned("kiosk", &*db).await.expect("removed");
    let changes = format!("{changes:#}");
    assert!(changes.starts_with("kiosk: dropped trigger "), "{changes}");
    assert_eq!(left_of(&db, "kiosk").await, Vec::<String>::new());
    assert_eq!(installed(&db, before::models()).await, "nothing to do\n");

    for column in ["cached_total", "total_recalculation_needed", "total_expires_after"] {
        db.sql(&format!("ALTER TABLE kiosk DROP COLUMN {column}")).await;
    }
    db.sql("UPDATE deal SET amount = 20").await;
    db.sql("UPDATE kiosk SET name = 'Ada'").await;
}

#[apply(contract)]
async fn also_by_uninstall(db: TestDb) {
    let db = shops_and_kiosks(db).await;
    let changes = format!("{:#}", before::models().uninstall(&*db).await.expect("uninstalled"));
    assert!(changes.ends_with(LEFT_ALONE), "{changes}");
    db.sql("UPDATE deal SET amount = 20").await;
    assert!(db.pending("kiosk").await > 0);
}

#[apply(contract)]
async fn but_not_those_of_another_program(db: TestDb) {
    let db = shops_and_kiosks(db).await;
    db.sql("UPDATE _kiosk_cached_versions SET declared_by = 'billing'").await;
    let before = left_of(&db, "kiosk").await;
    assert!(before::models().doctor(&*db).await.expect("examined").is_healthy());
    assert_eq!(installed(&db, before::models()).await, "nothing to do\n");
    let error =
        CachedFields::remove_abandoned("kiosk", &*db).await.expect_err("refused").to_string();
    let reason = "the cached fields of `kiosk` are not abandoned: they were declared by the crate billing, which is no part of this program: call `uninstall` in the program that has it; if there is none any more, first run `UPDATE ";
    assert!(error.starts_with(reason), "{error}");
    before::models().uninstall(&*db).await.expect("uninstalled");
    assert_eq!(left_of(&db, "kiosk").await, before);
}

#[apply(contract)]
async fn nor_those_that_this_program_declares(db: TestDb) {
    a_shop_at_rest(&db).await;
    let error =
        CachedFields::remove_abandoned("shop", &*db).await.expect_err("refused").to_string();
    assert_eq!(
        error,
        "the cached fields of `shop` are not abandoned: a model of this program declares them: to drop what serves it, use `uninstall`"
    );
    assert_eq!(installed(&db, before::models()).await, "nothing to do\n");
}

#[apply(contract)]
async fn and_there_may_be_none(db: TestDb) {
    a_shop_at_rest(&db).await;
    let changes =
        CachedFields::remove_abandoned("kiosk", &*db).await.expect("nothing there").to_string();
    assert_eq!(changes, "nothing to do\n");
}

#[apply(contract)]
async fn and_removed_with_their_table(db: TestDb) {
    let db = shops_and_kiosks(db).await;
    db.sql("UPDATE _kiosk_cached_versions SET declared_by = 'billing'").await;
    db.sql("DROP TABLE deal").await;
    db.sql("DROP TABLE kiosk").await;
    assert!(!before::models().doctor(&*db).await.expect("examined").is_healthy());
    let report = installed(&db, before::models()).await;
    assert!(report.starts_with("kiosk: dropped ") && !report.contains("shop: "), "{report}");
    assert_eq!(left_of(&db, "kiosk").await, Vec::<String>::new());
}

/// SQLite drops no column that a trigger looks at.
#[apply(on_servers)]
async fn and_removed_with_their_columns(db: TestDb) {
    let db = shops_and_kiosks(db).await;
    let cascade = if db.is_mysql() { "" } else { " CASCADE" };
    for column in ["cached_total", "total_recalculation_needed", "total_expires_after"] {
        db.sql(&format!("ALTER TABLE kiosk DROP COLUMN {column}{cascade}")).await;
    }
    installed(&db, before::models()).await;
    assert_eq!(left_of(&db, "kiosk").await, Vec::<String>::new());
    db.sql("UPDATE deal SET amount = 20").await;
    db.sql("UPDATE kiosk SET name = 'Ada'").await;
    db.sql("INSERT INTO kiosk (id) VALUES (2)").await;
}
