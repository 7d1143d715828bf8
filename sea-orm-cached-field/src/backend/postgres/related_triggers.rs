//! Triggers on a related table: which owners a change there concerns.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    DIALECT, append,
    functions::{
        after, comparable, function, function_object, new_rows, old_rows, trigger, trigger_object,
    },
    names, tables, way,
};
use crate::{
    backend::{
        names::{All, Any, Columns},
        sql::{list, unique_name},
    },
    catalog::{Described, Object},
    declaration::Flagging,
    layout::{Owner, Reader, Source, Table},
};

pub(super) fn objects(
    owner: &Owner,
    table: &Described,
    source: &Source,
    far: &Described,
) -> Vec<Object> {
    let events = [
        Event { suffix: "ai", event: "INSERT" },
        Event { suffix: "ad", event: "DELETE" },
        Event { suffix: "au", event: "UPDATE" },
        Event { suffix: "at", event: "TRUNCATE" },
    ];

    let change = Change { owner, table, source, far };
    let of_partitions = far.partitions.iter().flat_map(|partition| change.truncated(partition));
    events.iter().flat_map(|event| change.objects(event)).chain(of_partitions).collect()
}

struct Event {
    suffix: &'static str,
    event: &'static str,
}

/// A part of what names an owner in a mark.
struct Name {
    variable: String,
    kind: String,
    /// SQL, NULL if the row names none.
    value: String,
}

/// Fields that look at the same columns, and are flagged at the same time.
struct Group<'a> {
    at_commit: bool,
    columns: &'a [String],
    fields: Vec<usize>,
}

struct Change<'a> {
    owner: &'a Owner,
    table: &'a Described,
    source: &'a Source,
    far: &'a Described,
}

impl Change<'_> {
    fn objects(&self, event: &Event) -> Vec<Object> {
        let source = self.source.name();
        let event_suffix = event.suffix;
        let suffix = format!("{source}_{event_suffix}");
        let read = self.source.readers.iter().flat_map(|reader| self.watched(&reader.columns));
        self.trigger(
            &suffix,
            &self.far.table,
            &after(event.event, self.far, read),
            &self.body(event),
        )
    }

    /// A partition may be truncated by itself, which no trigger of the whole table sees.
    fn truncated(&self, partition: &Table) -> Vec<Object> {
        let name = &partition.name;
        let source = self.source.name();
        let table = DIALECT.qualified(partition);
        let suffix = format!("bt_{name}_{source}_{table}");
        // It marks the owners of its own rows. Otherwise truncating a thousand partitions would
        // mark every owner a thousand times.
        let body = self.find(&format!("SELECT r.* FROM {table} r")) + &self.mark_all();
        let event = format!("BEFORE TRUNCATE ON {table}");
        self.trigger(&suffix, partition, &event, &self.function(&body))
    }

    fn trigger(&self, suffix: &str, on: &Table, event: &str, body: &str) -> Vec<Object> {
        let owner = self.owner;
        // The owner's name too: several owners may look at one table.
        let name = unique_name("zz_cached_field", owner.table.schema.as_deref(), owner, suffix);

        let create = format!(
            "CREATE TRIGGER {quoted} {event}
  EXECUTE FUNCTION {function}()",
            quoted = DIALECT.quote(&name),
            function = function(owner, suffix),
        );

        vec![
            function_object(owner, self.far, suffix, &trigger(self.shown_types()), body),
            trigger_object(owner, &name, on, create),
        ]
    }

    /// The types of all columns that the triggers look at.
    fn shown_types(&self) -> impl Iterator<Item = &str> {
        let read = self.source.readers.iter().flat_map(|reader| self.watched(&reader.columns));
        read.map(|column| self.far.columns[column].as_str())
    }

    /// A function that keeps in its arrays whom something concerns, and marks them.
    fn function(&self, body: &str) -> String {
        let arrays = self.declared_arrays("");
        format!("DECLARE {arrays}\nBEGIN\n{body}\n  RETURN NULL;\nEND")
    }

    fn body(&self, event: &Event) -> String {
        let rows = |from: &str| self.find(&format!("SELECT r.* FROM {from} r")) + &self.mark_all();
        match event.event {
            "UPDATE" => self.update(),
            "TRUNCATE" => self.truncate(),
            "INSERT" => self.function(&rows(new_rows(self.far))),
            _ => self.function(&rows(old_rows(self.far))),
        }
    }

    fn identifying(&self) -> impl Iterator<Item = &str> {
        self.far.primary_key.iter().map(String::as_str).chain(self.source.link_columns())
    }

    /// The columns whose change a reader of these has to know of. A row under another key counts as
    /// another row: statements tell the old rows from the new ones by it.
    fn watched<'a>(&'a self, columns: &'a [String]) -> impl Iterator<Item = &'a str> {
        let key = self.far.primary_key.iter().map(String::as_str);
        key.chain(self.source.watched(columns))
    }

    /// All readers, first those that are flagged later than at COMMIT.
    fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: BTreeMap<(bool, &[String]), Vec<usize>> = BTreeMap::new();
        for Reader { field, columns } in &self.source.readers {
            let at_commit = self.owner.fields[*field].flagging == Flagging::Commit;
            groups.entry((at_commit, columns)).or_default().push(*field);
        }
        let group = |((at_commit, columns), fields)| Group { at_commit, columns, fields };
        groups.into_iter().map(group).collect()
    }

    /// Most statements change one row: that is looked at by itself, without the machinery for many.
    fn update(&self) -> String {
        let groups = self.groups();
        let many = groups.iter().map(|group| {
            let list = DIALECT.literal(&list(self.owner, group.fields.iter().copied()));
            self.find(&self.updated(group.columns)) + &self.mark(&list, group.at_commit)
        });

        let branches = if self.far.by_row {
            self.of_one(&groups)
        } else {
            let many = many.collect::<Vec<_>>().join("\n");
            let one = self.of_one(&groups);
            format!("  IF v_many THEN\n{many}\n  ELSE\n{one}\n  END IF;")
        };

        let changed = (1..=groups.len()).map(|at| format!("v_changed_{at} boolean;"));
        let changed: Vec<String> = changed.collect();
        format!(
            "DECLARE
  {arrays} {one_arrays}
  {changed} v_fields text; v_many boolean;
BEGIN
{look_at_one}
{branches}
  RETURN NULL;
END",
            arrays = self.declared_arrays(""),
            one_arrays = self.declared_arrays("one_"),
            changed = changed.join(" "),
            look_at_one = self.look_at_one(&groups),
        )
    }

    /// Marks what the one row concerns that was looked at.
    fn of_one(&self, groups: &[Group<'_>]) -> String {
        let pairs: Vec<_> = self.arrays("").into_iter().zip(self.arrays("one_")).collect();
        let taken = pairs
            .iter()
            .map(|(array, one)| format!("{array} := CASE WHEN v_fields <> '' THEN {one} END;"));
        let taken = taken.collect::<Vec<_>>().join(" ");

        let changed: Vec<(usize, &Group<'_>)> = (1..).zip(groups).collect();
        let mark = |groups: &[(usize, &Group<'_>)]| {
            let fields = groups
                .iter()
                .flat_map(|(at, group)| group.fields.iter().map(move |field| (*field, at)));
            let changed = fields.map(|(field, at)| (field, format!("v_changed_{at}")));
            let changed: BTreeMap<usize, String> = changed.collect();
            let fields = append::list_where(self.owner, changed);
            let mark = self.mark("v_fields", groups[0].1.at_commit);
            format!("  v_fields := {fields};\n  {taken}\n{mark}")
        };

        changed
            .chunk_by(|(_, one), (_, other)| one.at_commit == other.at_commit)
            .map(mark)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The related rows of which something that is read has changed, old and new.
    fn updated(&self, read: &[String]) -> String {
        let columns: BTreeSet<&str> = self.identifying().collect();
        let mut prefix = "cf_read_".to_owned();
        while columns.iter().any(|column| column.starts_with(&prefix)) {
            prefix.push('_');
        }

        let compared = read.iter().map(|column| {
            let kind = &self.far.columns[column];
            let column = DIALECT.quote(column);
            comparable(&format!("x.{column}"), kind)
        });
        let compared: Columns = compared.collect();
        let names: Columns = (1..=read.len()).map(|at| format!("{prefix}{at}")).collect();

        let plain = DIALECT.columns(columns);
        let selected = plain.of("x").and(compared.named(&names));
        let rows = |table: &str| format!("SELECT {selected} FROM {table} x");
        let kept = plain.of("u");
        let grouped = kept.clone().and(names.of("u"));

        format!(
            "
                     SELECT {kept}
                       FROM ({old}
                             UNION ALL
                             {new}) u
                      GROUP BY {grouped}
                     HAVING count(*) <> 2",
            old = rows(old_rows(self.far)),
            new = rows(new_rows(self.far)),
        )
    }

    /// Old and new are a pair only if there are no others. LIMIT: the plan is kept, and must not be
    /// afraid of many.
    fn look_at_one(&self, groups: &[Group<'_>]) -> String {
        let old = old_rows(self.far);
        let new = new_rows(self.far);

        let mut values = vec![format!("EXISTS (SELECT FROM {new} r OFFSET 1)")];
        let mut variables = vec!["v_many".to_owned()];
        values.extend(self.concerned());
        variables.extend(self.arrays("one_"));

        for (at, group) in (1..).zip(groups) {
            let watched: BTreeSet<&str> = self.watched(group.columns).collect();
            let changed = watched.into_iter().map(|column| {
                let kind = &self.far.columns[column];
                let column = DIALECT.quote(column);
                let old = comparable(&format!("o.{column}"), kind);
                let new = comparable(&format!("n.{column}"), kind);
                format!("{old} IS DISTINCT FROM {new}")
            });
            values.push(changed.collect::<Any>().to_string());
            variables.push(format!("v_changed_{at}"));
        }

        format!(
            "  SELECT {values}
    INTO {variables}
    FROM {old} o, {new} n
   LIMIT 1;",
            values = values.join(",\n         "),
            variables = Columns::from_iter(variables),
        )
    }

    /// Arrays of those whom the row `n` concerns, and whom it concerned as `o`.
    fn concerned(&self) -> Vec<String> {
        let old = self.named("o");
        let new = self.named("n");
        let row =
            |names: &[Name]| -> Columns { names.iter().map(|name| name.value.clone()).collect() };

        let named = |names: &[Name]| {
            let values = names.iter().map(|name| &name.value);
            values.map(|value| format!("{value} IS NOT NULL")).collect::<All>()
        };
        let old_row = row(&old);
        let new_row = row(&new);
        let moved = format!("ROW({old_row})::record *<> ROW({new_row})::record");

        let array = |(old_name, new_name): (&Name, &Name)| {
            format!(
                "array_cat(CASE WHEN {is_new} THEN ARRAY[{new}] END,
                   CASE WHEN {is_old} AND {moved} THEN ARRAY[{old}] END)",
                is_new = named(&new),
                new = new_name.value,
                is_old = named(&old),
                old = old_name.value,
            )
        };

        old.iter().zip(&new).map(array).collect()
    }

    /// By what a related row names whom it concerns: the keys of owners, or the link by which they
    /// will be looked up.
    fn named(&self, row: &str) -> Vec<Name> {
        let Some(columns) = self.source.key_columns(self.owner) else {
            let columns = DIALECT.columns(self.source.link_columns()).of(row);
            let linked: All =
                columns.iter().map(|column| format!("{column} IS NOT NULL")).collect();
            let link = way::link(&columns);
            let value = format!("CASE WHEN {linked} THEN {link} END");
            return vec![Name { variable: "links".to_owned(), kind: "text".to_owned(), value }];
        };

        let keys =
            names(self.owner).keys().into_iter().zip(tables::key_types(self.owner, self.table));

        let name = |(column, (variable, kind)): (&str, (String, &str))| {
            let range = self.range(column, kind);
            let column = DIALECT.quote(column);
            let value = format!("{row}.{column}::{kind}");
            let value = match range {
                Some((least, greatest)) => format!(
                    "CASE WHEN {row}.{column} BETWEEN {least} AND {greatest} THEN {value} END"
                ),
                None => value,
            };
            Name { variable, kind: kind.to_owned(), value }
        };

        columns.into_iter().zip(keys).map(name).collect()
    }

    /// The variables that keep them.
    fn arrays(&self, of: &str) -> Columns {
        let variables = self.named("r").into_iter().map(|name| name.variable);
        variables.map(|variable| format!("v_{of}{variable}")).collect()
    }

    fn declared_arrays(&self, of: &str) -> String {
        let kinds = self.named("r").into_iter().map(|name| name.kind);
        let arrays = self.arrays(of).into_iter().zip(kinds);
        arrays.map(|(array, kind)| format!("{array} {kind}[];")).collect::<Vec<_>>().join(" ")
    }

    /// Keeps whom these related rows concern, in their order: an index takes many keys twice as
    /// fast then.
    fn find(&self, rows: &str) -> String {
        let names = self.named("r");
        let selected: Columns = names
            .iter()
            .map(|Name { value, variable, .. }| format!("{value} AS {variable}"))
            .collect();
        let variables = || names.iter().map(|name| &name.variable);
        let named: Vec<String> =
            variables().map(|variable| format!("k.{variable} IS NOT NULL")).collect();
        let aggregated: Columns =
            variables().map(|variable| format!("array_agg(k.{variable})")).collect();
        let places: Columns = (1..=names.len()).map(|at| at.to_string()).collect();

        format!(
            "  SELECT {aggregated} INTO {into}
    FROM (SELECT DISTINCT {selected}
            FROM ({rows}) r
           ORDER BY {places}) k
   WHERE {named};
",
            into = self.arrays(""),
            named = named.join("\n     AND "),
        )
    }

    /// A wider type than the key's, without a foreign key, may hold what no owner can have. The
    /// cast must not make the user's statement fail.
    fn range(&self, column: &str, kind: &str) -> Option<(i64, i64)> {
        match kind {
            _ if self.far.columns[column] == kind => None,
            "smallint" => Some((i64::from(i16::MIN), i64::from(i16::MAX))),
            "integer" => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
            "bigint" => Some((i64::MIN, i64::MAX)),
            _ => None,
        }
    }

    /// Marks all owners: after a TRUNCATE nothing tells any more whose rows there were.
    fn truncate(&self) -> String {
        let aggregated: Columns =
            names(self.owner).own_key_of("t").each(|key| format!("array_agg({key})"));
        let marks = self
            .mark_each(|list, at_commit| append::owners(self.owner, self.table, list, at_commit));

        format!(
            "DECLARE {arrays}
BEGIN
  SELECT {aggregated} INTO {into}
    FROM {table} t;
{marks}
  RETURN NULL;
END",
            arrays = append::declared_key_arrays(self.owner, self.table, ""),
            into = append::key_arrays(self.owner, ""),
            table = names(self.owner).table(),
        )
    }

    fn mark_all(&self) -> String {
        self.mark_each(|list, at_commit| self.mark(list, at_commit))
    }

    /// Marks of all readers: those that are flagged at the same time have one.
    fn mark_each(&self, mark: impl Fn(&str, bool) -> String) -> String {
        let groups = self.groups();
        let marks = groups.chunk_by(|one, other| one.at_commit == other.at_commit).map(|groups| {
            let fields: BTreeSet<usize> =
                groups.iter().flat_map(|group| group.fields.iter().copied()).collect();
            mark(&DIALECT.literal(&list(self.owner, fields)), groups[0].at_commit)
        });
        marks.collect::<Vec<_>>().join("\n")
    }

    /// Marks whom the arrays keep; `list` is an expression.
    fn mark(&self, list: &str, at_commit: bool) -> String {
        if self.source.key_columns(self.owner).is_some() {
            append::owners(self.owner, self.table, list, at_commit)
        } else {
            append::links(self.owner, self.source, list, at_commit)
        }
    }
}
