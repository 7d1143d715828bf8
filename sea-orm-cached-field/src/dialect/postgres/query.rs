//! Fields that are calculated by a query.

use std::time::Duration;

use sea_orm::{ColumnType, Statement};

use super::{Postgres, complete, statement};
use crate::{
    dialect::{Claim, query, sql::Sql},
    field::layout::Owner,
};

/// The type that a value is cast to for a column, where an expression may be of another one, as sums are.
pub(super) fn cast_to(kind: &ColumnType) -> Option<String> {
    let name = match kind {
        ColumnType::TinyInteger | ColumnType::SmallInteger | ColumnType::TinyUnsigned | ColumnType::SmallUnsigned => {
            "smallint".to_owned()
        }
        ColumnType::Integer | ColumnType::Unsigned => "integer".to_owned(),
        ColumnType::BigInteger | ColumnType::BigUnsigned => "bigint".to_owned(),
        ColumnType::Float => "real".to_owned(),
        ColumnType::Double => "double precision".to_owned(),
        ColumnType::Decimal(Some((precision, scale))) => format!("numeric({precision}, {scale})"),
        ColumnType::Decimal(None) => "numeric".to_owned(),
        // Not with its length, to which a cast would cut the text without a word.
        ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text => "text".to_owned(),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Time => "time".to_owned(),
        ColumnType::DateTime | ColumnType::Timestamp => "timestamp".to_owned(),
        ColumnType::TimestampWithTimeZone => "timestamptz".to_owned(),
        _ => return None,
    };
    Some(name)
}

/// The user's query may join more than our own statements do.
pub(super) fn settings(within: Duration) -> String {
    format!(
        "SET LOCAL enable_hashjoin = on; SET LOCAL enable_bitmapscan = on; SET LOCAL statement_timeout = '{}ms'",
        within.as_millis().max(1)
    )
}

/// The query's snapshot is that of the verdict: it shows just the changes whose marks are seen.
pub(super) fn complete(owner: &Owner, claims: &[Claim]) -> Option<Statement> {
    let field = &owner.fields[claims.first()?.field];
    let mut sql = Sql::postgres();
    let calculated = query::values(&Postgres, &mut sql, owner, field, claims, None);
    let changed = ", ROW(j.stored)::text IS DISTINCT FROM ROW(j.value)::text AS changed";
    let text = complete::completion(owner, field, &calculated, changed);
    Some(statement(sql, text))
}

#[cfg(all(test, feature = "sqlx-postgres"))]
mod tests {
    use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, TransactionTrait};

    use super::*;
    use crate::dialect::{Dialect, ObjectKind, example, postgres::claim};

    fn url() -> String {
        std::env::var("CACHED_FIELD_TEST_POSTGRES_URL")
            .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned())
    }

    /// A database of its own, with full tables.
    async fn database(name: &str) -> DatabaseConnection {
        let server = Database::connect(url()).await.expect("start a server with `cargo xtask services`");
        server.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE template0")).await.unwrap();
        let url = url();
        let (server, _) = url.rsplit_once('/').unwrap();
        let db = Database::connect(format!("{server}/{name}")).await.unwrap();
        db.execute_unprepared(
            "CREATE TABLE lamppost (id integer PRIMARY KEY, first_name text, city_id integer, cached_full_name text,
                full_name_recalculation_needed boolean NOT NULL DEFAULT true, full_name_expires_after timestamptz);
             CREATE TABLE pigeon (id integer PRIMARY KEY, lamppost_id integer, weight numeric, ring text);
             CREATE INDEX pigeon_lamppost ON pigeon (lamppost_id);
             CREATE TABLE city (id integer PRIMARY KEY, name text)",
        )
        .await
        .unwrap();
        let (table, related) = example::tables();
        let objects = Postgres.objects(&example::owner(), &table, &related);
        for table in objects.iter().filter(|object| object.kind == ObjectKind::Table) {
            db.execute_unprepared(&table.create.join("; ")).await.unwrap();
        }
        db.execute_unprepared(
            "INSERT INTO lamppost (id) SELECT generate_series(1, 5000);
             INSERT INTO pigeon (id, lamppost_id) SELECT n, n FROM generate_series(1, 5000) n;
             ANALYZE lamppost, pigeon",
        )
        .await
        .unwrap();
        db
    }

    async fn plan(db: &impl ConnectionTrait, statement: Statement) -> String {
        let sql = format!("EXPLAIN {}", statement.sql);
        let values = statement.values.map(|values| values.0).unwrap_or_default();
        let rows = db.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await.unwrap();
        rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect::<Vec<_>>().join("\n")
    }

    /// The user's query groups all rows; its plan is one of the rows that are asked for.
    #[tokio::test]
    async fn a_query_reads_what_its_rows_need() {
        let name = format!("cached_field_query_plans_{}", std::process::id());
        let db = database(&name).await;
        for (statement, sent) in example::statements(&Postgres, &example::owner()) {
            if !["select", "complete_query"].contains(&statement) {
                continue;
            }
            let transaction = db.begin().await.unwrap();
            if statement == "complete_query" {
                transaction.execute_unprepared(&claim::settings(true)).await.unwrap();
                transaction.execute_unprepared(&settings(Duration::from_secs(1))).await.unwrap();
            }
            let plan = plan(&transaction, sent).await;
            transaction.rollback().await.unwrap();
            let scanned = ["Seq Scan on lamppost", "Seq Scan on pigeon"].iter().any(|scan| plan.contains(scan));
            assert!(!scanned && plan.contains("pigeon_lamppost"), "{statement}:\n{plan}");
        }
        db.close().await.unwrap();
        Database::connect(url()).await.unwrap().execute_unprepared(&format!("DROP DATABASE {name}")).await.unwrap();
    }
}
