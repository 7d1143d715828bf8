//! The plan of every statement of the protocol. None may read a whole table (invariant I7), neither
//! when the tables are full, nor when they were empty as the plan was made. A connection may keep
//! that plan for a long time.

use std::{collections::BTreeMap, time::Duration};

use sea_orm::{
    ConnectionTrait, Database, DatabaseConnection, DbBackend, JsonValue, QueryResult, Statement,
    TransactionTrait,
};

use super::{claim, collect, query, tables};
use crate::{
    backend::{
        Backend, Transactions,
        example::{self, Example},
    },
    declaration::{Chunk, Key},
    layout::{Owner, Table},
};

const TABLES: [&str; 3] = [
    "lamppost (id integer PRIMARY KEY, first_name text, city_id integer, cached_full_name text,
        full_name_recalculation_needed boolean NOT NULL DEFAULT true,
        full_name_expires_after timestamptz)",
    "pigeon (id integer PRIMARY KEY, lamppost_id integer, weight numeric, ring text)",
    "city (id integer PRIMARY KEY, name text)",
];

/// The example, in the schema that `install` finds it in.
fn owner() -> Owner {
    let example = example::owner();
    Owner { table: Table { schema: Some("public".to_owned()), ..example.table.clone() }, ..example }
}

fn url() -> String {
    let default = "postgres://postgres@127.0.0.1:5432/postgres";
    std::env::var("CACHED_FIELD_TEST_POSTGRES_URL").unwrap_or_else(|_| default.to_owned())
}

/// A database of its own with so many rows in each table.
async fn database(rows: u32) -> DatabaseConnection {
    let server =
        Database::connect(url()).await.expect("start a server with `cargo xtask services`");

    let name = format!("cached_field_plans_{}_{rows}", std::process::id());
    for statement in
        [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")]
    {
        server.execute_unprepared(&statement).await.unwrap();
    }

    let (server, _) =
        url().rsplit_once('/').map(|(server, rest)| (server.to_owned(), rest.to_owned())).unwrap();
    let db = Database::connect(format!("{server}/{name}")).await.unwrap();
    fill(&db, rows).await;

    db
}

async fn fill(db: &DatabaseConnection, rows: u32) {
    for table in TABLES {
        db.execute_unprepared(&format!("CREATE TABLE {table}")).await.unwrap();
    }

    let owner = owner();
    let (table, related) = example::tables();
    for statement in
        tables::objects(&owner, &table, &related).iter().flat_map(|object| &object.create)
    {
        db.execute_unprepared(statement).await.unwrap();
    }

    for statement in [
        "CREATE INDEX ON pigeon (lamppost_id)",
        "CREATE INDEX ON lamppost (city_id)",
        "CREATE UNIQUE INDEX ON lamppost (cached_full_name, city_id)",
        "INSERT INTO city SELECT n, 'x' FROM generate_series(1, $rows) n",
        "INSERT INTO lamppost (id, city_id, full_name_expires_after)
         SELECT n, n, '2999-01-01'
           FROM generate_series(1, $rows) n",
        "INSERT INTO pigeon (id, lamppost_id) SELECT n, n FROM generate_series(1, $rows) n",
        "INSERT INTO _lamppost_cached_recalculations (key_1, field, generation)
         SELECT n, 'full_name', n
           FROM generate_series(1, $rows) n",
        "ANALYZE",
    ] {
        db.execute_unprepared(&statement.replace("$rows", &rows.to_string())).await.unwrap();
    }
}

/// The steps of a plan that read a stored table from end to end, or by an index but not by a key.
async fn scans(db: &DatabaseConnection, name: &str, statement: Statement) -> Vec<String> {
    let transaction = db.begin().await.unwrap();
    let transactions = Transactions { of_own_session: false, internal: true, writes: true };
    transaction.execute_unprepared(&claim::settings(transactions).unwrap()).await.unwrap();
    if name == "complete_query" {
        let settings = query::settings(Duration::from_secs(1));
        transaction.execute_unprepared(&settings).await.unwrap();
    }

    let sql = format!("EXPLAIN (FORMAT JSON) {}", statement.sql);
    let values = statement.values.map(|values| values.0).unwrap_or_default();
    let explain = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let plan = transaction.query_one_raw(explain).await.unwrap().unwrap();
    let plan: JsonValue = plan.try_get_by_index(0).unwrap();
    transaction.rollback().await.unwrap();

    let mut found = Vec::new();
    walk(&plan[0]["Plan"], &mut found);
    found
}

fn walk(step: &JsonValue, found: &mut Vec<String>) {
    let text = |name: &str| step[name].as_str().unwrap_or_default();
    if !text("Relation Name").is_empty() && text("Node Type").contains("Scan") {
        let condition = [text("Index Cond"), text("TID Cond"), text("Recheck Cond")].concat();
        // By one of our keys, by the user's, or by a place; by the field alone nearly all rows
        // would be read.
        let keys = [
            "key_1",
            "id",
            "via",
            "link",
            "lamppost_id",
            "city_id",
            "cached_full_name",
            "ctid",
            "minute",
        ];
        let by_key = keys.iter().any(|key| condition.contains(key));
        if !by_key && !example::SMALL.contains(&text("Relation Name")) {
            found.push(format!(
                "{} {} {}",
                text("Node Type"),
                text("Relation Name"),
                text("Index Name")
            ));
        }
    }

    for below in step["Plans"].as_array().into_iter().flatten() {
        walk(below, found);
    }
}

async fn drop_database(db: DatabaseConnection) {
    let name = db
        .query_one_raw(Statement::from_string(
            DbBackend::Postgres,
            "SELECT current_database()::text",
        ))
        .await;
    let name: String = name.unwrap().unwrap().try_get_by_index(0).unwrap();
    db.close().await.unwrap();
    let server = Database::connect(url()).await.unwrap();
    server.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let mut unexpected = Vec::new();
    for rows in [0, 3000] {
        let db = database(rows).await;
        let [after, to] = [1000, 1100].map(|id| Some(Key::new([id.into()])));
        let mut of = Example::of(owner(), 3);
        of.chunk = Chunk { after, to };
        for (name, statement) in example::sent(Backend::Postgres, &of) {
            // The example's sources are other tables than the owner's, so that no row is calculated
            // from its like.
            if ["circular", "readers", "retry_readers", "stale_behind", "stale_behind rows"]
                .contains(&name)
            {
                continue;
            }
            // They read the owner's table, or the doctor or a waiting operator asks them.
            if ["stale_anywhere", "oldest", "retry_failed", "is_claimed"].contains(&name) {
                continue;
            }
            // Planned anew each time.
            if name == "lease_due" && rows == 0 {
                continue;
            }
            let marks = "_lamppost_cached_marks";
            let due =
                "Index Scan _lamppost_cached_recalculations _lamppost_cached_recalculations_due"
                    .to_owned();
            let ended_early: Vec<String> = match name {
                // The oldest marks, of which no more are read than are taken.
                "collect" | "collect lazily" | "collect asking when" => {
                    vec![format!("Index Scan {marks} {marks}_pkey")]
                }
                // No more of the oldest are looked at than ten times what is leased.
                "lease_due" => vec![due],
                // No more are read than are counted.
                "look_at_queue" | "count_queue" | "failed_groups" | "failed_rows" => vec![due],
                // All of the queue, once for a retry of however many rows.
                "rows_to_retry" => {
                    let queue = "_lamppost_cached_recalculations";
                    vec![format!("Index Scan {queue} {queue}_pkey"), due]
                }
                "count_marks" => vec![format!("Index Scan {marks} {marks}_pkey")],
                "count_expiries" => {
                    vec!["Index Only Scan lamppost lamppost_cached_full_name_expires_after".into()]
                }
                // Over the user's tables, of which the server knows whether they are empty.
                "select" | "select of a row" | "complete_query" if rows == 0 => {
                    vec!["Index Scan pigeon pigeon_lamppost_id_idx".to_owned()]
                }
                // The first expiries, in the index's order.
                "flag_expired" | "first_expiry" => {
                    vec!["Index Scan lamppost lamppost_cached_full_name_expires_after".to_owned()]
                }
                _ => Vec::new(),
            };
            let found = scans(&db, name, statement)
                .await
                .into_iter()
                .filter(|scan| !ended_early.contains(scan));
            unexpected.extend(found.map(|scan| format!("{name} on {rows} rows: {scan}")));
        }
        drop_database(db).await;
    }

    assert_eq!(unexpected, Vec::<String>::new());
}

/// How many rows this may make us read of a table: a change of a few rows, or what takes or looks
/// at so many.
fn allowed(name: &str) -> i64 {
    10 + match name {
        "work" => 1000,
        // It looks for the links of a hundred marks, and takes all marks of these.
        "expand" => 200,
        _ => 0,
    }
}

/// By table: how often this session has read it from end to end, and how many rows by an index.
async fn reads(db: &impl ConnectionTrait) -> BTreeMap<String, (i64, i64)> {
    let reads =
        "SELECT relname::text, seq_scan, coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables";
    let reads = db.query_all_raw(Statement::from_string(DbBackend::Postgres, reads)).await.unwrap();
    let read = |row: &QueryResult| {
        let (table, scans, rows) = row.try_get_many_by_index().unwrap();
        (table, (scans, rows))
    };
    reads.iter().map(read).collect()
}

/// What stands in functions shows no plan: what it reads is counted.
#[tokio::test]
async fn nor_does_a_trigger_or_a_function() {
    let db = database(3001).await;
    let mut unexpected = Vec::new();
    let owner = owner();
    let looked_up = owner.looked_up().next().unwrap();
    let functions = [
        ("work", claim::work(&owner, &[0])),
        ("expand", collect::expand_marks(&owner, looked_up, 100, None)),
        (
            "expand for a row",
            collect::expand_marks(&owner, looked_up, 100, Some(&Key::new([7.into()]))),
        ),
    ];

    let changes = [
        "UPDATE pigeon SET weight = 2 WHERE id = 7",
        "UPDATE pigeon SET lamppost_id = 9 WHERE id = 7",
        "INSERT INTO pigeon VALUES (0, 7, 1)",
        "DELETE FROM pigeon WHERE id = 7",
        "UPDATE city SET name = 'y' WHERE id = 7",
        "UPDATE lamppost SET first_name = 'x' WHERE id = 7",
        "UPDATE lamppost SET full_name_recalculation_needed = true WHERE id = 7",
    ];
    let changes =
        changes.map(|change| (change, Statement::from_string(DbBackend::Postgres, change)));

    for (name, statement) in functions.into_iter().chain(changes) {
        let transaction = db.begin().await.unwrap();
        transaction
            .execute_unprepared("UPDATE city SET name = 'z' WHERE id IN (7, 8)")
            .await
            .unwrap();
        let before = reads(&transaction).await;
        transaction.execute_raw(statement).await.unwrap();
        // The flags would be set at COMMIT.
        transaction.execute_unprepared("SET CONSTRAINTS ALL IMMEDIATE").await.unwrap();
        for (table, (scans, rows)) in reads(&transaction).await {
            let (scans_before, rows_before) = before.get(&table).copied().unwrap_or_default();
            let scans = scans - scans_before;
            let rows = rows - rows_before;
            if scans > 0 || rows > allowed(name) {
                unexpected.push(format!(
                    "{name}: {table}, {scans} times from end to end, {rows} rows by an index"
                ));
            }
        }
        transaction.rollback().await.unwrap();
    }

    drop_database(db).await;
    assert_eq!(unexpected, Vec::<String>::new());
}
