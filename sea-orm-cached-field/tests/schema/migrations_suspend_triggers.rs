//! The order of a migration that changes what fields depend on: suspend, change, install.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_cached_field::{CachedFields, InstallCachedFields, SuspendCachedFields};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};

use crate::{
    catalog::{has, installed},
    harness::{TestDb, gate::Gate, lampposts::*},
    shops::{a_shop_at_rest, before, left_of, migrated, total},
};

struct ChangeShops;

impl MigrationName for ChangeShops {
    fn name(&self) -> &str {
        "m2_change_shops"
    }
}

#[sea_orm_migration::async_trait::async_trait]
#[allow(
    elided_lifetimes_in_paths,
    reason = "`async_trait` must see the signatures that the trait has"
)]
impl MigrationTrait for ChangeShops {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("ALTER TABLE sale RENAME COLUMN amount TO price").await?;
        db.execute_unprepared("ALTER TABLE shop DROP COLUMN name").await?;
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(SuspendCachedFields::named("m1_suspend").of("sale").of("shop")),
            Box::new(ChangeShops),
            Box::new(InstallCachedFields::named("m3_install").of(migrated::models)),
        ]
    }
}

#[apply(contract)]
async fn and_no_write_fails_or_is_lost(db: TestDb) {
    a_shop_at_rest(&db).await;
    Migrator::up(&*db, Some(2)).await.expect("suspended and changed");
    db.sql("UPDATE sale SET price = 20").await;
    db.sql("INSERT INTO sale (id, price, shop_id) VALUES (2, 5, 1)").await;
    db.sql("UPDATE shop SET id = id").await;

    let before = migrated::models().doctor(&*db).await.expect("examined").to_string();
    assert!(
        before.contains("shop: trigger ")
            && before.contains(" is missing; run `CachedFields::all().repair(&db)`\n"),
        "{before}"
    );

    Migrator::up(&*db, None).await.expect("installed");
    db.drain(migrated::models()).await;
    assert_eq!(total(&db, "shop").await, 25);

    db.sql("UPDATE sale SET price = 1").await;
    db.drain(migrated::models()).await;
    assert_eq!(total(&db, "shop").await, 2);
    assert!(migrated::models().doctor(&*db).await.expect("examined").is_healthy());
}

#[apply(contract)]
async fn by_one_call_each(db: TestDb) {
    a_shop_at_rest(&db).await;
    let changes = format!("{:#}", CachedFields::suspend("sale", &*db).await.expect("suspended"));
    assert!(changes.starts_with("shop: dropped trigger "), "{changes}");
    assert!(!has(&db, "trigger zz_cached_field").await);
    assert_eq!(
        CachedFields::suspend("sale", &*db).await.expect("suspended").to_string(),
        "nothing to do\n"
    );
    db.sql("UPDATE sale SET amount = 20").await;
    let report = installed(&db, before::models()).await;
    assert!(report.ends_with("shop: flagged 1 row for total\n"), "{report}");
    assert_eq!(installed(&db, before::models()).await, "nothing to do\n");
    db.drain(before::models()).await;
    assert_eq!(total(&db, "shop").await, 20);
}

#[apply(contract)]
async fn of_that_table_alone(db: TestDb) {
    a_shop_at_rest(&db).await;
    set_up_lampposts(&db).await;
    CachedFields::suspend("sale", &*db).await.expect("suspended");
    assert_eq!(installed(&db, lampposts()).await, "nothing to do\n");
}

#[apply(contract)]
async fn also_of_what_is_being_calculated(db: TestDb) {
    set_up_lampposts(&db).await;
    let name = db.name("suspended");
    let gate = Gate::at(&name);
    let id = a_lamppost(&db, &name).await.id;
    a_pigeon(&db, id, 300).await;
    let worker = tokio::spawn(lampposts().worker(&db).run_once());
    gate.arrival().await;
    CachedFields::suspend("pigeon", &*db).await.expect("suspended");
    db.sql("UPDATE pigeon SET weight_in_g = 500").await;
    installed(&db, lampposts()).await;
    gate.open();
    worker.await.expect("it ran").expect("worked");
    db.drain(lampposts()).await;
    assert_fresh(&db, id, &format!("{name} of nowhere, 1 pigeons of 500, -")).await;
}

#[apply(contract)]
async fn but_not_of_a_table_that_is_not_there(db: TestDb) {
    a_shop_at_rest(&db).await;
    let error = CachedFields::suspend("sales", &*db).await.expect_err("misspelled").to_string();
    assert_eq!(
        error,
        "there is no table `sales` whose triggers could be suspended: give its name as it is before the migration"
    );
    assert_eq!(installed(&db, before::models()).await, "nothing to do\n");
}

/// As the guide has it, for migrations that are written in SQL.
#[apply(contract)]
async fn in_plain_sql(db: TestDb) {
    a_shop_at_rest(&db).await;
    suspend_in_sql(&db, "sale").await;
    assert!(!left_of(&db, "shop").await.iter().any(|line| line.starts_with("trigger ")));
    db.sql("ALTER TABLE sale RENAME COLUMN amount TO price").await;
    db.sql("UPDATE sale SET price = 20").await;
    installed(&db, migrated::models()).await;
    db.drain(migrated::models()).await;
    assert_eq!(total(&db, "shop").await, 20);
}

const GUIDE: &str = include_str!("../../../docs/migrations.md");

/// Runs the statements that the guide gives for this database, with the names of these tables.
async fn suspend_in_sql(db: &TestDb, table: &str) {
    let fence = if db.is_sqlite() {
        "```sql sqlite\n"
    } else if db.is_mysql() {
        "```sql mysql\n"
    } else {
        "```sql postgres\n"
    };

    let (_, rest) = GUIDE.split_once(fence).expect("the guide has it");
    let (text, _) = rest.split_once("```").expect("an end");
    let text = text.replace("order_lines", table).replace("orders", "shop");

    if db.get_database_backend() == sea_orm::DbBackend::Postgres {
        db.sql(&text).await;
        return;
    }

    // A query whose rows are the statements to run.
    for row in db.rows(&text).await {
        db.sql(row["statement"].as_str().expect("a statement")).await;
    }
}
