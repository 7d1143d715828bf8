//! Each field class of the original, on tables as Django makes them for it, and the types that it
//! does not have.

use sea_orm::{DbBackend, EntityTrait};
use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

/// For each field class a cached field: its type, its value, and the type that Django gives its
/// column on PostgreSQL, MySQL and SQLite.
macro_rules! field_classes {
    ($module:ident, $positive:ty, $positive_small:ty) => {
        field_classes!($module {
            big_integer_field calculate_big_integer_field: i64 = 1 << 40, ["bigint", "bigint", "bigint"];
            boolean_field calculate_boolean_field: bool = true, ["boolean", "bool", "bool"];
            char_field calculate_char_field: String = "char".to_owned(), ["varchar(20)", "varchar(20)", "varchar(20)"];
            date_field calculate_date_field: Date = "2026-01-31".parse().unwrap(), ["date", "date", "date"];
            date_time_field calculate_date_time_field: DateTimeUtc = "2026-01-31T10:20:30.5Z".parse().unwrap(), ["timestamp with time zone", "datetime(6)", "datetime"];
            decimal_field calculate_decimal_field: Decimal = Decimal::new(12345, 2), ["numeric(8, 2)", "numeric(8, 2)", "decimal"];
            email_field calculate_email_field: String = "ada@example.org".to_owned(), ["varchar(254)", "varchar(254)", "varchar(254)"];
            float_field calculate_float_field: f64 = 1.5, ["double precision", "double precision", "real"];
            integer_field calculate_integer_field: i32 = -7, ["integer", "integer", "integer"];
            ip_address_field calculate_ip_address_field: String = "127.0.0.1".to_owned(), ["varchar(15)", "char(15)", "char(15)"];
            null_boolean_field calculate_null_boolean_field: Option<bool> = Some(false), ["boolean", "bool", "bool"];
            positive_integer_field calculate_positive_integer_field: $positive = 7, [
                "integer CHECK (cached_positive_integer_field >= 0)",
                "integer UNSIGNED",
                "integer unsigned CHECK (cached_positive_integer_field >= 0)"
            ];
            positive_small_integer_field calculate_positive_small_integer_field: $positive_small = 8, [
                "smallint CHECK (cached_positive_small_integer_field >= 0)",
                "smallint UNSIGNED",
                "smallint unsigned CHECK (cached_positive_small_integer_field >= 0)"
            ];
            slug_field calculate_slug_field: String = "a-slug".to_owned(), ["varchar(50)", "varchar(50)", "varchar(50)"];
            small_integer_field calculate_small_integer_field: i16 = -8, ["smallint", "smallint", "smallint"];
            text_field calculate_text_field: String = "text".repeat(1000), ["text", "longtext", "text"];
            time_field calculate_time_field: Time = "10:20:30".parse().unwrap(), ["time", "time(6)", "time"];
        });
    };
    ($module:ident { $($field:ident $calculate:ident: $kind:ty = $value:expr, $columns:expr;)* }) => {
        mod $module {
            use sea_orm::entity::prelude::*;

            #[sea_orm_cached_field::cached_fields]
            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
            #[sea_orm(table_name = "street_everything")]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i64,
                pub seed: i32,
                $(#[cached(depends_on(seed))] pub $field: $kind,)*
            }

            impl ActiveModelBehavior for ActiveModel {}

            impl Model {
                $(async fn $calculate(&self, _: &impl ConnectionTrait) -> Result<$kind, DbErr> {
                    Ok($value)
                })*

                /// Each value as it is loaded, or as it is calculated now.
                async fn assert_values(&self, db: &DatabaseConnection) {
                    $(let expected: $kind = $value;
                    assert_eq!(self.$field(db).await.unwrap(), expected, "{}", stringify!($field));)*
                }
            }

            pub async fn serve(db: &crate::harness::TestDb) {
                let columns: &[(&str, [&str; 3])] = &[$((stringify!($field), $columns)),*];
                super::create(db, columns).await;
                let models = || sea_orm_cached_field::CachedFields::of::<Entity>();
                let changes = format!("{:#}", models().install(&**db).await.unwrap());
                assert!(!changes.contains("column"), "{changes}");

                let row = Entity::find().one(&**db).await.unwrap().unwrap();
                row.assert_values(db).await;
                // A worker may queue what an installation has flagged beside its own claims.
                assert_eq!(db.drain(models()).await, 0);
                // What was stored is loaded: nothing is calculated any more.
                db.sql("UPDATE street_everything SET seed = 2").await;
                assert_eq!(db.drain(models()).await, columns.len());

                let mut narration = db.narration();
                Entity::find().one(&**db).await.unwrap().unwrap().assert_values(db).await;
                assert_eq!(narration.said(), [""; 0]);
            }
        }
    };
}

// The positive ones are unsigned on MySQL alone.
field_classes!(signed, i32, i16);
field_classes!(unsigned, u32, u16);

/// The table that Django makes, with one row that it has not calculated.
async fn create(db: &TestDb, columns: &[(&str, [&str; 3])]) {
    let (database, boolean) = match db.get_database_backend() {
        DbBackend::Postgres => (0, "boolean"),
        DbBackend::MySql => (1, "bool"),
        _ => (2, "bool"),
    };
    let id = [
        "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        "bigint AUTO_INCREMENT PRIMARY KEY",
        "integer NOT NULL PRIMARY KEY AUTOINCREMENT",
    ][database];

    let columns: Vec<String> = columns
        .iter()
        .map(|(field, kinds)| {
            let (kind, check) =
                kinds[database].split_once(" CHECK").unwrap_or((kinds[database], ""));
            let check = if check.is_empty() { String::new() } else { format!(" CHECK{check}") };
            format!(
                "cached_{field} {kind} NULL{check}, {field}_recalculation_needed {boolean} NOT NULL"
            )
        })
        .collect();

    let table = format!(
        "CREATE TABLE street_everything (id {id}, seed integer NOT NULL, {})",
        columns.join(", ")
    );
    db.sql(&table).await;

    let flags: Vec<String> = columns.iter().map(|_| "TRUE".to_owned()).collect();
    let names: Vec<&str> = columns
        .iter()
        .map(|column| column.rsplit(", ").next().unwrap().split(' ').next().unwrap())
        .collect();
    db.sql(&format!(
        "INSERT INTO street_everything (seed, {}) VALUES (1, {})",
        names.join(", "),
        flags.join(", ")
    ))
    .await;
}

#[apply(contract)]
async fn all_of_them(db: TestDb) {
    if db.is_mysql() { unsigned::serve(&db).await } else { signed::serve(&db).await }
}

#[apply(contract)]
async fn uuid_json_enum_and_newtype(db: TestDb) {
    use beyond::{Entity, Mood, Tons};

    db.create(Entity).await;
    CachedFields::of::<Entity>().install(&*db).await.unwrap();
    db.sql(if db.is_mysql() {
        "INSERT INTO beyond () VALUES ()"
    } else {
        "INSERT INTO beyond DEFAULT VALUES"
    })
    .await;
    db.drain(CachedFields::of::<Entity>()).await;
    let row = Entity::find().one(&*db).await.unwrap().unwrap();
    let stored = (row.cached_ticket, row.cached_document, row.cached_feeling, row.cached_weight);
    assert_eq!(
        stored,
        (Some(uuid::Uuid::from_u128(7)), Some(beyond::json()), Some(Mood::Merry), Some(Tons(7)))
    );
}

/// What Django has no cached field for.
mod beyond {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "String(StringLen::N(10))")]
    pub enum Mood {
        #[sea_orm(string_value = "merry")]
        Merry,
    }

    #[derive(Clone, Debug, PartialEq, Eq, DeriveValueType)]
    pub struct Tons(pub i32);

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "beyond")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[cached(depends_on())]
        pub ticket: Uuid,
        #[cached(depends_on())]
        pub document: Json,
        #[cached(depends_on())]
        pub feeling: Mood,
        #[cached(depends_on())]
        pub weight: Tons,
    }

    impl ActiveModelBehavior for ActiveModel {}

    pub fn json() -> Json {
        serde_json::json!({ "pigeons": [1, 2] })
    }

    impl Model {
        async fn calculate_ticket(&self, _: &impl ConnectionTrait) -> Result<Uuid, DbErr> {
            Ok(Uuid::from_u128(7))
        }

        async fn calculate_document(&self, _: &impl ConnectionTrait) -> Result<Json, DbErr> {
            Ok(json())
        }

        async fn calculate_feeling(&self, _: &impl ConnectionTrait) -> Result<Mood, DbErr> {
            Ok(Mood::Merry)
        }

        async fn calculate_weight(&self, _: &impl ConnectionTrait) -> Result<Tons, DbErr> {
            Ok(Tons(7))
        }
    }
}

/// Only PostgreSQL has such columns.
mod on_postgres {
    use sea_orm::entity::prelude::*;

    #[sea_orm_cached_field::cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "on_postgres")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[cached(depends_on())]
        pub numbers: Vec<i32>,
        /// As Django has it for `GenericIPAddressField`, read as text.
        #[cached(depends_on())]
        #[sea_orm(column_type = "Inet", select_as = "text", save_as = "inet")]
        pub address: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        async fn calculate_numbers(&self, _: &impl ConnectionTrait) -> Result<Vec<i32>, DbErr> {
            Ok(vec![3, 1, 2])
        }

        async fn calculate_address(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok("10.0.0.1/32".to_owned())
        }
    }
}

#[apply(on_postgres)]
async fn array_and_ip_address_on_postgres(db: TestDb) {
    use on_postgres::Entity;

    db.create(Entity).await;
    CachedFields::of::<Entity>().install(&*db).await.unwrap();
    db.sql("INSERT INTO on_postgres DEFAULT VALUES").await;
    db.drain(CachedFields::of::<Entity>()).await;
    let row = Entity::find().one(&*db).await.unwrap().unwrap();
    assert_eq!(
        (row.cached_numbers, row.cached_address.as_deref()),
        (Some(vec![3, 1, 2]), Some("10.0.0.1/32"))
    );
    let kind: String = db.scalar("SELECT pg_typeof(cached_address)::text FROM on_postgres").await;
    assert_eq!(kind, "inet");
}
