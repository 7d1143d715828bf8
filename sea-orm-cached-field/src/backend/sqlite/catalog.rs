//! What stands in the database already.

use sea_orm::{ColumnType, Statement, sea_query::ColumnDef};

use super::{DIALECT, statement, tables};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::sql::{self, Sql},
    catalog::{Described, Object, ObjectKind},
    layout::{Owner, Table},
};

pub(crate) fn describe(table: &Table) -> Statement {
    let mut sql = Sql::sqlite();
    let name = sql.bind(table.name.as_str());

    let text = format!(
        "SELECT NULL AS schema, c.name AS name, c.type AS type, NULL AS equality,
                NOT c.\"notnull\" AS nullable,
                c.hidden IN (2, 3) AS is_generated,
                c.pk AS key,
                (SELECT '\"' || replace(x.coll, '\"', '\"\"') || '\"'
                   FROM pragma_index_list(m.name) i, pragma_index_xinfo(i.name) x
                  WHERE i.origin = 'pk'
                    AND x.key
                    AND x.cid = c.cid
                    AND x.coll <> 'BINARY') AS collated,
                coalesce((
                 SELECT l.strict
                   FROM pragma_table_list l
                  WHERE l.schema = 'main'
                    AND l.name = m.name), 0) AS strict,
                CASE WHEN m.sql LIKE 'CREATE VIRTUAL TABLE%' THEN 'virtual table'
                     ELSE m.type END AS kind,
                NULL AS owned_by,
                0 AS by_row
           FROM sqlite_master m, pragma_table_xinfo(m.name, 'main') c
          WHERE m.type IN ('table', 'view')
            AND m.name = {name}
          ORDER BY c.cid"
    );

    statement(sql, text)
}

/// By what SQLx reads from a column of a declared type; one that has none may hold anything.
pub(crate) fn holds(kind: &ColumnType, found: &str) -> bool {
    let found = found.to_lowercase();
    let has = |parts: &[&str]| found.is_empty() || parts.iter().any(|part| found.contains(part));

    match kind {
        ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text => {
            has(&["char", "text", "clob"])
        }
        ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger => {
            has(&["int", "num"])
        }
        ColumnType::Boolean => has(&["bool", "int"]),
        ColumnType::Float | ColumnType::Double | ColumnType::Decimal(_) | ColumnType::Money(_) => {
            has(&["real", "doub", "floa", "dec", "num", "money", "int"])
        }
        ColumnType::DateTime | ColumnType::Timestamp | ColumnType::TimestampWithTimeZone => {
            has(&["datetime", "timestamp", "text", "char"])
        }
        ColumnType::Date => has(&["date", "text", "char"]),
        ColumnType::Time => has(&["time", "text", "char"]),
        _ => true,
    }
}

/// Of the types that a STRICT table takes, the one that holds what SQLx binds for this one.
fn make_strict(column: &mut ColumnDef) {
    let name = match column.get_column_type() {
        Some(
            ColumnType::Boolean
            | ColumnType::TinyInteger
            | ColumnType::SmallInteger
            | ColumnType::Integer
            | ColumnType::BigInteger
            | ColumnType::TinyUnsigned
            | ColumnType::SmallUnsigned
            | ColumnType::Unsigned
            | ColumnType::BigUnsigned,
        ) => "INTEGER",
        Some(
            ColumnType::Float | ColumnType::Double | ColumnType::Decimal(_) | ColumnType::Money(_),
        ) => "REAL",
        Some(
            ColumnType::Char(_)
            | ColumnType::String(_)
            | ColumnType::Text
            | ColumnType::Enum { .. }
            | ColumnType::Json
            | ColumnType::JsonBinary
            | ColumnType::Date
            | ColumnType::Time
            | ColumnType::DateTime
            | ColumnType::Timestamp
            | ColumnType::TimestampWithTimeZone,
        ) => "TEXT",
        _ => "ANY",
    };

    column.custom(name);
}

pub(crate) fn unique_indexes(table: &Table) -> Statement {
    let mut sql = Sql::sqlite();
    let name = sql.bind(table.name.as_str());
    let text = format!(
        "SELECT i.name AS name, c.name AS \"column\", c.coll AS collation
           FROM pragma_index_list({name}) i, pragma_index_xinfo(i.name) c
          WHERE i.\"unique\"
            AND c.key
            AND i.origin <> 'pk'
          ORDER BY i.name, c.seqno"
    );
    statement(sql, text)
}

/// SQLite keeps the text that made an object; that of the library has the tag, which begins so, in
/// a comment.
fn tag(prefix: &str) -> String {
    let rest = format!("substr(sql, instr(sql, {prefix}))");
    format!("substr({rest}, 1, instr({rest}, ' */') - 1)")
}

pub(crate) fn installed(owner: &Owner) -> Statement {
    let prefix = DIALECT.literal(&tables::tag_prefix(&owner.table));
    let ours = sql::tables(owner);
    let ours = DIALECT.literals(ours.iter().map(|table| table.name.as_str()));
    let text = format!(
        "SELECT type AS kind, name, NULL AS parent,
                CASE type WHEN 'table' THEN NULL ELSE tbl_name END AS on_table,
                {tag} AS tag
           FROM sqlite_master
          WHERE instr(sql, {prefix}) > 0
         UNION ALL
         SELECT 'table', ours.name, NULL, NULL, '' -- not ours: no tag
           FROM (SELECT column1 AS name FROM (VALUES {ours})) ours
           JOIN sqlite_master m ON m.name = ours.name COLLATE NOCASE
          WHERE coalesce(instr(m.sql, {prefix}), 0) = 0",
        tag = tag(&prefix),
        ours = ours.each(|table| format!("({table})")),
    );

    statement(Sql::sqlite(), text)
}

pub(crate) fn tagged(owner: Option<&Table>) -> Statement {
    let prefix = DIALECT.literal(&owner.map_or_else(|| Object::TAG.to_owned(), tables::tag_prefix));
    let text = format!(
        "SELECT type AS kind, name, NULL AS parent, NULL AS schema,
                CASE type WHEN 'table' THEN NULL ELSE tbl_name END AS on_table,
                {tag} AS tag,
                true AS droppable
           FROM sqlite_master
          WHERE type IN ('table', 'index', 'trigger')
            AND instr(sql, {prefix}) > 0",
        tag = tag(&prefix),
    );
    statement(Sql::sqlite(), text)
}

pub(crate) fn drop_object(_: &Table, kind: ObjectKind, name: &str, _: Option<&str>) -> String {
    let kind = kind.name().to_uppercase();
    let name = DIALECT.quote(name);
    format!("DROP {kind} {name}")
}

/// The transaction is the one writer.
pub(crate) fn lock_out_installations() -> Option<Statement> {
    None
}

/// All values can be compared.
pub(crate) fn can_link(_: &str, _: &str) -> bool {
    true
}

pub(crate) fn fit_column(table: &Described, column: &mut ColumnDef) {
    if table.strict {
        make_strict(column);
    }
}

#[cfg(test)]
pub(crate) fn examples(of: &Example) -> Vec<Named> {
    let owner = &of.owner;
    [
        named("describe", describe(&owner.table)),
        named("unique_columns", super::unique::columns(&owner.table)),
        named("installed", installed(owner)),
        named("tagged", tagged(None)),
        named("tagged of an owner", tagged(Some(&owner.table))),
        named("unique_indexes", unique_indexes(&owner.table)),
    ]
    .concat()
}
