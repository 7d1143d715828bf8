use sea_orm_cached_field::CachedFields;

use crate::{catalog::refused, harness::TestDb};

mod lamp {
    use sea_orm::entity::prelude::*;

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lamp")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[cached(temporal_triggers)]
        pub watts: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_watts(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(60)
        }
    }
}

/// What is said of a table with these columns for the value, the flag and the expiry; each database
/// has its own types.
async fn said(db: &TestDb, value: [&str; 3], flag: [&str; 3], expiry: [&str; 3]) -> String {
    let database = if db.is_sqlite() { 2 } else { usize::from(db.is_mysql()) };
    let [value, flag, expiry] = [value, flag, expiry].map(|kinds| kinds[database]);
    db.sql(&format!(
        "CREATE TABLE lamp (id integer PRIMARY KEY,
                            cached_watts {value},
                            watts_recalculation_needed {flag},
                            watts_expires_after {expiry})"
    ))
    .await;
    refused(db, CachedFields::of::<lamp::Entity>).await
}

const INTEGER: [&str; 3] = ["integer"; 3];
const FLAG: [&str; 3] = ["boolean NOT NULL", "bool NOT NULL", "bool NOT NULL"];
const MOMENT: [&str; 3] = ["timestamptz", "datetime(6)", "datetime"];

macro_rules! is_one_of {
    ($said:expr, $db:ident, [$postgres:literal, $mysql:literal, $sqlite:literal]) => {
        let expected = if $db.is_sqlite() {
            $sqlite
        } else if $db.is_mysql() {
            $mysql
        } else {
            $postgres
        };
        assert_eq!($said, expected);
    };
}

#[apply(contract)]
async fn of_the_value(db: TestDb) {
    let said = said(&db, ["text", "longtext CHARACTER SET ascii", "text"], FLAG, MOMENT).await;
    is_one_of!(
        said,
        db,
        [
            "the column `cached_watts` of `lamp` is `text`, but the cached field `watts` needs `integer`: change its type, or that of the field",
            "the column `cached_watts` of `lamp` is `longtext CHARACTER SET ascii COLLATE ascii_general_ci`, but the cached field `watts` needs `int`: change its type, or that of the field",
            "the column `cached_watts` of `lamp` is `TEXT`, but the cached field `watts` needs `integer`: change its type, or that of the field"
        ]
    );
}

#[apply(contract)]
async fn of_the_flag(db: TestDb) {
    let said = said(&db, INTEGER, ["text NOT NULL", "int NOT NULL", "text NOT NULL"], MOMENT).await;
    let said = said.replace("(11)", ""); // a width, which only MariaDB shows
    is_one_of!(
        said,
        db,
        [
            "the column `watts_recalculation_needed` of `lamp` is `text`, but the cached field `watts` needs `bool NOT NULL DEFAULT TRUE`: change its type",
            "the column `watts_recalculation_needed` of `lamp` is `int`, but the cached field `watts` needs `bool NOT NULL DEFAULT TRUE`: change its type",
            "the column `watts_recalculation_needed` of `lamp` is `TEXT`, but the cached field `watts` needs `boolean NOT NULL DEFAULT TRUE`: change its type"
        ]
    );
}

#[apply(contract)]
async fn of_a_flag_that_may_be_null(db: TestDb) {
    let said = said(&db, INTEGER, ["boolean", "bool", "bool"], MOMENT).await;
    is_one_of!(
        said,
        db,
        [
            "the column `watts_recalculation_needed` of `lamp` is `boolean NULL`, but the cached field `watts` needs `bool NOT NULL DEFAULT TRUE`: set what is NULL there to true, then make the column NOT NULL",
            "the column `watts_recalculation_needed` of `lamp` is `tinyint(1) NULL`, but the cached field `watts` needs `bool NOT NULL DEFAULT TRUE`: set what is NULL there to true, then make the column NOT NULL",
            "the column `watts_recalculation_needed` of `lamp` is `bool NULL`, but the cached field `watts` needs `boolean NOT NULL DEFAULT TRUE`: set what is NULL there to true, then make the column NOT NULL"
        ]
    );
}

#[apply(contract)]
async fn of_the_expiry(db: TestDb) {
    let said = said(&db, INTEGER, FLAG, ["timestamp", "date", "integer"]).await;
    is_one_of!(
        said,
        db,
        [
            "the column `watts_expires_after` of `lamp` is `timestamp without time zone`, but the cached field `watts` needs `timestamp with time zone`: change its type; or, if it has no time zone, name the one that it is written in with `expiration_time_zone = \"..\"`",
            "the column `watts_expires_after` of `lamp` is `date`, but the cached field `watts` needs `datetime(6)`: change its type; or, if it has no time zone, name the one that it is written in with `expiration_time_zone = \"..\"`",
            "the column `watts_expires_after` of `lamp` is `INTEGER`, but the cached field `watts` needs `timestamp_with_timezone_text`: change its type; or, if it has no time zone, name the one that it is written in with `expiration_time_zone = \"..\"`"
        ]
    );
}
