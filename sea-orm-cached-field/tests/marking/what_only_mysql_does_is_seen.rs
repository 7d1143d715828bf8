//! Statements, foreign keys and settings that only MySQL and MariaDB have.

use sea_orm_cached_field::CachedFields;

use crate::{
    changes_behind_has_many_are_seen::perched,
    harness::{TestDb, lampposts::*},
    support::{NOTHING, Watch},
};

const BOTH: [&str; 2] = ["lamppost.full_name 1", "lamppost.full_name 2"];

#[apply(on_mariadb_and_mysql)]
async fn replace_is_an_end_and_a_beginning(db: TestDb) {
    let mut watch = perched(&db).await;
    assert_eq!(
        watch.after("REPLACE INTO pigeon (id, weight_in_g, lamppost_id) VALUES (1, 500, 2)").await,
        BOTH
    );

    db.sql("UPDATE pigeon SET ring = concat('r', id)").await;
    let by_ring = "REPLACE INTO pigeon (id, weight_in_g, ring, lamppost_id) VALUES (9, 5, 'R1', 1)";
    assert_eq!(watch.after(by_ring).await, BOTH);
    assert_eq!(
        watch.after("REPLACE INTO lamppost (id, first_name) VALUES (3, 'Cid')").await,
        ["lamppost.full_name 3"]
    );

    // The foreign key takes the pigeons along; not on MySQL 9.6 and later, where they stay for the
    // new row.
    assert_eq!(
        watch.after("REPLACE INTO lamppost (id, first_name) VALUES (1, 'Dan')").await,
        BOTH[..1]
    );
    let pigeons = "SELECT concat(count(*), ' pigeons of ', coalesce(sum(weight_in_g), 0))
                     FROM pigeon
                    WHERE lamppost_id = 1";
    let full_name = format!("Dan of nowhere, {}, -", db.scalar::<String>(pigeons).await);
    assert_eq!(reloaded(&db, 1).await.cached_full_name, Some(full_name));
}

#[apply(on_mariadb_and_mysql)]
async fn one_statement_may_write_several_tables(db: TestDb) {
    let mut watch = perched(&db).await;
    let moved = "UPDATE pigeon p
                   JOIN lamppost l ON l.id = p.lamppost_id
                    SET p.weight_in_g = 8, l.first_name = 'Cid'
                  WHERE l.id = 1";
    assert_eq!(watch.after(moved).await, BOTH[..1]);

    db.sql("INSERT INTO plaque (text, lamppost_id) VALUES ('t', 2)").await;
    watch.recalculated().await;
    let gone = "DELETE p, q
                  FROM pigeon p
                  JOIN plaque q ON q.lamppost_id = p.lamppost_id
                 WHERE p.lamppost_id = 2";
    assert_eq!(watch.after(gone).await, BOTH[1..]);
    assert_eq!(
        reloaded(&db, 2).await.cached_full_name.as_deref(),
        Some("Bob of nowhere, 0 pigeons of 0, -")
    );

    // The statement uses the owner's table itself, which the trigger must not touch then.
    let seated =
        "INSERT INTO pigeon (weight_in_g, lamppost_id) SELECT 7, id FROM lamppost WHERE id = 2";
    assert_eq!(watch.after(seated).await, BOTH[1..]);
}

#[apply(on_mariadb_and_mysql)]
async fn loaded_data_is_inserted(db: TestDb) {
    let mut watch = perched(&db).await;
    let folder: Option<String> = db.scalar("SELECT @@secure_file_priv").await;
    let folder = folder.filter(|folder| !folder.is_empty()).unwrap_or_else(|| "/tmp/".to_owned());
    // The server may have a file system of its own, so that the files cannot be removed.
    let database: String = db.scalar("SELECT database()").await;
    let file = |number: u32| format!("{folder}{database}_{number}_{}", fastrand::u64(..));
    let [inserted, replacing] = [file(1), file(2)];

    db.sql(&format!("SELECT 11, 2 UNION ALL SELECT 22, 2 INTO OUTFILE '{inserted}'")).await;
    let loaded =
        format!("LOAD DATA INFILE '{inserted}' INTO TABLE pigeon (weight_in_g, lamppost_id)");
    assert_eq!(watch.after(&loaded).await, BOTH[1..]);

    db.sql(&format!("SELECT 1, 33, 2 INTO OUTFILE '{replacing}'")).await;
    let replaced = format!(
        "LOAD DATA INFILE '{replacing}' REPLACE INTO TABLE pigeon (id, weight_in_g, lamppost_id)"
    );
    assert_eq!(watch.after(&replaced).await, BOTH);

    for file in [inserted, replacing] {
        let _ = std::fs::remove_file(file);
    }
}

/// No trigger is told of it. The remedy is to flag the rows.
#[apply(on_mariadb_and_mysql)]
async fn but_truncate_is_not(db: TestDb) {
    let mut watch = perched(&db).await;
    assert_eq!(watch.after("TRUNCATE pigeon").await, NOTHING);
    assert_eq!(
        watch.after("UPDATE lamppost SET full_name_recalculation_needed = TRUE").await.len(),
        2
    );
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Ada of nowhere, 0 pigeons of 0, -")
    );
}

/// Partitions are written like any table; those that are emptied, dropped or exchanged take their
/// rows along unseen.
#[apply(on_mariadb_and_mysql)]
async fn partitions_are_seen_but_not_how_they_come_and_go(db: TestDb) {
    db.create(city::Entity).await;
    db.create(lamppost::Entity).await;
    db.create(plaque::Entity).await;
    let columns = "id int NOT NULL, weight_in_g int NOT NULL, colour varchar(9) NOT NULL,
                   ring varchar(9), lamppost_id int";
    db.sql(&format!(
        "CREATE TABLE pigeon ({columns}) PARTITION BY LIST COLUMNS (colour) (PARTITION grey
         VALUES IN ('grey'), PARTITION white
         VALUES IN ('white'))"
    ))
    .await;
    lampposts().install(&*db).await.expect("installed");
    a_lamppost(&db, "Ada").await;
    a_lamppost(&db, "Bob").await;
    let mut watch = Watch::begin(&db, lampposts).await;

    let pigeons = "(1, 5, 'grey', NULL, 1), (2, 5, 'white', NULL, 2)";
    assert_eq!(watch.after(&format!("INSERT INTO pigeon VALUES {pigeons}")).await, BOTH);
    assert_eq!(watch.after("UPDATE pigeon PARTITION (grey) SET weight_in_g = 6").await, BOTH[..1]);
    assert_eq!(
        watch.after("UPDATE pigeon SET colour = 'white', weight_in_g = 7 WHERE id = 1").await,
        BOTH[..1]
    );
    assert_eq!(watch.after("DELETE FROM pigeon PARTITION (white) WHERE id = 2").await, BOTH[1..]);

    db.sql(&format!(
        "CREATE TABLE flock ({columns}); INSERT INTO flock VALUES (3, 9, 'grey', NULL, 2)"
    ))
    .await;
    for unseen in [
        "EXCHANGE PARTITION grey WITH TABLE flock",
        "TRUNCATE PARTITION white",
        "DROP PARTITION grey",
    ] {
        assert_eq!(watch.after(&format!("ALTER TABLE pigeon {unseen}")).await, NOTHING, "{unseen}");
    }

    watch.after("UPDATE lamppost SET full_name_recalculation_needed = TRUE").await;
    assert_eq!(
        reloaded(&db, 1).await.cached_full_name.as_deref(),
        Some("Ada of nowhere, 0 pigeons of 0, -")
    );
}

/// The library's own writes identify themselves with a number that is in no column afterwards.
#[apply(on_mariadb_and_mysql)]
async fn a_flag_is_true_or_false_in_the_table(db: TestDb) {
    perched(&db).await;
    db.sql("UPDATE lamppost SET full_name_recalculation_needed = 7 WHERE id = 1").await;
    let flags = db
        .rows("SELECT 0 + full_name_recalculation_needed AS flag FROM lamppost ORDER BY id")
        .await;
    assert_eq!(
        flags.iter().map(|row| row["flag"].as_i64()).collect::<Vec<_>>(),
        [Some(1), Some(0)]
    );
}

#[apply(on_mariadb_and_mysql)]
async fn in_every_sql_mode(db: TestDb) {
    for mode in [
        "",
        "ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE",
    ] {
        let db = db.another_database().await.with_one_connection().await;
        db.sql(&format!("SET SESSION sql_mode = '{mode}'")).await;
        let mut watch = perched(&db).await;

        assert_eq!(
            watch.after("UPDATE pigeon SET weight_in_g = 7 WHERE id = 1").await,
            BOTH[..1],
            "{mode}"
        );
        assert_eq!(
            watch.after("UPDATE pigeon SET lamppost_id = 2147483648 WHERE false").await,
            NOTHING,
            "{mode}"
        );
    }
}

/// A thread of comments: the answers to one go with it, and those of a person with that person's
/// account.
mod thread {
    use sea_orm::entity::prelude::*;
    use sea_orm_cached_field::cached_fields;

    #[cached_fields]
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "topic")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub comments: HasMany<super::comment::Entity>,
        #[cached(depends_on(comments(text)))]
        pub length: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        pub async fn calculate_length(&self, db: &impl ConnectionTrait) -> Result<i64, DbErr> {
            Ok(self
                .find_related(super::comment::Entity)
                .count(db)
                .await?
                .try_into()
                .unwrap_or(i64::MAX))
        }
    }
}

mod comment {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "comment")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub text: String,
        pub topic_id: i32,
        #[sea_orm(belongs_to, from = "topic_id", to = "id")]
        pub topic: BelongsTo<super::thread::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn threads() -> CachedFields {
    CachedFields::of::<thread::Entity>()
}

/// Country 1 has the accounts 1 and 2. Account 1 wrote comment 1 of topic 1, account 2 the answers
/// to it, each in another topic, and an answer to an answer.
async fn discussed(db: &TestDb) -> Watch<'_> {
    for table in [
        "country (id int PRIMARY KEY)",
        "account (id int PRIMARY KEY, country_id int,
                  FOREIGN KEY (country_id) REFERENCES country (id) ON DELETE CASCADE)",
        "topic (id int PRIMARY KEY, cached_length bigint,
                length_recalculation_needed boolean NOT NULL DEFAULT TRUE)",
        "comment (id int PRIMARY KEY, text varchar(99) NOT NULL, topic_id int, account_id int,
                  answers int,
                  FOREIGN KEY (topic_id) REFERENCES topic (id) ON DELETE CASCADE ON UPDATE CASCADE,
                  FOREIGN KEY (account_id) REFERENCES account (id)
                    ON DELETE CASCADE ON UPDATE CASCADE,
                  FOREIGN KEY (answers) REFERENCES comment (id) ON DELETE CASCADE)",
    ] {
        db.sql(&format!("CREATE TABLE {table}")).await;
    }

    threads().install(&**db).await.expect("installed");
    db.sql("INSERT INTO country VALUES (1); INSERT INTO account VALUES (1, 1), (2, NULL)").await;
    db.sql("INSERT INTO topic (id) VALUES (1), (2), (3), (4)").await;
    db.sql(
        "INSERT INTO comment
         VALUES (1, 'a', 1, 1, NULL), (2, 'b', 2, 2, 1), (3, 'c', 3, 2, 2), (4, 'd', 4, 2, NULL)",
    )
    .await;
    Watch::begin(db, threads).await
}

#[apply(on_mariadb_and_mysql)]
async fn rows_that_go_over_foreign_keys_are_seen(db: TestDb) {
    let concerned = ["topic.length 1", "topic.length 2", "topic.length 3"];

    for statement in [
        "DELETE FROM comment WHERE id = 1",
        "DELETE FROM account WHERE id = 1",
        "DELETE FROM country WHERE id = 1",
        // The statement reads the very tables that the trigger looks into.
        "DELETE a
           FROM account a
           JOIN comment c ON c.account_id = a.id
           JOIN topic t ON t.id = c.topic_id
          WHERE t.id = 1",
        "DELETE FROM country
          WHERE id IN (
                       SELECT country_id
                         FROM account
                        WHERE id IN (SELECT account_id FROM comment))",
    ] {
        let db = db.another_database().await;
        let mut watch = discussed(&db).await;
        assert_eq!(watch.after(statement).await, concerned, "{statement}");
        assert_eq!(db.scalar::<i64>("SELECT count(*) FROM comment").await, 1, "{statement}");
    }
}

/// What an old snapshot does not show goes all the same.
#[apply(on_mariadb_and_mysql)]
async fn also_those_that_the_transaction_cannot_see(db: TestDb) {
    use sea_orm::{ConnectionTrait, IsolationLevel, TransactionTrait};
    let mut watch = discussed(&db).await;
    let old =
        db.begin_with_config(Some(IsolationLevel::RepeatableRead), None).await.expect("begun");
    // With this setting of MariaDB 11.6 and later, the statement fails also without triggers.
    let _ = old.execute_unprepared("SET SESSION innodb_snapshot_isolation = OFF").await;
    old.execute_unprepared("SELECT count(*) FROM comment").await.expect("a snapshot");
    db.sql("INSERT INTO topic (id) VALUES (5); INSERT INTO comment VALUES (5, 'e', 5, 2, 3)").await;
    watch.recalculated().await;
    old.execute_unprepared("DELETE FROM account WHERE id = 1").await.expect("deleted");
    old.commit().await.expect("committed");
    assert_eq!(watch.recalculated().await.last().map(String::as_str), Some("topic.length 5"));
}

#[apply(on_mariadb_and_mysql)]
async fn a_circle_of_foreign_keys_is_refused(db: TestDb) {
    discussed(&db).await;
    db.sql("ALTER TABLE account ADD COLUMN favourite int").await;
    db.sql(
        "ALTER TABLE account
           ADD CONSTRAINT favours FOREIGN KEY (favourite) REFERENCES comment (id)
               ON DELETE CASCADE",
    )
    .await;

    let error = threads().install(&*db).await.expect_err("it should be refused").to_string();
    assert!(
        error.contains("the foreign key `favours` of `account`")
            && error.contains("a circle of foreign keys"),
        "{error}"
    );

    db.sql("ALTER TABLE account DROP FOREIGN KEY favours").await;
    threads().install(&*db).await.expect("installed");
}
