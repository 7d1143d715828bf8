use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, FromQueryResult, JsonValue,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use tokio_util::sync::CancellationToken;

use crate::{
    harness::TestDb,
    society::{big_integer, found, models, person, town},
};

/// A field and a query of `id` and the value that it should have.
fn expectations(db: &TestDb) -> Vec<(&'static str, &'static str, String)> {
    let big = big_integer(db.get_database_backend());
    let tree = "WITH RECURSIVE tree (top, id) AS (
                SELECT manager_id, id
                  FROM person
                 WHERE manager_id IS NOT NULL
                 UNION
                SELECT t.top, p.id
                  FROM tree t
                  JOIN person p ON p.manager_id = t.id)";

    let sum = |value: &str, from: &str| {
        format!(
            "SELECT p.id, (
                    SELECT CAST(coalesce(sum({value}), 0) AS {big})
                      FROM {from}) AS value
               FROM person p"
        )
    };

    let friends = "WITH RECURSIVE friends (whose, id) AS (
                   SELECT person_id, friend_id
                     FROM friendship
                    WHERE friend_id IN (SELECT id FROM person)
                    UNION
                   SELECT f.whose, s.friend_id
                     FROM friends f
                     JOIN friendship s ON s.person_id = f.id
                    WHERE s.friend_id IN (SELECT id FROM person))";

    vec![
        (
            "person",
            "circle",
            format!(
                "{friends} {}",
                sum(
                    "f.salary",
                    "friends r
                     JOIN person f ON f.id = r.id
                    WHERE r.whose = p.id"
                )
            ),
        ),
        (
            "person",
            "reach",
            format!(
                "SELECT p.id, (
                        SELECT CAST(count(DISTINCT h.town_id) AS {big})
                          FROM sale s
                          JOIN shelf f ON f.shop_id = s.shop_id AND f.number = s.shelf_number
                          JOIN shop h ON h.id = f.shop_id
                         WHERE s.person_id = p.id) AS value
                   FROM person p"
            ),
        ),
        (
            "person",
            "grand_salary",
            sum(
                "g.salary",
                "person m
                 JOIN person g ON g.id = m.manager_id
                WHERE m.id = p.manager_id",
            ),
        ),
        ("person", "subordinates", format!("{tree} {}", sum("1", "tree WHERE top = p.id"))),
        (
            "person",
            "salary_above",
            format!(
                "{tree} {}",
                sum(
                    "a.salary",
                    "tree
                     JOIN person a ON a.id = tree.top
                    WHERE tree.id = p.id"
                )
            ),
        ),
        (
            "person",
            "payroll",
            format!(
                "{tree} {}",
                sum(
                    "s.salary",
                    "person s
                    WHERE s.id = p.id
                       OR s.id IN (SELECT id FROM tree WHERE top = p.id)"
                )
            ),
        ),
        (
            "person",
            "taxes",
            format!(
                "SELECT p.id, CAST(coalesce(h.tax, 0) + coalesce(w.tax, 0) AS {big}) AS value
                   FROM person p
                   LEFT JOIN town h ON h.id = p.home_id
                   LEFT JOIN town w ON w.id = p.work_id"
            ),
        ),
        (
            "person",
            "fees",
            sum(
                "c.fee + coalesce(t.tax, 0)",
                "membership m
                 JOIN club c ON c.id = m.club_id
                 LEFT JOIN town t ON t.id = c.town_id
                WHERE m.person_id = p.id",
            ),
        ),
        (
            "town",
            "turnover",
            format!(
                "SELECT p.id, (
                        SELECT CAST(coalesce(sum(s.amount * coalesce(b.salary, 0)), 0) AS {big})
                          FROM shop h
                          JOIN shelf f ON f.shop_id = h.id
                          JOIN sale s ON s.shop_id = f.shop_id AND s.shelf_number = f.number
                          LEFT JOIN person b ON b.id = s.person_id
                         WHERE h.town_id = p.id) AS value
                   FROM town p"
            ),
        ),
    ]
}

/// A statement that changes something somewhere.
fn some_change(chance: &mut fastrand::Rng) -> String {
    let person = chance.i32(1..12);
    let town = chance.i32(1..5);
    let club = chance.i32(1..5);
    let shop = chance.i32(1..5);
    let number = chance.i32(1..3);
    let value = chance.i64(1..100);
    let id = chance.i32(1..20);
    let friend = chance.i32(1..12);

    let manager = if person > 1 && chance.u8(..5) > 0 {
        chance.i32(1..person).to_string()
    } else {
        "NULL".to_owned()
    };
    let maybe_town = if chance.u8(..5) > 0 { town.to_string() } else { "NULL".to_owned() };

    let changes = [
        format!(
            "INSERT INTO person (id, salary, manager_id, home_id, work_id)
             SELECT {person}, {value}, {manager}, {maybe_town}, {town}
              WHERE NOT EXISTS (SELECT 1 FROM person WHERE id = {person})"
        ),
        format!("UPDATE person SET salary = {value} WHERE id = {person}"),
        format!("UPDATE person SET manager_id = {manager} WHERE id = {person}"),
        format!("UPDATE person SET home_id = work_id, work_id = {maybe_town} WHERE id = {person}"),
        format!("DELETE FROM person WHERE id = {person}"),
        format!(
            "INSERT INTO town (id, tax)
             SELECT {town}, {value}
              WHERE NOT EXISTS (SELECT 1 FROM town WHERE id = {town})"
        ),
        format!("UPDATE town SET tax = {value} WHERE id = {town}"),
        format!("DELETE FROM town WHERE id = {town}"),
        format!(
            "INSERT INTO club (id, fee, motto, town_id)
             SELECT {club}, {value}, 'm', {maybe_town}
              WHERE NOT EXISTS (SELECT 1 FROM club WHERE id = {club})"
        ),
        format!("UPDATE club SET fee = {value}, motto = 'm{number}' WHERE id = {club}"),
        format!("UPDATE club SET town_id = {maybe_town} WHERE id = {club}"),
        format!("DELETE FROM club WHERE id = {club}"),
        format!(
            "INSERT INTO membership (person_id, club_id)
             SELECT {person}, {club}
              WHERE NOT EXISTS (
                                SELECT 1
                                  FROM membership
                                 WHERE person_id = {person}
                                   AND club_id = {club})"
        ),
        format!("DELETE FROM membership WHERE person_id = {person}"),
        format!(
            "INSERT INTO friendship (person_id, friend_id)
             SELECT {person}, {friend}
              WHERE NOT EXISTS (
                                SELECT 1
                                  FROM friendship
                                 WHERE person_id = {person}
                                   AND friend_id = {friend})"
        ),
        format!("DELETE FROM friendship WHERE person_id = {person} OR friend_id = {friend}"),
        format!(
            "INSERT INTO shop (id, town_id)
             SELECT {shop}, {town}
              WHERE NOT EXISTS (SELECT 1 FROM shop WHERE id = {shop})"
        ),
        format!("UPDATE shop SET town_id = {town} WHERE id = {shop}"),
        format!("DELETE FROM shop WHERE id = {shop}"),
        format!(
            "INSERT INTO shelf (shop_id, number)
             SELECT {shop}, {number}
              WHERE NOT EXISTS (
                                SELECT 1
                                  FROM shelf
                                 WHERE shop_id = {shop}
                                   AND number = {number})"
        ),
        format!("DELETE FROM shelf WHERE shop_id = {shop} AND number = {number}"),
        format!(
            "INSERT INTO sale (id, amount, shop_id, shelf_number, person_id)
             SELECT {id}, {value}, {shop}, {number}, {person}
              WHERE NOT EXISTS (SELECT 1 FROM sale WHERE id = {id})"
        ),
        format!("UPDATE sale SET amount = {value}, shelf_number = {number} WHERE id = {id}"),
        format!("UPDATE sale SET shop_id = {shop}, person_id = {person} WHERE id = {id}"),
        "UPDATE sale SET amount = amount + 1".to_owned(),
        format!("DELETE FROM sale WHERE id = {id}"),
    ];

    changes[chance.usize(..changes.len())].clone()
}

/// What PostgreSQL expects of recursive queries over tables without statistics would have it
/// compile each of them.
async fn without_jit(db: &TestDb, query: &str) -> Vec<JsonValue> {
    let transaction = db.begin().await.expect("begun");
    if db.get_database_backend() == DbBackend::Postgres {
        transaction.execute_unprepared("SET LOCAL jit = off").await.expect("set");
    }
    let statement = Statement::from_string(db.get_database_backend(), query);
    JsonValue::find_by_statement(statement)
        .all(&transaction)
        .await
        .unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// Compares all stored values; those that do not match.
async fn wrong_values(db: &TestDb) -> Vec<String> {
    let mut wrong = Vec::new();
    for (table, field, query) in expectations(db) {
        let compared = format!(
            "SELECT e.id AS id, e.value AS expected, t.cached_{field} AS found
               FROM ({query}) e
               JOIN {table} t ON t.id = e.id
              WHERE t.cached_{field} IS NULL
                 OR t.cached_{field} <> e.value"
        );
        for row in without_jit(db, &compared).await {
            wrong.push(format!("{table}.{field} {row}"));
        }
    }
    wrong
}

/// Reads all fields of all rows as of now.
async fn read_all(db: &TestDb) {
    for row in person::Entity::find().all(&**db).await.expect("people") {
        row.fresh_grand_salary(&**db).await.expect("read");
        row.fresh_subordinates(&**db).await.expect("read");
        row.fresh_salary_above(&**db).await.expect("read");
        row.fresh_taxes(&**db).await.expect("read");
        row.fresh_fees(&**db).await.expect("read");
        row.fresh_circle(&**db).await.expect("read");
        row.fresh_reach(&**db).await.expect("read");
        row.fresh_payroll(&**db).await.expect("read");
    }
    for row in town::Entity::find().all(&**db).await.expect("towns") {
        row.fresh_turnover(&**db).await.expect("read");
        row.fresh_club_text(&**db).await.expect("read");
    }
}

/// Transactions of some changes each, of which some are rolled back, and some refused.
async fn write(db: DatabaseConnection, seed: u64) -> u32 {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut committed = 0;
    let sqlite_transaction_mode = Some(SqliteTransactionMode::Immediate);
    let sqlite = db.get_database_backend() == DbBackend::Sqlite;

    for _ in 0..60 {
        let options = TransactionOptions { sqlite_transaction_mode, ..Default::default() };
        let begun = if sqlite { db.begin_with_options(options).await } else { db.begin().await };
        let transaction = begun.expect("begun");
        let mut refused = false;
        for _ in 0..chance.u8(1..4) {
            refused |= transaction.execute_unprepared(&some_change(&mut chance)).await.is_err();
            tokio::task::yield_now().await;
        }

        if refused || chance.u8(..7) == 0 {
            transaction.rollback().await.expect("rolled back");
        } else if transaction.commit().await.is_ok() {
            committed += 1;
        }
    }
    committed
}

#[apply(contract)]
async fn after_writers_and_workers_have_met_everywhere(db: TestDb) {
    found(&db).await;
    let mut chance = fastrand::Rng::with_seed(3);
    for _ in 0..80 {
        db.sql(&some_change(&mut chance)).await;
    }

    let stop = CancellationToken::new();
    let work = |pool: DatabaseConnection| {
        let stop = stop.clone();
        tokio::spawn(async move {
            models().worker(&pool).batch_size(3).run_until(stop.cancelled_owned()).await
        })
    };
    let workers = [work(db.another_pool().await), work(db.another_pool().await)];

    let writers: Vec<_> = (0..3).map(|seed| tokio::spawn(write((*db).clone(), seed))).collect();
    let mut committed = 0;
    for writer in writers {
        committed += writer.await.expect("written");
    }

    stop.cancel();
    for worker in workers {
        worker.await.expect("ended").expect("worked");
    }

    db.drain(models()).await;
    let wrong = wrong_values(&db).await;
    assert!(committed > 0 && wrong.is_empty(), "{wrong:#?} after {committed} transactions");
    assert_eq!((db.pending("person").await, db.pending("town").await), (0, 0));
}

#[apply(contract)]
async fn after_every_change(db: TestDb) {
    found(&db).await;
    let mut chance = fastrand::Rng::with_seed(7);
    for step in 0..80 {
        let changes: Vec<String> =
            (0..chance.usize(1..4)).map(|_| some_change(&mut chance)).collect();
        for change in &changes {
            db.sql(change).await;
        }

        if step % 3 == 0 {
            read_all(&db).await;
            let wrong = wrong_values(&db).await;
            assert!(wrong.is_empty(), "step {step}, read: {wrong:#?} after {changes:#?}");
        }

        db.drain(models()).await;
        let wrong = wrong_values(&db).await;
        assert!(wrong.is_empty(), "step {step}: {wrong:#?} after {changes:#?}");
        assert_eq!(
            (db.pending("person").await, db.pending("town").await),
            (0, 0),
            "step {step} after {changes:#?}"
        );
    }

    let clubs = db.rows("SELECT t.id AS id, t.cached_club_text AS club_text FROM town t").await;
    for town in clubs {
        let rows = db
            .rows(&format!(
                "SELECT id, fee, motto
                   FROM club
                  WHERE town_id = {}
                  ORDER BY id",
                town["id"]
            ))
            .await;
        let expected: Vec<String> = rows
            .iter()
            .map(|club| {
                format!(
                    "{}:{}:{}",
                    club["id"],
                    club["fee"],
                    club["motto"].as_str().unwrap_or_default()
                )
            })
            .collect();
        assert_eq!(town["club_text"].as_str().unwrap_or_default(), expected.join(" "));
    }
}
