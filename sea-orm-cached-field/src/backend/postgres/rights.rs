//! What a worker's role may do.

use sea_orm::Statement;

use super::{DIALECT, functions, names, statement};
use crate::{
    backend::{names::Columns, sql::Sql},
    layout::Owner,
};

/// Only a worker takes rows out of our tables. So a role that was given the right to do so is a
/// worker's; an owner of the tables needs none.
pub(crate) fn missing(owner: &Owner) -> Statement {
    let names = names(owner);
    let marks = names.marks();
    let queue = names.queue();

    let all = ["SELECT", "INSERT", "UPDATE", "DELETE"].as_slice();
    let records = [names.settings(), names.workers(), names.minutes()];
    let mut tables: Vec<(String, &[&str], bool)> = vec![
        (marks.clone(), all, false),
        (queue.clone(), all, false),
        (names.table(), &["SELECT", "UPDATE"], false),
    ];
    tables.extend(records.map(|table| (table, all, true)));
    let tables = tables.iter().flat_map(|(table, rights, granted)| {
        let table = DIALECT.literal(table);
        rights.iter().map(move |right| {
            let right = DIALECT.literal(right);
            format!("({table}, {right}, {granted})")
        })
    });
    let tables: Columns = tables.collect();
    let expand = owner.looked_up().map(functions::expand_suffix);
    let called: Columns = expand
        .chain(["work".to_owned()])
        .map(|suffix| DIALECT.literal(&functions::function_name(owner, &suffix)))
        .collect();

    let text = format!(
        "WITH worker AS (
           SELECT DISTINCT a.grantee,
                  CASE a.grantee WHEN 0 THEN 'public'
                       ELSE pg_get_userbyid(a.grantee)::text END AS role
             FROM pg_class c, aclexplode(c.relacl) a
            WHERE c.oid IN (to_regclass({marks_name}), to_regclass({queue_name}))
              AND a.privilege_type = 'DELETE'
              AND a.grantee <> c.relowner),
         lacking AS (
           SELECT w.grantee, w.role, n.privilege || ' ON ' || n.name AS privilege,
                  n.granted AND (c.oid IS NULL OR pg_has_role(c.relowner, 'USAGE')) AS ours
             FROM worker w
            CROSS JOIN (VALUES {tables}) n (name, privilege, granted)
             LEFT JOIN pg_class c ON c.oid = to_regclass(n.name)
            WHERE CASE
                  WHEN c.oid IS NULL THEN n.granted -- about to be created
                  WHEN n.privilege = 'UPDATE'
                  THEN NOT has_any_column_privilege(w.role, c.oid, n.privilege)
                  ELSE NOT has_table_privilege(w.role, c.oid, n.privilege) END
           UNION ALL
           SELECT w.grantee, w.role, 'EXECUTE ON FUNCTION ' || p.oid::regprocedure,
                  pg_has_role(p.proowner, 'USAGE')
             FROM worker w, pg_proc p
             JOIN pg_class c ON c.oid = to_regclass({marks_name})
            WHERE p.pronamespace = c.relnamespace
              AND p.proname IN ({called})
              AND NOT has_function_privilege(w.role, p.oid, 'EXECUTE')
           UNION ALL
           SELECT w.grantee, w.role, 'USAGE ON SEQUENCE ' || s.oid::regclass,
                  pg_has_role(s.relowner, 'USAGE')
             FROM worker w, pg_class s
            WHERE s.oid = to_regclass(pg_get_serial_sequence({marks_name}, 'id'))
              AND NOT has_sequence_privilege(w.role, s.oid, 'USAGE'))
         SELECT role, privilege, ours,
                'GRANT ' || privilege || ' TO '
                || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(role) END AS remedy
           FROM lacking
          ORDER BY role, privilege",
        marks_name = DIALECT.literal(&marks),
        queue_name = DIALECT.literal(&queue),
    );

    statement(Sql::postgres(), text)
}
