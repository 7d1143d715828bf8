use sea_orm::DbBackend;
use sea_orm_cached_field::CachedFields;

use crate::{
    catalog::{has, installed, refused},
    harness::TestDb,
};

owner!(lamp, { table_name = "lamp" }, {}, depends_on(name));

/// Makes the table of marks look as if it had been made so.
async fn made(db: &TestDb, fingerprint: &str) {
    if db.is_mysql() {
        let schema: String = db.scalar("SELECT database()").await;
        let comment = format!("sea-orm-cached-field `{schema}`.`lamp` {fingerprint}");
        db.sql(&format!("ALTER TABLE _lamp_cached_marks COMMENT = '{comment}'")).await;
    } else if db.is_sqlite() {
        let made: String =
            db.scalar("SELECT sql FROM sqlite_master WHERE name = '_lamp_cached_marks'").await;
        let (before, rest) = made.split_once(r#" "lamp" "#).expect("our comment");
        let after = rest.split_once(" */").expect("its end").1;
        let index: String =
            db.scalar("SELECT sql FROM sqlite_master WHERE name = '_lamp_cached_marks_key'").await;
        let table = format!(r#"{before} "lamp" {fingerprint} */{after}"#);
        db.sql(&format!("DROP TABLE _lamp_cached_marks; {table}; {index}")).await;
    } else {
        let comment = format!(r#"sea-orm-cached-field "public"."lamp" {fingerprint}"#);
        db.sql(&format!("COMMENT ON TABLE _lamp_cached_marks IS '{comment}'")).await;
    }
}

#[apply(contract)]
async fn but_one_that_was_made_for_another_key_is_made_anew(db: TestDb) {
    db.create(lamp::Entity).await;
    installed(&db, CachedFields::of::<lamp::Entity>()).await;
    db.sql("INSERT INTO lamp (id, name) VALUES (1, 'Ada')").await;
    made(&db, "4.01234567").await;
    let report = installed(&db, CachedFields::of::<lamp::Entity>()).await;
    assert!(report.contains("lamp: dropped table _lamp_cached_marks\n"), "{report}");
    assert_eq!(db.pending("lamp").await, 1);
    assert_eq!(db.drain(CachedFields::of::<lamp::Entity>()).await, 1);
}

#[apply(contract)]
async fn one_made_by_a_newer_release_which_serves_as_well(db: TestDb) {
    db.create(lamp::Entity).await;
    installed(&db, CachedFields::of::<lamp::Entity>()).await;
    made(&db, "5.01234567").await;
    db.sql("ALTER TABLE _lamp_cached_marks ADD COLUMN news integer").await;
    assert_eq!(installed(&db, CachedFields::of::<lamp::Entity>()).await, "nothing to do\n");
    db.sql("INSERT INTO lamp (id, name) VALUES (1, 'Ada')").await;
    assert_eq!(db.drain(CachedFields::of::<lamp::Entity>()).await, 1);
    assert_eq!(db.pending("lamp").await, 0);
}

/// Otherwise an older version of the program would take it away in a rolling deployment.
#[apply(contract)]
async fn one_that_only_a_newer_release_needs(db: TestDb) {
    db.create(lamp::Entity).await;
    installed(&db, CachedFields::of::<lamp::Entity>()).await;
    let create = |tag: &str| format!("CREATE TABLE _lamp_cached_news {tag} (id integer)");
    if db.is_sqlite() {
        db.sql(&create(r#"/* sea-orm-cached-field "lamp" 5.01234567 */"#)).await;
    } else if db.is_mysql() {
        let schema: String = db.scalar("SELECT DATABASE()").await;
        let tag = format!("sea-orm-cached-field `{schema}`.`lamp` 5.01234567");
        db.sql(&format!("{} COMMENT = '{tag}'", create(""))).await;
    } else {
        let tag = r#"sea-orm-cached-field "public"."lamp" 5.01234567"#;
        db.sql(&create("")).await;
        db.sql(&format!("COMMENT ON TABLE _lamp_cached_news IS '{tag}'")).await;
    }

    assert_eq!(installed(&db, CachedFields::of::<lamp::Entity>()).await, "nothing to do\n");
    let diagnosis = CachedFields::of::<lamp::Entity>().doctor(&*db).await.expect("examined");
    assert!(diagnosis.is_healthy(), "{diagnosis}");
    let changes = CachedFields::of::<lamp::Entity>().uninstall(&*db).await.expect("uninstalled");
    assert!(format!("{changes:#}").contains("dropped table _lamp_cached_news"), "{changes:#}");
}

#[apply(contract)]
async fn a_foreign_one_of_the_same_name(db: TestDb) {
    db.create(lamp::Entity).await;
    db.sql("CREATE TABLE _lamp_cached_marks (what_i_need integer)").await;
    db.sql("INSERT INTO _lamp_cached_marks VALUES (7)").await;
    let message = refused(&db, CachedFields::of::<lamp::Entity>).await;
    insta::allow_duplicates!(
        insta::assert_snapshot!(message, @r#"the cached fields of `lamp` (label) need the name `_lamp_cached_marks` for a table of their own, but something else in the database has it: rename that"#)
    );
    let changes = CachedFields::of::<lamp::Entity>().uninstall(&*db).await.expect("uninstalled");
    assert_eq!(changes.to_string(), "nothing to do\n");
    assert_eq!(db.scalar::<i32>("SELECT what_i_need FROM _lamp_cached_marks").await, 7);
}

#[apply(contract)]
async fn also_if_it_is_a_view_with_a_comment_of_its_own(db: TestDb) {
    db.create(lamp::Entity).await;
    db.sql("CREATE VIEW _lamp_cached_recalculations AS SELECT 1 AS one").await;
    if db.get_database_backend() == DbBackend::Postgres {
        db.sql("COMMENT ON VIEW _lamp_cached_recalculations IS 'mine'").await;
    }
    let message = refused(&db, CachedFields::of::<lamp::Entity>).await;
    assert!(
        message.contains("the name `_lamp_cached_recalculations` for a table of their own"),
        "{message}"
    );
    CachedFields::of::<lamp::Entity>().uninstall(&*db).await.expect("uninstalled");
    assert!(has(&db, "_lamp_cached_recalculations").await);
}
