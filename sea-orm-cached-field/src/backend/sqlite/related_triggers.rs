//! Triggers on a related table: which owners a change there concerns.

use std::collections::BTreeMap;

use super::{
    own_triggers::{changed, list_where, of, trigger, unmarked},
    way,
};
use crate::{
    backend::sql::{key_columns, literal, marks, owner_key, prefixed, quote, quote_all},
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
        let far = quote(&self.far.table.name);
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
        let table = quote(&self.owner.table.name);
        let keys = key_columns(self.owner);
        // Under our names, for the user's columns may have any.
        let own = owner_key(self.owner).into_iter().zip(&keys);
        let named: Vec<String> = own.map(|(own, key)| format!("t.{own} AS {key}")).collect();
        let flags: Vec<String> =
            fields.iter().map(|field| quote(&field.recalculation_needed)).collect();
        let flagged = fields.iter().zip(&flags).map(|(field, flag)| (*field, format!("t.{flag}")));
        let set: Vec<String> = flags.iter().map(|flag| format!("{flag} = 1")).collect();
        vec![
            format!(
                "INSERT INTO {marks} (field, {columns})
  SELECT f.list, {selected}
    FROM (SELECT {flagged} AS list, {named}
            FROM {table} t
           WHERE {of_table}) f
   WHERE f.list <> '' AND {unmarked}",
                marks = quote(&marks(self.owner).name),
                columns = keys.join(", "),
                selected = prefixed("f", &keys),
                flagged = list_where(flagged),
                named = named.join(", "),
                of_table = owners("t."),
                unmarked = unmarked(self.owner, "f", &keys, "m.field = f.list"),
            ),
            format!(
                "UPDATE {table}
     SET {set}
   WHERE ({owners})
     AND NOT ({are_set})",
                set = set.join(", "),
                owners = owners(""),
                are_set = flags.join(" AND "),
            ),
        ]
    }

    /// Whether an owner of these versions of the related row has no mark of just these fields.
    /// Where such a mark waits, their flags are set, and nothing is left to be done (`protocol-model/`).
    fn any_unmarked(&self, versions: &[&str], fields: &[&Field]) -> String {
        let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
        let list = literal(&names.join(","));
        let such = format!("m.field = {list}");

        format!(
            "EXISTS (
    SELECT 1
      FROM {table} t
     WHERE ({owners})
       AND {unmarked})",
            table = quote(&self.owner.table.name),
            owners = self.owners_of(versions, "t."),
            unmarked = unmarked(self.owner, "t", &owner_key(self.owner), &such),
        )
    }

    /// The owners that these versions of the related row are linked with; `prefix`: of the owner's
    /// columns.
    fn owners_of(&self, versions: &[&str], prefix: &str) -> String {
        versions
            .iter()
            .map(|version| way::owners_of(self.owner, self.source, version, prefix))
            .collect::<Vec<_>>()
            .join(" OR ")
    }

    fn after_update(&self, at: usize, columns: &[String], fields: &[&Field]) -> Object {
        let mut columns: Vec<&str> = self.source.watched(columns).collect();
        columns.sort_unstable();
        columns.dedup();
        let changed: Vec<String> = columns.iter().map(|column| changed(column, self.far)).collect();
        let event = format!(
            "AFTER UPDATE{of} ON {far}
  WHEN ({changed})
   AND {unmarked}",
            of = of(self.far, &columns),
            far = quote(&self.far.table.name),
            changed = changed.join(" OR "),
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
                let collation = quote(&column.collation);
                format!(" COLLATE {collation}")
            };
            index.iter().map(|column| (column.name.as_str(), collated(column))).collect()
        });
        let keys = std::iter::once(by_primary_key)
            .chain(by_index)
            .filter(|columns: &Vec<_>| !columns.is_empty());
        let collisions = keys.enumerate().flat_map(|(at, columns)| {
            let far = quote(&self.far.table.name);
            let quoted = quote_all(columns.iter().map(|(column, _)| *column));
            let changed: Vec<String> =
                columns.iter().map(|(column, _)| changed(column, self.far)).collect();
            let replaced = self.replaced(&columns);
            let replaces = format!("EXISTS (SELECT 1 FROM {replaced})");
            let insert = format!("BEFORE INSERT ON {far}\n  WHEN {replaces}");
            let update = format!(
                "BEFORE UPDATE OF {columns} ON {far}
  WHEN ({changed})
   AND {replaces}",
                columns = quoted.join(", "),
                changed = changed.join(" OR "),
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
        let columns = unique.iter().map(|(column, collation)| (quote(column), collation));
        let same: Vec<String> = columns
            .map(|(column, collation)| format!("r.{column} = NEW.{column}{collation}"))
            .collect();
        let far = quote(&self.far.table.name);
        let same = same.join(" AND ");

        format!("{far} r WHERE {same}")
    }

    fn owners_of_replaced(&self, unique: &[(&str, String)], prefix: &str) -> String {
        let links = format!(
            "SELECT {links} FROM {replaced}",
            links = prefixed("r", &quote_all(self.source.link_columns())),
            replaced = self.replaced(unique),
        );
        way::owners(self.source, &links, prefix)
    }
}
