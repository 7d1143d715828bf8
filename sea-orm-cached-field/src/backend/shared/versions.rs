//! What values are of: the versions of calculations.

use sea_orm::Statement;

use crate::{
    backend::sql::{Sql, versions_beside},
    catalog::Version,
    layout::{Owner, Table},
};

/// A row of the queue may be under way. `has_queue`: the queue exists.
pub(crate) fn has_values(mut sql: Sql, owner: &Owner, field: usize, has_queue: bool) -> Statement {
    let names = sql.names(owner);
    let mut text = format!(
        "SELECT EXISTS (SELECT 1 FROM {table} WHERE NOT {flag})",
        table = names.table(),
        flag = names.flag(field),
    );

    if has_queue {
        let queue = names.queue();
        let name = sql.bind(owner.fields[field].name);
        text.push_str(&format!(
            "
             OR EXISTS (SELECT 1 FROM {queue} WHERE field = {name})"
        ));
    }

    sql.statement(text + " AS found")
}

pub(crate) fn forget(sql: Sql, versions: &Table) -> Statement {
    let versions = sql.dialect().qualified(versions);
    sql.statement(format!("DELETE FROM {versions}"))
}

pub(crate) fn declarations(sql: Sql, owner: &Table) -> Statement {
    let versions = sql.dialect().qualified(&versions_beside(owner));
    sql.statement(format!("SELECT inputs, declared_by FROM {versions}"))
}

pub(crate) fn versions(sql: Sql, owner: &Owner) -> Statement {
    let names = sql.names(owner);
    let table = names.versions();
    sql.statement(format!(
        "SELECT field, version, inputs, kept_by, renewal, declared_by
           FROM {table}"
    ))
}

pub(crate) fn set_version(
    [mut old, mut new]: [Sql; 2],
    owner: &Owner,
    version: &Version,
) -> [Statement; 2] {
    let names = old.names(owner);
    let table = names.versions();
    let Version { field, calculation, inputs, kept_by, renewal, declared_by } = version;

    let old_field = old.bind(field.as_str());
    let delete = format!("DELETE FROM {table} WHERE field = {old_field}");

    let field = new.bind(field.as_str());
    let calculation = new.bind(*calculation);
    let inputs = new.bind(inputs.clone());
    let kept_by = new.bind(kept_by.clone());
    let renewal = new.bind(*renewal);
    let declared_by = new.bind(declared_by.clone());
    let insert = format!(
        "INSERT INTO {table} (field, version, inputs, kept_by, renewal, declared_by)
         VALUES ({field}, {calculation}, {inputs}, {kept_by}, {renewal}, {declared_by})"
    );

    [old.statement(delete), new.statement(insert)]
}

pub(crate) fn end_renewal(mut sql: Sql, owner: &Owner, field: usize, renewal: i64) -> Statement {
    let names = sql.names(owner);
    let table = names.versions();
    let field = sql.bind(owner.fields[field].name);
    let renewal = sql.bind(renewal);
    sql.statement(format!(
        "UPDATE {table}
            SET renewal = NULL
          WHERE field = {field}
            AND renewal = {renewal}"
    ))
}
