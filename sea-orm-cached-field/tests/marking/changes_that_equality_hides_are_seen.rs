use sea_orm_cached_field::{CachedFields, Models};

use crate::{
    harness::TestDb,
    support::{NOTHING, Watch},
};

/// Its columns are made by the tests: of types whose equality calls different values equal, or that have none.
mod note {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "note")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(select_as = "text")]
        pub value: String,
        #[sea_orm(has_many)]
        pub tags: HasMany<super::tag::Entity>,
        #[cached(depends_on(value, tags(value)))]
        pub shown: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_shown(&self, db: &impl ConnectionTrait) -> Result<String, DbErr> {
            let tags = self.find_related(super::tag::Entity).all(db).await?;
            let tags: Vec<String> = tags.into_iter().map(|tag| tag.value).collect();
            Ok(format!("{} {}", self.value, tags.join(",")))
        }
    }
}

mod tag {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tag")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(select_as = "text")]
        pub value: String,
        pub note_id: i32,
        #[sea_orm(belongs_to, from = "note_id", to = "id")]
        pub note: BelongsTo<super::note::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn notes() -> Models {
    CachedFields::of::<note::Entity>()
}

/// `kind`: the type of both tables' value; `before` becomes `after`, which that type calls equal.
async fn seen(db: &TestDb, kind: &str, before: &str, after: &str) {
    db.sql(&format!(
        "CREATE TABLE note (id INTEGER PRIMARY KEY, value {kind} NOT NULL, cached_shown varchar, shown_recalculation_needed boolean NOT NULL DEFAULT true);
         CREATE TABLE tag (id INTEGER PRIMARY KEY, value {kind} NOT NULL, note_id integer NOT NULL)"
    ))
    .await;
    notes().install(&**db).await.expect("installed");
    db.sql(&format!("INSERT INTO note (id, value) VALUES (1, '{before}')")).await;
    db.sql(&format!("INSERT INTO tag (id, value, note_id) VALUES (1, '{before}', 1)")).await;
    let mut watch = Watch::begin(db, notes).await;
    for table in ["note", "tag"] {
        assert_eq!(watch.after(&format!("UPDATE {table} SET value = '{before}'")).await, NOTHING, "{kind}");
        assert_eq!(
            watch.after(&format!("UPDATE {table} SET value = '{after}'")).await,
            ["note.shown 1"],
            "{kind} of {table}"
        );
    }
    assert_eq!(db.scalar::<String>("SELECT cached_shown FROM note").await, format!("{after} {after}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_numeric() {
    seen(&TestDb::postgres().await, "numeric", "1.0", "1.00").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_citext() {
    let db = TestDb::postgres().await;
    db.sql("CREATE SCHEMA elsewhere; CREATE EXTENSION citext SCHEMA elsewhere").await;
    seen(&db, "elsewhere.citext", "Bob", "bob").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_column_with_a_case_insensitive_collation() {
    let db = TestDb::postgres().await;
    db.sql("CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)").await;
    seen(&db, "text COLLATE nocase", "Bob", "bob").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_json_that_has_no_equality() {
    seen(&TestDb::postgres().await, "json", r#"{"a": 1}"#, r#"{"a":  1}"#).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_an_xml_that_has_no_equality() {
    seen(&TestDb::postgres().await, "xml", "<a/>", "<a></a>").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_nocase_column_of_sqlite() {
    seen(&TestDb::sqlite().await, "varchar COLLATE NOCASE", "Bob", "bob").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_an_rtrim_column_of_sqlite() {
    seen(&TestDb::sqlite().await, "varchar COLLATE RTRIM", "Bob", "Bob  ").await;
}

/// A session may have floats shown with few digits, to our triggers too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_float_whose_digits_the_session_does_not_show() {
    let db = TestDb::postgres().await;
    seen(&db, "double precision", "1", "1.5").await;
    let mut watch = Watch::begin(&db, notes).await;
    for table in ["note", "tag"] {
        let change = format!("UPDATE {table} SET value = '1.5000000000000002'");
        let rounded = format!("SET extra_float_digits = -5; {change}; RESET extra_float_digits");
        assert_eq!(watch.after(&rounded).await, ["note.shown 1"], "{table}");
    }
    assert_eq!(db.scalar::<String>("SELECT cached_shown FROM note").await, "1.5000000000000002 1.5000000000000002");
}
