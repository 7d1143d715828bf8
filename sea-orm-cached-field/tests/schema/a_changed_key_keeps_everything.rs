//! The tables that the library keeps beside an owner have its key: they are made anew, and all rows
//! are flagged.

use sea_orm::DbBackend;
use sea_orm_cached_field::CachedFields;

use crate::{catalog::installed, harness::TestDb};

macro_rules! parcels {
    ($module:ident, $key:ty) => {
        pub mod $module {
            use sea_orm::entity::prelude::*;
            use sea_orm_cached_field::{CachedFields, cached_fields};

            #[cached_fields]
            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = "parcel")]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub id: $key,
                pub name: String,
                #[cached(depends_on(name))]
                pub label: String,
            }

            impl ActiveModelBehavior for ActiveModel {}

            impl Model {
                pub async fn calculate_label(
                    &self,
                    _: &impl ConnectionTrait,
                ) -> Result<String, DbErr> {
                    Ok(format!("{} {}", self.name, self.id))
                }
            }

            pub fn models() -> CachedFields {
                CachedFields::of::<Entity>()
            }
        }
    };
}

parcels!(narrow, i32);
parcels!(wide, i64);

const LABEL: &str = "parcel.label";

async fn widen(db: &TestDb) {
    match db.get_database_backend() {
        DbBackend::Sqlite => {
            let made: String =
                db.scalar("SELECT sql FROM sqlite_master WHERE name = 'parcel'").await;
            let made = made.replacen("\"parcel\"", "\"wide\"", 1).replacen("integer", "bigint", 1);
            db.sql(&format!("{made}; INSERT INTO wide SELECT * FROM parcel; DROP TABLE parcel"))
                .await;
            db.sql("ALTER TABLE wide RENAME TO parcel").await;
        }
        DbBackend::MySql => {
            db.sql("ALTER TABLE parcel MODIFY id bigint NOT NULL").await;
        }
        _ => {
            db.sql("ALTER TABLE parcel ALTER id TYPE bigint").await;
        }
    }
}

#[apply(contract)]
async fn by_install_alone(db: TestDb) {
    db.create(narrow::Entity).await;
    installed(&db, narrow::models()).await;
    db.sql("INSERT INTO parcel (id, name) VALUES (1, 'Ada'), (2, 'Bob')").await;
    db.drain(narrow::models()).await;

    db.sql("UPDATE parcel SET name = 'Bea' WHERE id = 1").await;
    narrow::models().pause(LABEL, "ann", "the new key", &db).await.expect("paused");
    CachedFields::suspend("parcel", &*db).await.expect("suspended");
    widen(&db).await;
    // PostgreSQL lets no session go on with statements whose result has another type by now.
    let db = db.reopened().await;
    db.sql("UPDATE parcel SET name = 'Ben' WHERE id = 2").await;
    db.sql("INSERT INTO parcel (id, name) VALUES (3000000000, 'Cid')").await;

    let differs = wide::models().doctor(&*db).await.expect("examined").to_string();
    assert!(
        differs.contains("parcel: table _parcel_cached_marks is of another version"),
        "{differs}"
    );

    let report = installed(&db, wide::models()).await;
    assert!(report.contains("parcel: dropped table _parcel_cached_marks\n"), "{report}");
    assert!(report.ends_with("parcel: flagged 3 rows for label\n"), "{report}");
    assert_eq!(installed(&db, wide::models()).await, "nothing to do\n");
    assert_eq!(db.drain(wide::models()).await, 0, "it is still paused");
    assert!(wide::models().resume(LABEL, &db).await.expect("resumed"));

    db.drain(wide::models()).await;
    let labels = db
        .rows(
            "SELECT cached_label AS label
               FROM parcel
              WHERE NOT label_recalculation_needed
              ORDER BY id",
        )
        .await;
    let labels: Vec<&str> = labels.iter().filter_map(|row| row["label"].as_str()).collect();
    assert_eq!(labels, ["Bea 1", "Ben 2", "Cid 3000000000"]);
    assert_eq!(db.pending("parcel").await, 0);

    db.sql("UPDATE parcel SET name = 'Cyd' WHERE id = 3000000000").await;
    assert_eq!(db.drain(wide::models()).await, 1);
}
