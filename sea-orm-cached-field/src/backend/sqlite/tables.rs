//! Our tables, and the list of everything that stands beside them.

use super::{DIALECT, NOW, names, own_triggers, related_triggers};
use crate::{
    backend::{
        apart::apart,
        names::Columns,
        shared::records::{Record, records},
        sql::{fitted, marks, recalculations, versions},
    },
    catalog::{Described, Object, ObjectKind},
    layout::{Column, Field, Owner, Table},
};

/// Everything that has to stand in the database for this owner.
pub(crate) fn objects(owner: &Owner, table: &Described, related: &[Described]) -> Vec<Object> {
    let mut objects =
        vec![marks_table(owner, table), recalculations_table(owner, table), versions_table(owner)];
    objects.extend(records(DIALECT, owner).into_iter().map(|record| record_table(owner, record)));
    objects.push(marks_index(owner));
    objects.push(due_index(owner));
    objects.extend(
        owner
            .fields
            .iter()
            .filter_map(|field| Some(expiry_index(owner, field.expires_after.as_ref()?))),
    );

    objects.extend(
        owner.fields.iter().filter(|field| field.index_flag).map(|field| flag_index(owner, field)),
    );

    objects.extend(own_triggers::objects(owner, table));
    for (source, far) in owner.sources.iter().zip(related) {
        objects.extend(related_triggers::objects(owner, source, far));
    }

    objects
}

/// What the tag of each of our objects begins with.
pub(super) fn tag_prefix(owner: &Table) -> String {
    // It stands in a comment, which the name must not end.
    let table = DIALECT.qualified(owner).replace('%', "%25").replace("*/", "*%2F");
    let tag = Object::TAG;
    format!("{tag}{table} ")
}

/// The table that an object with this tag serves.
pub(crate) fn owner_of(tag: &str) -> Option<Table> {
    DIALECT.table_of(&Object::owner(tag)?.replace("*%2F", "*/").replace("%25", "%"))
}

/// An object whose text says whose it is and what it was made from. `head` ends before the place of
/// that comment.
pub(super) fn object(
    owner: &Owner,
    kind: ObjectKind,
    name: &str,
    head: &str,
    body: &str,
) -> Object {
    let fingerprint = Object::fingerprint(kind, &format!("{head}{body}"));
    let tag = tag_prefix(&owner.table) + &fingerprint;
    let create = vec![apart(format!("{head} /* {tag} */ {body}"))];
    Object { kind, name: name.to_owned(), parent: None, create, tag }
}

/// Columns for keys that are compared as the owner's are: two spellings that the owner's collation
/// calls equal are one key.
fn key_definitions(owner: &Owner, table: &Described, columns: &Columns, null: &str) -> Columns {
    let definition = |(column, own): (&String, &Column)| {
        // Outside of a STRICT table, ANY would make numbers of texts.
        let kind = table.columns[&own.name].as_str();
        let kind = if kind.eq_ignore_ascii_case("any") { "BLOB" } else { kind };
        let collation = table
            .collations
            .get(&own.name)
            .map(|name| format!(" COLLATE {name}"))
            .unwrap_or_default();
        format!("{column} {kind}{null}{collation}")
    };
    columns.iter().zip(&owner.key).map(definition).collect()
}

fn marks_table(owner: &Owner, table: &Described) -> Object {
    let names = names(owner);
    let name = marks(owner).name;

    let body = format!(
        "(
  id INTEGER PRIMARY KEY,
  field TEXT NOT NULL,
  {keys},
  eager INTEGER, -- NULL: as the field is set
  marked_at INTEGER NOT NULL DEFAULT ({NOW}),
  {after},
  {to}
)",
        keys = key_definitions(owner, table, &names.keys(), ""),
        after = key_definitions(owner, table, &names.bound("after"), ""),
        to = key_definitions(owner, table, &names.bound("to"), ""),
    );

    object(owner, ObjectKind::Table, &name, &create_table(&name), &body)
}

fn create_table(name: &str) -> String {
    let name = DIALECT.quote(name);
    format!("CREATE TABLE {name}")
}

fn recalculations_table(owner: &Owner, table: &Described) -> Object {
    let names = names(owner);
    let name = recalculations(owner).name;

    let body = format!(
        "(
  {keys},
  field TEXT NOT NULL,
  generation INTEGER NOT NULL,
  due_at INTEGER DEFAULT ({NOW}),
  leased_until INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  waves INTEGER NOT NULL DEFAULT 0, -- negative: held back since then
  last_error TEXT,
  queued_at INTEGER NOT NULL DEFAULT ({NOW}),
  stale_since INTEGER, -- NULL: it is not known, or the row is fresh
  PRIMARY KEY ({columns}, field)
) WITHOUT ROWID",
        keys = key_definitions(owner, table, &names.keys(), " NOT NULL"),
        columns = names.keys(),
    );

    object(owner, ObjectKind::Table, &name, &create_table(&name), &body)
}

fn index(owner: &Owner, name: &str, on: &str, body: &str) -> Object {
    let name = fitted(name.to_owned());
    let (quoted, on) = (DIALECT.quote(&name), DIALECT.quote(on));
    object(owner, ObjectKind::Index, &name, &format!("CREATE INDEX {quoted} ON {on}"), body)
}

fn marks_index(owner: &Owner) -> Object {
    let names = names(owner);
    let name = marks(owner).name;
    let columns = names.keys();
    index(owner, &format!("{name}_key"), &name, &format!("({columns}, field)"))
}

fn due_index(owner: &Owner) -> Object {
    let name = recalculations(owner).name;
    index(owner, &format!("{name}_due"), &name, "(due_at)")
}

fn versions_table(owner: &Owner) -> Object {
    let name = versions(owner).name;
    let body = "(
  field TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  inputs TEXT,
  kept_by TEXT,
  renewal INTEGER, -- not NULL: rows have yet to be flagged
  declared_by TEXT
)";
    object(owner, ObjectKind::Table, &name, &create_table(&name), body)
}

fn record_table(owner: &Owner, Record { table, definitions }: Record) -> Object {
    let definitions = definitions.join(",\n  ");
    let body = format!("(\n  {definitions}\n)");
    object(owner, ObjectKind::Table, &table.name, &create_table(&table.name), &body)
}

/// Of the few rows that are flagged.
fn flag_index(owner: &Owner, field: &Field) -> Object {
    let names = names(owner);
    let keys = names.own_key();
    let flag = &field.recalculation_needed;
    let table = &owner.table.name;
    let name = format!("{table}_cached_{flag}");
    let flag = DIALECT.quote(flag);
    index(owner, &name, table, &format!("({keys}) WHERE {flag}"))
}

/// Over the moment, not the text: `2030-01-01 00:00` and `2030-01-01T00:00:00+00:00` are one.
fn expiry_index(owner: &Owner, expires_after: &str) -> Object {
    let column = DIALECT.quote(expires_after);
    let table = &owner.table.name;
    let name = format!("{table}_cached_{expires_after}");
    index(owner, &name, table, &format!("(julianday({column})) WHERE {column} IS NOT NULL"))
}
