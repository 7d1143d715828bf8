//! No name in the library's SQL is a word that a server of that database reserves, unless it is
//! quoted. What one version, or MariaDB, accepts, another may refuse.
//!
//! Keywords are written in capitals, names are not. So a word with a small letter is a name, or
//! that of a function if a parenthesis follows it at once.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use sqlparser::{
    dialect::{MySqlDialect, PostgreSqlDialect, SQLiteDialect},
    tokenizer::{Token, Tokenizer},
};

use super::{
    Backend,
    example::{self, Example},
};
use crate::{
    catalog::{Action, Cascade, Object, ObjectKind},
    layout::{Link, Owner, Source, Step, Table},
};

/// The words that servers of this database reserve, in capitals.
fn reserved(backend: DbBackend) -> BTreeSet<&'static str> {
    let sections: &[&str] = match backend {
        DbBackend::MySql => &["MySQL", "MariaDB"],
        DbBackend::Postgres => &["PostgreSQL"],
        DbBackend::Sqlite => &["SQLite"],
        other => panic!("no words of {other:?}"),
    };

    let mut words = BTreeSet::new();
    for section in include_str!("reserved_words.txt").split("\n[").skip(1) {
        let (name, listed) = section.split_once("]\n").expect("a section has a name");
        if sections.contains(&name) {
            words.extend(listed.split_whitespace());
        }
    }

    words
}

/// The example, with a repeated path besides, and with an expiry that comes again.
fn owner() -> Owner {
    let mut owner = example::owner();
    owner.fields[0].index_flag = true;
    owner.fields[0].expires_every = Some(1000);
    let repeated = Source { repeated: std::iter::once(0..1).collect(), ..owner.sources[1].clone() };
    let mut further = Source { at: 1, ..repeated.clone() };
    let table = Table { schema: Some("far_away".to_owned()), name: "district".to_owned() };
    further
        .steps
        .push(Step { table, link: vec![Link { near: "id".to_owned(), far: "name".to_owned() }] });
    owner.sources.extend([repeated, further]);
    owner
}

/// All that is created. The types are those of the user's columns, so that they are no names: they
/// stand in capitals.
fn objects(backend: Backend, owner: &Owner) -> Vec<Object> {
    let (mut table, mut related) = example::tables();
    related.extend([related[1].clone(), related[1].clone()]);
    for described in related.iter_mut().chain([&mut table]) {
        described.columns.values_mut().for_each(|kind| *kind = kind.to_uppercase());
    }
    let mut objects = backend.objects(owner, &table, &related);

    // Other triggers stand where rows come and go with partitions, and where foreign keys act.
    for described in related.iter_mut().chain([&mut table]) {
        described.by_row = true;
        described.partitions = vec![Table { schema: None, name: "part".to_owned() }];
        described.cascades = vec![vec![Cascade {
            name: "cascade".to_owned(),
            table: described.table.clone(),
            columns: vec!["id".to_owned()],
            parent: Table { schema: None, name: "elsewhere".to_owned() },
            parent_columns: vec!["id".to_owned()],
            on_delete: Action::Cascade,
            on_update: Action::Cascade,
        }]];
    }

    objects.extend(backend.objects(owner, &table, &related));
    objects
}

/// All SQL of a database, but for what only sets a session: that names nothing of the library.
fn texts(backend: Backend) -> Vec<String> {
    let owner = owner();
    let (mut in_capitals, _) = example::tables();
    in_capitals.columns.values_mut().for_each(|kind| *kind = kind.to_uppercase());
    let of = Example::of(owner.clone(), 3);

    let objects = objects(backend, &owner);
    let statements = example::sent(backend, &of).into_iter();
    let statements = statements.chain(example::of_installation(backend, &of));
    let mut texts: Vec<String> = statements.map(|(_, statement)| statement.sql).collect();

    texts.extend(objects.iter().flat_map(|object| object.create.clone()));
    texts.extend(objects.iter().filter(|object| object.kind == ObjectKind::Table).flat_map(
        |object| of_database!(backend, upgrade::upgrade(&owner, &in_capitals, object, 1)),
    ));
    texts.extend(objects.iter().map(|object| {
        backend.drop_object(&owner.table, object.kind, &object.name, object.parent.as_deref())
    }));
    #[cfg(feature = "sqlx-postgres")]
    if backend == Backend::Postgres {
        texts.extend([super::postgres::lock_of_sleeper(&owner, 1), super::postgres::unlock_all(1)]);
    }

    texts
}

/// The names that stand without quotes.
fn names(backend: DbBackend, text: &str) -> Vec<String> {
    let dialect: &dyn sqlparser::dialect::Dialect = match backend {
        DbBackend::MySql => &MySqlDialect {},
        DbBackend::Postgres => &PostgreSqlDialect {},
        DbBackend::Sqlite => &SQLiteDialect {},
        other => panic!("no words of {other:?}"),
    };

    let tokens =
        Tokenizer::new(dialect, text).tokenize().unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut names = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            // The body of a function.
            Token::DollarQuotedString(body) => names.extend(self::names(backend, &body.value)),
            Token::Word(word)
                if word.quote_style.is_none() && word.value.contains(char::is_lowercase) =>
            {
                let is_call = tokens.get(at + 1) == Some(&Token::LParen);
                let is_variable = at > 0 && tokens[at - 1] == Token::AtSign;
                let is_literal = ["true", "false"].contains(&word.value.as_str());
                if !is_call && !is_variable && !is_literal {
                    names.push(word.value.clone());
                }
            }
            _ => {}
        }
    }

    names
}

/// The names that stand beside the user's own: in what is created, and in the statements of workers
/// and readers.
pub(crate) fn names_beside_the_users(backend: Backend) -> BTreeSet<String> {
    let owner = owner();
    let of = Example::of(owner.clone(), 3);
    let sent = example::sent(backend, &of).into_iter().map(|(_, statement)| statement.sql);
    let created = objects(backend, &owner).into_iter().flat_map(|object| object.create);
    sent.chain(created).flat_map(|text| names(backend.kind(), &text)).collect()
}

fn assert_none_is_reserved(backend: Backend) {
    let reserved = reserved(backend.kind());
    let texts = texts(backend);

    let mut found = BTreeSet::new();
    for text in &texts {
        let names = names(backend.kind(), text);
        found.extend(
            names.into_iter().filter(|name| reserved.contains(name.to_uppercase().as_str())),
        );
    }

    let first = texts
        .iter()
        .find(|text| names(backend.kind(), text).iter().any(|name| found.contains(name)));

    assert!(found.is_empty(), "reserved: {found:?}, as in\n{}", first.unwrap());
}

#[cfg(feature = "sqlx-mysql")]
#[test]
fn no_name_for_mysql_is_reserved() {
    assert_none_is_reserved(Backend::MySql);
}

#[cfg(feature = "sqlx-postgres")]
#[test]
fn no_name_for_postgres_is_reserved() {
    assert_none_is_reserved(Backend::Postgres);
}

#[cfg(feature = "sqlx-sqlite")]
#[test]
fn no_name_for_sqlite_is_reserved() {
    assert_none_is_reserved(Backend::Sqlite);
}

async fn server(variable: &str, default: &str) -> DatabaseConnection {
    let url = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    Database::connect(url).await.expect("start a server with `cargo xtask services`")
}

async fn words_of(server: &DatabaseConnection, query: &str) -> Vec<String> {
    let rows = server
        .query_all_raw(Statement::from_string(server.get_database_backend(), query))
        .await
        .unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// Its catalog does not tell which of the keywords are reserved, or not rightly, so each is tried.
#[tokio::test]
async fn the_list_has_what_mysql_reserves() {
    let server = server("CACHED_FIELD_TEST_MYSQL_URL", "mysql://root@127.0.0.1:3307/mysql").await;
    let keywords =
        words_of(&server, "SELECT CAST(WORD AS CHAR) FROM information_schema.KEYWORDS").await;
    let listed = reserved(DbBackend::MySql);

    let mut tried = 0;
    for word in
        keywords.iter().filter(|word| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
    {
        tried += 1;
        let query = format!(
            "SELECT {word}.{word} AS {word} FROM (SELECT 1 AS {word}) {word} WHERE {word} = 1"
        );
        let is_reserved =
            server.query_one_raw(Statement::from_string(DbBackend::MySql, query)).await.is_err();
        assert!(!is_reserved || listed.contains(word.as_str()), "{word} is missing");
    }

    assert!(tried > 600, "{tried}");
}

#[tokio::test]
async fn the_list_has_what_postgres_reserves() {
    let server =
        server("CACHED_FIELD_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
            .await;
    let query = "SELECT upper(word) FROM pg_get_keywords() WHERE catcode IN ('R', 'T')";
    let words = words_of(&server, query).await;
    let listed = reserved(DbBackend::Postgres);
    let missing: Vec<&String> =
        words.iter().filter(|word| !listed.contains(word.as_str())).collect();
    assert!(words.len() > 90 && missing.is_empty(), "{missing:?}");
}
