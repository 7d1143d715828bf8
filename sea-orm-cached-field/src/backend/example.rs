//! An owner for tests of the SQL, with a source whose rows hold its key and one that has to be
//! looked up.

use sea_orm::{
    ColumnType, Statement,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};

use super::{Dialect, claims_in_parts, written_in_parts};
use crate::{
    catalog::{Described, IndexedColumn, UniqueColumn, UniqueIndex},
    declaration::{Chunk, Flagging, Key},
    layout::{self, Column, Field, Link, Owner, Reader, Source, Step, Table, Upstream},
    queue::{Claim, Enqueued, Mark, NextTry, Shape, ShapedField, Which, Written},
};

fn named(name: &str) -> Table {
    Table { schema: None, name: name.to_owned() }
}

pub(super) fn owner() -> Owner {
    let column = |name: &str| Column {
        name: name.to_owned(),
        cast: Default::default(),
        read: Default::default(),
        order: Default::default(),
    };
    Owner {
        table: named("lamppost"),
        key: vec![column("id")],
        fields: vec![Field {
            name: "full_name",
            cached: column("cached_full_name"),
            recalculation_needed: "full_name_recalculation_needed".to_owned(),
            expires_after: Some("full_name_expires_after".to_owned()),
            expires_every: None,
            time_zone: None,
            flagging: Flagging::Commit,
            index_flag: false,
            debounce: Some(5000),
            version: 1,
            lazy: false,
            query: None,
            recursive: false,
            exact: true,
            own_columns: vec!["first_name".to_owned(), "city_id".to_owned()],
        }],
        sources: vec![
            source("pigeon", "id", "lamppost_id", "weight"),
            source("city", "city_id", "id", "name"),
        ],
    }
}

fn source(table: &str, owner: &str, related: &str, column: &str) -> Source {
    let link = vec![Link { near: owner.to_owned(), far: related.to_owned() }];
    Source {
        steps: vec![Step { table: named(table), link }],
        at: 0,
        repeated: Vec::new(),
        readers: vec![Reader { field: 0, columns: vec![column.to_owned()] }],
    }
}

fn described(table: &str, columns: &[(&str, &str)]) -> Described {
    Described {
        table: named(table),
        owned_by: None,
        columns: columns
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned()))
            .collect(),
        strict: false,
        collations: Default::default(),
        operators: Default::default(),
        nullable: Default::default(),
        generated: Default::default(),
        unreadable: Default::default(),
        by_row: false,
        partitions: Vec::new(),
        cascades: Vec::new(),
        primary_key: vec!["id".to_owned()],
        unique: Vec::new(),
    }
}

/// The owner's table and those of its sources, as a database would have them.
pub(super) fn tables() -> (Described, Vec<Described>) {
    let lamppost = [
        ("id", "integer"),
        ("first_name", "text"),
        ("city_id", "integer"),
        ("cached_full_name", "text"),
        ("full_name_recalculation_needed", "boolean"),
        ("full_name_expires_after", "timestamp with time zone"),
    ];
    let ring = UniqueColumn { name: "ring".to_owned(), collation: "BINARY".to_owned() };
    let columns =
        [("id", "integer"), ("lamppost_id", "integer"), ("weight", "numeric"), ("ring", "text")];
    let pigeon = Described { unique: vec![vec![ring]], ..described("pigeon", &columns) };
    let city = described("city", &[("id", "integer"), ("name", "text")]);
    (described("lamppost", &lamppost), vec![pigeon, city])
}

/// The example as if its field were calculated from itself: of the row, and behind each source.
fn upstream(owner: &Owner) -> Vec<Upstream> {
    let sources = std::iter::once(None).chain(owner.sources.iter().cloned().map(Some));
    let upstream =
        |source| Upstream { field: 0, source, owner: owner.clone(), fields: vec!["full_name"] };
    sources.map(upstream).collect()
}

/// The example as if its field were calculated by a query: over the rows of a source, over these
/// joined to the owner's, and over the owner's with a query in a query.
fn queried(owner: &Owner) -> [Owner; 3] {
    fn id() -> Expr {
        Expr::col(("lamppost", "id"))
    }
    let of_source = || {
        let mut select = Query::select();
        select.column("lamppost_id").expr(Expr::col("weight").sum()).from("pigeon");
        select.add_group_by([Expr::col("lamppost_id")]).take()
    };
    let joined = || {
        let is_behind = Expr::col(("pigeon", "lamppost_id")).eq(id());
        let mut select = Query::select();
        select.expr(id()).expr(Expr::col(("pigeon", "weight")).sum()).from("lamppost");
        select.left_join("pigeon", is_behind).add_group_by([id()]).take()
    };
    let nested = || {
        let is_behind = Expr::col(("pigeon", "lamppost_id")).eq(id());
        let weight = Query::select()
            .expr(Expr::col("weight").sum())
            .from("pigeon")
            .and_where(is_behind)
            .take();
        Query::select().expr(id()).expr(Expr::from(weight)).from("lamppost").take()
    };
    let selects: [fn() -> SelectStatement; 3] = [of_source, joined, nested];
    selects.map(|select| {
        let mut owner = owner.clone();
        owner.fields[0].query =
            Some(layout::Query { select, optional: false, kind: ColumnType::Text });
        owner
    })
}

/// Over the cached column, and another one.
fn unique_index(owner: &Owner) -> UniqueIndex {
    let column =
        |name: &str| IndexedColumn { name: name.to_owned(), collation: None, nullable: true };
    UniqueIndex { columns: vec![column(&owner.fields[0].cached.name), column("city_id")] }
}

/// All statements of workers, readers and of a row's methods, over three rows.
pub(super) fn statements(dialect: &dyn Dialect, owner: &Owner) -> Vec<(&'static str, Statement)> {
    statements_of(dialect, owner, 3)
}

/// The same over so many rows, or over as many as a statement takes.
pub(super) fn statements_of(
    dialect: &dyn Dialect,
    owner: &Owner,
    rows: i32,
) -> Vec<(&'static str, Statement)> {
    let keys: Vec<Key> = (1..=rows).map(|id| Key::new(vec![id.into(); owner.key.len()])).collect();
    let fields = 0..owner.fields.len();
    let shape = Shape(fields.map(|field| ShapedField { field, done: true }).collect());
    let written = |key: &Key| Written {
        key: key.clone(),
        claimed_at: 0,
        values: vec!["x".into(); owner.fields.len()],
    };
    let rows: Vec<Written> = keys.iter().map(written).collect();
    let rows = written_in_parts(owner, &shape, &rows).next().expect("there are rows");
    let keys = claims_in_parts(owner, &keys).next().expect("there are rows").to_vec();
    let ids: Vec<i64> = (1..).take(keys.len()).collect();
    let claims: Vec<Claim> = keys
        .iter()
        .map(|key| Claim {
            key: key.clone(),
            field: 0,
            generation: 1,
            attempts: 1,
            waves: 0,
            claimed_at: 0,
            shared: false,
        })
        .collect();
    let queued = |key: &Key| Enqueued { key: key.clone(), field: 0, generation: 1, lease: true };
    let queued: Vec<Enqueued> = keys.iter().map(queued).collect();
    let mut statements = vec![
        ("work", dialect.work(owner, &[0])),
        ("flag", dialect.flag(owner, 0, &keys[0])),
        ("flag_expired", dialect.flag_expired(owner, 0, 100)),
        ("lease_due", dialect.lease_due(owner, &[0], &upstream(owner), 100, 1000, 5000)),
        ("renew_leases", dialect.renew_leases(owner, &claims, 1000)),
        ("lock_rows", dialect.lock_rows(owner, &keys)),
        ("record_failure", dialect.record_failure(owner, &claims[0], "error", NextTry::In(1000))),
        ("is_given_up", dialect.is_given_up(owner, &claims[0])),
        ("is_marked", dialect.is_marked(owner, &claims[0])),
        ("hold_back", dialect.hold_back(owner, &claims[0], 1000, None)),
        ("spelled", dialect.spelled(owner, &keys)),
        ("status", dialect.status(owner, 0, &keys[..1])),
        ("status of rows", dialect.status(owner, 0, &keys)),
    ];
    let mut several = |name, of: Vec<Statement>| {
        statements.extend(of.into_iter().map(|statement| (name, statement)))
    };
    for source in owner.looked_up() {
        several("take_links", dialect.take_links(owner, source, 100, None).into_iter().collect());
        several(
            "take_links of a row",
            dialect.take_links(owner, source, 100, Some(&keys[0])).into_iter().collect(),
        );
        let links: Vec<(i64, String)> = ids.iter().map(|id| (*id, "i31".to_owned())).collect();
        let hashes: Vec<u32> = vec![7; keys.len()];
        several(
            "take_links_like",
            dialect.take_links_like(owner, source, &hashes, 100).into_iter().collect(),
        );
        if dialect.take_links(owner, source, 100, None).is_some() {
            let behind =
                |range| vec![dialect.marks_behind_links(owner, source, &links, range, Some(100))];
            several("marks_behind_links", behind([None, None]));
            several("marks_behind_links in a range", behind([Some(&keys[0]), Some(&keys[0])]));
        }
        let mark =
            Mark { key: keys[0].clone(), field: owner.fields[0].name.to_owned(), marked_at: 0 };
        several("append_marks", dialect.append_marks(owner, &vec![mark; keys.len()]));
    }
    several("collect", dialect.collect(owner, Which::Oldest(100), 1000, None, &[]));
    several("collect lazily", dialect.collect(owner, Which::Oldest(100), 1000, None, &[0]));
    several("collect of rows", dialect.collect(owner, Which::Of(&keys), 1000, Some(0), &[]));
    several("take_chunks", vec![dialect.take_chunks(owner, &upstream(owner), 100)]);
    several("delete_mark", vec![dialect.delete_mark(owner, 1)]);
    several("take_marks", dialect.take_marks(owner, 100).into_iter().collect());
    several("take_marks_of", dialect.take_marks_of(owner, &keys, 100).into_iter().collect());
    let value = "x".into();
    let values: Vec<_> = claims.iter().map(|claim| (claim, &value)).collect();
    several("complete", dialect.complete(owner, 0, &values).into_iter().collect());
    several("announce", dialect.announce(owner, &claims).into_iter().collect());
    several("lock_claimed", dialect.lock_claimed(owner, &claims).into_iter().collect());
    several("lock_queued", dialect.lock_queued(owner, &claims).into_iter().collect());
    several("hand_back", dialect.hand_back(owner, &claims, 0, 1));
    for queried in queried(owner) {
        several("select", vec![dialect.select(&queried, 0, &keys)]);
        several("select of a row", vec![dialect.select(&queried, 0, &keys[..1])]);
        if dialect.stores_queries() {
            let complete = dialect.complete_query(&queried, &claims);
            several(
                "complete_query",
                vec![complete.unwrap_or_else(|| dialect.write_query(&queried, &claims, true))],
            );
        }
    }
    several("drop_gone", dialect.drop_gone(owner, &claims));
    several("lock_unflagged", dialect.lock_unflagged(owner, 0, &keys).into_iter().collect());
    several("delete_marks", dialect.delete_marks(owner, &ids));
    several("enqueue", dialect.enqueue(owner, &queued, 1000));
    several("change_generation", dialect.change_generation(owner, &queued));
    several("flag_missing", dialect.flag_missing(owner, 0, &keys).into_iter().collect());
    several("lease", dialect.lease(owner, &claims, 1000).into_iter().collect());
    several("lease_rows", dialect.lease_rows(owner, 0, &keys, 1000, false));
    several("write", dialect.write(owner, &shape, rows));
    several("holders", dialect.holders(owner, &unique_index(owner), &shape, rows));
    several("lock_holders", vec![dialect.lock_holders(owner, 0, &keys)]);
    several("give_up_value", dialect.give_up_value(owner, 0, &keys));
    for source in &owner.sources {
        several("circular", vec![dialect.circular(owner, source, &keys)]);
        several("readers", vec![dialect.readers(owner, source, &keys[0])]);
        several("retry_readers", vec![dialect.retry_readers(owner, 0, source, &keys)]);
        several("stale_behind", vec![dialect.stale_behind(owner, source, &keys[..1], owner, 0)]);
        several("stale_behind rows", vec![dialect.stale_behind(owner, source, &keys, owner, 0)]);
    }
    several("stale_anywhere", vec![dialect.stale_anywhere(owner, 0)]);
    let (before, after) = dialect.settle(owner, &claims);
    several("settle", before.into_iter().chain(after).collect());
    several("flag_lazily", dialect.flag_lazily(owner, 0, &keys[0]));
    several("flag_eagerly", dialect.flag_eagerly(owner, 0, &keys[0]));
    several("store_in_transaction", dialect.store_in_transaction(owner, 0, &rows[0]));
    statements
}

/// The statements of an installation that go over all rows, chunk by chunk.
pub(super) fn chunks(
    dialect: &dyn Dialect,
    owner: &Owner,
    [after, to]: [&Key; 2],
) -> Vec<(&'static str, Statement)> {
    let chunk = Chunk { after: Some(after.clone()), to: Some(to.clone()) };
    let mut statements = vec![
        ("backlog_boundary", dialect.backlog_boundary(owner, Some(after), 100)),
        ("count_rest", dialect.count_rest(owner, Some(after))),
        ("marked_chunks", dialect.marked_chunks(owner, 0, &chunk)),
        ("unqueued_in", dialect.unqueued_in(owner, 0, &chunk, std::slice::from_ref(&chunk))),
        ("mark_chunk", dialect.mark_chunk(owner, 0, &chunk)),
        ("enqueue_chunk", dialect.enqueue_chunk(owner, 0, &chunk)),
    ];
    let flag = dialect
        .flag_chunk(owner, 0, &chunk)
        .into_iter()
        .chain(dialect.passed_over(owner, 0, &chunk));
    statements.extend(flag.map(|statement| ("flag_chunk", statement)));
    statements
}

/// The SQL as it is sent, each statement once.
mod text {
    use super::*;
    use crate::backend::{mysql::MySql, postgres::Postgres, sqlite::Sqlite};

    fn installed(dialect: &dyn Dialect) -> String {
        let (table, related) = tables();
        let objects = dialect.objects(&owner(), &table, &related);
        let created = objects.iter().flat_map(|object| &object.create).cloned();
        created.collect::<Vec<_>>().join(";\n\n")
    }

    fn sent(dialect: &dyn Dialect) -> String {
        let owner = owner();
        let keys = [1, 2].map(|id| Key::new([id.into()]));
        let mut sent = statements(dialect, &owner);
        sent.extend(chunks(dialect, &owner, [&keys[0], &keys[1]]));
        let sent =
            sent.into_iter().map(|(name, statement)| format!("-- {name}\n{}", statement.sql));
        sent.collect::<Vec<_>>().join(";\n\n")
    }

    #[test]
    fn of_postgres() {
        insta::assert_snapshot!("postgres_installed", installed(&Postgres));
        insta::assert_snapshot!("postgres_sent", sent(&Postgres));
    }

    /// `INSERT .. SELECT` would lock the table's AUTO_INCREMENT, which users' marks would then wait
    /// for, and keep.
    #[test]
    fn of_mysql_appends_marks_by_values() {
        let appends = |text: &&str| text.contains("INTO `_lamppost_cached_marks`");
        let sent = sent(&MySql);
        let appended: Vec<&str> = sent.split(";\n\n").filter(appends).collect();
        assert!(appended.len() > 2, "{appended:?}");
        assert!(
            appended.iter().all(|text| text.contains("VALUES (") && !text.contains("SELECT")),
            "{appended:?}"
        );
    }

    #[test]
    fn of_mysql() {
        insta::assert_snapshot!("mysql_installed", installed(&MySql));
        insta::assert_snapshot!("mysql_sent", sent(&MySql));
    }

    #[test]
    fn of_sqlite() {
        insta::assert_snapshot!("sqlite_installed", installed(&Sqlite));
        insta::assert_snapshot!("sqlite_sent", sent(&Sqlite));
    }
}
