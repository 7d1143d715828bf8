//! Triggers on the owner's table: own columns, the flag, and the guard against foreign writes.

use super::{
    append,
    functions::{
        FOREIGN, after, comparable, function, function_object, image_changed, new_rows, trigger, trigger_object,
    },
    own_updates,
};
use crate::{
    dialect::{
        Described, Object,
        sql::{fitted, literal, owner_key, qualified, quote},
    },
    field::layout::{Field, Owner},
};

pub(super) fn objects(owner: &Owner, table: &Described) -> Vec<Object> {
    let mut objects = before_update(owner, table);
    objects.extend(before_insert(owner));
    objects.extend(after_insert(owner, table));
    objects.extend(own_updates::after_update(owner, table));
    objects.extend(reflag(owner));
    objects
}

pub(super) fn name(event: &str) -> String {
    // Triggers run by name: ours see what all others have done to the row.
    format!("zz_cached_field_{event}")
}

/// The key and the own columns that a field is calculated from.
pub(super) fn inputs<'a>(owner: &'a Owner, field: &'a Field) -> impl Iterator<Item = &'a str> {
    owner.key.iter().map(|column| column.name.as_str()).chain(field.own_columns.iter().map(String::as_str))
}

/// The types of all columns that the triggers look at.
pub(super) fn compared_types<'a>(owner: &'a Owner, table: &'a Described) -> impl Iterator<Item = &'a str> {
    let columns = owner.fields.iter().flat_map(|field| inputs(owner, field).chain([field.cached.name.as_str()]));
    columns.map(|column| table.columns[column].as_str())
}

/// Whether one of these columns has changed from the row `old` to the row `new`.
pub(super) fn changed<'a>(table: &Described, columns: impl Iterator<Item = &'a str>, old: &str, new: &str) -> String {
    let changed = columns.map(|column| {
        let shown = |row: &str| comparable(&format!("{row}.{}", quote(column)), &table.columns[column]);
        format!("{} IS DISTINCT FROM {}", shown(old), shown(new))
    });
    changed.collect::<Vec<_>>().join(" OR ")
}

/// Whether an UPDATE makes the field stale: an input changed, or somebody but us ended the flag or wrote the value.
fn becomes_stale(field: &Field, input_changed: &str, value_changed: &str) -> String {
    let flag = quote(&field.recalculation_needed);
    format!("({input_changed} OR (NOT NEW.{flag} AND (OLD.{flag} OR {value_changed}) AND {FOREIGN}))")
}

/// Sets the flag on the row at hand, which the statement has locked already. The condition of the trigger calls it more
/// often than need be, but misses nothing. Generated columns are not computed yet; the AFTER trigger sees to them.
fn before_update(owner: &Owner, table: &Described) -> Vec<Object> {
    let compared = |field| inputs(owner, field).filter(|column| !table.generated.contains(*column));
    let condition = owner.fields.iter().map(|field| {
        becomes_stale(field, &image_changed(compared(field)), &image_changed([field.cached.name.as_str()]))
    });
    let stale: Vec<String> = condition.collect();
    let branch = |field| {
        let inputs = changed(table, compared(field), "OLD", "NEW");
        let value = changed(table, [field.cached.name.as_str()].into_iter(), "OLD", "NEW");
        let stale = becomes_stale(field, &inputs, &value);
        format!("  IF {stale} THEN\n    NEW.{} := true;\n  END IF;", quote(&field.recalculation_needed))
    };
    let branches: Vec<String> = owner.fields.iter().map(branch).collect();
    let body = format!("BEGIN\n{}\n  RETURN NEW;\nEND", branches.join("\n"));
    let create = format!(
        "CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {function}()",
        name = name("bu"),
        table = qualified(&owner.table),
        condition = stale.join(" OR "),
        function = function(owner, "bu"),
    );
    vec![
        function_object(owner, "bu", &trigger(compared_types(owner, table)), &body),
        trigger_object(owner, &name("bu"), &owner.table, create),
    ]
}

fn before_insert(owner: &Owner) -> Vec<Object> {
    let flags: Vec<String> = owner.fields.iter().map(|field| quote(&field.recalculation_needed)).collect();
    let set: Vec<String> = flags.iter().map(|flag| format!("  NEW.{flag} := true;")).collect();
    let unset: Vec<String> = flags.iter().map(|flag| format!("NEW.{flag} IS NOT TRUE")).collect();
    let create = format!(
        "CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {function}()",
        name = name("bi"),
        table = qualified(&owner.table),
        condition = unset.join(" OR "),
        function = function(owner, "bi"),
    );
    let body = format!("BEGIN\n{}\n  RETURN NEW;\nEND", set.join("\n"));
    vec![function_object(owner, "bi", &trigger([]), &body), trigger_object(owner, &name("bi"), &owner.table, create)]
}

fn after_insert(owner: &Owner, table: &Described) -> Vec<Object> {
    let aggregated: Vec<String> = owner_key(owner).iter().map(|key| format!("array_agg(n.{key})")).collect();
    let marks: Vec<String> = owner.fields.iter().map(|field| append::owners(owner, table, field, false)).collect();
    let body = format!(
        "DECLARE {}\nBEGIN\n  SELECT {} INTO {} FROM {} n;\n{}\n  RETURN NULL;\nEND",
        append::declared_key_arrays(owner, table, ""),
        aggregated.join(", "),
        append::key_arrays(owner, "").join(", "),
        new_rows(table),
        marks.join("\n"),
    );
    let create = format!(
        "CREATE TRIGGER {name} {after} EXECUTE FUNCTION {function}()",
        name = name("ai"),
        after = after("INSERT", table, []),
        function = function(owner, "ai"),
    );
    vec![function_object(owner, "ai", &trigger([]), &body), trigger_object(owner, &name("ai"), &owner.table, create)]
}

/// An explicit flag on a flagged row: a calculation under way may have read older data.
fn reflag(owner: &Owner) -> Vec<Object> {
    let body = format!("BEGIN\n{}\n  RETURN NULL;\nEND", append::own_row(owner, "TG_ARGV[0]"));
    let mut objects = vec![function_object(owner, "reflag", &trigger([]), &body)];
    for field in &owner.fields {
        let flag = quote(&field.recalculation_needed);
        let name = fitted(format!("zz_cached_field_reflag_{}", field.name));
        let create = format!(
            "CREATE TRIGGER {quoted} AFTER UPDATE OF {flag} ON {table} FOR EACH ROW
  WHEN (OLD.{flag} AND NEW.{flag} AND {FOREIGN}) EXECUTE FUNCTION {function}({field})",
            quoted = quote(&name),
            table = qualified(&owner.table),
            function = function(owner, "reflag"),
            field = literal(field.name),
        );
        objects.push(trigger_object(owner, &name, &owner.table, create));
    }
    objects
}
