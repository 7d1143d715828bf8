//! Triggers on a related table: which owners a change there concerns.

use super::{
    own_triggers::{changed, of, trigger},
    way,
};
use crate::{
    dialect::{
        Described, Object, UniqueColumn,
        sql::{key_columns, literal, marks, owner_key, prefixed, quote, quote_all},
    },
    field::layout::{Field, Owner, Reader, Source},
};

pub(super) fn objects(owner: &Owner, source: &Source, far: &Described) -> Vec<Object> {
    let change = |reader| Change { owner, source, far, reader, field: &owner.fields[reader_field(reader)] };
    source.readers.iter().flat_map(|reader| change(reader).objects()).collect()
}

fn reader_field(reader: &Reader) -> usize {
    reader.field
}

/// What one field has to know of changes in one related table.
struct Change<'a> {
    owner: &'a Owner,
    source: &'a Source,
    far: &'a Described,
    reader: &'a Reader,
    field: &'a Field,
}

impl Change<'_> {
    fn objects(&self) -> Vec<Object> {
        let far = quote(&self.far.table.name);
        let mut objects = vec![
            self.trigger("ai", &format!("AFTER INSERT ON {far}"), &self.owners_of(&["NEW"])),
            self.trigger("ad", &format!("AFTER DELETE ON {far}"), &self.owners_of(&["OLD"])),
            self.after_update(),
        ];
        objects.extend(self.replacing());
        objects
    }

    fn trigger(&self, suffix: &str, event: &str, owners: &str) -> Object {
        let suffix = format!("{suffix}_{}_{}", self.field.name, self.source.name());
        trigger(self.owner, &suffix, event, &self.mark(owners))
    }

    /// An owner that is flagged already gets a mark only; flagging the others marks them.
    fn mark(&self, owners: &str) -> Vec<String> {
        let (table, flag) = (quote(&self.owner.table.name), quote(&self.field.recalculation_needed));
        vec![
            format!(
                "INSERT INTO {} (field, {}) SELECT {}, {} FROM {table} WHERE ({owners}) AND {flag}",
                quote(&marks(self.owner).name),
                key_columns(self.owner).join(", "),
                literal(self.field.name),
                owner_key(self.owner).join(", "),
            ),
            format!("UPDATE {table} SET {flag} = 1 WHERE ({owners}) AND NOT {flag}"),
        ]
    }

    /// The owners that these versions of the related row are linked with.
    fn owners_of(&self, versions: &[&str]) -> String {
        versions
            .iter()
            .map(|version| way::owners_of(self.owner, self.source, version, ""))
            .collect::<Vec<_>>()
            .join(" OR ")
    }

    fn after_update(&self) -> Object {
        let links = self.source.link_columns();
        let mut columns: Vec<&str> = links.chain(self.reader.columns.iter().map(String::as_str)).collect();
        columns.sort_unstable();
        columns.dedup();
        let changed: Vec<String> = columns.iter().map(|column| changed(column, self.far)).collect();
        let event = format!(
            "AFTER UPDATE{} ON {} WHEN {}",
            of(self.far, &columns),
            quote(&self.far.table.name),
            changed.join(" OR "),
        );
        self.trigger("au", &event, &self.owners_of(&["OLD", "NEW"]))
    }

    /// `OR REPLACE` deletes the rows that it collides with without a DELETE trigger: their owners are marked before.
    fn replacing(&self) -> Vec<Object> {
        let by_primary_key = self.far.primary_key.iter().map(|name| (name.as_str(), String::new())).collect();
        let by_index = self.far.unique.iter().map(|index| {
            let collated = |column: &UniqueColumn| format!(" COLLATE {}", quote(&column.collation));
            index.iter().map(|column| (column.name.as_str(), collated(column))).collect()
        });
        let keys = std::iter::once(by_primary_key).chain(by_index).filter(|columns: &Vec<_>| !columns.is_empty());
        let collisions = keys.enumerate().flat_map(|(at, columns)| {
            let far = quote(&self.far.table.name);
            let quoted = quote_all(columns.iter().map(|(column, _)| *column));
            let changed: Vec<String> = columns.iter().map(|(column, _)| changed(column, self.far)).collect();
            let update = format!("BEFORE UPDATE OF {} ON {far} WHEN {}", quoted.join(", "), changed.join(" OR "));
            let owners = self.owners_of_replaced(&columns);
            [
                self.trigger(&format!("bi{at}"), &format!("BEFORE INSERT ON {far}"), &owners),
                self.trigger(&format!("bu{at}"), &update, &owners),
            ]
        });
        collisions.collect()
    }

    /// `unique`: the columns, each with the collation by which a collision is told.
    fn owners_of_replaced(&self, unique: &[(&str, String)]) -> String {
        let same: Vec<String> =
            unique.iter().map(|(column, collation)| format!("r.{0} = NEW.{0}{collation}", quote(column))).collect();
        let links = format!(
            "SELECT {} FROM {} r WHERE {}",
            prefixed("r", &quote_all(self.source.link_columns())),
            quote(&self.far.table.name),
            same.join(" AND "),
        );
        way::owners(self.source, &links, "")
    }
}
