//! Triggers on a related table: which owners a change there concerns.

use std::collections::BTreeMap;

use super::{
    DIALECT, names,
    own_triggers::{changed, list_where, of, trigger, unmarked},
    way,
};
use crate::{
    backend::names::{All, Any, Columns},
    catalog::{Described, Object, UniqueColumn},
    layout::{Field, Owner, Reader, Source},
};

pub(super) fn objects(owner: &Owner, source: &Source, far: &Described) -> Vec<Object> {
    let change = Change { owner, source, far };
    let mut by_columns: BTreeMap<&[String], Vec<&Field>> = BTreeMap::new();
    for Reader { field, columns } in &source.readers {
        by_columns.entry(columns).or_default().push(&owner.fields[*field]);
    }

    let all: Vec<&Field> =
        source.readers.iter().map(|reader| &owner.fields[reader.field]).collect();
    let mut objects = change.of_whole_rows(&all);
    objects.extend(
        by_columns
            .into_iter()
            .enumerate()
            .map(|(at, (columns, fields))| change.after_update(at, columns, &fields)),
    );

    objects
}

/// What is to be known of changes in one related table.
struct Change<'a> {
    owner: &'a Owner,
    source: &'a Source,
    far: &'a Described,
}

impl Change<'_> {
    /// Rows that come and go: these concern all fields.
    fn of_whole_rows(&self, fields: &[&Field]) -> Vec<Object> {
        let far = DIALECT.qualified(&self.far.table);
        let of = |suffix, event, version| {
            let unmarked = self.any_unmarked(&[version], fields);
            let event = format!("AFTER {event} ON {far}\n  WHEN {unmarked}");
            self.trigger(suffix, &event, |prefix| self.owners_of(&[version], prefix), fields)
        };
        let mut objects = vec![of("ai", "INSERT", "NEW"), of("ad", "DELETE", "OLD")];
        objects.extend(self.replacing(fields));
        objects
    }

    fn trigger(
        &self,
        suffix: &str,
        event: &str,
        owners: impl Fn(&str) -> String,
        fields: &[&Field],
    ) -> Object {
        let source = self.source.name();
        trigger(self.owner, &format!("{suffix}_{source}"), event, &self.mark(owners, fields))
    }

    /// An owner gets a mark of the fields that are flagged already, unless such a mark waits;
    /// flagging it marks the others.
    fn mark(&self, owners: impl Fn(&str) -> String, fields: &[&Field]) -> Vec<String> {
        let names = names(self.owner);
        let table = names.table();
        let keys = names.keys();
        // Under our names, for the user's columns may have any.
        let named = names.own_key_as_keys("t");
        let flags: Columns = fields.iter().map(|field| DIALECT.flag(field)).collect();
        let flagged = fields.iter().copied().zip(flags.of("t"));
        let set = flags.each(|flag| format!("{flag} = 1"));

        vec![
            format!(
                "INSERT INTO {marks} (field, {columns})
  SELECT f.list, {selected}
    FROM (SELECT {flagged} AS list, {named}
            FROM {table} t
           WHERE {of_table}) f
   WHERE f.list <> '' AND {unmarked}",
                marks = names.marks(),
                columns = keys,
                selected = names.keys_of("f"),
                flagged = list_where(flagged),
                of_table = owners("t."),
                unmarked = unmarked(self.owner, "f", &keys, "m.field = f.list"),
            ),
            format!(
                "UPDATE {table}
     SET {set}
   WHERE ({owners})
     AND NOT ({are_set})",
                owners = owners(""),
                are_set = flags.iter().cloned().collect::<All>(),
            ),
        ]
    }

    /// Whether an owner of these versions of the related row has no mark of just these fields.
    /// Where such a mark waits, their flags are set, and nothing is left to be done
    /// (`protocol-model/`).
    fn any_unmarked(&self, versions: &[&str], fields: &[&Field]) -> String {
        let list: Vec<&str> = fields.iter().map(|field| field.name).collect();
        let list = DIALECT.literal(&list.join(","));
        let such = format!("m.field = {list}");

        format!(
            "EXISTS (
    SELECT 1
      FROM {table} t
     WHERE ({owners})
       AND {unmarked})",
            table = names(self.owner).table(),
            owners = self.owners_of(versions, "t."),
            unmarked = unmarked(self.owner, "t", &names(self.owner).own_key(), &such),
        )
    }

    /// The owners that these versions of the related row are linked with; `prefix`: of the owner's
    /// columns.
    fn owners_of(&self, versions: &[&str], prefix: &str) -> String {
        versions
            .iter()
            .map(|version| way::owners_of(self.owner, self.source, version, prefix))
            .collect::<Any>()
            .to_string()
    }

    fn after_update(&self, at: usize, columns: &[String], fields: &[&Field]) -> Object {
        let mut columns: Vec<&str> = self.source.watched(columns).collect();
        columns.sort_unstable();
        columns.dedup();
        let changed: Any = columns.iter().map(|column| changed(column, self.far)).collect();
        let event = format!(
            "AFTER UPDATE{of} ON {far}
  WHEN ({changed})
   AND {unmarked}",
            of = of(self.far, &columns),
            far = DIALECT.qualified(&self.far.table),
            unmarked = self.any_unmarked(&["OLD", "NEW"], fields),
        );

        self.trigger(
            &format!("au{at}"),
            &event,
            |prefix| self.owners_of(&["OLD", "NEW"], prefix),
            fields,
        )
    }

    /// `OR REPLACE` deletes the rows that it collides with without a DELETE trigger: their owners
    /// are marked before.
    fn replacing(&self, fields: &[&Field]) -> Vec<Object> {
        let by_primary_key =
            self.far.primary_key.iter().map(|name| (name.as_str(), String::new())).collect();
        let by_index = self.far.unique.iter().map(|index| {
            let collated = |column: &UniqueColumn| {
                let collation = DIALECT.quote(&column.collation);
                format!(" COLLATE {collation}")
            };
            index.iter().map(|column| (column.name.as_str(), collated(column))).collect()
        });

        let keys = std::iter::once(by_primary_key)
            .chain(by_index)
            .filter(|columns: &Vec<_>| !columns.is_empty());

        let collisions = keys.enumerate().flat_map(|(at, columns)| {
            let far = DIALECT.qualified(&self.far.table);
            let quoted = DIALECT.columns(columns.iter().map(|(column, _)| *column));
            let changed: Any =
                columns.iter().map(|(column, _)| changed(column, self.far)).collect();
            let replaced = self.replaced(&columns);
            let replaces = format!("EXISTS (SELECT 1 FROM {replaced})");
            let insert = format!("BEFORE INSERT ON {far}\n  WHEN {replaces}");
            let update = format!(
                "BEFORE UPDATE OF {columns} ON {far}
  WHEN ({changed})
   AND {replaces}",
                columns = quoted,
            );
            let owners = |prefix: &str| self.owners_of_replaced(&columns, prefix);
            [
                self.trigger(&format!("bi{at}"), &insert, owners, fields),
                self.trigger(&format!("bu{at}"), &update, owners, fields),
            ]
        });

        collisions.collect()
    }

    /// The row `r` that the new one would replace. `unique`: the columns, each with the collation
    /// by which a collision is told.
    fn replaced(&self, unique: &[(&str, String)]) -> String {
        let columns = unique.iter().map(|(column, collation)| (DIALECT.quote(column), collation));
        let same: All = columns
            .map(|(column, collation)| format!("r.{column} = NEW.{column}{collation}"))
            .collect();
        let far = DIALECT.qualified(&self.far.table);

        format!("{far} r WHERE {same}")
    }

    fn owners_of_replaced(&self, unique: &[(&str, String)], prefix: &str) -> String {
        let links = format!(
            "SELECT {links} FROM {replaced}",
            links = DIALECT.columns(self.source.link_columns()).of("r"),
            replaced = self.replaced(unique),
        );
        way::owners(self.source, &links, prefix)
    }
}
