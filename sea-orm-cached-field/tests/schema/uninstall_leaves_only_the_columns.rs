use sea_orm::DbBackend;

use crate::{
    catalog::{has, installed, names},
    harness::lampposts::*,
};

#[apply(contract)]
async fn with_their_values(db: TestDb) {
    set_up_lampposts(&db).await;
    let ada = a_lamppost(&db, "Ada").await;
    db.drain(lampposts()).await;
    let before = reloaded(&db, ada.id).await;
    lampposts().uninstall(&*db).await.expect("uninstalled");
    assert_eq!(reloaded(&db, ada.id).await, before);
    assert_eq!(before.cached_full_name.as_deref(), Some("Ada of nowhere, 0 pigeons of 0, -"));
}

#[apply(contract)]
async fn and_nothing_else(db: TestDb) {
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(pigeon::Entity).await;
    db.create(plaque::Entity).await;
    let before = names(&db).await;
    let created = installed(&db, lampposts()).await.lines().count();
    assert!(names(&db).await.len() > before.len());
    let changes = lampposts().uninstall(&*db).await.expect("uninstalled");
    assert_eq!(names(&db).await, before);
    assert_eq!(changes.iter().count(), created);
    assert!(
        format!("{changes:#}").starts_with("lamppost: dropped trigger zz_cached_field_"),
        "{changes}"
    );
}

#[apply(contract)]
async fn and_is_harmless_twice(db: TestDb) {
    set_up_lampposts(&db).await;
    lampposts().uninstall(&*db).await.expect("uninstalled");
    let changes = lampposts().uninstall(&*db).await.expect("uninstalled again");
    assert_eq!(changes.to_string(), "nothing to do\n");
}

#[apply(contract)]
async fn and_install_works_again(db: TestDb) {
    set_up_lampposts(&db).await;
    let before = names(&db).await;
    lampposts().uninstall(&*db).await.expect("uninstalled");
    installed(&db, lampposts()).await;
    assert_eq!(names(&db).await, before);
    let ada = a_lamppost(&db, "Ada").await;
    db.drain(lampposts()).await;
    assert_fresh(&db, ada.id, "Ada of nowhere, 0 pigeons of 0, -").await;
}

#[apply(contract)]
async fn also_if_the_table_was_dropped_before(db: TestDb) {
    set_up_lampposts(&db).await;
    if db.is_sqlite() {
        db.sql("PRAGMA foreign_keys = OFF").await;
    }
    let drop = match db.get_database_backend() {
        DbBackend::Sqlite => "DROP TABLE lamppost",
        DbBackend::MySql => {
            "SET foreign_key_checks = 0; DROP TABLE lamppost; SET foreign_key_checks = 1"
        }
        _ => "DROP TABLE lamppost CASCADE",
    };

    db.sql(drop).await;
    lampposts().uninstall(&*db).await.expect("uninstalled");
    for name in ["cached_field", "cached_marks", "cached_recalculations", "cf_lamppost"] {
        assert!(!has(&db, name).await, "{name} is left: {:?}", names(&db).await);
    }
}
