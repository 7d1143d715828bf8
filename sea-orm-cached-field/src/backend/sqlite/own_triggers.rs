//! Triggers on the owner's table: own columns, the flag, and the guard against foreign writes.

use std::collections::BTreeMap;

use super::{DIALECT, names, tables};
use crate::{
    backend::{
        names::{All, Any, Columns},
        sql::{list, unique_name},
    },
    catalog::{Described, Object, ObjectKind},
    layout::{Field, Owner},
};

pub(super) fn objects(owner: &Owner, table: &Described) -> Vec<Object> {
    let mut objects = vec![after_insert(owner), flagged(owner)];
    let mut by_inputs: BTreeMap<&[String], Vec<&Field>> = BTreeMap::new();
    for field in &owner.fields {
        by_inputs.entry(&field.own_columns).or_default().push(field);
        objects.extend([reflagged(owner, field), guard(owner, table, field)]);
    }
    objects.extend(
        by_inputs
            .into_iter()
            .map(|(columns, fields)| inputs_changed(owner, table, columns, &fields)),
    );
    objects
}

/// A trigger; `event` is all between its name and its body.
pub(super) fn trigger(owner: &Owner, suffix: &str, event: &str, statements: &[String]) -> Object {
    let name = unique_name("zz_cached_field", None, owner, suffix);
    let statements = statements.join(";\n  ");
    let body = format!("{event} BEGIN\n  {statements};\nEND");
    let quoted = DIALECT.quote(&name);
    let create = format!("CREATE TRIGGER {quoted}");
    tables::object(owner, ObjectKind::Trigger, &name, &create, &body)
}

/// `"id" = NEW."id" AND ...`
fn is_new_row(owner: &Owner) -> All {
    let key = names(owner).own_key();
    key.equal(&key.each(|column| of_row(owner, "NEW", column)))
}

/// A column of the row at hand (`NEW` or `OLD`), in a condition on the owner's rows. The owner's
/// table may itself be called so; then a query of its own, without a table, finds the row.
pub(super) fn of_row(owner: &Owner, row: &str, column: &str) -> String {
    let is_hidden = ["new", "old"].iter().any(|name| owner.table.name.eq_ignore_ascii_case(name));
    if is_hidden { format!("(SELECT {row}.{column})") } else { format!("{row}.{column}") }
}

fn set_flags<'a>(owner: &Owner, fields: impl IntoIterator<Item = &'a Field>) -> String {
    let names = names(owner);
    let flags = fields.into_iter().map(|field| DIALECT.flag(field));
    let set: Columns = flags.map(|flag| format!("{flag} = 1")).collect();
    format!(
        "UPDATE {table}
     SET {set}
   WHERE {is_row}",
        table = names.table(),
        is_row = is_new_row(owner),
    )
}

/// A real change, whatever the column's collation calls equal.
pub(super) fn changed(column: &str, table: &Described) -> String {
    let takes_any = table.columns.get(column).is_some_and(|kind| takes_any_value(kind));
    let column = DIALECT.quote(column);
    let changed = format!("OLD.{column} IS NOT NEW.{column} COLLATE BINARY");
    // 1 equals 1.0, but is shown otherwise.
    if takes_any {
        format!("{changed} OR typeof(OLD.{column}) <> typeof(NEW.{column})")
    } else {
        changed
    }
}

/// Whether a column of this type leaves values as they are: the others make numbers of one kind.
fn takes_any_value(kind: &str) -> bool {
    let kind = kind.to_uppercase();
    let has_affinity = ["INT", "CHAR", "CLOB", "TEXT"].iter().any(|part| kind.contains(part));
    !has_affinity && (kind.is_empty() || kind.contains("BLOB") || kind == "ANY")
}

/// ` OF a, b`: what the statement sets. No statement sets a generated column.
pub(super) fn of(table: &Described, columns: &[&str]) -> String {
    if columns.iter().any(|column| table.generated.contains(*column)) {
        return String::new();
    }
    let columns = DIALECT.columns(columns.iter().copied());
    format!(" OF {columns}")
}

fn after_insert(owner: &Owner) -> Object {
    let names = names(owner);
    let flags: All = owner.fields.iter().map(|field| DIALECT.flag(field)).collect();
    let set_flags = set_flags(owner, &owner.fields);
    let set_missing = format!(
        "{set_flags}
     AND NOT ({flags})"
    );
    let statements =
        [mark_new(owner, &DIALECT.literal(&list(owner, 0..owner.fields.len()))), set_missing];
    let table = names.table();
    trigger(owner, "ai", &format!("AFTER INSERT ON {table}"), &statements)
}

/// Marks rows of the owner wherever flags are set, unless such a mark waits. A statement that sets
/// several makes one mark.
fn flagged(owner: &Owner) -> Object {
    let names = names(owner);
    let flags: Columns = owner.fields.iter().map(|field| DIALECT.flag(field)).collect();
    let set = flags.each(|flag| format!("(NEW.{flag} AND NOT OLD.{flag})"));
    let conditions = owner.fields.iter().zip(set.clone());
    let set: Any = set.into_iter().collect();
    let event = format!(
        "AFTER UPDATE OF {flags} ON {table}
  WHEN {set}",
        table = names.table(),
    );
    trigger(owner, "flagged", &event, &[mark_new(owner, &list_where(conditions))])
}

/// Marks the row at hand, unless such a mark waits; `list` is an expression.
fn mark_new(owner: &Owner, list: &str) -> String {
    let names = names(owner);
    format!(
        "INSERT INTO {marks} (field, {columns})
  SELECT f.list, {values}
    FROM (SELECT {list} AS list) f
   WHERE {unmarked}",
        marks = names.marks(),
        columns = names.keys(),
        values = names.own_key_of("NEW"),
        unmarked = unmarked(owner, "NEW", &names.own_key(), "m.field = f.list"),
    )
}

/// Marks a row whose flag is set that was set already.
fn reflagged(owner: &Owner, field: &Field) -> Object {
    let names = names(owner);
    let flag = DIALECT.flag(field);
    let name = DIALECT.literal(field.name);

    let statement = format!(
        "INSERT INTO {marks} (field, {columns})
  VALUES ({name}, {values})",
        marks = names.marks(),
        columns = names.keys(),
        values = names.own_key_of("NEW"),
    );

    let is_listed = DIALECT.is_listed(&name, "m.field");
    let event = format!(
        "AFTER UPDATE OF {flag} ON {table}
  WHEN NEW.{flag} AND OLD.{flag}
   AND {unmarked}",
        table = names.table(),
        unmarked = unmarked(owner, "NEW", &names.own_key(), &is_listed),
    );

    let name = field.name;
    trigger(owner, &format!("{name}_reflagged"), &event, &[statement])
}

/// An expression of the list of those fields for which a condition is true; it is empty if there
/// are none.
pub(super) fn list_where<'a>(conditions: impl IntoIterator<Item = (&'a Field, String)>) -> String {
    let names = conditions.into_iter().map(|(field, condition)| {
        let name = field.name;
        let name = DIALECT.literal(&format!(",{name}"));
        format!("CASE WHEN {condition} THEN {name} ELSE '' END")
    });
    let names = names.collect::<Columns>().join("\n      || ");
    format!("ltrim({names}, ',')")
}

/// Whether no such mark `m` waits of the owner's row with the key that stands in these columns. One
/// that waits stands for later changes, too: SQLite has one writer at a time, so that no worker is
/// collecting it. A mark that says whether it is to be queued stands for itself alone.
pub(super) fn unmarked(owner: &Owner, row: &str, key: &Columns, such: &str) -> String {
    let names = names(owner);
    let same_key = names.keys_of("m").equal(&key.of(row));
    let marks = names.marks();
    format!(
        "NOT EXISTS (
         SELECT 1
           FROM {marks} m
          WHERE {same_key}
            AND {such} AND m.eager IS NULL)"
    )
}

/// Flags the fields that are calculated from these columns of their row, and from its key.
fn inputs_changed(
    owner: &Owner,
    table: &Described,
    columns: &[String],
    fields: &[&Field],
) -> Object {
    let names = names(owner);
    let key = owner.key.iter().map(|column| &column.name);
    let inputs: Vec<&str> = key.chain(columns).map(String::as_str).collect();
    let changed: Any = inputs.iter().map(|column| changed(column, table)).collect();
    let event = format!(
        "AFTER UPDATE{of} ON {table}
  WHEN {changed}",
        of = of(table, &inputs),
        table = names.table(),
    );

    let first = fields[0].name;
    let set_flags = set_flags(owner, fields.iter().copied());
    trigger(owner, &format!("{first}_own"), &event, &[set_flags])
}

/// Only a completion ends the flag or writes the value: its queue row has generation 0.
fn guard(owner: &Owner, described: &Described, field: &Field) -> Object {
    let names = names(owner);
    let flag = DIALECT.flag(field);
    let cached = DIALECT.cached(field);
    let same_key = names.keys().equal(&names.own_key_of("NEW"));

    let event = format!(
        "AFTER UPDATE OF {cached}, {flag} ON {table}
  WHEN NOT NEW.{flag} AND (OLD.{flag} OR {value_changed})
   AND NOT EXISTS (
         SELECT 1
           FROM {queue}
          WHERE {same_key}
            AND field = {name}
            AND generation = 0)",
        table = names.table(),
        value_changed = changed(&field.cached.name, described),
        queue = names.queue(),
        name = DIALECT.literal(field.name),
    );

    let name = field.name;
    trigger(owner, &format!("{name}_guard"), &event, &[set_flags(owner, [field])])
}
