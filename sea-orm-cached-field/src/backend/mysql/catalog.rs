//! What stands in the database already.

use sea_orm::{ColumnType, DbErr, RuntimeErr, Statement, sqlx::mysql::MySqlDatabaseError};

use super::{DIALECT, statement, tables};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{
        names::Columns,
        sql::{self, Sql},
    },
    catalog::{Object, ObjectKind},
    layout::{Owner, Table},
};

/// The lock of one installation at a time, of this database: a lock's name is the whole server's.
const LOCK: &str = "CONCAT('sea-orm-cached-field ', LEFT(SHA2(COALESCE(DATABASE(), ''), 256), 40))";

/// A lock of the session: each of the statements that create something commits.
pub(crate) fn lock_out_installations() -> Statement {
    statement(Sql::mysql(), format!("SELECT COALESCE(GET_LOCK({LOCK}, 600), 0) = 1 AS locked"))
}

pub(crate) fn let_installations_in() -> [Statement; 2] {
    [
        statement(Sql::mysql(), format!("SELECT RELEASE_LOCK({LOCK})")),
        statement(Sql::mysql(), tables::RESTORE_SQL_MODE.to_owned()),
    ]
}

/// The server's own number of an error; the classes of SQLSTATE are coarse.
pub(super) fn error_number(error: &DbErr) -> Option<u16> {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) =
        error
    else {
        return None;
    };
    let error = error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?;
    Some(error.number())
}

/// A string column's type has its character set and collation with it: that of a key is compared by
/// them.
pub(crate) fn describe(table: &Table) -> Statement {
    let mut sql = Sql::mysql();
    let schema = sql.bind(table.schema.clone());
    let name = sql.bind(table.name.as_str());

    let text = format!(
        "SELECT c.TABLE_SCHEMA AS `schema`,
                c.COLUMN_NAME AS name,
                CONCAT(CAST(c.COLUMN_TYPE AS CHAR),
                       CASE WHEN c.COLLATION_NAME IS NULL THEN ''
                            ELSE CONCAT(' CHARACTER SET ', c.CHARACTER_SET_NAME,
                                        ' COLLATE ', c.COLLATION_NAME) END) AS type,
                CAST(NULL AS CHAR) AS collated, -- the type has it with it
                CAST(NULL AS CHAR) AS equality,
                CASE WHEN c.IS_NULLABLE = 'YES' THEN 1 ELSE 0 END AS nullable,
                CASE WHEN COALESCE(c.GENERATION_EXPRESSION, '') <> '' THEN 1
                     ELSE 0 END AS is_generated,
                CASE WHEN c.COLUMN_KEY = 'PRI' THEN 1 ELSE 0 END AS `key`,
                CAST(NULL AS CHAR) AS owned_by,
                0 AS by_row, 0 AS strict,
                CASE WHEN t.TABLE_TYPE <> 'BASE TABLE' THEN LOWER(t.TABLE_TYPE)
                     WHEN t.ENGINE <> 'InnoDB' THEN CONCAT('table of the engine ', t.ENGINE)
                     ELSE 'table' END AS kind
           FROM information_schema.COLUMNS c
           JOIN information_schema.TABLES t
             ON t.TABLE_SCHEMA = c.TABLE_SCHEMA
            AND t.TABLE_NAME = c.TABLE_NAME
          WHERE c.TABLE_SCHEMA = COALESCE({schema}, DATABASE())
            AND c.TABLE_NAME = {name}
          ORDER BY c.ORDINAL_POSITION"
    );

    statement(sql, text)
}

/// MariaDB's `json` is a `longtext`.
pub(crate) fn holds(kind: &ColumnType, found: &str) -> bool {
    let name = found.split(['(', ' ']).next().unwrap_or(found);

    match kind {
        ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text => {
            name.ends_with("char") || name.ends_with("text") || ["enum", "set"].contains(&name)
        }
        ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger => {
            name.ends_with("int") && !found.contains("unsigned")
        }
        ColumnType::SmallUnsigned | ColumnType::Unsigned | ColumnType::BigUnsigned => {
            name.ends_with("int") && found.contains("unsigned")
        }
        ColumnType::Boolean => ["tinyint", "bit"].contains(&name),
        ColumnType::Float | ColumnType::Double => ["float", "double"].contains(&name),
        ColumnType::Decimal(_) | ColumnType::Money(_) => name == "decimal",
        ColumnType::DateTime | ColumnType::Timestamp | ColumnType::TimestampWithTimeZone => {
            ["datetime", "timestamp"].contains(&name)
        }
        ColumnType::Date => name == "date",
        ColumnType::Time => name == "time",
        ColumnType::Json | ColumnType::JsonBinary => ["json", "longtext"].contains(&name),
        _ => true,
    }
}

pub(crate) fn foreign_keys(table: &Table) -> Statement {
    let mut sql = Sql::mysql();
    let schema = sql.bind(table.schema.clone());
    let name = sql.bind(table.name.as_str());

    let text = format!(
        "SELECT k.CONSTRAINT_NAME AS name, k.COLUMN_NAME AS `column`,
                k.REFERENCED_TABLE_SCHEMA AS parent_schema,
                k.REFERENCED_TABLE_NAME AS parent, k.REFERENCED_COLUMN_NAME AS parent_column,
                r.DELETE_RULE AS on_delete, r.UPDATE_RULE AS on_update
           FROM information_schema.KEY_COLUMN_USAGE k
           JOIN information_schema.REFERENTIAL_CONSTRAINTS r
             ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA
            AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
            AND r.TABLE_NAME = k.TABLE_NAME
          WHERE k.TABLE_SCHEMA = COALESCE({schema}, DATABASE())
            AND k.TABLE_NAME = {name}
            AND r.CONSTRAINT_SCHEMA = COALESCE({schema}, DATABASE())
            AND r.TABLE_NAME = {name}
            AND k.REFERENCED_TABLE_NAME IS NOT NULL
          ORDER BY k.CONSTRAINT_NAME, k.ORDINAL_POSITION"
    );

    statement(sql, text)
}

/// What a link's value becomes in a mark must compare as the columns do.
pub(crate) fn can_link(owner: &str, related: &str) -> bool {
    let family = |kind: &str| match kind.split(['(', ' ']).next().unwrap_or(kind) {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => "integer".to_owned(),
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => "text".to_owned(),
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => {
            "bytes".to_owned()
        }
        _ => kind.to_owned(),
    };
    family(owner) == family(related)
}

/// A character that the key's character set does not have may equal one that it has, by the
/// collation of the other set.
pub(crate) fn can_name(key: &str, linked: &str) -> bool {
    let characters = |kind: &str| {
        kind.split_once(" CHARACTER SET ")
            .map(|(_, set)| set.split(' ').next().unwrap_or(set).to_owned())
    };
    let (Some(key), Some(linked)) = (characters(key), characters(linked)) else { return true };
    let has_all = |set: &str| ["utf8mb4", "utf16", "utf16le", "utf32", "gb18030"].contains(&set);
    let has_most = |set: &str| has_all(set) || ["utf8mb3", "utf8", "ucs2"].contains(&set);
    key == linked || linked == "ascii" || has_all(&key) || has_most(&key) && !has_all(&linked)
}

/// The name of the database of a table; otherwise of this one.
fn schema_of(table: Option<&Table>) -> String {
    let schema = table.and_then(|table| table.schema.as_deref());
    schema.map_or_else(|| "DATABASE()".to_owned(), |name| DIALECT.literal(name))
}

/// The databases that triggers of the library can stand in: the owner's, and those of its sources.
fn schemas(owner: &Owner) -> Columns {
    let tables = owner
        .sources
        .iter()
        .flat_map(|source| &source.steps)
        .map(|step| &step.table)
        .chain([&owner.table]);
    let mut schemas: Vec<String> = tables.map(|table| schema_of(Some(table))).collect();
    schemas.sort();
    schemas.dedup();
    Columns::from_iter(schemas)
}

/// The quoted name of the database that a trigger stands in.
const PLACE: &str = "CONCAT('`', REPLACE(t.TRIGGER_SCHEMA, '`', '``'), '`')";

/// The tag of a trigger, which begins so and ends with the string that it stands in.
fn trigger_tag(prefix: &str) -> String {
    let text = "CAST(t.ACTION_STATEMENT AS CHAR)";
    format!("SUBSTRING_INDEX(SUBSTRING({text}, LOCATE({prefix}, {text})), '\'\'', 1)")
}

pub(crate) fn installed(owner: &Owner) -> Statement {
    let schema = schema_of(Some(&owner.table));
    let prefix = DIALECT.literal(&tables::tag_prefix(&owner.table));
    let ours = sql::tables(owner);
    let ours = DIALECT.literals(ours.iter().map(|table| table.name.as_str()));

    let text = format!(
        "SELECT 'trigger' AS kind, t.TRIGGER_NAME AS name, {PLACE} AS parent,
                t.EVENT_OBJECT_TABLE AS on_table,
                CONCAT({tag}, IF({orphaned}, ' of an account that is gone', '')) AS tag
           FROM information_schema.TRIGGERS t
          WHERE t.TRIGGER_SCHEMA IN ({schemas})
            AND LOCATE({prefix}, CAST(t.ACTION_STATEMENT AS CHAR)) > 0
         UNION ALL
         SELECT DISTINCT 'index', s.INDEX_NAME, NULL, NULL, CAST(s.INDEX_COMMENT AS CHAR)
           FROM information_schema.STATISTICS s
          WHERE s.TABLE_SCHEMA = {schema}
            AND s.TABLE_NAME = {table}
            AND LOCATE({prefix}, s.INDEX_COMMENT) = 1
         UNION ALL -- without tag: not ours, or a table of ours that lost its comment
         SELECT 'table', t.TABLE_NAME, NULL, NULL,
                IF(LOCATE({prefix}, t.TABLE_COMMENT) = 1, CAST(t.TABLE_COMMENT AS CHAR), '')
           FROM information_schema.TABLES t
          WHERE t.TABLE_SCHEMA = {schema}
            AND (t.TABLE_NAME IN ({ours}) OR LOCATE({prefix}, t.TABLE_COMMENT) = 1)",
        tag = trigger_tag(&prefix),
        orphaned = orphaned(),
        schemas = schemas(owner),
        table = DIALECT.literal(&owner.table.name),
    );

    statement(Sql::mysql(), text)
}

/// Whether the account that the trigger `t` runs as is gone, so that all writes fail that call it.
/// An account that may not read `mysql.user` sees no others, and cannot tell.
fn orphaned() -> String {
    let grantee = |account: &str| {
        let host = format!("SUBSTRING_INDEX({account}, '@', -1)");
        let user = format!("LEFT({account}, CHAR_LENGTH({account}) - CHAR_LENGTH({host}) - 1)");
        format!("CONCAT('''', {user}, '''@''', {host}, '''')")
    };
    let account = grantee("t.DEFINER");
    let own = grantee("CURRENT_USER()");

    format!(
        "NOT EXISTS (
                     SELECT 1
                       FROM information_schema.USER_PRIVILEGES p
                      WHERE p.GRANTEE = {account})
                AND (EXISTS (
                     SELECT 1
                       FROM information_schema.USER_PRIVILEGES p
                      WHERE p.GRANTEE = {own}
                        AND p.PRIVILEGE_TYPE = 'SELECT')
                  OR EXISTS (
                     SELECT 1
                       FROM information_schema.SCHEMA_PRIVILEGES p
                      WHERE p.GRANTEE = {own}
                        AND p.TABLE_SCHEMA = 'mysql'
                        AND p.PRIVILEGE_TYPE = 'SELECT'))"
    )
}

/// The triggers whose account is gone.
pub(crate) fn orphaned_triggers(owner: &Owner) -> Statement {
    let text = format!(
        "SELECT t.TRIGGER_NAME AS name, t.DEFINER AS account
           FROM information_schema.TRIGGERS t
          WHERE t.TRIGGER_SCHEMA IN ({schemas})
            AND LOCATE({prefix}, CAST(t.ACTION_STATEMENT AS CHAR)) > 0
            AND {orphaned}
          ORDER BY t.TRIGGER_NAME",
        schemas = schemas(owner),
        prefix = DIALECT.literal(&tables::tag_prefix(&owner.table)),
        orphaned = orphaned(),
    );
    statement(Sql::mysql(), text)
}

/// Indexes only if the owner is known: a server may have to open each table for them.
pub(crate) fn tagged(owner: Option<&Table>) -> Statement {
    let prefix = DIALECT.literal(&owner.map_or_else(|| Object::TAG.to_owned(), tables::tag_prefix));
    let schema = schema_of(owner);
    let (triggers, indexes) = match owner {
        Some(_) => ("TRUE".to_owned(), format!("s.TABLE_SCHEMA = {schema}")),
        None => (format!("t.TRIGGER_SCHEMA = {schema}"), "FALSE".to_owned()),
    };

    let text = format!(
        "SELECT 'trigger' AS kind, t.TRIGGER_NAME AS name, {PLACE} AS parent,
                t.TRIGGER_SCHEMA AS `schema`, t.EVENT_OBJECT_TABLE AS on_table,
                {tag} AS tag, TRUE AS droppable
           FROM information_schema.TRIGGERS t
          WHERE {triggers}
            AND LOCATE({prefix}, CAST(t.ACTION_STATEMENT AS CHAR)) > 0
         UNION ALL
         SELECT DISTINCT 'index', s.INDEX_NAME, NULL,
                s.TABLE_SCHEMA, s.TABLE_NAME,
                CAST(s.INDEX_COMMENT AS CHAR), TRUE
           FROM information_schema.STATISTICS s
          WHERE {indexes}
            AND LOCATE({prefix}, s.INDEX_COMMENT) = 1
         UNION ALL
         SELECT 'table', t.TABLE_NAME, NULL,
                t.TABLE_SCHEMA, NULL,
                CAST(t.TABLE_COMMENT AS CHAR), TRUE
           FROM information_schema.TABLES t
          WHERE t.TABLE_SCHEMA = {schema}
            AND LOCATE({prefix}, t.TABLE_COMMENT) = 1",
        tag = trigger_tag(&prefix),
    );

    statement(Sql::mysql(), text)
}

/// `parent` is the quoted name of the database that a trigger stands in.
pub(crate) fn drop_object(
    beside: &Table,
    kind: ObjectKind,
    name: &str,
    parent: Option<&str>,
) -> String {
    let own = DIALECT.beside(beside, name);
    let name = DIALECT.quote(name);

    match (kind, parent) {
        (ObjectKind::Index, _) => {
            let table = DIALECT.qualified(beside);
            format!("DROP INDEX {name} ON {table}")
        }
        (ObjectKind::Trigger, Some(schema)) => format!("DROP TRIGGER IF EXISTS {schema}.{name}"),
        _ => {
            let kind = kind.name().to_uppercase();
            format!("DROP {kind} {own}")
        }
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
        named("foreign_keys", foreign_keys(&owner.table)),
        named("orphaned_triggers", orphaned_triggers(owner)),
        named("lock_out_installations", lock_out_installations()),
        named("let_installations_in", let_installations_in()),
    ]
    .concat()
}
