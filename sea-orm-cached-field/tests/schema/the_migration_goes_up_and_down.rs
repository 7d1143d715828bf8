use sea_orm::Schema;
use sea_orm_cached_field::{CachedFields, InstallCachedFields};
use sea_orm_migration::prelude::*;

use crate::catalog::names;

owner!(lamp, { table_name = "lamp" }, {}, depends_on(name));

struct CreateLamps;

impl MigrationName for CreateLamps {
    fn name(&self) -> &str {
        "m20260101_000001_lamps"
    }
}

#[async_trait::async_trait]
#[allow(
    elided_lifetimes_in_paths,
    reason = "`async_trait` must see the signatures that the trait has"
)]
impl MigrationTrait for CreateLamps {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        manager.create_table(Schema::new(backend).create_table_from_entity(lamp::Entity)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(lamp::Entity).to_owned()).await
    }
}

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let fields = InstallCachedFields::named("m20260101_000002_cached_fields");
        vec![Box::new(CreateLamps), Box::new(fields.of(CachedFields::of::<lamp::Entity>))]
    }
}

/// The same, with the steps the wrong way round.
struct Hasty;

impl MigratorTrait for Hasty {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(InstallCachedFields::named("m1").of(CachedFields::of::<lamp::Entity>)),
            Box::new(CreateLamps),
        ]
    }
}

#[apply(contract)]
async fn once(db: TestDb) {
    Migrator::up(&*db, None).await.expect("up");
    db.sql("INSERT INTO lamp (id, name) VALUES (1, 'Ada')").await;
    db.drain(CachedFields::of::<lamp::Entity>()).await;
    assert_eq!(db.scalar::<String>("SELECT cached_label FROM lamp").await, "Ada 1");
    let applied = Migrator::get_applied_migrations(&*db).await.expect("status");
    let applied: Vec<&str> = applied.iter().map(|migration| migration.name()).collect();
    assert_eq!(applied, ["m20260101_000001_lamps", "m20260101_000002_cached_fields"]);
    Migrator::up(&*db, None).await.expect("up again");
    Migrator::status(&*db).await.expect("status");
}

#[apply(contract)]
async fn and_down_leaves_what_was_before(db: TestDb) {
    Migrator::up(&*db, Some(1)).await.expect("the tables");
    let before = names(&db).await;
    Migrator::up(&*db, None).await.expect("up");
    assert_ne!(names(&db).await, before);
    Migrator::down(&*db, Some(1)).await.expect("down");
    assert_eq!(names(&db).await, before);
    Migrator::down(&*db, None).await.expect("down to the ground");
    Migrator::up(&*db, None).await.expect("up again");
}

#[apply(contract)]
async fn and_an_error_names_the_remedy(db: TestDb) {
    let error = Hasty::up(&*db, None).await.expect_err("no table yet").to_string();
    insta::allow_duplicates!(
        insta::assert_snapshot!(error, @r#"Custom Error: the table `lamp`, which the cached fields of `lamp` (label) need, does not exist: create it before `CachedFields::all().install(&db)`, for instance in an earlier migration"#)
    );
    assert!(Hasty::get_applied_migrations(&*db).await.expect("status").is_empty());
}
