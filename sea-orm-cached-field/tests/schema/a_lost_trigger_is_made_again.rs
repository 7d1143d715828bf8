use sea_orm::DbBackend;

use crate::{
    catalog::{has, installed, names},
    harness::{TestDb, lampposts::*},
};

/// The trigger that sees pigeons come.
async fn drop_the_trigger(db: &TestDb) {
    let (name, on) = match db.get_database_backend() {
        DbBackend::Sqlite => ("zz_cached_field_lamppost_ai_pigeon__lamppost_id__id_2b5333c3", ""),
        DbBackend::MySql => ("zz_cached_field_lamppost_pigeon__lamppost_id__id_ai", ""),
        _ => ("zz_cached_field_lamppost_pigeon__lamppost_id__id_ai_055c2ac6", " ON pigeon"),
    };
    assert!(has(db, name).await);
    let name = &full_name(db, name).await;
    db.sql(&format!("DROP TRIGGER {name}{on}")).await;
    assert!(!has(db, name).await);
}

/// On MySQL names end with a checksum of the trigger's text, which names the test's own database.
async fn full_name(db: &TestDb, name: &str) -> String {
    if !db.is_mysql() {
        return name.to_owned();
    }
    db.scalar(&format!(
        "SELECT trigger_name
           FROM information_schema.triggers
          WHERE trigger_name LIKE '{name}%'
            AND trigger_schema = database()"
    ))
    .await
}

#[apply(contract)]
async fn by_the_next_install(db: TestDb) {
    set_up_lampposts(&db).await;
    let before = names(&db).await;
    drop_the_trigger(&db).await;
    let report = installed(&db, lampposts()).await;
    assert!(report.starts_with("lamppost: created trigger zz_cached_field_lamppost_"), "{report}");
    assert_eq!(report.lines().count(), 1, "{report}");
    assert_eq!(names(&db).await, before);
    let ada = a_lamppost(&db, "Ada").await;
    db.drain(lampposts()).await;
    a_pigeon(&db, ada.id, 300).await;
    assert_eq!(db.pending("lamppost").await, 1);
}
