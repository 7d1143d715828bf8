use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

owner!(lamp, { table_name = "lamp" }, {}, depends_on(name));
owner!(lantern, { table_name = "lamp" }, {}, depends_on(name));
owner!(torch, { table_name = "lamp", schema_name = "public" }, {}, depends_on(name));

fn assert_names_both(error: &impl std::error::Error, other: &str) {
    let text = error.to_string();
    let both = text.contains("::lamp::Entity` (label)")
        && text.contains(&format!("::{other}::Entity` (label)"));
    assert!(both && text.contains("`lamp`"), "{text}");
}

/// The first `install` that is not refused makes all of it.
async fn assert_nothing_was_installed(db: &TestDb) {
    let installed = CachedFields::of::<lamp::Entity>().install(&**db).await.expect("installed");
    let installed = format!("{installed:#}");
    assert!(installed.contains("_lamp_cached_marks"), "{installed}");
}

#[apply(contract)]
async fn wherever_they_are_named(db: TestDb) {
    db.create(lamp::Entity).await;
    let both = || CachedFields::of::<lamp::Entity>().and::<lantern::Entity>();
    assert_names_both(&both().install(&*db).await.expect_err("refused"), "lantern");
    assert_names_both(&both().doctor(&*db).await.expect_err("refused"), "lantern");
    assert_names_both(&both().worker(&db).drain().await.expect_err("refused"), "lantern");
    assert_nothing_was_installed(&db).await;
}

#[apply(contract)]
async fn but_one_may_be_named_twice(db: TestDb) {
    db.create(lamp::Entity).await;
    let twice = || CachedFields::of::<lamp::Entity>().and::<lamp::Entity>();
    twice().install(&*db).await.expect("installed");
    db.sql("INSERT INTO lamp (id, name) VALUES (1, 'oil')").await;
    assert_eq!(db.drain(twice()).await, 1);
}

#[apply(on_postgres)]
async fn with_and_without_the_name_of_its_schema(db: TestDb) {
    db.create(lamp::Entity).await;
    let both = CachedFields::of::<lamp::Entity>().and::<torch::Entity>();
    assert_names_both(&both.install(&*db).await.expect_err("refused"), "torch");
    assert_nothing_was_installed(&db).await;
}
