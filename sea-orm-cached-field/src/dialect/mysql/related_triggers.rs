//! Triggers on a related table: which owners a change there concerns.

use super::{
    names::{literal, qualified, quote, quote_all},
    own_triggers::any_changed,
    tables, way,
};
use crate::{
    dialect::{
        Described, Object,
        sql::{key_columns, marks, prefixed},
    },
    field::layout::{Owner, Reader, Source},
};

pub(super) fn objects(owner: &Owner, source: &Source, far: &Described) -> Vec<Object> {
    let change = Change { owner, source, far };
    vec![
        change.trigger("ai", "AFTER INSERT", |reader| change.mark(reader, "NEW")),
        change.trigger("ad", "AFTER DELETE", |reader| change.mark(reader, "OLD")),
        change.trigger("au", "AFTER UPDATE", |reader| change.updated(reader)),
    ]
}

struct Change<'a> {
    owner: &'a Owner,
    source: &'a Source,
    far: &'a Described,
}

impl Change<'_> {
    fn trigger(&self, suffix: &str, event: &str, statement: impl Fn(&Reader) -> String) -> Object {
        let statements: Vec<String> = self.source.readers.iter().map(statement).collect();
        let suffix = format!("{}_{suffix}", self.source.name());
        tables::trigger(self.owner, &suffix, &self.far.table, event, &statements)
    }

    fn updated(&self, reader: &Reader) -> String {
        let read = self.source.link_columns().chain(reader.columns.iter().map(String::as_str));
        format!(
            "  IF {} THEN\n{}\n  END IF;\n  IF {} THEN\n{}\n  END IF;",
            any_changed(read, self.far),
            self.mark(reader, "OLD"),
            any_changed(self.source.link_columns(), self.far),
            self.mark(reader, "NEW"),
        )
    }

    /// A mark for the owners that this version (`OLD` or `NEW`) of the row is linked with. A value that no owner's key can
    /// hold becomes another one: see [`tables::SQL_MODE`].
    fn mark(&self, reader: &Reader, version: &str) -> String {
        let field = literal(self.owner.fields[reader.field].name);
        let (columns, values) = match self.source.key_columns(self.owner) {
            Some(columns) => (key_columns(self.owner).join(", "), prefixed(version, &quote_all(columns))),
            None => {
                let (via, link) = (literal(&tables::via(self.source)), way::encoded(self.source, self.far, version));
                let hash = way::hash(&self.linked(version));
                ("via, link, link_hash".to_owned(), format!("{via}, {link}, {hash}"))
            }
        };
        let linked: Vec<String> = self.linked(version).iter().map(|value| format!("{value} IS NOT NULL")).collect();
        format!(
            "  IF {} THEN\n    INSERT INTO {} (field, {columns}) VALUES ({field}, {values});\n  END IF;",
            linked.join(" AND "),
            qualified(&marks(self.owner)),
        )
    }

    fn linked(&self, version: &str) -> Vec<String> {
        self.source.link_columns().map(|column| format!("{version}.{}", quote(column))).collect()
    }
}
