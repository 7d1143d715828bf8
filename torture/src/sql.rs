//! The schema in SQL. Rows are known by numbers, whatever their keys look like.

use sea_orm::DbBackend;

use crate::schema::{DATA, Hop, Reads, SMALL, Schema, Term};

/// Returns the statement for this database. It is written with double quotes, and only this
/// function handles MySQL's.
pub(crate) fn said(backend: DbBackend, sql: &str) -> String {
    if backend == DbBackend::MySql { sql.replace('"', "`") } else { sql.to_owned() }
}

/// Returns the columns of a table's key, each with its type. Every table has another kind of key.
pub(crate) fn key(table: usize) -> &'static [(&'static str, &'static str)] {
    const KEYS: [&[(&str, &str)]; 4] = [
        &[("id", "INTEGER")],
        &[("id", "INTEGER"), ("part", "INTEGER")],
        &[("id", "VARCHAR(20)")],
        &[("id", "BIGINT")],
    ];
    KEYS[table]
}

const FAR_APART: i64 = 1_000_000_007;

/// Returns the values of the key of the row with this number.
pub(crate) fn key_values(table: usize, n: i64) -> Vec<String> {
    match table {
        1 => vec![(n / 4).to_string(), (n % 4).to_string()],
        2 => vec![format!("'k{n}'")],
        3 => vec![(n * FAR_APART).to_string()],
        _ => vec![n.to_string()],
    }
}

/// Returns the number of the row with these values, as texts.
pub(crate) fn number(table: usize, values: &[String]) -> Option<i64> {
    let number = |value: &String| value.trim_start_matches('k').parse::<i64>().ok();
    match table {
        1 => Some(number(&values[0])? * 4 + number(&values[1])?),
        3 => Some(number(&values[0])? / FAR_APART),
        _ => number(&values[0]),
    }
}

/// Returns the columns of a link.
pub(crate) fn link_columns(schema: &Schema, table: usize, link: usize) -> Vec<String> {
    let to = schema.tables[table].links[link].to;
    (0..key(to).len()).map(|part| format!("l{link}_{part}")).collect()
}

/// Returns `"id" = 3`.
pub(crate) fn is_row(table: usize, n: i64) -> String {
    let parts = key(table).iter().zip(key_values(table, n));
    parts
        .map(|((column, _), value)| format!("\"{column}\" = {value}"))
        .collect::<Vec<_>>()
        .join(" AND ")
}

/// Returns `"l0_0" = 3`; NULL for no row.
pub(crate) fn set_link(schema: &Schema, table: usize, link: usize, to: Option<i64>) -> String {
    let columns = link_columns(schema, table, link);
    let values = link_values(schema, table, link, to);
    columns
        .iter()
        .zip(values)
        .map(|(column, value)| format!("\"{column}\" = {value}"))
        .collect::<Vec<_>>()
        .join(", ")
}

pub(crate) fn link_values(
    schema: &Schema,
    table: usize,
    link: usize,
    to: Option<i64>,
) -> Vec<String> {
    let other = schema.tables[table].links[link].to;
    match to {
        Some(n) => key_values(other, n),
        None => vec!["NULL".to_owned(); key(other).len()],
    }
}

/// Returns the statements that create the tables, without any of the library's.
pub(crate) fn tables(schema: &Schema, backend: DbBackend) -> Vec<String> {
    let mut statements: Vec<String> =
        (0..schema.tables.len()).map(|table| create(schema, table)).collect();
    for (table, definition) in schema.tables.iter().enumerate() {
        for link in 0..definition.links.len() {
            let columns = quoted(&link_columns(schema, table, link));
            let name = definition.name;
            statements.push(format!("CREATE INDEX \"{name}_l{link}\" ON \"{name}\" ({columns})"));
        }
    }
    statements.push("CREATE TABLE \"ledger\" (\"born\" BIGINT NOT NULL)".to_owned());
    statements.iter().map(|statement| said(backend, statement)).collect()
}

fn quoted(columns: &[String]) -> String {
    columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ")
}

fn create(schema: &Schema, table: usize) -> String {
    let definition = &schema.tables[table];
    let keys: Vec<String> = key(table).iter().map(|(column, _)| (*column).to_owned()).collect();
    let mut parts: Vec<String> =
        key(table).iter().map(|(column, kind)| format!("\"{column}\" {kind} NOT NULL")).collect();
    parts.extend(DATA.map(|column| format!("\"{column}\" BIGINT")));
    parts.extend([
        "\"note\" VARCHAR(40)".to_owned(),
        "\"canary\" INTEGER NOT NULL DEFAULT 0".to_owned(),
    ]);
    parts.extend([
        "\"born\" BIGINT NOT NULL".to_owned(),
        "\"turns\" BIGINT NOT NULL DEFAULT 0".to_owned(),
    ]);

    for (n, link) in definition.links.iter().enumerate() {
        let columns = link_columns(schema, table, n);
        let of_type = columns
            .iter()
            .zip(key(link.to))
            .map(|(column, (_, kind))| format!("\"{column}\" {kind}"));
        parts.extend(of_type);
    }

    parts.push(format!("PRIMARY KEY ({})", quoted(&keys)));
    for (n, link) in definition.links.iter().enumerate() {
        let Some(action) = link.on_delete else { continue };
        let columns = quoted(&link_columns(schema, table, n));
        let far: Vec<String> =
            key(link.to).iter().map(|(column, _)| (*column).to_owned()).collect();
        let to = schema.tables[link.to].name;
        parts.push(format!(
            "FOREIGN KEY ({columns}) REFERENCES \"{to}\" ({}) ON DELETE {action}",
            quoted(&far)
        ));
    }

    format!("CREATE TABLE \"{}\" ({})", definition.name, parts.join(", "))
}

/// Returns a term of the row `x0`, as one expression. `n`: that row's number, where the expression
/// cannot refer to it.
pub(crate) fn expression(
    schema: &Schema,
    table: usize,
    term: &Term,
    backend: DbBackend,
    n: Option<i64>,
) -> String {
    let big = if backend == DbBackend::MySql { "SIGNED" } else { "BIGINT" };
    match term {
        Term::Path(hops, reads) if hops.is_empty() => read("x0", *reads),
        Term::Path(hops, reads) => {
            let mut joins = Vec::new();
            let mut at = table;
            let mut condition = String::new();
            for (step, hop) in hops.iter().enumerate() {
                let near = format!("x{step}");
                let far = format!("x{}", step + 1);
                let on = join(schema, at, *hop, &near, &far);
                at = schema.end(at, *hop);
                let name = schema.tables[at].name;
                if step == 0 {
                    joins.push(format!("\"{name}\" {far}"));
                    condition = on;
                } else {
                    joins.push(format!("JOIN \"{name}\" {far} ON {on}"));
                }
            }

            let value = read(&format!("x{}", hops.len()), *reads);
            format!(
                "(SELECT CAST(coalesce(sum({value}), 0) AS {big}) FROM {} WHERE {condition})",
                joins.join(" ")
            )
        }
        Term::Tree(hop, reads) => {
            let keys: Vec<&str> = key(table).iter().map(|(column, _)| *column).collect();
            let of = |row: &str| {
                keys.iter().map(|key| format!("{row}.\"{key}\"")).collect::<Vec<_>>().join(", ")
            };
            let same = keys
                .iter()
                .map(|key| format!("y.\"{key}\" = w.\"{key}\""))
                .collect::<Vec<_>>()
                .join(" AND ");
            let name = schema.tables[table].name;
            let step = |near: &str| join(schema, table, *hop, near, "y");
            let start = key(table).iter().zip(key_values(table, n.expect("a row")));
            let start = start.map(|((column, _), value)| format!("s.\"{column}\" = {value}"));

            format!(
                "(WITH RECURSIVE w AS (
                    SELECT {y}
                      FROM \"{name}\" s
                      JOIN \"{name}\" y ON {first}
                     WHERE {start}
                     UNION
                    SELECT {y}
                      FROM w
                      JOIN \"{name}\" x ON {x_is_w}
                      JOIN \"{name}\" y ON {next})
                  SELECT CAST(coalesce(sum({value}), 0) AS {big})
                    FROM w
                    JOIN \"{name}\" y ON {same})",
                y = of("y"),
                first = step("s"),
                start = start.collect::<Vec<_>>().join(" AND "),
                x_is_w = same.replace("y.", "x."),
                next = step("x"),
                value = read("y", *reads),
            )
        }
    }
}

fn join(schema: &Schema, table: usize, hop: Hop, near: &str, far: &str) -> String {
    let (linking, link, holder, target) = match hop {
        Hop::Up { link } => (table, link, near, far),
        Hop::Down { table, link } => (table, link, far, near),
    };
    let to = schema.tables[linking].links[link].to;
    let parts = link_columns(schema, linking, link).into_iter().zip(key(to));
    let parts =
        parts.map(|(column, (key, _))| format!("{target}.\"{key}\" = {holder}.\"{column}\""));
    parts.collect::<Vec<_>>().join(" AND ")
}

fn read(row: &str, reads: Reads) -> String {
    match reads {
        Reads::Data(column) => format!("coalesce({row}.\"{}\", 0)", DATA[column]),
        Reads::Cached(field) => format!("(coalesce({row}.\"cached_f{field}\", 0) % {SMALL})"),
        Reads::Existence => "1".to_owned(),
    }
}
