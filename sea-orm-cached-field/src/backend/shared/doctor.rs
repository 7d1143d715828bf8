//! What is flagged, and what waits.

use sea_orm::Statement;

use crate::{
    backend::{
        names::Dialect,
        sql::{CHUNK, Sql},
    },
    layout::Owner,
};

pub(crate) fn is_any_flagged(sql: Sql, owner: &Owner, field: usize) -> Statement {
    let names = sql.names(owner);
    let table = names.table();
    let flag = names.flag(field);
    sql.statement(format!("SELECT EXISTS (SELECT 1 FROM {table} t WHERE t.{flag}) AS flagged"))
}

/// Of a mark that names a related row it is not known whom it concerns. SQLite has none.
pub(crate) fn unqueued(sql: Sql, owner: &Owner, field: usize) -> Statement {
    let names = sql.names(owner);
    let name = names.field(field);
    let is_related = match sql.dialect() {
        Dialect::Sqlite => String::new(),
        _ => format!("\n                        OR m.via <> '{CHUNK}'"),
    };

    let text = format!(
        "SELECT count(*) AS found
           FROM {table} t
          WHERE t.{flag}
            AND NOT EXISTS (
                SELECT 1
                  FROM {queue} q
                 WHERE {queued}
                   AND q.field = {name})
            AND NOT EXISTS (
                SELECT 1
                  FROM {marks} m
                 WHERE {listed}
                   AND ({marked}{is_related}
                        OR {is_of_chunk}))",
        listed = names.dialect.is_listed(&name, "m.field"),
        table = names.table(),
        flag = names.flag(field),
        queue = names.queue(),
        marks = names.marks(),
        queued = names.is_of("q", "t"),
        marked = names.is_of("m", "t"),
        is_of_chunk = names.is_of_chunk(),
    );

    sql.statement(text)
}

pub(crate) fn waiting(sql: Sql, owner: &Owner) -> Statement {
    let names = sql.names(owner);
    let text = format!(
        "SELECT s.field, s.state, count(*) AS found, min(s.error) AS error
           FROM (SELECT field,
                        CASE WHEN due_at IS NULL THEN 'failed'
                             WHEN last_error IS NULL THEN 'due'
                             ELSE 'failing' END AS state,
                        last_error AS error
                   FROM {queue}
                  UNION ALL
                 SELECT field, 'due', NULL
                   FROM {marks}) s
          GROUP BY s.field, s.state
          ORDER BY s.field, s.state",
        queue = names.queue(),
        marks = names.marks(),
    );

    sql.statement(text)
}
