//! Triggers after an UPDATE of the owner's table: which of its rows have become stale.

use super::{
    DIALECT, append,
    functions::{
        FOREIGN, IS_FOREIGN, after, comparable, foreign, function, function_object, image_changed,
        is_exact, trigger, trigger_object,
    },
    names,
    own_triggers::{changed, compared_types, name},
};
use crate::{
    backend::names::{Any, Columns},
    catalog::{Described, Object},
    layout::{Field, Owner},
};

/// Marks rows whose inputs changed or whose flag a foreign write set. What is foreign for all rows
/// of a statement at once, what we write for each row. We hardly ever change an input, but a
/// trigger of the user may; the condition costs less than looking through the statement.
pub(super) fn after_update(owner: &Owner, table: &Described) -> Vec<Object> {
    let names = names(owner);
    let foreign = foreign(owner);
    let changed = owner.fields.iter().map(|field| image_changed(owner.watched(field)));
    let on = names.table();
    let each_row =
        |condition: String| format!("AFTER UPDATE ON {on} FOR EACH ROW\n  WHEN ({condition})");

    let create = |event: &str, after: String, of: &str, argument: &str| {
        let create = format!(
            "CREATE TRIGGER {name} {after}
  EXECUTE FUNCTION {function}({argument})",
            name = name(event),
            function = function(owner, of),
        );
        trigger_object(owner, &name(event), &owner.table, create)
    };

    let function = |event: &str, body: &str| {
        function_object(owner, table, event, &trigger(compared_types(owner, table)), body)
    };

    let any_changed: Any = changed.clone().collect();
    let ours = each_row(format!("NOT {foreign}\n   AND ({any_changed})"));
    let mut objects =
        vec![function("aur", &after_each_row(owner, table)), create("aur", ours, "aur", "")];
    if table.by_row {
        let flagged = owner.fields.iter().map(flagged).map(|flagged| format!("({flagged})"));
        let stale: Any = changed.chain(flagged).collect();
        let foreign = each_row(format!("{foreign}\n   AND ({stale})"));
        objects.push(create("au", foreign, "aur", FOREIGN));
    } else {
        let after = after("UPDATE", table, []);
        let foreign = format!("{after}\n  WHEN ({foreign})");
        objects.extend([
            function("au", &after_statement(owner, table)),
            create("au", foreign, "au", ""),
        ]);
    }

    objects
}

/// Whether an UPDATE has set the flag.
fn flagged(field: &Field) -> String {
    let flag = DIALECT.flag(field);
    format!("NEW.{flag} AND NOT OLD.{flag}")
}

fn after_each_row(owner: &Owner, table: &Described) -> String {
    let names = names(owner);
    let key = names.own_key_of("NEW").each(|key| format!("ARRAY[{key}]"));

    let stale = owner.fields.iter().enumerate().map(|(at, field)| {
        let changed = changed(table, owner.watched(field), "OLD", "NEW");
        let flagged = flagged(field);
        (at, format!("{changed} OR ({IS_FOREIGN} AND {flagged})"))
    });
    let missed = owner.fields.iter().enumerate().map(|(at, field)| {
        let is_stale = DIALECT.is_listed(&DIALECT.literal(field.name), "v_stale");
        let flag = DIALECT.flag(field);
        (at, format!("{is_stale} AND NOT NEW.{flag}"))
    });

    format!(
        "DECLARE v_stale text := {stale}; v_missed text;
BEGIN
  IF v_stale <> '' THEN
{mark}
    v_missed := {missed};
    IF v_missed <> '' THEN -- another BEFORE trigger changed an input after ours
      PERFORM {flag}(v_missed, {key});
    END IF;
  END IF;
  RETURN NULL;
END",
        stale = append::list_where(owner, stale),
        mark = append::own_row(owner, "v_stale"),
        missed = append::list_where(owner, missed),
        flag = function(owner, "flag"),
    )
}

/// Most statements change one row: that is looked at by itself, without the machinery for many.
fn after_statement(owner: &Owner, table: &Described) -> String {
    let many = owner.fields.iter().map(|field| {
        let missed = append::key_arrays(owner, "missed_");
        let into = append::key_arrays(owner, "").and(missed.clone());
        let name = DIALECT.literal(field.name);
        let stale = stale_of_many(owner, table, field, &into);
        let mark = append::owners(owner, table, &name, false);
        let flag = flag_missed(owner, &name, &missed);
        format!("{stale}\n{mark}\n{flag}")
    });
    let many: Vec<String> = many.collect();

    format!(
        "DECLARE
  {arrays} {missed_arrays} {one_arrays}
  v_stale text; v_missed text; v_many boolean;
BEGIN
{look_at_one}
  IF v_many THEN
{many}
  ELSE
{one}
  END IF;
  RETURN NULL;
END",
        arrays = append::declared_key_arrays(owner, table, ""),
        missed_arrays = append::declared_key_arrays(owner, table, "missed_"),
        one_arrays = append::declared_key_arrays(owner, table, "one_"),
        look_at_one = look_at_one(owner, table),
        many = many.join("\n"),
        one = stale_of_one(owner, table),
    )
}

/// Sets flags of rows whose inputs have changed.
fn flag_missed(owner: &Owner, list: &str, missed: &Columns) -> String {
    format!(
        "  IF {first} IS NOT NULL THEN -- another BEFORE trigger changed an input after ours
    PERFORM {flag}({list}, {keys});
  END IF;",
        first = missed.first(),
        flag = function(owner, "flag"),
        keys = missed,
    )
}

/// Marks the one row that was looked at.
fn stale_of_one(owner: &Owner, table: &Described) -> String {
    let stale = append::key_arrays(owner, "");
    let missed = append::key_arrays(owner, "missed_");

    let taken = stale.iter().zip(missed.iter()).zip(append::key_arrays(owner, "one_")).map(
        |((stale, missed), one)| {
            format!(
                "    {stale} := CASE WHEN v_stale <> '' THEN {one} END;
    {missed} := CASE WHEN v_missed <> '' THEN {one} END;"
            )
        },
    );

    let taken = taken.collect::<Vec<_>>().join("\n");
    let mark = append::owners(owner, table, "v_stale", false);
    let flag = flag_missed(owner, "v_missed", &missed);
    format!("{taken}\n{mark}\n{flag}")
}

/// Old and new are a pair only if there are no others. LIMIT: the plan is kept, and must not be
/// afraid of many.
fn look_at_one(owner: &Owner, table: &Described) -> String {
    let names = names(owner);
    let mut values = vec!["EXISTS (SELECT FROM cf_new r OFFSET 1)".to_owned()];
    let mut variables = vec!["v_many".to_owned()];
    values.extend(names.own_key_of("n").each(|key| format!("ARRAY[{key}]")));
    variables.extend(append::key_arrays(owner, "one_"));

    let mut stale = Vec::new();
    let mut missed = Vec::new();
    for (at, field) in owner.fields.iter().enumerate() {
        let flag = DIALECT.flag(field);
        let changed = changed(table, owner.watched(field), "o", "n");
        missed.push((at, format!("({changed}) AND NOT n.{flag}")));
        stale.push((at, format!("{changed} OR (n.{flag} AND NOT o.{flag})")));
    }

    values.extend([append::list_where(owner, stale), append::list_where(owner, missed)]);
    variables.extend(["v_stale", "v_missed"].map(str::to_owned));

    format!(
        "  SELECT {values}
    INTO {variables}
    FROM cf_old o, cf_new n
   LIMIT 1;",
        values = values.join(",\n         "),
        variables = Columns::from_iter(variables),
    )
}

/// Old and new rows are never joined: such a plan, cached after small statements, is quadratic for
/// large ones. `UNION ALL .. GROUP BY .. HAVING count(*) <> 2` leaves exactly what changed. All
/// stale keys, then those that are not flagged.
fn stale_of_many(owner: &Owner, table: &Described, field: &Field, into: &Columns) -> String {
    let names = names(owner);
    let keys = names.keys();
    // A key too that is spelled in another way, where the type calls both equal, has changed.
    let inexact_keys =
        owner.key.iter().map(|key| &key.name).filter(|key| !is_exact(&table.columns[*key]));
    let inputs: Vec<&String> = inexact_keys.chain(&field.own_columns).collect();
    let own = Columns::numbered("c", inputs.len());

    let rows = |row: &str, table_name: &str, is_new: bool| {
        let compared = inputs.iter().map(|column| {
            let kind = &table.columns[*column];
            let column = DIALECT.quote(column);
            comparable(&format!("{row}.{column}"), kind)
        });
        let compared: Columns = compared.collect();
        let selected = names.own_key_as_keys(row).and(compared.named(&own));
        let flag = DIALECT.flag(field);
        format!(
            "SELECT {selected}, {row}.{flag} AS flag, {is_new} AS is_new
                              FROM {table_name} {row}",
        )
    };

    let aggregated = |filter: &str| keys.each(|key| format!("array_agg(e.{key}){filter}"));
    let all_and_unflagged = aggregated("").and(aggregated(" FILTER (WHERE NOT e.flag)"));
    let grouped = keys.clone().and(own.clone());

    format!(
        "    SELECT {aggregated} INTO {into}
      FROM (SELECT {keys}, bool_or(d.flag) AS flag
              FROM (SELECT {keys_u},
                           bool_or(u.is_new) AS has_new,
                           bool_or(u.flag AND u.is_new) AS flag
                      FROM (
                            {old}
                             UNION ALL
                            {new}) u
                     GROUP BY {grouped}
                    HAVING count(*) <> 2
                        OR (bool_or(u.flag AND u.is_new)
                            AND bool_or(NOT u.flag AND NOT u.is_new))) d
             WHERE d.has_new
             GROUP BY {keys}
             ORDER BY {keys}) e;",
        aggregated = all_and_unflagged,
        keys = names.keys_of("d"),
        keys_u = names.keys_of("u"),
        old = rows("o", "cf_old", false),
        new = rows("n", "cf_new", true),
        grouped = grouped.of("u"),
    )
}
