//! Triggers on the owner's table: own columns, the flag, and the guard against foreign writes.

use std::fmt::Display;

use super::{
    DIALECT, append,
    functions::{
        FOREIGN, IS_FOREIGN, after, comparable, foreign, function, function_object, image_changed,
        new_rows, trigger, trigger_object,
    },
    names, own_updates,
};
use crate::{
    backend::{
        names::{Any, Columns},
        sql::{fitted, list},
    },
    catalog::{Described, Object},
    layout::{Field, Owner},
};

pub(super) fn objects(owner: &Owner, table: &Described) -> Vec<Object> {
    let mut objects = before_update(owner, table);
    objects.extend(before_insert(owner, table));
    objects.extend(after_insert(owner, table));
    objects.extend(own_updates::after_update(owner, table));
    objects.extend(reflag(owner, table));
    objects
}

pub(super) fn name(event: &str) -> String {
    // Triggers run by name: those of the library see what all others have done to the row.
    format!("zz_cached_field_{event}")
}

/// The types of all columns that the triggers look at.
pub(super) fn compared_types<'a>(
    owner: &'a Owner,
    table: &'a Described,
) -> impl Iterator<Item = &'a str> {
    let columns = owner
        .fields
        .iter()
        .flat_map(|field| owner.watched(field).chain([field.cached.name.as_str()]));
    columns.map(|column| table.columns[column].as_str())
}

/// Whether one of these columns has changed from the row `old` to the row `new`.
pub(super) fn changed<'a>(
    table: &Described,
    columns: impl Iterator<Item = &'a str>,
    old: &str,
    new: &str,
) -> Any {
    let changed = columns.map(|column| {
        let kind = &table.columns[column];
        let column = DIALECT.quote(column);
        let old = comparable(&format!("{old}.{column}"), kind);
        let new = comparable(&format!("{new}.{column}"), kind);
        format!("{old} IS DISTINCT FROM {new}")
    });

    changed.collect()
}

/// Whether a foreign UPDATE ended the flag or wrote the value.
fn is_forged(field: &Field, value_changed: impl Display) -> String {
    let flag = DIALECT.flag(field);
    format!("NOT NEW.{flag} AND (OLD.{flag} OR {value_changed})")
}

/// Sets the flag on the row at hand, which the statement has locked already. The condition of the
/// trigger calls it more often than need be, but misses nothing. Generated columns are not computed
/// yet; the AFTER trigger sees to them.
fn before_update(owner: &Owner, table: &Described) -> Vec<Object> {
    let names = names(owner);
    let compared = |field| owner.watched(field).filter(|column| !table.generated.contains(*column));
    let branch = |field| {
        let inputs = changed(table, compared(field), "OLD", "NEW");
        let value = changed(table, [field.cached.name.as_str()].into_iter(), "OLD", "NEW");
        let forged = is_forged(field, value);
        let flag = DIALECT.flag(field);
        format!(
            "  IF {inputs} OR ({IS_FOREIGN} AND {forged}) THEN\n    NEW.{flag} := true;\n  END IF;"
        )
    };

    let branches: Vec<String> = owner.fields.iter().map(branch).collect();
    let branches = branches.join("\n");
    let body = format!("BEGIN\n{branches}\n  RETURN NEW;\nEND");

    let create = |event: &str, condition: String, argument: &str| {
        let create = format!(
            "CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW
  WHEN ({condition})
  EXECUTE FUNCTION {function}({argument})",
            name = name(event),
            table = names.table(),
            function = function(owner, "bu"),
        );
        trigger_object(owner, &name(event), &owner.table, create)
    };

    let changed = owner.fields.iter().map(|field| image_changed(compared(field)));
    let forged = owner.fields.iter().map(|field| {
        let forged = is_forged(field, image_changed([field.cached.name.as_str()]));
        format!("({forged})")
    });
    let stale: Any = changed.clone().chain(forged).collect();
    let changed: Any = changed.collect();

    let foreign = foreign(owner);
    vec![
        function_object(owner, table, "bu", &trigger(compared_types(owner, table)), &body),
        create("bu", format!("{foreign}\n   AND ({stale})"), FOREIGN),
        create("bui", format!("NOT {foreign}\n   AND ({changed})"), ""),
    ]
}

fn before_insert(owner: &Owner, table: &Described) -> Vec<Object> {
    let names = names(owner);
    let flags: Columns = owner.fields.iter().map(|field| DIALECT.flag(field)).collect();
    let set: Vec<String> = flags.iter().map(|flag| format!("  NEW.{flag} := true;")).collect();
    let unset: Any = flags.iter().map(|flag| format!("NEW.{flag} IS NOT TRUE")).collect();

    let create = format!(
        "CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW
  WHEN ({unset})
  EXECUTE FUNCTION {function}()",
        name = name("bi"),
        table = names.table(),
        function = function(owner, "bi"),
    );

    let set = set.join("\n");
    let body = format!("BEGIN\n{set}\n  RETURN NEW;\nEND");
    vec![
        function_object(owner, table, "bi", &trigger([]), &body),
        trigger_object(owner, &name("bi"), &owner.table, create),
    ]
}

fn after_insert(owner: &Owner, table: &Described) -> Vec<Object> {
    let names = names(owner);
    let aggregated = names.own_key_of("n").each(|key| format!("array_agg({key})"));
    let list = DIALECT.literal(&list(owner, 0..owner.fields.len()));

    let body = format!(
        "DECLARE {arrays}
BEGIN
  SELECT {aggregated} INTO {into}
    FROM {rows} n;
{mark}
  RETURN NULL;
END",
        arrays = append::declared_key_arrays(owner, table, ""),
        into = append::key_arrays(owner, ""),
        rows = new_rows(table),
        mark = append::owners(owner, table, &list, false),
    );

    let create = format!(
        "CREATE TRIGGER {name} {after}
  EXECUTE FUNCTION {function}()",
        name = name("ai"),
        after = after("INSERT", table, []),
        function = function(owner, "ai"),
    );

    vec![
        function_object(owner, table, "ai", &trigger([]), &body),
        trigger_object(owner, &name("ai"), &owner.table, create),
    ]
}

/// An explicit flag on a flagged row: a calculation under way may have read older data.
fn reflag(owner: &Owner, table: &Described) -> Vec<Object> {
    let names = names(owner);
    let mark = append::own_row(owner, "TG_ARGV[0]");
    let body = format!("BEGIN\n{mark}\n  RETURN NULL;\nEND");
    let mut objects = vec![function_object(owner, table, "reflag", &trigger([]), &body)];

    let foreign = foreign(owner);
    for field in &owner.fields {
        let flag = DIALECT.flag(field);
        let field_name = field.name;
        let name = fitted(format!("zz_cached_field_reflag_{field_name}"));
        let create = format!(
            "CREATE TRIGGER {quoted} AFTER UPDATE OF {flag} ON {table} FOR EACH ROW
  WHEN (OLD.{flag} AND NEW.{flag} AND {foreign})
  EXECUTE FUNCTION {function}({field})",
            quoted = DIALECT.quote(&name),
            table = names.table(),
            function = function(owner, "reflag"),
            field = DIALECT.literal(field_name),
        );
        objects.push(trigger_object(owner, &name, &owner.table, create));
    }

    objects
}
