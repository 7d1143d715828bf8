//! The plan of every statement of the protocol. None may read a whole table (invariant I7), however
//! full the tables are, and however empty the server believes that they are.

use sea_orm::{
    ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement, TransactionTrait,
};

use super::{DONE, read, tables};
use crate::{
    backend::{
        Backend,
        example::{self, Example},
    },
    declaration::{Chunk, Key},
};

const TABLES: [&str; 4] = [
    "lamppost (id integer PRIMARY KEY, first_name text, city_id integer, cached_full_name text,
        full_name_recalculation_needed boolean NOT NULL DEFAULT true,
        full_name_expires_after datetime(6), KEY (city_id),
        KEY (cached_full_name(20), city_id))",
    "pigeon (id integer PRIMARY KEY, lamppost_id integer, weight integer, ring text,
        KEY (lamppost_id))",
    "city (id integer PRIMARY KEY, name text)",
    "numbers (n integer PRIMARY KEY)",
];

mod mariadb {
    fn url() -> String {
        std::env::var("CACHED_FIELD_TEST_MARIADB_URL")
            .unwrap_or_else(|_| "mysql://root@127.0.0.1:3306/mysql".to_owned())
    }

    #[tokio::test]
    async fn a_chunk_of_rows_is_found_by_its_keys() {
        super::a_chunk_of_rows_is_found_by_its_keys(&url()).await;
    }

    #[tokio::test]
    async fn no_statement_reads_a_whole_table() {
        super::no_statement_reads_a_whole_table(&url()).await;
    }

    #[tokio::test]
    async fn nor_rows_behind_a_relation_of_which_none_is_marked() {
        super::nor_rows_behind_a_relation_of_which_none_is_marked(&url()).await;
    }
}

mod mysql {
    fn url() -> String {
        std::env::var("CACHED_FIELD_TEST_MYSQL_URL")
            .unwrap_or_else(|_| "mysql://root@127.0.0.1:3307/mysql".to_owned())
    }

    #[tokio::test]
    async fn a_chunk_of_rows_is_found_by_its_keys() {
        super::a_chunk_of_rows_is_found_by_its_keys(&url()).await;
    }

    #[tokio::test]
    async fn no_statement_reads_a_whole_table() {
        super::no_statement_reads_a_whole_table(&url()).await;
    }

    #[tokio::test]
    async fn nor_rows_behind_a_relation_of_which_none_is_marked() {
        super::nor_rows_behind_a_relation_of_which_none_is_marked(&url()).await;
    }
}

async fn connect(url: &str) -> DatabaseConnection {
    Database::connect(url).await.expect("start a server with `cargo xtask services`")
}

/// Makes an empty database, and connects to it.
async fn fresh(server: &DatabaseConnection, url: &str, name: &str) -> DatabaseConnection {
    server
        .execute_unprepared(&format!("DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}"))
        .await
        .unwrap();
    let (place, database) = url.rsplit_once('/').expect("the URL names a database");
    let options = database.find('?').map(|start| &database[start..]).unwrap_or_default();
    connect(&format!("{place}/{name}{options}")).await
}

/// A database of its own, whose tables the server takes for empty, and full ones of which it knows.
async fn databases(url: &str, name: &str) -> [DatabaseConnection; 2] {
    let server = connect(url).await;
    let mut databases = Vec::new();
    for rows in [0, 3000] {
        let db = fresh(&server, url, &format!("{name}_{rows}")).await;
        fill(&db, rows).await;
        databases.push(db);
    }
    databases.try_into().unwrap()
}

async fn fill(db: &DatabaseConnection, rows: u32) {
    for table in TABLES {
        db.execute_unprepared(&format!("CREATE TABLE {table}")).await.unwrap();
    }

    let owner = example::owner();
    let (table, related) = example::tables();
    for statement in
        tables::objects(&owner, &table, &related).iter().flat_map(|object| &object.create)
    {
        db.execute_unprepared(statement).await.unwrap();
    }

    for n in 0..rows / 1000 {
        let numbers: Vec<String> = (1..=1000).map(|i| format!("({})", n * 1000 + i)).collect();
        db.execute_unprepared(&format!("INSERT INTO numbers VALUES {}", numbers.join(", ")))
            .await
            .unwrap();
    }

    if rows > 0 {
        for statement in [
            "INSERT INTO city SELECT n, 'x' FROM numbers",
            "INSERT INTO lamppost (id, city_id, full_name_expires_after)
             SELECT n, n, '2999-01-01'
               FROM numbers",
            "INSERT INTO pigeon (id, lamppost_id) SELECT n, n FROM numbers",
            "INSERT INTO _lamppost_cached_recalculations (key_1, field, generation)
             SELECT n, 'full_name', n
               FROM numbers",
            "ANALYZE TABLE city, lamppost, pigeon,
                     _lamppost_cached_marks, _lamppost_cached_recalculations",
        ] {
            db.execute_unprepared(statement).await.unwrap();
        }
    }
}

/// The stored tables that a plan reads from end to end, or by an index from end to end.
async fn scans(db: &DatabaseConnection, statement: Statement) -> Vec<String> {
    let sql = format!("EXPLAIN {}", statement.sql);
    let values = statement.values.map(|values| values.0).unwrap_or_default();
    let plan = db
        .query_all_raw(Statement::from_sql_and_values(DbBackend::MySql, sql, values))
        .await
        .unwrap();

    let steps = plan.iter().filter_map(|row| {
        let table: Option<String> = row.try_get("", "table").unwrap();
        let access: Option<String> = row.try_get("", "type").unwrap();
        let key: Option<String> = row.try_get("", "key").unwrap();
        let table = table.filter(|table| !table.starts_with('<'))?;
        matches!(access.as_deref(), Some("ALL" | "index"))
            .then(|| format!("{table} by {}", key.unwrap_or_default()))
    });

    steps.collect()
}

/// What goes over the rows of a chunk. What inserts values has no plan.
const OF_CHUNKS: [&str; 7] = [
    "backlog_boundary",
    "count_rest",
    "marked_chunks",
    "unqueued_in",
    "enqueue_chunk",
    "flag_chunk",
    "passed_over",
];

/// Of a table whose key has two columns, the first of which is the same in all rows.
async fn a_chunk_of_rows_is_found_by_its_keys(url: &str) {
    let mut owner = example::owner();
    let (table, _) = example::tables();
    owner.sources.clear();
    owner.key.insert(0, owner.key[0].clone());
    owner.key[0].name = "city_id".to_owned();

    let name = format!("cached_field_chunks_{}", std::process::id());
    let server = connect(url).await;
    let db = fresh(&server, url, &name).await;

    let lamppost = TABLES[0]
        .replace("id integer PRIMARY KEY", "id integer")
        .replace("KEY (city_id)", "PRIMARY KEY (city_id, id)");
    db.execute_unprepared(&format!("CREATE TABLE {lamppost}")).await.unwrap();
    for statement in tables::objects(&owner, &table, &[]).iter().flat_map(|object| &object.create) {
        db.execute_unprepared(statement).await.unwrap();
    }

    let rows: Vec<String> = (1..=3000).map(|id| format!("(1, {id})")).collect();
    db.execute_unprepared(&format!(
        "INSERT INTO lamppost (city_id, id) VALUES {}",
        rows.join(", ")
    ))
    .await
    .unwrap();

    let queued = "
        INSERT INTO _lamppost_cached_recalculations (key_1, key_2, field, generation)
        SELECT city_id, id, 'full_name', 1
          FROM lamppost";
    let [after, to] = [1000, 1100].map(|id| Some(Key::new([1.into(), id.into()])));
    let mut of = Example::of(owner, 3);
    of.chunk = Chunk { after, to };

    for fill in ["SELECT 1", queued] {
        db.execute_unprepared(fill).await.unwrap();
        db.execute_unprepared("ANALYZE TABLE lamppost, _lamppost_cached_recalculations")
            .await
            .unwrap();
        let sent = example::sent(Backend::MySql, &of).into_iter();
        for (name, statement) in sent.filter(|(name, _)| OF_CHUNKS.contains(name)) {
            let sql = statement.sql.clone();
            let found = scans(&db, statement).await;
            assert!(found.is_empty(), "{name}: {found:?}\n{sql}");
        }
    }

    server.execute_unprepared(&format!("DROP DATABASE {name}")).await.unwrap();
}

async fn no_statement_reads_a_whole_table(url: &str) {
    let name = format!("cached_field_plans_{}", std::process::id());

    for (db, is_full) in databases(url, &name).await.into_iter().zip([false, true]) {
        for (name, statement) in example::sent(Backend::MySql, &Example::new()) {
            // The example's sources are other tables than the owner's, so that no row is calculated
            // from its like.
            if ["circular", "readers", "retry_readers", "stale_behind"].contains(&name) {
                continue;
            }
            // They read the owner's table, or the doctor or a waiting operator asks them. Those of
            // chunks have a test of their own.
            let others =
                ["stale_anywhere", "stale_behind rows", "oldest", "retry_failed", "is_claimed"];
            if others.contains(&name) || OF_CHUNKS.contains(&name) {
                continue;
            }
            if example::OF_SMALL.contains(&name) {
                continue;
            }
            // The time is no table, and what inserts has no plan.
            let planless = ["SET", "INSERT INTO", "INSERT IGNORE INTO"];
            if planless.iter().any(|begin| statement.sql.starts_with(begin)) {
                continue;
            }
            let sql = statement.sql.clone();
            let found = scans(&db, statement).await;
            let ended_early: &[&str] = match name {
                // Whether there is any mark, the first rows that are due, and the first expiry: in
                // the order of an index.
                "work" => &["m by", "q by by_due", "t by lamppost_cached_full_name_expires_after"],
                // No more are read than are counted.
                "count_marks" => &["m by PRIMARY"],
                // All of the queue, once for a retry of however many rows.
                "rows_to_retry" => &["q by PRIMARY"],
                "first_expiry" => &["t by lamppost_cached_full_name_expires_after"],
                // The oldest that are due, of which no more are read than are taken.
                "lease_due" => &["e by by_due"],
                // It stands over the user's tables alone, of which the server knows whether they
                // are empty.
                "select" | "select of a row" if !is_full => {
                    &["t by", "pigeon by", "lamppost by", "owner by", "rolled_up by"]
                }
                _ => &[],
            };
            let unexpected: Vec<&String> = found
                .iter()
                .filter(|step| !ended_early.iter().any(|early| step.starts_with(early)))
                .collect();
            assert!(unexpected.is_empty(), "{name}: {unexpected:?}\n{sql}");
        }
        let database = db
            .query_one_raw(Statement::from_string(DbBackend::MySql, "SELECT DATABASE()"))
            .await
            .unwrap();
        let database: String = database.unwrap().try_get_by_index(0).unwrap();
        db.execute_unprepared(&format!("DROP DATABASE {database}")).await.unwrap();
    }
}

/// Whether a row is stale is asked of a lamppost with 3,000 pigeons, each with its city.
async fn nor_rows_behind_a_relation_of_which_none_is_marked(url: &str) {
    let name = format!("cached_field_relations_{}", std::process::id());
    let server = connect(url).await;
    let db = fresh(&server, url, &name).await;
    fill(&db, 3000).await;
    for statement in [
        "UPDATE pigeon SET lamppost_id = 7, weight = id",
        &format!("UPDATE lamppost SET full_name_recalculation_needed = {DONE} WHERE id = 7"),
        "DELETE FROM _lamppost_cached_marks",
    ] {
        db.execute_unprepared(statement).await.unwrap();
    }
    let mut owner = example::owner();
    let [mut cities, city] = [owner.sources[0].clone(), owner.sources[1].clone()];
    cities.steps.extend(city.steps);
    cities.steps[1].link[0].near = "weight".to_owned();
    cities.at = 1;
    let via = tables::via(&cities);
    owner.sources = vec![cities];

    let session = db.begin().await.unwrap();
    let read = async || {
        let rows =
            Statement::from_string(DbBackend::MySql, "SHOW SESSION STATUS LIKE 'Handler_read%'");
        let counts = session.query_all_raw(rows).await.unwrap();
        counts
            .iter()
            .map(|row| row.try_get_by_index::<String>(1).unwrap().parse::<i64>().unwrap())
            .sum::<i64>()
    };
    let asked = async || {
        let before = read().await;
        session.query_all_raw(read::status(&owner, 0, &[Key::new([7.into()])])).await.unwrap();
        read().await - before
    };
    assert!(asked().await < 100, "nothing is marked");
    let mark = format!(
        "INSERT INTO _lamppost_cached_marks (field, via, link, link_hash)
         VALUES ('full_name', '{via}', 'i30', 0)"
    );
    session.execute_unprepared(&mark).await.unwrap();
    assert!(asked().await > 1000, "one is marked");
    session.rollback().await.unwrap();
    server.execute_unprepared(&format!("DROP DATABASE {name}")).await.unwrap();
}
