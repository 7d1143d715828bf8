//! Triggers on the owner's table: own columns, the flag, and the guard against foreign writes.

use super::{
    DIALECT, DONE, KEPT,
    lists::{LIST, in_lists},
    names,
    tables::{self, NAME},
};
use crate::{
    backend::{
        names::{Any, Columns},
        sql::list,
    },
    catalog::{Described, Object},
    layout::{Field, Owner},
};

pub(super) fn objects(owner: &Owner, table: &Described) -> Vec<Object> {
    let set_flags = owner.fields.iter().map(set_flag).collect();
    let lists = || in_lists(owner, 0..owner.fields.len()).into_iter();
    let marks = lists().map(|fields| mark(owner, &DIALECT.literal(&list(owner, fields)))).collect();
    let after_update = lists().map(|fields| after_update(owner, table, &fields)).collect();
    let trigger = |suffix, event, statements: Vec<String>| {
        tables::trigger(owner, suffix, &owner.table, event, &statements)
    };

    vec![
        trigger("bi", "BEFORE INSERT", set_flags),
        trigger("ai", "AFTER INSERT", marks),
        trigger("bu", "BEFORE UPDATE", before_update(owner, table)),
        trigger("au", "AFTER UPDATE", after_update),
    ]
}

fn set_flag(field: &Field) -> String {
    let flag = DIALECT.flag(field);
    format!("  SET NEW.{flag} = TRUE;")
}

/// Marks the row at hand; `list` is an expression.
fn mark(owner: &Owner, list: &str) -> String {
    let names = names(owner);
    format!(
        "  INSERT INTO {marks} (field, {columns})
  VALUES ({list}, {values});",
        marks = names.marks(),
        columns = names.keys(),
        values = names.own_key_of("NEW"),
    )
}

/// Sets the flag on the row at hand, which the statement has locked already. Our own writes tell
/// themselves by a flag that is neither true nor false, which never gets to the table. It belongs
/// to the one row and cannot outlive the statement, as a variable of the session would. What others
/// write ends no flag, and leaves a mark if the row is flagged then. Whether they have set a flag
/// that was set already cannot be seen.
fn before_update(owner: &Owner, table: &Described) -> Vec<String> {
    let flags = owner.fields.iter().map(|field| DIALECT.flag(field));
    let ours: Any = flags.map(|flag| format!("NEW.{flag} IN ({DONE}, {KEPT})")).collect();
    let declared = format!("  DECLARE cached_field_foreign BOOLEAN DEFAULT NOT ({ours});");
    std::iter::once(declared)
        .chain(owner.fields.iter().map(|field| flag_stale(owner, table, field)))
        .collect()
}

fn flag_stale(owner: &Owner, table: &Described, field: &Field) -> String {
    let flag = DIALECT.flag(field);

    format!(
        "  IF {inputs} OR NEW.{flag} = {KEPT} THEN
    SET NEW.{flag} = TRUE;
  ELSEIF NEW.{flag} = {DONE} THEN
    SET NEW.{flag} = FALSE;
  ELSEIF cached_field_foreign AND (NEW.{flag} OR OLD.{flag} OR {value}) THEN
    SET NEW.{flag} = TRUE;
  {mark}
  END IF;",
        inputs = inputs_changed(owner, table, field),
        value = changed(&field.cached.name, &table.columns[&field.cached.name]),
        mark = mark(owner, &DIALECT.literal(field.name)),
    )
}

/// AFTER, so that what other BEFORE triggers did to the row is seen.
fn after_update(owner: &Owner, table: &Described, fields: &[usize]) -> String {
    let changed =
        fields.iter().map(|field| (*field, inputs_changed(owner, table, &owner.fields[*field])));
    if_any(owner, changed, |list| mark(owner, list))
}

/// A statement that is run if one of these conditions is true. It sees, in a variable, the list of
/// the fields whose is.
pub(super) fn if_any(
    owner: &Owner,
    conditions: impl Iterator<Item = (usize, String)>,
    statement: impl Fn(&str) -> String,
) -> String {
    const NAMES: &str = "cached_field_list";
    let names = names(owner);
    let listed = conditions.map(|(field, condition)| {
        let name = names.field(field);
        format!("IF({condition}, {name}, NULL)")
    });
    let listed: Columns = listed.collect();

    format!(
        "  BEGIN
    DECLARE {NAMES} VARCHAR({LIST}) {NAME} DEFAULT CONCAT_WS(',', {listed});
    IF {NAMES} <> '' THEN
{statement}
    END IF;
  END;",
        statement = statement(NAMES),
    )
}

/// Whether the key or an own column has changed that the field is calculated from.
fn inputs_changed(owner: &Owner, table: &Described, field: &Field) -> String {
    any_changed(owner.watched(field), table)
}

pub(super) fn any_changed<'a>(columns: impl Iterator<Item = &'a str>, table: &Described) -> String {
    let changes: Any = columns.map(|column| changed(column, &table.columns[column])).collect();
    format!("({changes})")
}

/// A change of a column of whatever type.
pub(super) fn differs(column: &str) -> String {
    changed(column, "")
}

/// A real change: the types' own equality hides some (case-insensitive collations, `0.0` and
/// `-0.0`, JSON).
fn changed(column: &str, kind: &str) -> String {
    let column = DIALECT.quote(column);
    let differ = |form: &dyn Fn(String) -> String| {
        let old = form(format!("OLD.{column}"));
        let new = form(format!("NEW.{column}"));
        format!("NOT ({old} <=> {new})")
    };
    let plain = || differ(&|value| value);
    let bytes = || differ(&|value| format!("CAST({value} AS BINARY)"));

    match kind.split(['(', ' ']).next().unwrap_or(kind) {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "bit" | "year"
        | "date" | "datetime" | "time" | "binary" | "varbinary" => plain(),
        // As text, two moments of a night when the clocks are put back would be one.
        "timestamp" => differ(&|value| format!("UNIX_TIMESTAMP({value})")),
        "float" | "double" => {
            let (plain, bytes) = (plain(), bytes());
            format!("({plain} OR {bytes})")
        }
        "json" => differ(&|value| format!("CAST(CAST({value} AS CHAR) AS BINARY)")),
        _ => bytes(),
    }
}
