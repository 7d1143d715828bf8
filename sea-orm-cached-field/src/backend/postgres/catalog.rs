//! What stands in the database already.

use sea_orm::{ColumnType, Statement};

use super::{DIALECT, LOCKS, statement, tables};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{
        names::Columns,
        sql::{self, Sql},
    },
    catalog::{Described, Object, ObjectKind},
    layout::{Owner, Table},
};

/// What a row `c` of `pg_class` is.
const KIND: &str = "CASE WHEN c.relpersistence = 't' THEN 'temporary table'
                     WHEN c.relkind = 'v' THEN 'view'
                     WHEN c.relkind = 'm' THEN 'materialized view'
                     WHEN c.relkind = 'f' THEN 'foreign table'
                     WHEN c.relkind = 'r'
                      AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid)
                     THEN 'table that others inherit from'
                     ELSE 'table' END";

pub(crate) fn describe(table: &Table) -> Statement {
    let mut sql = Sql::postgres();
    // Not `to_regclass`: it fails in a schema that one may not use, before we can say so. The cast
    // cuts long names.
    let schema = sql.bind(table.schema.clone());
    let name = sql.bind(table.name.as_str());

    // Types that are not PostgreSQL's own are named with their schema: our functions have a
    // search_path of their own.
    let text = format!(
        "SELECT n.nspname::text AS schema,
                pg_get_userbyid(c.relowner)::text AS owned_by,
                a.attname::text AS name,
                CASE WHEN tn.nspname = 'pg_catalog' THEN format_type(a.atttypid, a.atttypmod)
                     ELSE quote_ident(tn.nspname) || '.' || quote_ident(ty.typname) END AS type,
                (SELECT 'OPERATOR(' || quote_ident(bn.nspname) || '.=)'
                   FROM pg_type base
                   JOIN pg_namespace bn ON bn.oid = base.typnamespace
                   JOIN pg_operator o
                     ON o.oprname = '='
                    AND o.oprleft = base.oid
                    AND o.oprright = base.oid
                    AND o.oprnamespace = bn.oid
                    AND bn.nspname <> 'pg_catalog'
                  WHERE base.oid = coalesce(nullif(ty.typbasetype, 0), ty.oid)) AS equality,
                (SELECT quote_ident(ln.nspname) || '.' || quote_ident(l.collname)
                   FROM pg_collation l
                   JOIN pg_namespace ln ON ln.oid = l.collnamespace
                  WHERE l.oid = a.attcollation
                    AND NOT l.collisdeterministic) AS collated,
                CASE WHEN a.attnotnull THEN 0 ELSE 1 END AS nullable,
                CASE WHEN a.attgenerated = '' THEN 0 ELSE 1 END AS is_generated,
                CASE WHEN a.attnum = ANY (i.indkey) THEN 1 ELSE 0 END AS key,
                {KIND} AS kind,
                CASE WHEN c.relkind = 'p'
                       OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid)
                     THEN 1 ELSE 0 END AS by_row,
                0 AS strict
           FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           JOIN pg_type ty ON ty.oid = a.atttypid
           JOIN pg_namespace tn ON tn.oid = ty.typnamespace
           LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
          WHERE c.relname = CAST({name} AS name)
            AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
            AND CASE WHEN {schema} IS NULL THEN pg_table_is_visible(c.oid)
                     ELSE n.nspname = {schema} END
          ORDER BY a.attnum"
    );

    statement(sql, text)
}

/// Virtual generated columns, which PostgreSQL 18 knows. None is computed from another.
pub(crate) fn unreadable_columns(table: &Table) -> Statement {
    let text = format!(
        "SELECT a.attname::text AS name, b.attname::text AS behind
           FROM pg_attribute a
           JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
           LEFT JOIN pg_depend d
             ON d.classid = 'pg_attrdef'::regclass
            AND d.objid = e.oid
            AND d.refclassid = 'pg_class'::regclass
            AND d.refobjid = a.attrelid
            AND d.refobjsubid NOT IN (0, a.attnum)
           LEFT JOIN pg_attribute b ON b.attrelid = a.attrelid AND b.attnum = d.refobjsubid
          WHERE a.attrelid = {of}
            AND a.attgenerated = 'v'
            AND NOT a.attisdropped
          ORDER BY a.attnum, b.attnum",
        of = class(table, "oid"),
    );

    statement(Sql::postgres(), text)
}

pub(crate) fn knows_time_zone(name: &str) -> Statement {
    let mut sql = Sql::postgres();
    let name = sql.bind(name);
    let text =
        format!("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = {name}) AS known");
    statement(sql, text)
}

/// Of the user's own types, and of domains over others, nothing can be told.
pub(crate) fn holds(kind: &ColumnType, found: &str) -> bool {
    let is = |names: &[&str]| names.contains(&found.split('(').next().unwrap_or(found).trim());
    if found.contains('.') || found.ends_with("[]") {
        return true;
    }

    match kind {
        ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text => {
            is(&["text", "character varying", "character", "name", "\"char\""])
        }
        ColumnType::SmallInteger => is(&["smallint"]),
        ColumnType::Integer => is(&["integer"]),
        ColumnType::BigInteger => is(&["bigint"]),
        ColumnType::Float => is(&["real"]),
        ColumnType::Double => is(&["double precision"]),
        ColumnType::Decimal(_) | ColumnType::Money(_) => is(&["numeric", "money"]),
        ColumnType::Boolean => is(&["boolean"]),
        ColumnType::DateTime | ColumnType::Timestamp => {
            found.starts_with("timestamp") && found.ends_with("without time zone")
        }
        ColumnType::TimestampWithTimeZone => {
            found.starts_with("timestamp") && found.ends_with("with time zone")
        }
        ColumnType::Time => found.starts_with("time") && !found.starts_with("timestamp"),
        ColumnType::Date => is(&["date"]),
        ColumnType::Binary(_) | ColumnType::VarBinary(_) | ColumnType::Blob => is(&["bytea"]),
        ColumnType::Json | ColumnType::JsonBinary => is(&["json", "jsonb"]),
        ColumnType::Uuid => is(&["uuid"]),
        _ => true,
    }
}

pub(crate) fn partitions(table: &Table) -> Statement {
    let text = format!(
        "SELECT n.nspname::text AS schema, c.relname::text AS name, {KIND} AS kind
           FROM pg_partition_tree({name}) p
           JOIN pg_class c ON c.oid = p.relid
           JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE p.isleaf
            AND p.parentrelid IS NOT NULL
            AND p.level > 0
          ORDER BY 1, 2",
        name = DIALECT.literal(&DIALECT.qualified(table)),
    );
    statement(Sql::postgres(), text)
}

/// Creating a trigger takes the privilege TRIGGER only; commenting on it and dropping it takes the
/// table's ownership. A cast from text to another type fails for what is no value of it, in the
/// user's statement.
pub(crate) fn can_link(owner: &str, related: &str) -> bool {
    let family = |kind: &str| match kind {
        "smallint" | "integer" | "bigint" => "integer".to_owned(),
        "text" => "text".to_owned(),
        _ if kind.starts_with("character") => "text".to_owned(),
        // `numeric(10,2)` and `numeric(12,2)`
        _ => kind.split('(').next().unwrap_or(kind).to_owned(),
    };
    family(owner) == family(related)
}

pub(crate) fn missing_privileges(owner: &Described, related: &[Described]) -> Statement {
    let mut tables: Vec<&Table> = vec![&owner.table];
    tables.extend(related.iter().map(|related| &related.table));
    let mut lacks = vec![schema_lack(&owner.table, "CREATE")];
    lacks.extend(tables.iter().map(|table| schema_lack(table, "USAGE")));
    lacks.extend(tables.iter().map(|table| ownership_lack(table)));
    lacks.extend(tables.iter().map(|table| exemption_lack(table)));
    // UNION: each of them once.
    let lacks = lacks.join("\nUNION\n");
    statement(Sql::postgres(), format!("{lacks}\nORDER BY privilege"))
}

fn schema_lack(table: &Table, privilege: &str) -> String {
    let schema = table.schema.as_deref().unwrap_or_default();
    let quoted = DIALECT.quote(schema);
    let name = DIALECT.literal(&quoted);
    let lacked = format!("{privilege} on the schema {quoted}");
    let remedy =
        format!("'GRANT {privilege} ON SCHEMA ' || {name} || ' TO ' || quote_ident(CURRENT_USER)");
    let schema = DIALECT.literal(schema);
    lack(&lacked, &remedy, &format!("has_schema_privilege({schema}, '{privilege}')"))
}

fn ownership_lack(table: &Table) -> String {
    let owner = class(table, "relowner");
    let table = DIALECT.qualified(table);
    let change = DIALECT.literal(&format!("ALTER TABLE {table} OWNER TO "));
    lack(
        &format!("ownership of {table}"),
        &format!("{change} || quote_ident(CURRENT_USER)"),
        &format!("pg_has_role({owner}, 'USAGE')"),
    )
}

/// Our functions run as who installs them: rows that row-level security hides from them would not
/// be marked.
fn exemption_lack(table: &Table) -> String {
    let name = DIALECT.qualified(table);
    let table = class(table, "oid");
    lack(
        &format!("BYPASSRLS, for the row-level security of {name} is forced on its owner too"),
        "'ALTER ROLE ' || quote_ident(CURRENT_USER) || ' BYPASSRLS'",
        &format!("NOT row_security_active({table})"),
    )
}

/// What `pg_class` has of a table. Not by a cast to `regclass`, which takes the right to use the
/// schema.
fn class(table: &Table, column: &str) -> String {
    format!(
        "(SELECT c.{column}
                   FROM pg_class c
                   JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname = {schema}
                    AND c.relname = CAST({name} AS name))",
        schema = DIALECT.literal(table.schema.as_deref().unwrap_or_default()),
        name = DIALECT.literal(&table.name),
    )
}

/// `remedy`: an SQL expression.
fn lack(privilege: &str, remedy: &str, test: &str) -> String {
    format!(
        "SELECT {privilege} AS privilege,
                {remedy} AS remedy
          WHERE NOT {test}",
        privilege = DIALECT.literal(privilege),
    )
}

/// The quoted name of the table `c` in the schema `n`.
const QUOTED: &str = r#"'"' || replace(n.nspname, '"', '""') || '"."'
                || replace(c.relname, '"', '""') || '"'"#;

pub(crate) fn installed(owner: &Owner) -> Statement {
    let mut sql = Sql::postgres();
    let prefix = sql.bind(tables::tag_prefix(&owner.table));
    let ours =
        sql::tables(owner).into_iter().map(|table| DIALECT.literal(&DIALECT.qualified(&table)));
    let ours = Columns::from_iter(ours);

    let text = format!(
        "SELECT 'function' AS kind, p.proname::text AS name, NULL AS parent, NULL AS on_table,
                d.description AS tag
           FROM pg_description d
           JOIN pg_proc p ON d.classoid = 'pg_proc'::regclass AND p.oid = d.objoid
          WHERE starts_with(d.description, {prefix})
         UNION ALL
         SELECT 'trigger', t.tgname::text, {QUOTED}, c.relname::text, d.description
           FROM pg_description d
           JOIN pg_trigger t ON d.classoid = 'pg_trigger'::regclass AND t.oid = d.objoid
           JOIN pg_class c ON c.oid = t.tgrelid
           JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE starts_with(d.description, {prefix})
         UNION ALL
         SELECT CASE WHEN c.relkind IN ('i', 'I') THEN 'index' ELSE 'table' END,
                c.relname::text, NULL, o.relname::text, d.description
           FROM pg_description d
           JOIN pg_class c
             ON d.classoid = 'pg_class'::regclass
            AND c.oid = d.objoid
            AND d.objsubid = 0
           LEFT JOIN pg_index i ON i.indexrelid = c.oid
           LEFT JOIN pg_class o ON o.oid = i.indrelid
          WHERE starts_with(d.description, {prefix})
            -- `LIKE .. INCLUDING ALL` copies an index with its comment;
            -- as that of a partition it goes with the whole index
            AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid)
         UNION ALL -- not ours, or a table of ours that lost its comment: no tag
         SELECT 'table', c.relname::text, NULL, NULL, ''
           FROM pg_class c
           LEFT JOIN pg_description d
             ON d.classoid = 'pg_class'::regclass
            AND d.objoid = c.oid
            AND d.objsubid = 0
          WHERE c.oid IN ({ours})
            AND NOT starts_with(coalesce(d.description, ''), {prefix})",
        ours = ours.each(|table| format!("to_regclass({table})")),
    );

    statement(sql, text)
}

pub(crate) fn tagged(owner: Option<&Table>) -> Statement {
    let mut sql = Sql::postgres();
    let prefix = sql.bind(owner.map_or_else(|| Object::TAG.to_owned(), tables::tag_prefix));

    let text = format!(
        "SELECT 'function' AS kind, p.proname::text AS name, NULL AS parent,
                n.nspname::text AS schema, NULL AS on_table, d.description AS tag,
                pg_has_role(p.proowner, 'USAGE') AS droppable
           FROM pg_description d
           JOIN pg_proc p ON d.classoid = 'pg_proc'::regclass AND p.oid = d.objoid
           JOIN pg_namespace n ON n.oid = p.pronamespace
          WHERE starts_with(d.description, {prefix})
         UNION ALL
         SELECT 'trigger', t.tgname::text, {QUOTED},
                n.nspname::text, c.relname::text, d.description,
                pg_has_role(c.relowner, 'USAGE')
           FROM pg_description d
           JOIN pg_trigger t ON d.classoid = 'pg_trigger'::regclass AND t.oid = d.objoid
           JOIN pg_class c ON c.oid = t.tgrelid
           JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE starts_with(d.description, {prefix})
         UNION ALL
         SELECT CASE WHEN c.relkind IN ('i', 'I') THEN 'index' ELSE 'table' END,
                c.relname::text, NULL, n.nspname::text, o.relname::text, d.description,
                pg_has_role(c.relowner, 'USAGE')
           FROM pg_description d
           JOIN pg_class c
             ON d.classoid = 'pg_class'::regclass
            AND c.oid = d.objoid
            AND d.objsubid = 0
           JOIN pg_namespace n ON n.oid = c.relnamespace
           LEFT JOIN pg_index i ON i.indexrelid = c.oid
           LEFT JOIN pg_class o ON o.oid = i.indrelid
          WHERE starts_with(d.description, {prefix})"
    );

    statement(sql, text)
}

pub(crate) fn drop_object(
    beside: &Table,
    kind: ObjectKind,
    name: &str,
    parent: Option<&str>,
) -> String {
    let object = tables::identity(beside, kind, name, parent);
    format!("DROP {object}")
}

/// Triggers that fire in replicas only, or never.
pub(crate) fn disabled_triggers(owner: &Owner) -> Statement {
    let mut sql = Sql::postgres();
    let prefix = sql.bind(tables::tag_prefix(&owner.table));
    let text = format!(
        "SELECT t.tgname::text AS name,
                format('ALTER TABLE %s ENABLE TRIGGER %I', t.tgrelid::regclass, t.tgname) AS remedy
           FROM pg_description d
           JOIN pg_trigger t ON d.classoid = 'pg_trigger'::regclass AND t.oid = d.objoid
          WHERE starts_with(d.description, {prefix})
            AND t.tgenabled IN ('D', 'R')
          ORDER BY 1"
    );
    statement(sql, text)
}

pub(crate) fn sessions_without_triggers() -> Statement {
    let text = "SELECT 'this session' AS sessions
          WHERE current_setting('session_replication_role') = 'replica'
         UNION ALL
         SELECT concat_ws(' of ', 'sessions', 'role ' || r.rolname, 'database ' || b.datname)
           FROM pg_db_role_setting s
           LEFT JOIN pg_roles r ON r.oid = s.setrole
           LEFT JOIN pg_database b ON b.oid = s.setdatabase
          WHERE 'session_replication_role=replica' = ANY (s.setconfig)
            AND (s.setdatabase = 0 OR b.datname = current_database())";
    statement(Sql::postgres(), text.to_owned())
}

pub(crate) fn lock_out_installations() -> Statement {
    let text = format!("SELECT true AS locked FROM pg_advisory_xact_lock({LOCKS})");
    statement(Sql::postgres(), text)
}

/// The setting that keeps the session's `client_min_messages` meanwhile.
const MESSAGES_BEFORE: &str = "'cached_field.client_min_messages'";

/// Keeps notices back until the transaction ends. A session that wants errors only goes on to get
/// no warnings. CASE keeps the order.
pub(crate) fn silence_notices() -> Statement {
    let text = format!(
        "SELECT set_config(
                    'client_min_messages',
                    CASE set_config({MESSAGES_BEFORE}, current_setting('client_min_messages'), true)
                        WHEN 'error' THEN 'error'
                        ELSE 'warning'
                    END,
                    true
                )"
    );
    statement(Sql::postgres(), text)
}

/// The rest of the transaction may be the user's.
pub(crate) fn let_notices_through() -> Statement {
    let text = format!(
        "SELECT set_config('client_min_messages', current_setting({MESSAGES_BEFORE}), true)"
    );
    statement(Sql::postgres(), text)
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
        named("partitions", partitions(&owner.table)),
        named("unreadable_columns", unreadable_columns(&owner.table)),
        named("knows_time_zone", knows_time_zone("Europe/Berlin")),
        named("missing_privileges", missing_privileges(&of.table, &of.related)),
        named("sessions_without_triggers", sessions_without_triggers()),
        named("disabled_triggers", disabled_triggers(owner)),
        named("lock_out_installations", lock_out_installations()),
        named("silence_notices", silence_notices()),
        named("let_notices_through", let_notices_through()),
        named("missing_rights", super::rights::missing(owner)),
    ]
    .concat()
}
