//! What stands in the database already.

use sea_orm::Statement;

use super::{statement, tables};
use crate::{
    dialect::{
        Described, ObjectKind,
        sql::{Sql, literal, qualified},
    },
    field::layout::{Owner, Table},
};

pub(super) fn describe(table: &Table) -> Statement {
    let mut sql = Sql::default();
    let name = sql.bind(qualified(table));
    // Types that are not PostgreSQL's own are named with their schema: our functions have a search_path of their own.
    let text = format!(
        "SELECT n.nspname::text AS schema,
                a.attname::text AS name,
                CASE WHEN tn.nspname = 'pg_catalog' THEN format_type(a.atttypid, a.atttypmod)
                     ELSE quote_ident(tn.nspname) || '.' || quote_ident(ty.typname) END AS type,
                CASE WHEN a.attnum = ANY (i.indkey) THEN 1 ELSE 0 END AS key
           FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           JOIN pg_type ty ON ty.oid = a.atttypid
           JOIN pg_namespace tn ON tn.oid = ty.typnamespace
           LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
          WHERE c.oid = to_regclass({name}) AND c.relkind IN ('r', 'p')
          ORDER BY a.attnum"
    );
    statement(sql, text)
}

pub(super) fn missing_privileges(owner: &Described, related: &[Described]) -> Statement {
    let schema = owner.table.schema.clone().unwrap_or_default();
    let mut lacks = vec![lack(
        &format!("CREATE on the schema \"{schema}\""),
        &format!("GRANT CREATE ON SCHEMA \"{schema}\" TO"),
        &format!("has_schema_privilege({}, 'CREATE')", literal(&schema)),
    )];
    let mut tables: Vec<&Described> = vec![owner];
    tables.extend(related);
    for table in tables {
        let name = qualified(&table.table);
        for privilege in ["SELECT", "TRIGGER"] {
            lacks.push(table_lack(&name, privilege));
        }
    }
    lacks.push(table_lack(&qualified(&owner.table), "UPDATE"));
    statement(Sql::default(), lacks.join("\nUNION\n"))
}

fn table_lack(table: &str, privilege: &str) -> String {
    lack(
        &format!("{privilege} on {table}"),
        &format!("GRANT {privilege} ON {table} TO"),
        &format!("has_table_privilege({}, '{privilege}')", literal(table)),
    )
}

fn lack(privilege: &str, grant: &str, test: &str) -> String {
    format!(
        "SELECT {} AS privilege, 'run `' || {} || ' ' || quote_ident(current_user) || '` as the owner, or install as the owner' AS remedy WHERE NOT {test}",
        literal(privilege),
        literal(grant),
    )
}

pub(super) fn installed(owner: &Owner) -> Statement {
    let mut sql = Sql::default();
    let prefix = sql.bind(tables::tag_prefix(owner));
    let text = format!(
        "SELECT 'function' AS kind, p.proname::text AS name, NULL AS parent, d.description AS tag
           FROM pg_description d JOIN pg_proc p ON d.classoid = 'pg_proc'::regclass AND p.oid = d.objoid
          WHERE starts_with(d.description, {prefix})
         UNION ALL
         SELECT 'trigger', t.tgname::text, {parent}, d.description
           FROM pg_description d
           JOIN pg_trigger t ON d.classoid = 'pg_trigger'::regclass AND t.oid = d.objoid
           JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE starts_with(d.description, {prefix})
         UNION ALL
         SELECT CASE WHEN c.relkind = 'i' THEN 'index' ELSE 'table' END, c.relname::text, NULL, d.description
           FROM pg_description d JOIN pg_class c ON d.classoid = 'pg_class'::regclass AND c.oid = d.objoid
          WHERE starts_with(d.description, {prefix}) AND d.objsubid = 0
         UNION ALL -- tables of ours whose comment was lost, or that are not ours
         SELECT 'table', c.relname::text, NULL, coalesce(d.description, '')
           FROM pg_class c LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = 0
          WHERE c.oid IN (to_regclass({marks}), to_regclass({queue})) AND NOT starts_with(coalesce(d.description, ''), {prefix})",
        parent = "'\"' || replace(n.nspname, '\"', '\"\"') || '\".\"' || replace(c.relname, '\"', '\"\"') || '\"'",
        marks = literal(&qualified(&crate::dialect::sql::marks(owner))),
        queue = literal(&qualified(&crate::dialect::sql::recalculations(owner))),
    );
    statement(sql, text)
}

pub(super) fn drop_object(owner: &Owner, kind: ObjectKind, name: &str, parent: Option<&str>) -> String {
    format!("DROP {}", tables::identity(owner, kind, name, parent))
}
