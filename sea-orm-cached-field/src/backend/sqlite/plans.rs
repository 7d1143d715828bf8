//! The plan of every statement of the protocol: none may read a whole table (invariant I7).

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};

use super::tables;
use crate::{
    backend::{
        Backend,
        example::{self, Example},
    },
    catalog::Described,
    layout::Owner,
};

async fn installed(owner: &Owner) -> DatabaseConnection {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    let columns = [
        ("id", "INTEGER PRIMARY KEY"),
        ("first_name", "TEXT"),
        ("city_id", "INTEGER"),
        ("cached_full_name", "TEXT"),
        ("full_name_recalculation_needed", "BOOLEAN NOT NULL DEFAULT TRUE"),
        ("full_name_expires_after", "TEXT"),
    ];

    let definitions: Vec<String> =
        columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
    db.execute_unprepared(&format!("CREATE TABLE lamppost ({})", definitions.join(", ")))
        .await
        .unwrap();
    db.execute_unprepared(
        "CREATE TABLE pigeon (id INTEGER PRIMARY KEY, lamppost_id INTEGER, weight INTEGER)",
    )
    .await
    .unwrap();
    db.execute_unprepared("CREATE INDEX pigeon_lamppost ON pigeon (lamppost_id)").await.unwrap();
    let unique = "CREATE UNIQUE INDEX lamppost_full_name ON lamppost (cached_full_name, city_id)";
    db.execute_unprepared(unique).await.unwrap();

    let table = Described {
        table: owner.table.clone(),
        columns: columns
            .iter()
            .map(|(name, _)| ((*name).to_owned(), "INTEGER".to_owned()))
            .collect(),
        primary_key: vec!["id".to_owned()],
        strict: false,
        collations: Default::default(),
        operators: Default::default(),
        nullable: Default::default(),
        generated: Default::default(),
        unreadable: Default::default(),
        owned_by: None,
        by_row: false,
        partitions: Vec::new(),
        cascades: Vec::new(),
        unique: Vec::new(),
    };

    for statement in tables::objects(owner, &table, &[]).iter().flat_map(|object| &object.create) {
        db.execute_unprepared(statement).await.unwrap();
    }

    db
}

/// The steps of a plan that read a stored table from end to end.
async fn scans(db: &DatabaseConnection, statement: Statement) -> Vec<String> {
    let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
    let values = statement.values.map(|values| values.0).unwrap_or_default();
    let plan = db
        .query_all_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql, values))
        .await
        .unwrap();

    let steps = plan.iter().map(|row| row.try_get::<String>("", "detail").unwrap());
    let stored = [
        "pigeon",
        "lamppost",
        "_lamppost_cached_marks",
        "_lamppost_cached_recalculations",
        "t",
        "q",
        "m",
        "d",
    ];

    steps
        .filter(|step| {
            stored.iter().any(|table| {
                step.strip_prefix("SCAN ").and_then(|scan| scan.split(' ').next()) == Some(table)
            })
        })
        .collect()
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let owner = Owner { sources: Vec::new(), ..example::owner() };
    let db = installed(&owner).await;

    for (name, statement) in example::sent(Backend::Sqlite, &Example::of(owner, 3)) {
        // The doctor, or a waiting operator, asks them.
        if ["oldest", "retry_failed", "is_claimed"].contains(&name) {
            continue;
        }
        let found = scans(&db, statement).await;
        let ended_early: &[&str] = match name {
            // The oldest marks come first in the order of the table, of which no more are read than
            // are taken.
            "collect" | "collect lazily" | "last_marks" | "last_marks lazily" => {
                &["SCAN _lamppost_cached_marks"]
            }
            // No more of the oldest are looked at than ten times what is leased.
            "lease_due" => &["SCAN d"],
            // No more are read than are counted.
            "count_marks" => &["SCAN m"],
            // Whether there is any mark, and the first expiry in the index's order.
            "work" => &[
                "SCAN _lamppost_cached_marks USING COVERING INDEX _lamppost_cached_marks_key",
                "SCAN lamppost USING INDEX lamppost_cached_full_name_expires_after",
            ],
            // All rows of the owner's table, and whether there is any mark and any row of the
            // queue.
            "stale_anywhere" => &[
                "SCAN t",
                "SCAN _lamppost_cached_marks USING COVERING INDEX _lamppost_cached_marks_key",
                "SCAN _lamppost_cached_recalculations \
                 USING COVERING INDEX _lamppost_cached_recalculations_due",
            ],
            _ => &[],
        };
        assert_eq!(found, ended_early, "{name}");
    }
}
