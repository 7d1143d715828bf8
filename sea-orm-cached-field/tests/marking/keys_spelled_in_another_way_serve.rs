//! PostgreSQL only. Types that call two spellings equal, as the key of an owner and as what links
//! two tables.

use sea_orm_cached_field::CachedFields;

use crate::{
    harness::TestDb,
    support::{NOTHING, Watch},
};

mod flock {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "flock")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        pub region_code: Option<String>,
        #[sea_orm(belongs_to, from = "region_code", to = "code", skip_fk)]
        pub region: BelongsTo<Option<super::region::Entity>>,
        #[sea_orm(has_many)]
        pub birds: HasMany<super::bird::Entity>,
        #[cached(depends_on(birds(weight), region(name)))]
        pub weight: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_weight(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            let statement = sea_orm::Statement::from_string(
                sea_orm::DbBackend::Postgres,
                format!(
                    "SELECT coalesce(sum(b.weight), 0)::bigint
                            + coalesce((SELECT length(r.name)
                                          FROM region r
                                          JOIN flock f ON f.region_code = r.code
                                         WHERE f.code = '{0}'), 0)
                       FROM bird b
                      WHERE b.flock_code = '{0}'",
                    self.code
                ),
            );
            db.query_one_raw(statement).await?.expect("a row").try_get_by_index(0)
        }
    }
}

mod bird {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "bird")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub weight: i32,
        pub flock_code: Option<String>,
        #[sea_orm(belongs_to, from = "flock_code", to = "code", skip_fk)]
        pub flock: BelongsTo<Option<super::flock::Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod region {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "region")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        pub name: String,
        #[sea_orm(has_many)]
        pub flocks: HasMany<super::flock::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn flocks() -> CachedFields {
    CachedFields::of::<flock::Entity>()
}

/// Keys and links are of this type; two flocks, the first with a bird, and a region.
async fn set_up<'d>(db: &'d TestDb, kind: &str) -> Watch<'d> {
    db.sql(&format!(
        "CREATE TABLE region (code {kind} PRIMARY KEY, name text NOT NULL);
         CREATE TABLE flock (
           code {kind} PRIMARY KEY, region_code {kind}, cached_weight bigint,
           weight_recalculation_needed boolean NOT NULL DEFAULT true);
         CREATE TABLE bird (id integer PRIMARY KEY, weight integer NOT NULL, flock_code {kind})"
    ))
    .await;
    flocks().install(&**db).await.expect("installed");
    Watch::begin(db, flocks).await
}

async fn weight_of(db: &TestDb, code: &str) -> i64 {
    db.scalar(&format!("SELECT cached_weight FROM flock WHERE code = '{code}'")).await
}

#[apply(on_postgres)]
async fn with_citext(db: TestDb) {
    db.sql("CREATE SCHEMA elsewhere; CREATE EXTENSION citext SCHEMA elsewhere").await;
    let db = db.with_setting("search_path = public, elsewhere").await;
    let mut watch = set_up(&db, "citext").await;

    db.sql(
        "INSERT INTO region
         VALUES ('North', 'abc');
         INSERT INTO flock (code, region_code)
         VALUES ('Ada', 'NORTH'), ('Bob', NULL)",
    )
    .await;
    assert_eq!(watch.recalculated().await, ["flock.weight 'Ada'", "flock.weight 'Bob'"]);
    assert_eq!(
        watch.after("INSERT INTO bird VALUES (1, 5, 'ADA'), (2, 6, 'ada')").await,
        ["flock.weight 'Ada'"]
    );
    assert_eq!(weight_of(&db, "Ada").await, 14);
    assert_eq!(
        watch.after("UPDATE region SET name = 'abcd' WHERE code = 'north'").await,
        ["flock.weight 'Ada'"]
    );
    assert_eq!(weight_of(&db, "Ada").await, 15);
    assert_eq!(
        watch.after("UPDATE bird SET flock_code = 'bOB' WHERE id = 1").await,
        ["flock.weight 'Ada'", "flock.weight 'Bob'"]
    );
    assert_eq!(
        watch.after("UPDATE flock SET code = 'ada' WHERE code = 'ADA'").await,
        ["flock.weight 'ada', unchanged"]
    );
    assert_eq!(
        watch.after("UPDATE bird SET weight = 100 WHERE id = 2").await,
        ["flock.weight 'ada'"]
    );
    assert_eq!(weight_of(&db, "ada").await, 104);
    assert_eq!(db.pending("flock").await, 0);
}

#[apply(on_postgres)]
async fn with_char_and_its_blanks(db: TestDb) {
    let mut watch = set_up(&db, "character(4)").await;
    db.sql(
        "INSERT INTO region
         VALUES ('N', 'abc');
         INSERT INTO flock (code, region_code)
         VALUES ('adas', 'N')",
    )
    .await;
    assert_eq!(watch.recalculated().await, ["flock.weight 'adas'"]);

    assert_eq!(
        watch.after("INSERT INTO bird VALUES (1, 5, 'adas')").await,
        ["flock.weight 'adas'"]
    );
    assert_eq!(watch.after("UPDATE region SET name = 'abcd'").await, ["flock.weight 'adas'"]);
    assert_eq!(weight_of(&db, "adas").await, 9);
    assert_eq!(
        watch
            .after(
                "UPDATE bird
                    SET flock_code = 'adas '::character(4);
                 UPDATE flock
                    SET region_code = 'N  '"
            )
            .await,
        NOTHING
    );
    assert_eq!(db.pending("flock").await, 0);
}
