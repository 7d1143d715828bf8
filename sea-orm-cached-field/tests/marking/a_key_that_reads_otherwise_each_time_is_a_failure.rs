//! A claim whose row the database finds, but the program does not. It ends as a failure that the
//! doctor names. It is not handed back again and again.

use sea_orm::DbBackend;
use sea_orm_cached_field::CachedFields;

/// A key in which each reading puts other letters into capitals.
mod moody {
    use std::sync::atomic::{AtomicU32, Ordering};

    use sea_orm::{
        ColIdx, ColumnType, DbErr, QueryResult, TryFromU64, TryGetError, TryGetable, Value,
        sea_query::{ArrayType, Nullable, ValueType, ValueTypeErr},
    };

    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Name(pub String);

    impl TryGetable for Name {
        fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
            static READINGS: AtomicU32 = AtomicU32::new(0);
            let reading = READINGS.fetch_add(1, Ordering::Relaxed);
            let letters = String::try_get_by(row, index)?.to_lowercase();
            let spelled = letters.char_indices().map(|(at, letter)| {
                if reading >> at & 1 == 1 { letter.to_ascii_uppercase() } else { letter }
            });
            Ok(Self(spelled.collect()))
        }
    }

    impl From<Name> for Value {
        fn from(name: Name) -> Self {
            name.0.into()
        }
    }

    impl ValueType for Name {
        fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
            <String as ValueType>::try_from(value).map(Self)
        }

        fn type_name() -> String {
            "Name".to_owned()
        }

        fn array_type() -> ArrayType {
            ArrayType::String
        }

        fn column_type() -> ColumnType {
            ColumnType::Text
        }
    }

    impl Nullable for Name {
        fn null() -> Value {
            String::null()
        }
    }

    impl TryFromU64 for Name {
        fn try_from_u64(_: u64) -> Result<Self, DbErr> {
            Err(DbErr::ConvertFromU64("Name"))
        }
    }
}

mod actor {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "actor")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: super::moody::Name,
        pub age: i32,
        #[cached(depends_on(age))]
        pub next_age: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_next_age(&self, _: &impl ConnectionTrait) -> Result<i32, DbErr> {
            Ok(self.age + 1)
        }
    }
}

fn actors() -> CachedFields {
    CachedFields::of::<actor::Entity>()
}

#[apply(contract)]
async fn that_the_doctor_names(db: TestDb) {
    let kind = match db.get_database_backend() {
        DbBackend::Sqlite => "varchar(30) COLLATE NOCASE",
        DbBackend::MySql => "varchar(30)",
        _ => {
            db.sql(
                "CREATE COLLATION nocase
                   (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            )
            .await;
            "varchar(30) COLLATE nocase"
        }
    };

    db.sql(&format!("CREATE TABLE actor (name {kind} NOT NULL PRIMARY KEY, age integer NOT NULL)"))
        .await;
    actors().install(&*db).await.expect("installed");
    db.sql("INSERT INTO actor (name, age) VALUES ('abcdefghijklmnopqrstuvwxyz', 30)").await;

    for _ in 0..20 {
        assert_eq!(db.drain(actors()).await, 1);
        db.let_time_pass("actor").await;
    }
    assert_eq!(db.drain(actors()).await, 0, "it was given up");

    let diagnosis = actors().doctor(&*db).await.expect("examined").to_string();
    let expected = "actor: next_age of 1 row has failed for good (";
    assert!(diagnosis.starts_with(expected), "{diagnosis}");
    let expected = "the database finds a row by this key, whose key is then read as ";
    assert!(diagnosis.contains(expected), "{diagnosis}");
    assert!(
        diagnosis.contains("give the entity's key a type that reads what it writes"),
        "{diagnosis}"
    );
}
