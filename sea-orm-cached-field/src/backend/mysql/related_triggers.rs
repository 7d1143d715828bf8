//! Triggers on a related table: which owners a change there concerns.

use std::collections::BTreeMap;

use super::{
    DIALECT,
    lists::in_lists,
    names,
    own_triggers::{any_changed, if_any},
    tables, way,
};
use crate::{
    backend::{
        names::{All, Columns},
        sql::list,
    },
    catalog::{Described, Object},
    layout::{Owner, Reader, Source},
};

pub(super) fn objects(owner: &Owner, source: &Source, far: &Described) -> Vec<Object> {
    let change = Change { owner, source, far };
    vec![
        change.trigger("ai", "AFTER INSERT", |readers| change.mark(&change.list(readers), "NEW")),
        change.trigger("ad", "AFTER DELETE", |readers| change.mark(&change.list(readers), "OLD")),
        change.trigger("au", "AFTER UPDATE", |readers| change.updated(readers)),
    ]
}

struct Change<'a> {
    owner: &'a Owner,
    source: &'a Source,
    far: &'a Described,
}

impl Change<'_> {
    fn trigger(
        &self,
        suffix: &str,
        event: &str,
        statement: impl Fn(&[&Reader]) -> String,
    ) -> Object {
        let readers: BTreeMap<usize, &Reader> =
            self.source.readers.iter().map(|reader| (reader.field, reader)).collect();
        let lists = in_lists(self.owner, readers.keys().copied());
        let in_list = |fields: Vec<usize>| {
            fields.into_iter().map(|field| readers[&field]).collect::<Vec<_>>()
        };

        let statements: Vec<String> =
            lists.into_iter().map(|fields| statement(&in_list(fields))).collect();

        let name = self.source.name();
        let suffix = format!("{name}_{suffix}");
        tables::trigger(self.owner, &suffix, &self.far.table, event, &statements)
    }

    fn updated(&self, readers: &[&Reader]) -> String {
        let changed = readers.iter().map(|reader| {
            (reader.field, any_changed(self.source.watched(&reader.columns), self.far))
        });
        let mark_old = if_any(self.owner, changed, |list| self.mark(list, "OLD"));
        let moved = any_changed(self.source.link_columns(), self.far);
        let mark_new = self.mark(&self.list(readers), "NEW");
        format!(
            "{mark_old}
  IF {moved} THEN
{mark_new}
  END IF;"
        )
    }

    fn list(&self, readers: &[&Reader]) -> String {
        DIALECT.literal(&list(self.owner, readers.iter().map(|reader| reader.field)))
    }

    /// A mark for the owners that this version (`OLD` or `NEW`) of the row is linked with. A value
    /// that no owner's key can hold becomes another one: see [`tables::SQL_MODE`]. `list` is an
    /// expression.
    fn mark(&self, list: &str, version: &str) -> String {
        let (columns, values) = match self.source.key_columns(self.owner) {
            Some(columns) => {
                let values = DIALECT.columns(columns).of(version);
                (names(self.owner).keys(), values)
            }
            None => {
                let via = DIALECT.literal(&tables::via(self.source));
                let link = way::encoded(self.source, self.far, version);
                let hash = way::hash(&self.linked(version));
                (tables::link_columns(), Columns::from_iter([via, link, hash]))
            }
        };

        let linked: All =
            self.linked(version).iter().map(|value| format!("{value} IS NOT NULL")).collect();
        format!(
            "  IF {linked} THEN
    INSERT INTO {marks} (field, {columns})
    VALUES ({list}, {values});
  END IF;",
            marks = names(self.owner).marks(),
        )
    }

    fn linked(&self, version: &str) -> Columns {
        DIALECT.columns(self.source.link_columns()).of(version)
    }
}
