//! Triggers on the owner's table: own columns, the flag, and the guard against foreign writes.

use super::tables;
use crate::{
    dialect::{
        Described, Object, ObjectKind,
        sql::{equal, key_columns, literal, marks, owner_key, prefixed, quote, quote_all, recalculations, unique_name},
    },
    field::layout::{Field, Owner},
};

pub(super) fn objects(owner: &Owner, table: &Described) -> Vec<Object> {
    let mut objects = vec![after_insert(owner)];
    for field in &owner.fields {
        objects.extend([flagged(owner, field), inputs_changed(owner, table, field), guard(owner, table, field)]);
    }
    objects
}

/// A trigger; `event` is all between its name and its body.
pub(super) fn trigger(owner: &Owner, suffix: &str, event: &str, statements: &[String]) -> Object {
    let name = unique_name("zz_cached_field", None, owner, suffix);
    let body = format!("{event} BEGIN\n  {};\nEND", statements.join(";\n  "));
    tables::object(owner, ObjectKind::Trigger, &name, &format!("CREATE TRIGGER {}", quote(&name)), &body)
}

fn own(owner: &Owner) -> String {
    quote(&owner.table.name)
}

/// `"id" = NEW."id" AND ...`
fn is_new_row(owner: &Owner) -> String {
    owner_key(owner)
        .iter()
        .map(|key| format!("{key} = {}", of_row(owner, "NEW", key)))
        .collect::<Vec<_>>()
        .join(" AND ")
}

/// A column of the row at hand (`NEW` or `OLD`), in a condition on the owner's rows. The owner's table may itself be called
/// so; then a query of its own, without a table, finds the row.
pub(super) fn of_row(owner: &Owner, row: &str, column: &str) -> String {
    let is_hidden = ["new", "old"].iter().any(|name| owner.table.name.eq_ignore_ascii_case(name));
    if is_hidden { format!("(SELECT {row}.{column})") } else { format!("{row}.{column}") }
}

fn set_flag(owner: &Owner, field: &Field) -> String {
    format!("UPDATE {} SET {} = 1 WHERE {}", own(owner), quote(&field.recalculation_needed), is_new_row(owner))
}

/// A real change, whatever the column's collation calls equal.
pub(super) fn changed(column: &str, table: &Described) -> String {
    let takes_any = table.columns.get(column).is_some_and(|kind| takes_any_value(kind));
    let column = quote(column);
    let changed = format!("OLD.{column} IS NOT NEW.{column} COLLATE BINARY");
    // 1 equals 1.0, but is shown otherwise.
    if takes_any { format!("{changed} OR typeof(OLD.{column}) <> typeof(NEW.{column})") } else { changed }
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
    format!(" OF {}", quote_all(columns.iter().copied()).join(", "))
}

fn after_insert(owner: &Owner) -> Object {
    let flags: Vec<String> =
        owner.fields.iter().map(|field| format!("{} = 1", quote(&field.recalculation_needed))).collect();
    let statement = format!("UPDATE {} SET {} WHERE {}", own(owner), flags.join(", "), is_new_row(owner));
    trigger(owner, "ai", &format!("AFTER INSERT ON {}", own(owner)), &[statement])
}

/// The one place that marks rows of the owner: wherever the flag is set, also if it was set already, unless a mark waits.
fn flagged(owner: &Owner, field: &Field) -> Object {
    let (flag, name) = (quote(&field.recalculation_needed), literal(field.name));
    let statement = format!(
        "INSERT INTO {} (field, {}) VALUES ({name}, {})",
        quote(&marks(owner).name),
        key_columns(owner).join(", "),
        prefixed("NEW", &owner_key(owner)),
    );
    let event =
        format!("AFTER UPDATE OF {flag} ON {} WHEN NEW.{flag} AND {}", own(owner), unmarked(owner, "NEW", &name));
    trigger(owner, &format!("{}_flagged", field.name), &event, &[statement])
}

/// Whether no mark waits of this field of a row of the owner. One that does stands for later changes, too: who writes is the
/// only writer, so that nobody is about to collect it. One that says how it is to be collected stands for itself.
pub(super) fn unmarked(owner: &Owner, row: &str, field: &str) -> String {
    let same_key = equal("m", &key_columns(owner), row, &owner_key(owner));
    let marks = quote(&marks(owner).name);
    format!("NOT EXISTS (SELECT 1 FROM {marks} m WHERE {same_key} AND m.field = {field} AND m.eager IS NULL)")
}

fn inputs_changed(owner: &Owner, table: &Described, field: &Field) -> Object {
    let inputs: Vec<&str> = owner
        .key
        .iter()
        .map(|column| column.name.as_str())
        .chain(field.own_columns.iter().map(String::as_str))
        .collect();
    let changed: Vec<String> = inputs.iter().map(|column| changed(column, table)).collect();
    let event = format!("AFTER UPDATE{} ON {} WHEN {}", of(table, &inputs), own(owner), changed.join(" OR "));
    trigger(owner, &format!("{}_own", field.name), &event, &[set_flag(owner, field)])
}

/// Nobody but a completion ends the flag or writes the value: its queue row has generation 0.
fn guard(owner: &Owner, described: &Described, field: &Field) -> Object {
    let (flag, cached) = (quote(&field.recalculation_needed), quote(&field.cached.name));
    let keys = key_columns(owner).into_iter().zip(owner_key(owner));
    let same_key: Vec<String> = keys.map(|(key, own)| format!("{key} = NEW.{own}")).collect();
    let event = format!(
        "AFTER UPDATE OF {cached}, {flag} ON {table}
  WHEN NOT NEW.{flag} AND (OLD.{flag} OR {value_changed})
   AND NOT EXISTS (SELECT 1 FROM {queue} WHERE {same_key} AND field = {name} AND generation = 0)",
        table = own(owner),
        value_changed = changed(&field.cached.name, described),
        queue = quote(&recalculations(owner).name),
        same_key = same_key.join(" AND "),
        name = literal(field.name),
    );
    trigger(owner, &format!("{}_guard", field.name), &event, &[set_flag(owner, field)])
}
