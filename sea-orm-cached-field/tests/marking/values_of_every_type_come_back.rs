use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, Schema, Statement};
use sea_orm_cached_field::CachedFields;

use crate::{harness::TestDb, support::Watch};

mod sample {
    use chrono::{FixedOffset, TimeDelta};
    use sea_orm::{JsonValue, entity::prelude::*};
    use sea_orm_cached_field::cached_fields;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "String(StringLen::None)")]
    pub enum Mood {
        #[sea_orm(string_value = "happy")]
        Happy,
        #[sea_orm(string_value = "sad")]
        Sad,
    }

    /// A type of its own on PostgreSQL.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "wind")]
    pub enum Wind {
        #[sea_orm(string_value = "north")]
        North,
        #[sea_orm(string_value = "it's south")]
        South,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "i32", db_type = "Integer")]
    pub enum Level {
        #[sea_orm(num_value = 0)]
        Low,
        #[sea_orm(num_value = 1)]
        High,
    }

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "sample")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub seed: i32,
        #[cached(depends_on(seed))]
        pub truth: bool,
        #[cached(depends_on(seed))]
        pub small: i16,
        #[cached(depends_on(seed))]
        pub plain: i32,
        #[cached(depends_on(seed))]
        pub large: i64,
        #[cached(depends_on(seed))]
        pub single: f32,
        #[cached(depends_on(seed))]
        pub double: f64,
        #[cached(depends_on(seed))]
        pub money: Decimal,
        #[cached(depends_on(seed))]
        pub word: String,
        #[cached(depends_on(seed))]
        #[sea_orm(column_type = "Text")]
        pub essay: String,
        #[cached(depends_on(seed))]
        pub day: Date,
        #[cached(depends_on(seed))]
        pub moment: DateTime,
        #[cached(depends_on(seed))]
        pub instant: DateTimeUtc,
        #[cached(depends_on(seed))]
        pub local: DateTimeWithTimeZone,
        #[cached(depends_on(seed))]
        pub hour: Time,
        #[cached(depends_on(seed))]
        pub ticket: Uuid,
        #[cached(depends_on(seed))]
        pub document: Json,
        #[cached(depends_on(seed))]
        #[sea_orm(column_type = "JsonBinary")]
        pub binary_document: Json,
        #[cached(depends_on(seed))]
        pub bytes: Vec<u8>,
        #[cached(depends_on(seed))]
        pub feeling: Mood,
        #[cached(depends_on(seed))]
        pub breeze: Wind,
        #[cached(depends_on(seed))]
        pub degree: Level,
        #[cached(depends_on(seed))]
        pub nickname: Option<String>,
        #[cached(depends_on(seed))]
        pub heaviest: Option<i64>,
        #[cached(depends_on(seed))]
        pub gust: Option<Wind>,
        #[cached(depends_on(seed))]
        pub last_seen: Option<DateTimeUtc>,
    }

    impl ActiveModelBehavior for ActiveModel {}

    const MOMENT: i64 = 1_700_000_000_123_456;

    fn instant(seed: i32) -> DateTimeUtc {
        DateTimeUtc::from_timestamp_micros(MOMENT).expect("a moment")
            + TimeDelta::days(i64::from(seed))
    }

    /// For each field its calculation, and what the test expects of it.
    macro_rules! calculations {
        ($($field:ident ($cached:ident, $calculate:ident): $kind:ty = |$seed:ident| $value:expr;)*) => {
            impl Model {
                $(async fn $calculate(&self, _: &impl ConnectionTrait) -> Result<$kind, DbErr> {
                    let $seed = self.seed;
                    Ok($value)
                })*

                pub fn assert_calculated(&self) {
                    $(
                        let $seed = self.seed;
                        let expected: $kind = $value;
                        assert_eq!(Stored::from_column(self.$cached.clone()), Stored(Some(expected)), "{}", stringify!($field));
                    )*
                }

                pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];
            }
        };
    }

    /// A nullable column holds the value of an optional field as it is, that of another one in
    /// `Some`.
    #[derive(Debug, PartialEq)]
    struct Stored<T>(Option<T>);

    trait FromColumn<C> {
        fn from_column(column: C) -> Self;
    }

    impl<T> FromColumn<Option<T>> for Stored<T> {
        fn from_column(column: Option<T>) -> Self {
            Self(column)
        }
    }

    impl<T> FromColumn<Option<T>> for Stored<Option<T>> {
        fn from_column(column: Option<T>) -> Self {
            Self(Some(column))
        }
    }

    calculations! {
        truth (cached_truth, calculate_truth): bool = |seed| seed % 2 == 0;
        small (cached_small, calculate_small): i16 = |seed| i16::MIN + seed as i16;
        plain (cached_plain, calculate_plain): i32 = |seed| i32::MAX - seed;
        large (cached_large, calculate_large): i64 = |seed| i64::MAX - i64::from(seed);
        single (cached_single, calculate_single): f32 = |seed| 0.1 + seed as f32;
        double (cached_double, calculate_double): f64 = |seed| 0.1 + f64::from(seed);
        money (cached_money, calculate_money): Decimal = |seed| Decimal::new(1999 + i64::from(seed), 2);
        word (cached_word, calculate_word): String = |seed| format!("O'Brien \\ \"Zoë\" 🕊 {seed}");
        essay (cached_essay, calculate_essay): String = |seed| format!("{seed}\n").repeat(5000);
        day (cached_day, calculate_day): Date = |seed| instant(seed).date_naive();
        moment (cached_moment, calculate_moment): DateTime = |seed| instant(seed).naive_utc();
        instant (cached_instant, calculate_instant): DateTimeUtc = |seed| instant(seed);
        local (cached_local, calculate_local): DateTimeWithTimeZone = |seed| instant(seed).with_timezone(&FixedOffset::east_opt(7200).expect("an offset"));
        hour (cached_hour, calculate_hour): Time = |seed| (instant(0) + TimeDelta::minutes(i64::from(seed))).time();
        ticket (cached_ticket, calculate_ticket): Uuid = |seed| Uuid::from_u128(seed as u128);
        document (cached_document, calculate_document): Json = |seed| JsonValue::from(vec![seed, 1]);
        binary_document (cached_binary_document, calculate_binary_document): Json = |seed| JsonValue::from(vec![Some(seed), None]);
        bytes (cached_bytes, calculate_bytes): Vec<u8> = |seed| vec![0, 255, b'\'', seed as u8];
        feeling (cached_feeling, calculate_feeling): Mood = |seed| if seed % 2 == 0 { Mood::Happy } else { Mood::Sad };
        breeze (cached_breeze, calculate_breeze): Wind = |seed| if seed % 2 == 0 { Wind::North } else { Wind::South };
        degree (cached_degree, calculate_degree): Level = |seed| if seed % 2 == 0 { Level::Low } else { Level::High };
        nickname (cached_nickname, calculate_nickname): Option<String> = |seed| (seed % 2 == 0).then(|| "Bob".to_owned());
        heaviest (cached_heaviest, calculate_heaviest): Option<i64> = |seed| (seed % 2 == 0).then_some(7);
        gust (cached_gust, calculate_gust): Option<Wind> = |seed| (seed % 2 == 0).then_some(Wind::South);
        last_seen (cached_last_seen, calculate_last_seen): Option<DateTimeUtc> = |seed| (seed % 2 == 0).then(|| instant(seed));
    }
}

fn samples() -> CachedFields {
    CachedFields::of::<sample::Entity>()
}

async fn set_up(db: &TestDb) {
    if db.get_database_backend() == DbBackend::Postgres {
        let wind = Schema::new(DbBackend::Postgres)
            .create_enum_from_active_enum::<sample::Wind>()
            .expect("an enum");
        db.execute(&wind).await.expect("a type");
    }

    if db.is_mysql() {
        // SeaQuery writes the values of an enum type as they are, and types that round to whole
        // numbers and seconds.
        let table = Schema::new(DbBackend::MySql).create_table_from_entity(sample::Entity);
        let mut table = DbBackend::MySql.build(&table).sql.replace("it's", "it''s");
        for (whole, exact) in [
            ("decimal", "decimal(20, 6)"),
            ("datetime", "datetime(6)"),
            ("timestamp", "timestamp(6)"),
            ("time ", "time(6) "),
            ("time,", "time(6),"),
        ] {
            table = table.replace(&format!("` {whole}"), &format!("` {exact}"));
        }
        db.sql(&table).await;
    } else {
        db.create(sample::Entity).await;
    }

    samples().install(&**db).await.expect("installed");
}

async fn assert_calculated(db: &TestDb, id: i32) {
    sample::Entity::find_by_id(id)
        .one(&**db)
        .await
        .expect("loaded")
        .expect("the row")
        .assert_calculated();
}

/// Of rows that are inserted, then changed.
async fn assert_all_come_back(db: &TestDb) {
    db.sql("INSERT INTO sample (id, seed) VALUES (1, 1), (2, 2)").await;
    let mut watch = Watch::begin(db, samples).await;
    assert_calculated(db, 1).await;
    assert_calculated(db, 2).await;
    let recalculated = watch.after("UPDATE sample SET seed = seed + 1").await;
    assert_eq!(recalculated.len(), 2 * sample::Model::FIELDS.len(), "{recalculated:?}");
    assert!(
        recalculated.iter().all(|completed| !completed.contains("unchanged")),
        "{recalculated:?}"
    );
    assert_calculated(db, 1).await;
    assert_calculated(db, 2).await;
    assert_eq!(db.pending("sample").await, 0);
}

#[apply(on_sqlite)]
async fn also_from_strict_tables_of_sqlite(db: TestDb) {
    db.sql("CREATE TABLE sample (id INTEGER PRIMARY KEY, seed INTEGER NOT NULL) STRICT").await;
    samples().install(&*db).await.expect("installed");
    assert_all_come_back(&db).await;
    assert!(samples().doctor(&*db).await.expect("examined").is_healthy());
    assert!(samples().install(&*db).await.expect("installed").is_empty());
}

/// Of these no type is known that keeps them in a list.
const STORED_ROW_BY_ROW: [&str; 7] =
    ["instant", "local", "ticket", "document", "binary_document", "bytes", "last_seen"];

/// How many statements have updated one table, of this session.
async fn updates(db: &TestDb) -> String {
    let status = Statement::from_string(DbBackend::MySql, "SHOW SESSION STATUS LIKE 'Com_update'");
    let status = db.query_one_raw(status).await.expect("asked").expect("a status");
    status.try_get("", "Value").expect("a count")
}

/// In a list, whose statement is prepared once for shorter and longer values.
#[apply(on_mariadb_and_mysql)]
async fn also_where_one_statement_stores_many_rows(db: TestDb) {
    set_up(&db).await;
    let db = db.with_one_connection().await;
    for seeds in ["(1, 1), (2, 2)", "(1001, 1001), (1002, 1002)"] {
        db.sql("DELETE FROM sample").await;
        db.sql(&format!("INSERT INTO sample (id, seed) VALUES {seeds}")).await;
        db.drain(samples()).await;
        for field in sample::Model::FIELDS {
            db.sql(&format!(
                "UPDATE sample SET cached_{field} = NULL, {field}_recalculation_needed = true"
            ))
            .await;

            let before = updates(&db).await;
            db.drain(samples()).await;
            let is_one_statement = updates(&db).await == before;
            assert_eq!(is_one_statement, !STORED_ROW_BY_ROW.contains(field), "{field}");
        }

        for sample in sample::Entity::find().all(&*db).await.expect("loaded") {
            sample.assert_calculated();
        }
    }
}

#[apply(contract)]
async fn equal_to_what_was_calculated(db: TestDb) {
    set_up(&db).await;
    assert_all_come_back(&db).await;
}

#[apply(contract)]
async fn so_that_the_same_value_is_known_again(db: TestDb) {
    set_up(&db).await;
    db.sql("INSERT INTO sample (id, seed) VALUES (1, 1), (2, 2)").await;
    let mut watch = Watch::begin(&db, samples).await;
    for field in sample::Model::FIELDS {
        let recalculated =
            watch.after(&format!("UPDATE sample SET {field}_recalculation_needed = true")).await;
        assert_eq!(recalculated, [1, 2].map(|id| format!("sample.{field} {id}, unchanged")));
    }
}
