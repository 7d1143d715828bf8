use crate::{
    catalog::{has, installed, names},
    harness::{TestDb, lampposts::*},
};

/// The trigger that sees pigeons come.
async fn drop_the_trigger(db: &TestDb) {
    let name = if db.is_sqlite() {
        "zz_cached_field_lamppost_ai_full_name_pigeon__lamppost_2460de6d"
    } else {
        "zz_cached_field_lamppost_pigeon__lamppost_id__id_ai_055c2ac6"
    };
    assert!(has(db, name).await);
    let on = if db.is_sqlite() { "" } else { " ON pigeon" };
    db.sql(&format!("DROP TRIGGER {name}{on}")).await;
    assert!(!has(db, name).await);
}

contract! {
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
}
