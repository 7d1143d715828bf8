//! Counted, not timed: versions of rows, marks, and calls of functions, of one transaction.

use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};

use crate::{
    changes_behind_has_many_are_seen::perched,
    harness::{TestDb, lampposts::*},
};

/// What one statement did, as PostgreSQL counted it.
#[derive(Debug, PartialEq)]
struct Work {
    versions_of_owners: i64,
    marks: i64,
    /// Calls of all functions of the library.
    calls: i64,
}

impl Work {
    /// So far in this session, as far as it has not been reported.
    async fn so_far(db: &impl ConnectionTrait) -> Self {
        let count = async |sql: String| {
            let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await;
            row.expect("asked").expect("a row").try_get_by_index::<i64>(0).expect("a count")
        };
        let writes =
            "SELECT (n_tup_ins + n_tup_upd)::bigint FROM pg_stat_xact_user_tables WHERE relname =";
        let calls = "SELECT coalesce(sum(calls), 0)::bigint
                       FROM pg_stat_xact_user_functions
                      WHERE funcname LIKE";
        Self {
            versions_of_owners: count(format!("{writes} 'lamppost'")).await,
            marks: count(format!("{writes} '_lamppost_cached_marks'")).await,
            calls: count(format!("{calls} 'cf_lamppost_%'")).await,
        }
    }

    async fn of(db: &TestDb, sql: &str) -> Self {
        let transaction = db.begin().await.expect("begun");
        transaction.execute_unprepared("SET LOCAL track_functions = 'all'").await.expect("set");
        let before = Self::so_far(&transaction).await;
        transaction.execute_unprepared(sql).await.expect("written");
        let after = Self::so_far(&transaction).await;
        transaction.rollback().await.expect("rolled back");
        Self {
            versions_of_owners: after.versions_of_owners - before.versions_of_owners,
            marks: after.marks - before.marks,
            calls: after.calls - before.calls,
        }
    }
}

const FLOCK: &str = "INSERT INTO pigeon (weight_in_g, lamppost_id)
                     SELECT n, 1 + n % 2
                       FROM generate_series(1, 1000) n";

#[apply(on_postgres)]
async fn of_rows_behind_a_relation(db: TestDb) {
    perched(&db).await;
    db.sql(FLOCK).await;
    db.drain(lampposts()).await;
    let nothing = Work { versions_of_owners: 0, marks: 0, calls: 1 };
    assert_eq!(Work::of(&db, "UPDATE pigeon SET colour = 'grey'").await, nothing);
    assert_eq!(Work::of(&db, "UPDATE pigeon SET weight_in_g = weight_in_g").await, nothing);
    assert_eq!(Work::of(&db, "DELETE FROM pigeon WHERE id < 0").await, nothing);
}

#[apply(on_postgres)]
async fn of_the_owners_own_columns(db: TestDb) {
    perched(&db).await;
    let one_look = Work { versions_of_owners: 2, marks: 0, calls: 1 };
    assert_eq!(
        Work::of(&db, "UPDATE lamppost SET note = 'x', first_name = first_name").await,
        one_look
    );
    let ours = "SET LOCAL cached_field.internal = 'on';
                UPDATE lamppost
                   SET cached_full_name = 'x',
                       full_name_recalculation_needed = NOT full_name_recalculation_needed";
    assert_eq!(Work::of(&db, ours).await, Work { calls: 0, ..one_look });
}

/// One step a statement, however many rows: the mark names each owner once.
#[apply(on_postgres)]
async fn and_many_rows_are_marked_in_one_step(db: TestDb) {
    perched(&db).await;
    let one_step = Work { versions_of_owners: 0, marks: 2, calls: 1 };
    assert_eq!(Work::of(&db, FLOCK).await, one_step);
    db.sql(FLOCK).await;
    db.drain(lampposts()).await;
    assert_eq!(Work::of(&db, "UPDATE pigeon SET weight_in_g = weight_in_g + 1").await, one_step);
    assert_eq!(Work::of(&db, "UPDATE pigeon SET lamppost_id = 3 - lamppost_id").await, one_step);
    assert_eq!(Work::of(&db, "DELETE FROM pigeon").await, one_step);
    db.sql("INSERT INTO city (id, name) VALUES (1, 'Ulm'); UPDATE lamppost SET city_id = 1").await;
    let one_mark = Work { versions_of_owners: 0, marks: 1, calls: 1 };
    assert_eq!(Work::of(&db, "UPDATE city SET name = 'Ulm!'").await, one_mark);
}

/// An UPDATE of no rows would still run the user's triggers of the statement.
#[apply(on_postgres)]
async fn and_an_owner_that_is_flagged_already_is_left_alone(db: TestDb) {
    perched(&db).await;
    db.sql("UPDATE pigeon SET weight_in_g = 7").await;
    db.sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN RAISE EXCEPTION 'updated'; END$$;
         CREATE TRIGGER refuse BEFORE UPDATE ON lamppost
           FOR EACH STATEMENT EXECUTE FUNCTION refuse()",
    )
    .await;
    let version = "SELECT string_agg(xmin::text || ctid::text, ' ' ORDER BY id) FROM lamppost";
    let before: String = db.scalar(version).await;
    db.sql("UPDATE pigeon SET weight_in_g = 8").await;
    assert_eq!(db.scalar::<String>(version).await, before);
}

/// SQLite counts the rows that a statement and its triggers have written.
#[apply(on_sqlite)]
async fn on_sqlite_too(db: TestDb) {
    perched(&db).await;
    let db = db.with_one_connection().await;
    for (sql, rows) in [
        ("UPDATE pigeon SET colour = 'grey'", 2),
        ("UPDATE pigeon SET weight_in_g = weight_in_g", 2),
        ("UPDATE lamppost SET note = 'x', first_name = first_name", 2),
    ] {
        let before: i64 = db.scalar("SELECT total_changes()").await;
        db.sql(sql).await;
        assert_eq!(db.scalar::<i64>("SELECT total_changes()").await - before, rows, "{sql}");
    }
}

/// MySQL counts the rows that a session has inserted, by whatever trigger.
#[apply(on_mariadb_and_mysql)]
async fn on_mysql_too(db: TestDb) {
    perched(&db).await;
    let db = db.with_one_connection().await;

    let inserted = async || {
        let counted =
            Statement::from_string(DbBackend::MySql, "SHOW SESSION STATUS LIKE 'Handler_write'");
        let row = db.query_one_raw(counted).await.expect("asked").expect("a row");
        row.try_get_by_index::<String>(1).expect("a count").parse::<i64>().expect("a number")
    };

    for (sql, rows) in [
        ("UPDATE pigeon SET colour = 'grey'", 0),
        ("UPDATE pigeon SET weight_in_g = weight_in_g, lamppost_id = lamppost_id", 0),
        ("UPDATE lamppost SET note = 'x', first_name = first_name", 0),
        ("UPDATE pigeon SET weight_in_g = weight_in_g + 1", 2),
    ] {
        let before = inserted().await;
        db.sql(sql).await;
        assert_eq!(inserted().await - before, rows, "{sql}");
    }
}

/// On MySQL it cannot be seen whether the statement has set the flag once more.
#[apply(contract)]
async fn of_a_row_that_is_flagged(db: TestDb) {
    perched(&db).await;
    db.sql("UPDATE lamppost SET full_name_recalculation_needed = true").await;
    let marked = db.pending("lamppost").await;
    db.sql("UPDATE lamppost SET note = 'x'").await;
    assert_eq!(db.pending("lamppost").await - marked, if db.is_mysql() { 2 } else { 0 });
}
