//! Triggers on the owner's table: own columns, the flag, and the guard against foreign writes.

use super::functions::{
    FOREIGN, SECURITY, after, comparable, function, function_object, image_changed, is_exact, new_rows, old_rows,
    trigger_object,
};
use crate::{
    dialect::{
        Described, Object,
        sql::{fitted, key_columns, literal, owner_key, prefixed, qualified, quote},
    },
    field::layout::{Field, Owner},
};

pub(super) fn objects(owner: &Owner, table: &Described) -> Vec<Object> {
    let mut objects = before_update(owner, table);
    objects.extend(before_insert(owner));
    objects.extend(after_insert(owner, table));
    objects.extend(after_update(owner, table));
    objects.extend(reflag(owner));
    objects
}

fn name(event: &str) -> String {
    // Triggers run by name: ours see what all others have done to the row.
    format!("zz_cached_field_{event}")
}

/// The key and the own columns that a field is calculated from.
fn inputs<'a>(owner: &'a Owner, field: &'a Field) -> impl Iterator<Item = &'a str> {
    owner.key.iter().map(|column| column.name.as_str()).chain(field.own_columns.iter().map(String::as_str))
}

fn changed(table: &Described, column: &str) -> String {
    let (column, kind) = (quote(column), &table.columns[column]);
    format!(
        "{} IS DISTINCT FROM {}",
        comparable(&format!("OLD.{column}"), kind),
        comparable(&format!("NEW.{column}"), kind)
    )
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
        let inputs: Vec<String> = compared(field).map(|column| changed(table, column)).collect();
        let stale = becomes_stale(field, &inputs.join(" OR "), &changed(table, &field.cached.name));
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
        function_object(owner, "bu", &format!("() RETURNS trigger {SECURITY}"), &body),
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
    vec![
        function_object(owner, "bi", &format!("() RETURNS trigger {SECURITY}"), &body),
        trigger_object(owner, &name("bi"), &owner.table, create),
    ]
}

fn declared_keys(owner: &Owner, table: &Described, prefix: &str) -> String {
    let types = super::tables::key_types(owner, table);
    let keys = key_columns(owner).into_iter().zip(types);
    keys.map(|(key, kind)| format!("{prefix}{key} {kind}[];")).collect::<Vec<_>>().join(" ")
}

fn arrays(owner: &Owner, prefix: &str) -> String {
    key_columns(owner).iter().map(|key| format!("{prefix}{key}")).collect::<Vec<_>>().join(", ")
}

fn after_insert(owner: &Owner, table: &Described) -> Vec<Object> {
    let aggregated: Vec<String> = owner_key(owner).iter().map(|key| format!("array_agg(n.{key})")).collect();
    // A query with aggregates has one row even without input, hence the HAVING.
    let marks: Vec<String> = owner
        .fields
        .iter()
        .map(|field| {
            format!(
                "  PERFORM {}({}, false, {}) FROM {} n HAVING count(*) > 0;",
                function(owner, "mark"),
                literal(field.name),
                aggregated.join(", "),
                new_rows(table),
            )
        })
        .collect();
    let create = format!(
        "CREATE TRIGGER {name} {after} EXECUTE FUNCTION {function}()",
        name = name("ai"),
        after = after("INSERT", table, []),
        function = function(owner, "ai"),
    );
    let body = format!("BEGIN\n{}\n  RETURN NULL;\nEND", marks.join("\n"));
    vec![
        function_object(owner, "ai", &format!("() RETURNS trigger {SECURITY}"), &body),
        trigger_object(owner, &name("ai"), &owner.table, create),
    ]
}

/// Marks rows whose inputs changed or whose flag somebody else set. Old and new rows are never joined: such a plan,
/// cached after small statements, is quadratic for large ones. `UNION ALL .. GROUP BY .. HAVING count(*) <> 2` leaves
/// exactly what changed.
fn after_update(owner: &Owner, table: &Described) -> Vec<Object> {
    let branches: Vec<String> = owner.fields.iter().map(|field| after_update_branch(owner, table, field)).collect();
    let body = format!(
        "DECLARE {} {} v_foreign boolean := {FOREIGN};\nBEGIN\n{}\n  RETURN NULL;\nEND",
        declared_keys(owner, table, "v_"),
        declared_keys(owner, table, "v_missed_"),
        branches.join("\n"),
    );
    let read = owner.fields.iter().flat_map(|field| inputs(owner, field).chain([field.recalculation_needed.as_str()]));
    let create = format!(
        "CREATE TRIGGER {name} {after} EXECUTE FUNCTION {function}()",
        name = name("au"),
        after = after("UPDATE", table, read),
        function = function(owner, "au"),
    );
    vec![
        function_object(owner, "au", &format!("() RETURNS trigger {SECURITY}"), &body),
        trigger_object(owner, &name("au"), &owner.table, create),
    ]
}

fn after_update_branch(owner: &Owner, table: &Described, field: &Field) -> String {
    let keys = key_columns(owner);
    // A key too that is spelled in another way, where the type calls both equal, has changed.
    let inexact_keys = owner.key.iter().map(|key| &key.name).filter(|key| !is_exact(&table.columns[*key]));
    let inputs: Vec<&String> = inexact_keys.chain(&field.own_columns).collect();
    let own: Vec<String> = (1..=inputs.len()).map(|n| format!("c_{n}")).collect();
    let grouped = prefixed("u", &[keys.clone(), own.clone()].concat());
    let rows = |row: &str, table_name: &str, is_new: bool| {
        let key = owner_key(owner).into_iter().zip(&keys).map(|(column, key)| format!("{row}.{column} AS {key}"));
        let columns = inputs.iter().zip(&own).map(|(column, name)| {
            format!("{} AS {name}", comparable(&format!("{row}.{}", quote(column)), &table.columns[*column]))
        });
        let selected: Vec<String> = key.chain(columns).collect();
        let flag = quote(&field.recalculation_needed);
        format!("SELECT {}, {row}.{flag} AS flag, {is_new} AS is_new FROM {table_name} {row}", selected.join(", "))
    };
    let aggregated = |filter: &str| {
        let arrays = keys.iter().map(|key| format!("array_agg(e.{key}) FILTER (WHERE {filter})"));
        arrays.collect::<Vec<_>>().join(", ")
    };
    format!(
        "  SELECT {flagged}, {missed} INTO {into}, {into_missed}
    FROM (SELECT {keys}, bool_or(d.flag) AS flag
            FROM (SELECT {keys_u}, bool_or(u.is_new) AS has_new, bool_or(u.flag AND u.is_new) AS flag
                    FROM ({old} UNION ALL {new}) u
                   GROUP BY {grouped}
                  HAVING count(*) <> 2 OR (v_foreign AND bool_or(u.flag AND u.is_new) AND bool_or(NOT u.flag AND NOT u.is_new))) d
           WHERE d.has_new GROUP BY {keys}) e;
  IF v_key_1 IS NOT NULL THEN
    PERFORM {mark}({name}, false, {into});
  END IF;
  IF v_missed_key_1 IS NOT NULL THEN -- another BEFORE trigger changed an input after ours
    PERFORM {mark}({name}, false, {into_missed});
    PERFORM {flag}({name}, {into_missed});
  END IF;",
        flagged = aggregated("e.flag"),
        missed = aggregated("NOT e.flag"),
        into = arrays(owner, "v_"),
        into_missed = arrays(owner, "v_missed_"),
        keys = prefixed("d", &keys),
        keys_u = prefixed("u", &keys),
        old = rows("o", old_rows(table), false),
        new = rows("n", new_rows(table), true),
        mark = function(owner, "mark"),
        flag = function(owner, "flag"),
        name = literal(field.name),
    )
}

/// An explicit flag on a flagged row: a calculation under way may have read older data.
fn reflag(owner: &Owner) -> Vec<Object> {
    let key: Vec<String> = owner_key(owner).iter().map(|key| format!("ARRAY[NEW.{key}]")).collect();
    let body = format!(
        "BEGIN\n  PERFORM {}(TG_ARGV[0], false, {});\n  RETURN NULL;\nEND",
        function(owner, "mark"),
        key.join(", "),
    );
    let mut objects = vec![function_object(owner, "reflag", &format!("() RETURNS trigger {SECURITY}"), &body)];
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
