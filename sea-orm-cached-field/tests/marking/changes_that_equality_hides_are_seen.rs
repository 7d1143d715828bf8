use sea_orm_cached_field::CachedFields;

use crate::{
    harness::{TestDb, not_there},
    support::{NOTHING, Watch},
};

/// Its columns are made by the tests: of types whose equality calls different values equal, or that
/// have none.
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

fn notes() -> CachedFields {
    CachedFields::of::<note::Entity>()
}

/// `kind`: the type of both tables' value; `before` becomes `after`, which that type calls equal.
async fn seen(db: &TestDb, kind: &str, before: &str, after: &str) {
    db.sql(&format!(
        "CREATE TABLE note (
           id INTEGER PRIMARY KEY, value {kind} NOT NULL, cached_shown varchar,
           shown_recalculation_needed boolean NOT NULL DEFAULT true);
         CREATE TABLE tag (id INTEGER PRIMARY KEY, value {kind} NOT NULL, note_id integer NOT NULL)"
    ))
    .await;
    notes().install(&**db).await.expect("installed");
    db.sql(&format!("INSERT INTO note (id, value) VALUES (1, '{before}')")).await;
    db.sql(&format!("INSERT INTO tag (id, value, note_id) VALUES (1, '{before}', 1)")).await;

    let mut watch = Watch::begin(db, notes).await;
    for table in ["note", "tag"] {
        assert_eq!(
            watch.after(&format!("UPDATE {table} SET value = '{before}'")).await,
            NOTHING,
            "{kind}"
        );
        let recalculated = watch.after(&format!("UPDATE {table} SET value = '{after}'")).await;
        assert_eq!(recalculated.len(), 1, "{kind} of {table}: {recalculated:?}");
    }
}

#[apply(on_postgres)]
async fn in_a_numeric(db: TestDb) {
    seen(&db, "numeric", "1.0", "1.00").await;
}

#[apply(on_postgres)]
async fn in_a_citext(db: TestDb) {
    db.sql("CREATE SCHEMA elsewhere; CREATE EXTENSION citext SCHEMA elsewhere").await;
    seen(&db, "elsewhere.citext", "Bob", "bob").await;
}

#[apply(on_postgres)]
async fn in_a_column_with_a_case_insensitive_collation(db: TestDb) {
    db.sql(
        "CREATE COLLATION nocase
           (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
    )
    .await;
    seen(&db, "text COLLATE nocase", "Bob", "bob").await;
}

#[apply(on_postgres)]
async fn in_a_json_that_has_no_equality(db: TestDb) {
    seen(&db, "json", r#"{"a": 1}"#, r#"{"a":  1}"#).await;
}

#[apply(on_postgres)]
async fn in_an_xml_that_has_no_equality(db: TestDb) {
    seen(&db, "xml", "<a/>", "<a></a>").await;
}

/// Each type in turn: `type`, `before`, `after`.
async fn each_seen(db: &TestDb, types: &[(&str, &str, &str)]) {
    db.sql(
        "CREATE EXTENSION citext;
         CREATE TYPE mood AS ENUM ('sad', 'glad');
         CREATE TYPE pair AS (a numeric, b bpchar);
         CREATE DOMAIN padded AS bpchar;
         CREATE DOMAIN email AS citext;
         CREATE SCHEMA timestamps;
         CREATE TYPE timestamps.pair AS (a numeric, b text);
         CREATE COLLATION nocase
           (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
    )
    .await;

    for (kind, before, after) in types {
        seen(db, kind, before, after).await;
        notes().uninstall(&**db).await.expect("uninstalled");
        db.sql("DROP TABLE note, tag").await;
    }
}

#[apply(on_postgres)]
async fn in_numbers(db: TestDb) {
    each_seen(
        &db,
        &[
            ("numeric[]", "{1.0,NULL}", "{1.00,NULL}"),
            ("numrange", "[1.0,2]", "[1.00,2]"),
            ("double precision", "0", "-0"),
            ("double precision", "NaN", "0"),
            ("real", "0.1", "0.10000001"),
            ("double precision[]", "{0,NaN}", "{-0,NaN}"),
            ("money", "1", "2"),
            ("bit varying", "10", "100"),
        ],
    )
    .await;
}

#[apply(on_postgres)]
async fn in_texts(db: TestDb) {
    each_seen(
        &db,
        &[
            ("bpchar", "a", "a "),
            ("padded", "a", "a "),
            ("character(3)", "a", "b"),
            ("bpchar[]", "{a}", "{\"a \"}"),
            ("email", "Bob", "bob"),
            ("text[] COLLATE nocase", "{Bob}", "{bob}"),
            ("text[]", "{a,NULL}", "{a,\"NULL\"}"),
            ("name", "a", "b"),
            ("tsvector", "a:1", "a:2"),
            ("bytea", "\\x00", "\\x0000"),
        ],
    )
    .await;
}

#[apply(on_postgres)]
async fn in_what_is_put_together(db: TestDb) {
    each_seen(
        &db,
        &[
            ("jsonb", r#"{"a": 1.0}"#, r#"{"a": 1.00}"#),
            ("pair", "(1.0,a)", "(1.00,a)"),
            ("pair", "(1.0,a)", "(1.0,\"a \")"),
            ("timestamps.pair", "(1.0,a)", "(1.00,a)"),
            ("json[]", r#"{"{\"a\": 1}"}"#, r#"{"{\"a\":  1}"}"#),
            ("mood", "sad", "glad"),
        ],
    )
    .await;
}

#[apply(on_postgres)]
async fn in_moments_and_places(db: TestDb) {
    each_seen(
        &db,
        &[
            ("interval", "1 day", "24:00:00"),
            ("time with time zone", "12:00:00+00", "13:00:00+01"),
            ("timestamp with time zone", "2024-10-27 00:30:00+00", "2024-10-27 01:30:00+00"),
            ("date", "2024-01-01", "2024-01-02"),
            ("inet", "10.0.0.1", "10.0.0.1/24"),
            (
                "uuid",
                "00000000-0000-0000-0000-000000000001",
                "00000000-0000-0000-0000-000000000002",
            ),
            ("point", "(0,0)", "(0,1e-9)"),
        ],
    )
    .await;
}

#[apply(on_sqlite)]
async fn in_a_nocase_column_of_sqlite(db: TestDb) {
    seen(&db, "varchar COLLATE NOCASE", "Bob", "bob").await;
}

#[apply(on_sqlite)]
async fn in_an_rtrim_column_of_sqlite(db: TestDb) {
    seen(&db, "varchar COLLATE RTRIM", "Bob", "Bob  ").await;
}

/// Where a column leaves values as they are, an integer equals the real number, though both are
/// shown otherwise.
#[apply(on_sqlite)]
async fn in_a_column_of_sqlite_that_takes_any_value(db: TestDb) {
    for kind in ["", "blob"] {
        let db = db.another_database().await;
        seen(&db, kind, "1", "01").await;
        let mut watch = Watch::begin(&db, notes).await;
        for table in ["note", "tag"] {
            for value in ["1", "1.0", "'1'", "x'31'", "1"] {
                let set = format!("UPDATE {table} SET value = {value}");
                assert_eq!(watch.after(&set).await.len(), 1, "{table}: {value}");
                assert_eq!(watch.after(&set).await, NOTHING, "{table}: {value}");
            }
        }
    }
}

/// A session may have values shown inexactly, to the library's triggers too.
#[apply(on_postgres)]
async fn that_the_session_does_not_show(db: TestDb) {
    for (kind, other, before, after, setting) in [
        ("double precision", "1", "1.5", "1.5000000000000002", "extra_float_digits = -5"),
        ("double precision[]", "{1}", "{1.5}", "{1.5000000000000002}", "extra_float_digits = -5"),
        (
            "timestamptz[]",
            "{2024-01-01 00:00:00+00}",
            "{2024-10-27 00:30:00+00}",
            "{2024-10-27 01:30:00+00}",
            "DateStyle = 'SQL', TimeZone = 'X0X-1,M3.5.0,M10.5.0/3'",
        ),
        ("interval", "2 days", "1 day", "24:00:00", "IntervalStyle = 'sql_standard'"),
        ("money", "7", "1.01", "1.02", "lc_monetary = 'C'"),
        ("bytea[]", "{NULL}", r"{\\x0001}", r"{\\x0002}", "bytea_output = 'escape'"),
    ] {
        seen(&db, kind, before, other).await;
        let mut watch = Watch::begin(&db, notes).await;
        for table in ["note", "tag"] {
            db.sql(&format!("UPDATE {table} SET value = '{before}'")).await;
            watch.recalculated().await;
            let set: Vec<String> =
                setting.split(", ").map(|setting| format!("SET {setting}")).collect();
            let reset = "RESET extra_float_digits; RESET DateStyle; RESET TimeZone;
                         RESET IntervalStyle; RESET lc_monetary; RESET bytea_output";
            let change =
                format!("{}; UPDATE {table} SET value = '{after}'; {reset}", set.join("; "));
            let recalculated = watch.after(&change).await;
            assert_eq!(recalculated.len(), 1, "{kind} of {table}: {recalculated:?}");

            // The same under other settings is the same.
            let same = format!("{}; UPDATE {table} SET value = value; {reset}", set.join("; "));
            assert_eq!(watch.after(&same).await, NOTHING, "{kind} of {table}");
        }

        notes().uninstall(&*db).await.expect("uninstalled");
        db.sql("DROP TABLE note, tag").await;
    }
}

#[apply(contract)]
async fn null_is_a_value_of_its_own(db: TestDb) {
    if db.is_mysql() {
        return not_there("MySQL cannot cast to text, and has a test of its own");
    }

    db.sql(
        "CREATE TABLE note (
           id INTEGER PRIMARY KEY, value varchar, cached_shown varchar,
           shown_recalculation_needed boolean NOT NULL DEFAULT true);
         CREATE TABLE tag (id INTEGER PRIMARY KEY, value varchar, note_id integer NOT NULL)",
    )
    .await;
    notes().install(&*db).await.expect("installed");
    db.sql("INSERT INTO note (id, value) VALUES (1, 'a')").await;
    db.sql("INSERT INTO tag (id, value, note_id) VALUES (1, 'a', 1)").await;
    db.drain(notes()).await;

    for table in ["note", "tag"] {
        for (value, marks) in
            [("NULL", 1), ("NULL", 0), ("''", 1), ("''", 0), ("'a'", 1), ("'A'", 1), ("'a'", 1)]
        {
            db.sql("DELETE FROM _note_cached_marks").await;
            db.sql(&format!("UPDATE {table} SET value = {value}")).await;
            assert_eq!(
                db.scalar::<i64>("SELECT count(*) FROM _note_cached_marks").await,
                marks,
                "{table}: {value}"
            );
        }
    }
}

/// No statement sets such a column.
#[apply(contract)]
async fn in_a_generated_column(db: TestDb) {
    if db.is_mysql() {
        return not_there("MySQL cannot cast to text, and has a test of its own");
    }

    let generated = "GENERATED ALWAYS AS (base || '!') STORED";
    db.sql(&format!(
        "CREATE TABLE note (
           id INTEGER PRIMARY KEY, base text NOT NULL, value text {generated},
           cached_shown varchar, shown_recalculation_needed boolean NOT NULL DEFAULT true);
         CREATE TABLE tag (
           id INTEGER PRIMARY KEY, base text NOT NULL, value text {generated}, other integer,
           note_id integer NOT NULL)"
    ))
    .await;
    notes().install(&*db).await.expect("installed");
    db.sql("INSERT INTO note (id, base) VALUES (1, 'a')").await;
    db.sql("INSERT INTO tag (id, base, note_id) VALUES (1, 'a', 1)").await;
    let mut watch = Watch::begin(&db, notes).await;

    assert_eq!(watch.after("UPDATE note SET base = 'b'").await, ["note.shown 1"]);
    assert_eq!(watch.after("UPDATE tag SET base = 'b'").await, ["note.shown 1"]);
    assert_eq!(db.scalar::<String>("SELECT cached_shown FROM note").await, "b! b!");
    assert_eq!(
        watch.after("UPDATE note SET base = 'b'; UPDATE tag SET base = 'b', other = 1").await,
        NOTHING
    );

    // Ending the flag in the same statement does not hide the change.
    let forged = "UPDATE note SET base = 'c', shown_recalculation_needed = false";
    assert_eq!(watch.after(forged).await, ["note.shown 1"]);
}

/// Not a number is itself, though it equals nothing.
#[apply(on_postgres)]
async fn but_not_a_number_that_stays(db: TestDb) {
    seen(&db, "double precision", "NaN", "1").await;
    let mut watch = Watch::begin(&db, notes).await;
    assert_eq!(watch.after("UPDATE note SET value = 'NaN'").await.len(), 1);
    assert_eq!(
        watch.after("UPDATE note SET value = 'Infinity'::float8 - 'Infinity'::float8").await.len(),
        0
    );
}

/// Only what is marked is looked at: for MySQL a cast to `text` would be an error.
#[apply(on_mariadb_and_mysql)]
async fn on_mysql(db: TestDb) {
    for (kind, values) in [
        ("varchar(20) COLLATE utf8mb4_general_ci", ["'Bob'", "'bob'", "'bob '", "'b\u{f6}b'"]),
        ("text COLLATE utf8mb4_unicode_ci", ["'stra\u{df}e'", "'strasse'", "''", "NULL"]),
        ("char(20) COLLATE utf8mb4_general_ci", ["'a'", "'A'", "NULL", "'\u{e4}'"]),
        ("decimal(10, 2)", ["1", "1.01", "NULL", "-1"]),
        ("double", ["0e0", "1e-300", "1.5000000000000002", "1.5000000000000004"]),
        ("float", ["16777216", "16777218", "0.1", "-0.1"]),
        // Of one that it calls equal MySQL keeps the old, unless another column changes with it.
        ("json", [r#"'{"a": 1}'"#, r#"'{"a": 1.0}'"#, r#"'"x"'"#, r#"'"X"'"#]),
        ("datetime(6)", ["'2020-01-01'", "'2020-01-01 00:00:00.000001'", "NULL", "'2020-01-02'"]),
        ("varbinary(20)", ["X'00'", "X'0000'", "X'61'", "X'41'"]),
        ("enum('a', 'b', '')", ["'a'", "'b'", "''", "NULL"]),
        ("bit(8)", ["1", "2", "NULL", "3"]),
    ] {
        let db = db.another_database().await;
        let columns = format!(
            "id INTEGER PRIMARY KEY,
             value {kind},
             twice {kind} GENERATED ALWAYS AS (value) STORED,
             writes INTEGER NOT NULL DEFAULT 0"
        );
        db.sql(&format!(
            "CREATE TABLE note (
               {columns}, cached_shown varchar(9),
               shown_recalculation_needed boolean NOT NULL DEFAULT true)"
        ))
        .await;
        db.sql(&format!("CREATE TABLE tag ({columns}, note_id integer NOT NULL)")).await;
        notes().install(&*db).await.expect("installed");
        let [first, ..] = values;
        db.sql(&format!("INSERT INTO note (id, value) VALUES (1, {first})")).await;
        db.sql(&format!("INSERT INTO tag (id, value, note_id) VALUES (1, {first}, 1)")).await;

        for table in ["tag", "note"] {
            for value in values[1..].iter().chain([&first]) {
                for marks in [1, 0] {
                    // The row is not flagged, so that nothing but a change of the value marks it.
                    db.sql(
                        "UPDATE note
                            SET shown_recalculation_needed = 100;
                         DELETE FROM _note_cached_marks",
                    )
                    .await;
                    db.sql(&format!("UPDATE {table} SET value = {value}, writes = writes + 1"))
                        .await;
                    let marked: i64 = db.scalar("SELECT count(*) FROM _note_cached_marks").await;
                    assert_eq!(marked, marks, "{kind} of {table}: {value}");
                }
            }
        }
    }
}

/// No statement sets such a column.
#[apply(on_mariadb_and_mysql)]
async fn in_a_generated_column_of_mysql(db: TestDb) {
    for kept in ["STORED", "VIRTUAL"] {
        let db = db.another_database().await;
        let columns = format!(
            "id INTEGER PRIMARY KEY,
             base varchar(9) NOT NULL,
             value varchar(9) GENERATED ALWAYS AS (concat(base, '!')) {kept}"
        );

        db.sql(&format!(
            "CREATE TABLE note (
               {columns}, cached_shown varchar(9),
               shown_recalculation_needed boolean NOT NULL DEFAULT true)"
        ))
        .await;
        db.sql(&format!("CREATE TABLE tag ({columns}, note_id integer NOT NULL)")).await;
        notes().install(&*db).await.expect("installed");
        db.sql(
            "INSERT INTO note (id, base)
             VALUES (1, 'a');
             INSERT INTO tag (id, base, note_id)
             VALUES (1, 'a', 1)",
        )
        .await;

        for table in ["tag", "note"] {
            for marks in [1, 0] {
                db.sql(
                    "UPDATE note
                        SET shown_recalculation_needed = 100;
                     DELETE FROM _note_cached_marks",
                )
                .await;
                db.sql(&format!("UPDATE {table} SET base = 'b'")).await;
                let marked: i64 = db.scalar("SELECT count(*) FROM _note_cached_marks").await;
                assert_eq!(marked, marks, "{kept} of {table}");
            }
        }
    }
}
