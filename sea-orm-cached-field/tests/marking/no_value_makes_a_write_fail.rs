//! MySQL and MariaDB only. Columns that are linked may be of different types: what one can hold,
//! the other may not. The triggers accept it all, also in sessions that are strict.

use sea_orm_cached_field::CachedFields;

use crate::harness::TestDb;

/// The tests make its tables, with keys and links of their own types. Only marks are looked at, so
/// that none is read.
mod crate_of_fruit {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "box")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        pub shop_code: Option<String>,
        #[sea_orm(belongs_to, from = "shop_code", to = "code", skip_fk)]
        pub shop: BelongsTo<Option<super::shop::Entity>>,
        #[sea_orm(has_many)]
        pub fruits: HasMany<super::fruit::Entity>,
        #[cached(depends_on(fruits(name), shop(name)))]
        pub label: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_label(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
            Ok(self.code.clone())
        }
    }
}

mod fruit {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "fruit")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub box_code: Option<String>,
        #[sea_orm(belongs_to, from = "box_code", to = "code", skip_fk)]
        pub crate_of_fruit: BelongsTo<Option<super::crate_of_fruit::Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod shop {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "shop")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        pub name: String,
        #[sea_orm(has_many)]
        pub boxes: HasMany<super::crate_of_fruit::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn boxes() -> CachedFields {
    CachedFields::of::<crate_of_fruit::Entity>()
}

/// Types of the owner's key and of the columns linked with it, one pair for each kind that may
/// differ. Each has a value that both can hold, and some that only the second can.
const TYPES: [(&str, &str, &str, &[&str]); 9] = [
    ("tinyint unsigned", "bigint", "7", &["-1", "300"]),
    ("integer", "bigint", "7", &["3000000000", "-3000000000"]),
    ("bigint", "bigint unsigned", "7", &["18446744073709551615"]),
    ("varchar(3)", "varchar(20)", "'abc'", &["'abcdef'", "'abc   d'"]),
    ("char(3)", "text", "'abc'", &["'abcdef'"]),
    ("varchar(3)", "varchar(9) CHARACTER SET latin1", "'é'", &["'abcdef'"]),
    ("varchar(3) CHARACTER SET latin1", "varchar(9) CHARACTER SET ascii", "'a'", &["'abcdef'"]),
    ("varbinary(3)", "varbinary(9)", "X'01'", &["X'0102030405'"]),
    ("binary(2)", "varbinary(9)", "X'0102'", &["X'0102030405'"]),
];

/// The tables of a key and what is linked with it, installed.
async fn set_up(db: &TestDb, key: &str, linked: &str) -> Result<(), String> {
    db.sql(&format!(
        "CREATE TABLE box (code {key} NOT NULL PRIMARY KEY,
                           shop_code {key} NULL,
                           cached_label varchar(9),
                           label_recalculation_needed boolean NOT NULL DEFAULT TRUE);
         CREATE TABLE fruit (id integer PRIMARY KEY,
                             name varchar(9) NOT NULL,
                             box_code {linked} NULL);
         CREATE TABLE shop (code {linked} NOT NULL, name varchar(9) NOT NULL)"
    ))
    .await;
    boxes().install(&**db).await.map(|_| ()).map_err(|error| error.to_string())
}

#[apply(on_mariadb_and_mysql)]
async fn that_no_owner_can_hold(db: TestDb) {
    let db = db.with_one_connection().await;
    db.sql("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'").await;

    for (key, linked, fitting, others) in TYPES {
        set_up(&db, key, linked).await.unwrap_or_else(|error| panic!("{key}, {linked}: {error}"));
        db.sql(&format!("INSERT INTO box (code, shop_code) VALUES ({fitting}, {fitting})")).await;
        for (at, other) in others.iter().enumerate() {
            db.sql(&format!("INSERT INTO fruit VALUES ({at}, 'apple', {other})")).await;
            db.sql(&format!("UPDATE fruit SET name = 'pear' WHERE id = {at}")).await;
            db.sql(&format!("UPDATE fruit SET box_code = NULL WHERE id = {at}")).await;
            db.sql(&format!("UPDATE fruit SET box_code = {other} WHERE id = {at}")).await;
            db.sql(&format!("DELETE FROM fruit WHERE id = {at}")).await;
            db.sql(&format!("INSERT INTO shop VALUES ({other}, 'corner')")).await;
            db.sql("UPDATE shop SET name = 'market'; DELETE FROM shop").await;
        }

        db.sql("DELETE FROM _box_cached_marks").await;
        db.sql(&format!("INSERT INTO fruit VALUES (100, 'plum', {fitting})")).await;
        let marked = "SELECT count(*) FROM _box_cached_marks m JOIN box b ON b.code = m.key_1";
        assert_eq!(db.scalar::<i64>(marked).await, 1, "{key}, {linked}");
        db.sql(
            "DROP TABLE box, fruit, shop,
                        _box_cached_marks, _box_cached_recalculations, _box_cached_versions",
        )
        .await;
    }
}

/// A session that is not strict may write dates that others may not.
#[apply(on_mariadb_and_mysql)]
async fn that_only_some_sessions_accept(db: TestDb) {
    let db = db.with_one_connection().await;
    db.sql("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'").await;
    set_up(&db, "date", "date").await.expect("installed");
    let mode: String = db.scalar("SELECT @@SESSION.sql_mode").await;
    assert!(mode.starts_with("STRICT_ALL_TABLES"), "the session's own mode stays: {mode}");
    db.sql("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'").await;
    for date in ["0000-00-00", "2020-00-10", "2020-02-30"] {
        db.sql(&format!("INSERT INTO box (code) VALUES ('{date}')")).await;
        db.sql("DELETE FROM _box_cached_marks").await;
        db.sql(&format!("INSERT INTO fruit SELECT count(*), 'plum', '{date}' FROM fruit")).await;
        let marked = "SELECT count(*) FROM _box_cached_marks m JOIN box b ON b.code = m.key_1";
        assert_eq!(db.scalar::<i64>(marked).await, 1, "{date}");
    }
}

/// A key that cannot hold all characters of the link: some that it cannot hold may equal others
/// that it can.
#[apply(on_mariadb_and_mysql)]
async fn but_a_key_with_fewer_characters_is_refused(db: TestDb) {
    for (key, linked) in [("latin1", "utf8mb4"), ("utf8mb3", "utf8mb4"), ("ascii", "latin1")] {
        let db = db.another_database().await;
        let of = |characters: &str| format!("varchar(9) CHARACTER SET {characters}");
        let error = set_up(&db, &of(key), &of(linked)).await.expect_err("refused");
        assert!(
            error
                .contains("`fruit`, the columns that relate the two tables are of different types"),
            "{error}"
        );
        let db = db.another_database().await;
        set_up(&db, &of(linked), &of(key)).await.expect("the other way round it holds all");
    }
}
