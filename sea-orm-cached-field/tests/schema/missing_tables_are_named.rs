use sea_orm_cached_field::CachedFields;

use crate::{catalog::refused, harness::lampposts::*};

owner!(lamp, { table_name = "lamp" }, {}, depends_on(name));

#[apply(contract)]
async fn the_own_one(db: TestDb) {
    let message = refused(&db, lampposts).await;
    insta::allow_duplicates!(
        insta::assert_snapshot!(message, @r#"the table `lamppost`, which the cached fields of `lamppost` (full_name) need, does not exist: create it before `CachedFields::all().install(&db)`, for instance in an earlier migration"#)
    );
}

#[apply(contract)]
async fn a_related_one(db: TestDb) {
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(pigeon::Entity).await;
    let message = refused(&db, lampposts).await;
    insta::allow_duplicates!(
        insta::assert_snapshot!(message, @r#"the table `plaque`, which the cached fields of `lamppost` (full_name) need, does not exist: create it before `CachedFields::all().install(&db)`, for instance in an earlier migration"#)
    );
}

#[apply(contract)]
async fn that_of_the_second_model_before_the_first_is_installed(db: TestDb) {
    db.create(lamp::Entity).await;
    let message =
        refused(&db, || CachedFields::of::<lamp::Entity>().and::<lamppost::Entity>()).await;
    assert!(message.starts_with("the table `lamppost`, which"), "{message}");
}

#[apply(contract)]
async fn a_view_is_none(db: TestDb) {
    db.sql("CREATE VIEW lamp AS SELECT 1 AS id, 'Ada' AS name").await;
    let message = refused(&db, CachedFields::of::<lamp::Entity>).await;
    insta::allow_duplicates!(
        insta::assert_snapshot!(message, @r#"`lamp`, which the cached fields of `lamp` (label) need, is a view: triggers there do not see every change, so name the ordinary or partitioned table behind it in the entity"#)
    );
}
