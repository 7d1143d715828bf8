use sea_orm::DbBackend;
use sea_orm_cached_field::CachedFields;

use crate::{
    catalog::{has, installed, refused},
    harness::TestDb,
};

owner!(lamp, { table_name = "lamp" }, {}, depends_on(name));

/// Makes the table of marks look as if another version had made it.
async fn made_by_another_version(db: &TestDb) {
    if db.is_mysql() {
        let schema: String = db.scalar("SELECT database()").await;
        let comment = format!("sea-orm-cached-field `{schema}`.`lamp` 01234567");
        db.sql(&format!("ALTER TABLE lamp_cached_marks COMMENT = '{comment}'")).await;
    } else if db.is_sqlite() {
        db.sql("DROP TABLE lamp_cached_marks").await;
        db.sql(r#"CREATE TABLE lamp_cached_marks /* sea-orm-cached-field "lamp" 01234567 */ (id integer)"#).await;
    } else {
        let comment = r#"sea-orm-cached-field "public"."lamp" 01234567"#;
        db.sql(&format!("COMMENT ON TABLE lamp_cached_marks IS '{comment}'")).await;
    }
}

contract! {
    async fn one_made_by_another_version(db: TestDb) {
        db.create(lamp::Entity).await;
        installed(&db, CachedFields::of::<lamp::Entity>()).await;
        made_by_another_version(&db).await;
        let message = refused(&db, CachedFields::of::<lamp::Entity>).await;
        insta::allow_duplicates!(insta::assert_snapshot!(message, @r#"`lamp_cached_marks`, which serves the cached fields of `lamp` (label), was made by another version of this library or for another primary key: let the workers drain it, run `CachedFields::uninstall`, then `CachedFields::install`"#));
    }

    async fn until_it_is_uninstalled_as_the_message_says(db: TestDb) {
        db.create(lamp::Entity).await;
        installed(&db, CachedFields::of::<lamp::Entity>()).await;
        made_by_another_version(&db).await;
        CachedFields::of::<lamp::Entity>().uninstall(&*db).await.expect("uninstalled");
        installed(&db, CachedFields::of::<lamp::Entity>()).await;
        db.sql("INSERT INTO lamp (id, name) VALUES (1, 'Ada')").await;
        assert_eq!(db.pending("lamp").await, 1);
    }

    async fn a_foreign_one_of_the_same_name(db: TestDb) {
        db.create(lamp::Entity).await;
        db.sql("CREATE TABLE lamp_cached_marks (what_i_need integer)").await;
        db.sql("INSERT INTO lamp_cached_marks VALUES (7)").await;
        let message = refused(&db, CachedFields::of::<lamp::Entity>).await;
        insta::allow_duplicates!(insta::assert_snapshot!(message, @r#"the cached fields of `lamp` (label) need the name `lamp_cached_marks` for a table of their own, but something else in the database has it: rename that"#));
        let changes = CachedFields::of::<lamp::Entity>().uninstall(&*db).await.expect("uninstalled");
        assert_eq!(changes.to_string(), "nothing to do\n");
        assert_eq!(db.scalar::<i32>("SELECT what_i_need FROM lamp_cached_marks").await, 7);
    }

    async fn also_if_it_is_a_view_with_a_comment_of_its_own(db: TestDb) {
        db.create(lamp::Entity).await;
        db.sql("CREATE VIEW lamp_cached_recalculations AS SELECT 1 AS one").await;
        if db.get_database_backend() == DbBackend::Postgres {
            db.sql("COMMENT ON VIEW lamp_cached_recalculations IS 'mine'").await;
        }
        let message = refused(&db, CachedFields::of::<lamp::Entity>).await;
        assert!(message.contains("the name `lamp_cached_recalculations` for a table of their own"), "{message}");
        CachedFields::of::<lamp::Entity>().uninstall(&*db).await.expect("uninstalled");
        assert!(has(&db, "lamp_cached_recalculations").await);
    }
}
