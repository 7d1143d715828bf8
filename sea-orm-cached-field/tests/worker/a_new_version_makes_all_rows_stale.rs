use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, TransactionTrait};
use sea_orm_cached_field::CachedFields;

use crate::harness::{TestDb, not_there};

macro_rules! version {
    ($module:ident, $($version:tt)*) => {
        #[allow(dead_code)]
        mod $module {
            use sea_orm::entity::prelude::*;

            #[sea_orm_cached_field::cached_fields]
            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = "measure")]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i32,
                pub inches: i32,
                #[cached($($version)* depends_on(inches))]
                pub length: String,
                #[cached(depends_on(inches))]
                pub half: i32,
            }

            impl ActiveModelBehavior for ActiveModel {}

            impl Model {
                async fn calculate_length(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
                    Ok(format!("{} {}", stringify!($module), self.inches))
                }

                async fn calculate_half(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
                    Ok(self.inches / 2)
                }
            }
        }
    };
}

version!(none,);
version!(first, version = 1,);
version!(second, version = 2,);

async fn install(db: &TestDb, models: CachedFields) -> String {
    format!("{:#}", models.install(&**db).await.expect("installed"))
}

async fn set_up(db: &TestDb, models: CachedFields) {
    db.create(none::Entity).await;
    install(db, models).await;
    for inches in [1, 2] {
        none::ActiveModel { inches: Set(inches), ..Default::default() }
            .insert(&**db)
            .await
            .expect("a row");
    }
}

async fn lengths(db: &TestDb) -> Vec<Option<String>> {
    let rows = "SELECT cached_length AS length FROM measure ORDER BY inches";
    let rows = db
        .query_all_raw(sea_orm::Statement::from_string(db.get_database_backend(), rows))
        .await
        .unwrap();
    rows.iter().map(|row| row.try_get("", "length").unwrap()).collect()
}

fn all(version: &str) -> Vec<Option<String>> {
    [1, 2].map(|inches| Some(format!("{version} {inches}"))).to_vec()
}

#[apply(contract)]
async fn of_its_field(db: TestDb) {
    set_up(&db, CachedFields::of::<first::Entity>()).await;
    db.drain(CachedFields::of::<first::Entity>()).await;
    assert_eq!(lengths(&db).await, all("first"));
    assert_eq!(install(&db, CachedFields::of::<first::Entity>()).await, "nothing to do\n");
    let changes = install(&db, CachedFields::of::<second::Entity>()).await;
    assert_eq!(changes, "measure: flagged 2 rows for length, whose calculation has version 2\n");
    assert_eq!(install(&db, CachedFields::of::<second::Entity>()).await, "nothing to do\n");
    assert_eq!(db.drain(CachedFields::of::<second::Entity>()).await, 2, "no halves");
    assert_eq!(lengths(&db).await, all("second"));
    assert_eq!(db.pending("measure").await, 0);
}

#[apply(contract)]
async fn when_it_is_the_first(db: TestDb) {
    set_up(&db, CachedFields::of::<none::Entity>()).await;
    db.drain(CachedFields::of::<none::Entity>()).await;
    let changes = install(&db, CachedFields::of::<first::Entity>()).await;
    assert!(
        changes.ends_with("measure: flagged 2 rows for length, whose calculation has version 1\n"),
        "{changes}"
    );
    assert_eq!(db.drain(CachedFields::of::<first::Entity>()).await, 2);
    assert_eq!(lengths(&db).await, all("first"));
}

#[apply(contract)]
async fn also_what_somebody_holds_locked(db: TestDb) {
    set_up(&db, CachedFields::of::<first::Entity>()).await;
    db.drain(CachedFields::of::<first::Entity>()).await;
    if db.is_sqlite() {
        return not_there("SQLite locks no rows");
    }

    let transaction = db.begin().await.unwrap();
    transaction
        .execute_unprepared("UPDATE measure SET cached_half = cached_half WHERE inches = 1")
        .await
        .unwrap();

    let changes = install(&db, CachedFields::of::<second::Entity>()).await;
    assert_eq!(
        changes, "measure: flagged 2 rows for length, whose calculation has version 2\n",
        "nobody waits"
    );

    transaction.rollback().await.unwrap();
    assert_eq!(db.drain(CachedFields::of::<second::Entity>()).await, 2);
    assert_eq!(lengths(&db).await, all("second"));
}

#[apply(contract)]
async fn when_an_older_program_comes_back(db: TestDb) {
    set_up(&db, CachedFields::of::<second::Entity>()).await;
    db.drain(CachedFields::of::<second::Entity>()).await;
    install(&db, CachedFields::of::<first::Entity>()).await;
    assert_eq!(db.drain(CachedFields::of::<first::Entity>()).await, 2);
    assert_eq!(lengths(&db).await, all("first"));
    let changes = install(&db, CachedFields::of::<none::Entity>()).await;
    assert_eq!(
        changes,
        "measure: flagged 2 rows for length, whose calculation has no version now\n"
    );
}

#[apply(contract)]
async fn and_is_forgotten_with_the_rest(db: TestDb) {
    set_up(&db, CachedFields::of::<first::Entity>()).await;
    let changes = CachedFields::of::<first::Entity>().uninstall(&*db).await.unwrap();
    let changes = format!("{changes:#}");
    assert!(changes.contains("dropped table _measure_cached_versions"), "{changes}");
    let changes = install(&db, CachedFields::of::<second::Entity>()).await;
    assert!(!changes.contains(": flagged "), "{changes}");
}
