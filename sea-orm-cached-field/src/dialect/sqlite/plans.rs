//! The plan of every statement of the protocol: none may read a whole table (invariant I7).

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};

use super::Sqlite;
use crate::{
    dialect::{Claim, Described, Dialect, Enqueued, Shape, ShapedField, Written},
    field::{
        Flagging, Key,
        layout::{Column, Field, Owner, Table},
    },
};

fn owner() -> Owner {
    let column = |name: &str| Column { name: name.to_owned(), cast: Default::default() };
    Owner {
        table: Table { schema: None, name: "lamppost".to_owned() },
        key: vec![column("id")],
        fields: vec![Field {
            name: "full_name",
            cached: column("cached_full_name"),
            recalculation_needed: "full_name_recalculation_needed".to_owned(),
            expires_after: Some("full_name_expires_after".to_owned()),
            flagging: Flagging::Commit,
            own_columns: vec!["first_name".to_owned()],
        }],
        sources: Vec::new(),
    }
}

async fn installed(owner: &Owner) -> DatabaseConnection {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    let columns = [
        ("id", "INTEGER PRIMARY KEY"),
        ("first_name", "TEXT"),
        ("cached_full_name", "TEXT"),
        ("full_name_recalculation_needed", "BOOLEAN NOT NULL DEFAULT TRUE"),
        ("full_name_expires_after", "TEXT"),
    ];
    let definitions: Vec<String> = columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
    db.execute_unprepared(&format!("CREATE TABLE lamppost ({})", definitions.join(", "))).await.unwrap();
    let table = Described {
        table: owner.table.clone(),
        columns: columns.iter().map(|(name, _)| ((*name).to_owned(), "INTEGER".to_owned())).collect(),
        primary_key: vec!["id".to_owned()],
        unique: Vec::new(),
    };
    for statement in Sqlite.objects(owner, &table, &[]).iter().flat_map(|object| &object.create) {
        db.execute_unprepared(statement).await.unwrap();
    }
    db
}

/// All statements of the worker and of readers.
fn statements(owner: &Owner) -> Vec<(&'static str, Statement)> {
    let keys: Vec<Key> = (1..=3).map(|id| Key::new([id.into()])).collect();
    let claims: Vec<Claim> = keys
        .iter()
        .map(|key| Claim { key: key.clone(), field: 0, generation: 1, attempts: 1, claimed_at: 0 })
        .collect();
    let queued = |key: &Key| Enqueued { key: key.clone(), field: 0, generation: 1, marked_at: 0, lease: true };
    let queued: Vec<Enqueued> = keys.iter().map(queued).collect();
    let shape = Shape(vec![ShapedField { field: 0, done: true }]);
    let written = |key: &Key| Written { key: key.clone(), claimed_at: 0, values: vec!["x".into()] };
    let rows: Vec<Written> = keys.iter().map(written).collect();
    let mut statements = vec![
        ("work", Sqlite.work(owner)),
        ("flag", Sqlite.flag(owner, 0, &keys[0])),
        ("flag_expired", Sqlite.flag_expired(owner, 0, 100)),
        ("take_marks", Sqlite.take_marks(owner, 100)),
        ("take_marks_of", Sqlite.take_marks_of(owner, &keys)),
        ("enqueue", Sqlite.enqueue(owner, &queued, 1000)),
        ("change_generation", Sqlite.change_generation(owner, &queued)),
        ("lease_due", Sqlite.lease_due(owner, 100, 1000)),
        ("lease_one", Sqlite.lease_one(owner, 0, &keys[0], 1000, false)),
        ("renew_leases", Sqlite.renew_leases(owner, &claims, 1000)),
        ("lock_rows", Sqlite.lock_rows(owner, &keys)),
        ("lock_queued", Sqlite.lock_queued(owner, &claims)),
        ("write", Sqlite.write(owner, &shape, &rows)),
        ("hand_back", Sqlite.hand_back(owner, &claims, 0)),
        ("record_failure", Sqlite.record_failure(owner, &claims[0], "error", None)),
        ("drop_gone", Sqlite.drop_gone(owner, &claims)),
        ("status", Sqlite.status(owner, 0, &keys[0])),
    ];
    let (before, after) = Sqlite.settle(owner, &claims);
    statements.extend(before.into_iter().chain(after).map(|statement| ("settle", statement)));
    statements.extend(Sqlite.flag_lazily(owner, 0, &keys[0]).into_iter().map(|statement| ("flag_lazily", statement)));
    let stored = Sqlite.store_in_transaction(owner, 0, &rows[0]);
    statements.extend(stored.into_iter().map(|statement| ("store_in_transaction", statement)));
    statements
}

/// The steps of a plan that read a stored table from end to end.
async fn scans(db: &DatabaseConnection, statement: Statement) -> Vec<String> {
    let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
    let values = statement.values.map(|values| values.0).unwrap_or_default();
    let plan = db.query_all_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)).await.unwrap();
    let steps = plan.iter().map(|row| row.try_get::<String>("", "detail").unwrap());
    let stored = ["lamppost", "lamppost_cached_marks", "lamppost_cached_recalculations", "t", "q", "m", "d"];
    steps
        .filter(|step| {
            stored.iter().any(|table| step.strip_prefix("SCAN ").and_then(|scan| scan.split(' ').next()) == Some(table))
        })
        .collect()
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let owner = owner();
    let db = installed(&owner).await;
    for (name, statement) in statements(&owner) {
        let found = scans(&db, statement).await;
        let ended_early: &[&str] = match name {
            // The oldest marks come first in the order of the table, of which no more are read than are taken.
            "take_marks" => &["SCAN lamppost_cached_marks"],
            // Whether there is any mark, and the first expiry in the index's order.
            "work" => &[
                "SCAN lamppost_cached_marks USING COVERING INDEX lamppost_cached_marks_key",
                "SCAN lamppost USING INDEX lamppost_cached_full_name_expires_after",
            ],
            _ => &[],
        };
        assert_eq!(found, ended_early, "{name}");
    }
}
