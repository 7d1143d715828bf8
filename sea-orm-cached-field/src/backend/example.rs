//! An owner for tests of the SQL, with a source whose rows hold its key and one that has to be
//! looked up. Also what statements are rendered of.

use std::{collections::BTreeMap, time::Instant};

use sea_orm::{
    ColumnType, Statement, Value,
    sea_query::{Expr, ExprTrait, Query},
};

use super::{
    Backend,
    operations::Statements,
    shared,
    sizes::{claims_in_parts, written_in_parts},
};
use crate::{
    activity::{Done, Minute, WorkerRecord},
    catalog::{Described, IndexedColumn, Object, UniqueColumn, UniqueIndex},
    declaration::{Chunk, Flagging, Function, Hop, Key, RollUp, RolledUp},
    layout::{self, Column, Field, Link, Owner, Reader, Select, Source, Step, Table, Upstream},
    queue::{Claim, Enqueued, Mark, MarkedChunk, Shape, ShapedField, Written},
};

/// The tables that have a row for each field or each worker.
pub(super) const SMALL: [&str; 2] = ["_lamppost_cached_settings", "_lamppost_cached_workers"];

/// The statements that read one of them from end to end.
pub(super) const OF_SMALL: [&str; 3] = ["pauses", "workers", "forget_lost_workers"];

fn table(name: &str) -> Table {
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
        table: table("lamppost"),
        key: vec![column("id")],
        key_reader: |row, prefix| Ok(Key::new([row.try_get::<i32>(prefix, "key_1")?.into()])),
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
        steps: vec![Step { table: self::table(table), link }],
        at: 0,
        repeated: Vec::new(),
        readers: vec![Reader { field: 0, columns: vec![column.to_owned()] }],
    }
}

fn described(table: &str, columns: &[(&str, &str)]) -> Described {
    Described {
        table: self::table(table),
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

/// The example as if its field were calculated by a query. The queries are over the rows of a
/// source, over these joined to the owner's, and that of a roll-up.
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

    let hop = Hop {
        schema: None,
        table: "pigeon".to_owned(),
        from: vec!["id".to_owned()],
        to: vec!["lamppost_id".to_owned()],
        conditional: false,
        repeats: 0,
    };
    let weight =
        RolledUp { name: "weight".to_owned(), kind: Some(ColumnType::Integer), flaw: None };
    let rolled_up = RollUp {
        function: Function::Sum,
        hops: vec![hop],
        flaw: None,
        column: Some(weight),
        condition: None,
        written: "sum(pigeons.weight)",
    };

    let selects = [
        Select::Written(of_source),
        Select::Written(joined),
        Select::RolledUp(Box::new(rolled_up)),
    ];
    selects.map(|select| {
        let mut owner = owner.clone();
        owner.fields[0].query =
            Some(layout::Query { select, optional: false, kind: ColumnType::Text });
        owner
    })
}

/// What statements are rendered of.
pub(super) struct Example {
    pub(super) owner: Owner,
    /// Its table and those of its sources, as a database would have them.
    pub(super) table: Described,
    pub(super) related: Vec<Described>,
    /// What its field waits for, as if it were calculated from itself: of the row, and behind each
    /// source.
    pub(super) upstream: Vec<Upstream>,
    /// Of the rows that the statements are about.
    pub(super) keys: Vec<Key>,
    pub(super) claims: Vec<Claim>,
    pub(super) enqueued: Vec<Enqueued>,
    pub(super) ids: Vec<i64>,
    pub(super) shape: Shape,
    pub(super) rows: Vec<Written>,
    pub(super) chunk: Chunk,
    pub(super) moment: Value,
    mark: Vec<Mark>,
    value: Value,
}

impl Example {
    /// Over three rows.
    pub(super) fn new() -> Self {
        Self::of(owner(), 3)
    }

    /// Over so many rows, or over as many as a statement takes.
    pub(super) fn of(owner: Owner, rows: i32) -> Self {
        let key = |id: i32| Key::new(vec![id.into(); owner.key.len()]);
        let keys: Vec<Key> = (1..=rows).map(key).collect();
        let fields = 0..owner.fields.len();
        let shape = Shape(fields.map(|field| ShapedField { field, done: true }).collect());

        let written = |key: &Key| Written {
            key: key.clone(),
            claimed_at: 0,
            values: vec!["x".into(); owner.fields.len()],
        };
        let rows: Vec<Written> = keys.iter().map(written).collect();
        let rows = written_in_parts(&owner, &shape, &rows).next().expect("there are rows").to_vec();
        let keys = claims_in_parts(&owner, &keys).next().expect("there are rows").to_vec();

        let claim = |key: &Key| Claim {
            key: key.clone(),
            field: 0,
            generation: 1,
            attempts: 1,
            waves: 0,
            claimed_at: 0,
            stale_since: None,
            taken_at: Instant::now(),
            shared: false,
        };
        let enqueued = |key: &Key| Enqueued {
            key: key.clone(),
            field: 0,
            generation: 1,
            marked_at: 0,
            lease: true,
        };
        let mark =
            Mark { key: keys[0].clone(), field: owner.fields[0].name.to_owned(), marked_at: 0 };
        let (table, related) = tables();

        Self {
            upstream: upstream(&owner),
            claims: keys.iter().map(claim).collect(),
            enqueued: keys.iter().map(enqueued).collect(),
            ids: (1..).take(keys.len()).collect(),
            chunk: Chunk { after: Some(key(1)), to: Some(key(2)) },
            moment: chrono::DateTime::UNIX_EPOCH.into(),
            mark: vec![mark; keys.len()],
            value: "x".into(),
            owner,
            table,
            related,
            keys,
            shape,
            rows,
        }
    }

    pub(super) fn values(&self) -> Vec<(&Claim, &Value)> {
        self.claims.iter().map(|claim| (claim, &self.value)).collect()
    }

    pub(super) fn marks(&self) -> &[Mark] {
        &self.mark
    }

    pub(super) fn marked_chunk(&self) -> MarkedChunk {
        MarkedChunk { id: 1, marked_at: 0, field: 0, chunk: self.chunk.clone() }
    }

    pub(super) fn worker(&self) -> WorkerRecord {
        WorkerRecord {
            id: 1,
            host: "lantern".to_owned(),
            process: 7,
            program: "shop".to_owned(),
            version: "1.0.0".to_owned(),
            fields: "full_name".to_owned(),
            concurrency: 8,
            sets_gauges: true,
            claims: 0,
        }
    }

    pub(super) fn minute(&self) -> Minute {
        Minute { minute: 1, field: 0, done: Done::default() }
    }

    pub(super) fn links(&self) -> Vec<(i64, String)> {
        self.ids.iter().map(|id| (*id, "i31".to_owned())).collect()
    }

    pub(super) fn hashes(&self) -> Vec<u32> {
        vec![7; self.keys.len()]
    }

    /// The owner as if its field were calculated by a query. The queries are over the rows of a
    /// source, over these joined to the owner's, and over the owner's with a query in a query.
    pub(super) fn queried(&self) -> [Owner; 3] {
        queried(&self.owner)
    }

    /// Over the cached column, and another one.
    pub(super) fn unique_index(&self) -> UniqueIndex {
        let column =
            |name: &str| IndexedColumn { name: name.to_owned(), collation: None, nullable: true };
        UniqueIndex { columns: vec![column(&self.owner.fields[0].cached.name), column("city_id")] }
    }
}

/// A statement, and what renders it.
pub(super) type Named = (&'static str, Statement);

/// All statements that one function renders.
pub(super) fn named(name: &'static str, statements: impl Into<Statements>) -> Vec<Named> {
    statements.into().0.into_iter().map(|statement| (name, statement)).collect()
}

/// Statements, by the file that they stand in.
type Files = Vec<(&'static str, Vec<Named>)>;

/// All statements of workers, readers and of a row's methods.
pub(super) fn sent(backend: Backend, of: &Example) -> Vec<Named> {
    sent_files(backend, of).into_iter().flat_map(|(_, examples)| examples).collect()
}

fn sent_files(backend: Backend, of: &Example) -> Files {
    let expiry = of_database!(backend, inspect::expiry(&of.owner.fields[0]));
    let expiry = expiry.expect("the example expires");
    vec![
        ("claim", of_database!(backend, claim::examples(of))),
        ("collect", of_database!(backend, collect::examples(of))),
        ("complete", of_database!(backend, complete::examples(of))),
        ("inspect", of_database!(backend, inspect::examples(of))),
        ("mark", of_database!(backend, mark::examples(of))),
        ("query", of_database!(backend, query::examples(of))),
        ("read", of_database!(backend, read::examples(of))),
        ("recursion", of_database!(backend, recursion::examples(of))),
        ("unique", of_database!(backend, unique::examples(of))),
        ("select", super::query::examples(of, backend)),
        ("shared", shared::examples(of, || backend.sql(), &expiry)),
    ]
}

/// All statements of installations and the doctor.
pub(super) fn of_installation(backend: Backend, of: &Example) -> Vec<Named> {
    files_of_installation(backend, of).into_iter().flat_map(|(_, examples)| examples).collect()
}

fn files_of_installation(backend: Backend, of: &Example) -> Files {
    vec![
        ("catalog", of_database!(backend, catalog::examples(of))),
        ("installation", shared::examples_of_installation(of, || backend.sql())),
    ]
}

/// The folder of a database.
fn folder(backend: Backend) -> &'static str {
    match backend {
        #[cfg(feature = "sqlx-postgres")]
        Backend::Postgres => "postgres",
        #[cfg(feature = "sqlx-mysql")]
        Backend::MySql => "mysql",
        #[cfg(feature = "sqlx-sqlite")]
        Backend::Sqlite => "sqlite",
    }
}

#[test]
fn each_statement_is_as_written() {
    let of = Example::new();
    for backend in Backend::ALL.iter().copied() {
        let installed = files_of_installation(backend, &of);
        for (file, examples) in sent_files(backend, &of).into_iter().chain(installed) {
            assert_as_written(folder(backend), file, examples);
        }
    }
}

#[test]
fn what_is_installed_is_as_written() {
    let of = Example::new();
    for backend in Backend::ALL.iter().copied() {
        let objects = backend.objects(&of.owner, &of.table, &of.related);
        assert_installed_as_written(folder(backend), &objects);
    }
}

/// Compares each statement with its snapshot, beside the file that it stands in.
fn assert_as_written(database: &str, file: &str, examples: Vec<Named>) {
    let mut by_name: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, statement) in examples {
        by_name.entry(name).or_default().push(statement.sql);
    }
    for (name, texts) in by_name {
        assert_snapshot(database, &format!("{file}__{}", name.replace(' ', "_")), &texts);
    }
}

/// Compares what makes each object with its snapshot.
fn assert_installed_as_written(database: &str, objects: &[Object]) {
    let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for object in objects {
        // MySQL's triggers end with a checksum of their text.
        let name = object.name.trim_end_matches(|c: char| c.is_ascii_hexdigit());
        let name = if name.ends_with('_') { name.trim_end_matches('_') } else { &object.name };
        by_name.entry(format!("installed__{name}")).or_default().extend(object.create.clone());
    }
    for (name, texts) in by_name {
        assert_snapshot(database, &name, &texts);
    }
}

fn assert_snapshot(database: &str, name: &str, texts: &[String]) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("{database}/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, texts.join(";\n\n")));
}

/// `INSERT .. SELECT` would lock the table's AUTO_INCREMENT, which users' marks would then wait
/// for, and keep.
#[cfg(feature = "sqlx-mysql")]
#[test]
fn mysql_appends_marks_by_values() {
    let appends = |text: &String| text.contains("INTO `_lamppost_cached_marks`");
    let sent =
        sent(Backend::MySql, &Example::new()).into_iter().map(|(_, statement)| statement.sql);
    let appended: Vec<String> = sent.filter(appends).collect();
    assert!(appended.len() > 2, "{appended:?}");
    assert!(
        appended.iter().all(|text| text.contains("VALUES (") && !text.contains("SELECT")),
        "{appended:?}"
    );
}

/// What triggers look at is what an installation writes down of a field. So a change of either is
/// found by the next one.
#[test]
fn what_is_watched_is_written_down() {
    let owner = owner();
    let key = owner.key.iter().map(|column| column.name.as_str()).collect::<Vec<_>>();

    for (at, field) in owner.fields.iter().enumerate() {
        let inputs = owner.inputs(at);
        let own: Vec<&str> = owner.watched(field).filter(|column| !key.contains(column)).collect();
        assert_eq!(own.len(), field.own_columns.len());
        for column in own {
            assert!(inputs.contains(&layout::written_column(column)), "{column}: {inputs:?}");
        }
        for source in &owner.sources {
            for column in source.watched(&source.readers[0].columns) {
                let is_of_source = |line: &String| {
                    line.contains(&format!("{:?}", source.table().name))
                        && line.contains(&format!("{column:?}"))
                };
                assert!(inputs.iter().any(is_of_source), "{column}: {inputs:?}");
            }
        }
    }
}
