//! Triggers on a related table: which owners a change there concerns.

use super::{
    functions::{SECURITY, after, comparable, function, function_object, new_rows, old_rows, trigger_object},
    tables, way,
};
use crate::{
    dialect::{
        Described, Object,
        sql::{key_columns, literal, owner_key, qualified, quote, unique_name},
    },
    field::{
        Flagging,
        layout::{Owner, Reader, Source, Table},
    },
};

pub(super) fn objects(owner: &Owner, table: &Described, source: &Source, far: &Described) -> Vec<Object> {
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

struct Change<'a> {
    owner: &'a Owner,
    table: &'a Described,
    source: &'a Source,
    far: &'a Described,
}

impl Change<'_> {
    fn objects(&self, event: &Event) -> Vec<Object> {
        let suffix = format!("{}_{}", self.source.name(), event.suffix);
        let read = self.source.readers.iter().flat_map(|reader| self.watched(reader));
        self.trigger(&suffix, &self.far.table, &after(event.event, self.far, read), &self.body(event))
    }

    /// A partition may be truncated by itself, which no trigger of the whole table sees.
    fn truncated(&self, partition: &Table) -> Vec<Object> {
        let suffix = format!("bt_{}_{}_{}", partition.name, self.source.name(), qualified(partition));
        let body = self.find(&format!("SELECT r.* FROM {} r", qualified(partition))) + &self.mark_all();
        self.trigger(&suffix, partition, &format!("BEFORE TRUNCATE ON {}", qualified(partition)), &body)
    }

    fn trigger(&self, suffix: &str, on: &Table, event: &str, body: &str) -> Vec<Object> {
        let owner = self.owner;
        // The owner's name too: several owners may look at one table.
        let name = unique_name("zz_cached_field", owner.table.schema.as_deref(), owner, suffix);
        let body = format!("DECLARE {}\nBEGIN\n{}\n  RETURN NULL;\nEND", self.variables(), body);
        let create = format!("CREATE TRIGGER {} {event} EXECUTE FUNCTION {}()", quote(&name), function(owner, suffix),);
        vec![
            function_object(owner, suffix, &format!("() RETURNS trigger {SECURITY}"), &body),
            trigger_object(owner, &name, on, create),
        ]
    }

    fn variables(&self) -> String {
        let types = tables::key_types(self.owner, self.table);
        let keys = key_columns(self.owner).into_iter().zip(types);
        let keys: Vec<String> = keys.map(|(key, kind)| format!("v_{key} {kind}[];")).collect();
        format!("{} v_links text[];", keys.join(" "))
    }

    fn body(&self, event: &Event) -> String {
        let readers = &self.source.readers;
        match event.event {
            "UPDATE" => {
                let marked = readers.iter().map(|reader| self.find(&self.updated(reader)) + &self.mark(reader));
                marked.collect::<Vec<_>>().join("\n")
            }
            "TRUNCATE" => self.find_all() + &self.mark_all_keys(),
            "INSERT" => self.find(&format!("SELECT r.* FROM {} r", new_rows(self.far))) + &self.mark_all(),
            _ => self.find(&format!("SELECT r.* FROM {} r", old_rows(self.far))) + &self.mark_all(),
        }
    }

    fn identifying(&self) -> impl Iterator<Item = &str> {
        self.far.primary_key.iter().map(String::as_str).chain(self.source.link_columns())
    }

    /// The columns whose change the reader has to know of.
    fn watched<'a>(&'a self, reader: &'a Reader) -> impl Iterator<Item = &'a str> {
        self.identifying().chain(reader.columns.iter().map(String::as_str))
    }

    /// The related rows of which something that the reader reads has changed, old and new.
    fn updated(&self, reader: &Reader) -> String {
        let mut columns: Vec<&str> = self.identifying().collect();
        columns.sort_unstable();
        columns.dedup();
        let read = reader.columns.iter().enumerate();
        let read: Vec<(String, &String)> = read.map(|(at, column)| (format!("cf_read_{}", at + 1), column)).collect();
        let rows = |table: &str| {
            let plain = columns.iter().map(|column| format!("x.{}", quote(column)));
            let compared = read.iter().map(|(name, column)| {
                format!("{} AS {name}", comparable(&format!("x.{}", quote(column)), &self.far.columns[*column]))
            });
            format!("SELECT {} FROM {table} x", plain.chain(compared).collect::<Vec<_>>().join(", "))
        };
        let kept: Vec<String> = columns.iter().map(|column| format!("u.{}", quote(column))).collect();
        let grouped = kept.iter().cloned().chain(read.iter().map(|(name, _)| format!("u.{name}")));
        format!(
            "SELECT {} FROM ({} UNION ALL {}) u GROUP BY {} HAVING count(*) <> 2",
            kept.join(", "),
            rows(old_rows(self.far)),
            rows(new_rows(self.far)),
            grouped.collect::<Vec<_>>().join(", "),
        )
    }

    /// Keeps the keys of the owners of these related rows, or the links by which they will be looked up.
    fn find(&self, rows: &str) -> String {
        let linked: Vec<String> =
            self.source.link_columns().map(|column| format!("r.{} IS NOT NULL", quote(column))).collect();
        let linked = linked.join(" AND ");
        let Some(columns) = self.source.key_columns(self.owner) else {
            let link = way::link(self.source.link_columns().map(|column| format!("r.{}", quote(column))));
            return format!("  SELECT array_agg(DISTINCT {link}) INTO v_links FROM ({rows}) r WHERE {linked};\n");
        };
        let types = tables::key_types(self.owner, self.table);
        let keys = key_columns(self.owner);
        let in_range = columns.iter().zip(&types).map(|(column, kind)| self.in_range(column, kind)).collect::<String>();
        let selected = columns.iter().zip(&keys).zip(types);
        let selected: Vec<String> =
            selected.map(|((column, key), kind)| format!("r.{}::{kind} AS {key}", quote(column))).collect();
        let aggregated: Vec<String> = keys.iter().map(|key| format!("array_agg(k.{key})")).collect();
        format!(
            "  SELECT {} INTO {} FROM (SELECT DISTINCT {} FROM ({rows}) r WHERE {linked}{in_range}) k;\n",
            aggregated.join(", "),
            self.key_variables(),
            selected.join(", "),
        )
    }

    /// A wider type than the key's, without a foreign key, may hold what no owner can have: the cast must not make the
    /// user's statement fail.
    fn in_range(&self, column: &str, kind: &str) -> String {
        let (least, greatest) = match kind {
            _ if self.far.columns[column] == kind => return String::new(),
            "smallint" => (i64::from(i16::MIN), i64::from(i16::MAX)),
            "integer" => (i64::from(i32::MIN), i64::from(i32::MAX)),
            "bigint" => (i64::MIN, i64::MAX),
            _ => return String::new(),
        };
        format!(" AND r.{} BETWEEN {least} AND {greatest}", quote(column))
    }

    /// All owners: after a TRUNCATE nobody knows any more whose rows there were.
    fn find_all(&self) -> String {
        let aggregated: Vec<String> = owner_key(self.owner).iter().map(|key| format!("array_agg(t.{key})")).collect();
        let table = qualified(&self.owner.table);
        format!("  SELECT {} INTO {} FROM {table} t;\n", aggregated.join(", "), self.key_variables())
    }

    fn key_variables(&self) -> String {
        key_columns(self.owner).iter().map(|key| format!("v_{key}")).collect::<Vec<_>>().join(", ")
    }

    fn mark_all(&self) -> String {
        self.source.readers.iter().map(|reader| self.mark(reader)).collect::<Vec<_>>().join("\n")
    }

    fn mark_all_keys(&self) -> String {
        self.source.readers.iter().map(|reader| self.mark_keys(reader)).collect::<Vec<_>>().join("\n")
    }

    fn mark(&self, reader: &Reader) -> String {
        if self.source.key_columns(self.owner).is_some() {
            return self.mark_keys(reader);
        }
        let field = &self.owner.fields[reader.field];
        format!(
            "  IF v_links IS NOT NULL THEN\n    PERFORM {}({}, {}, {}, v_links);\n  END IF;",
            function(self.owner, "mark_links"),
            literal(field.name),
            field.flagging == Flagging::Commit,
            literal(&tables::via(self.source)),
        )
    }

    fn mark_keys(&self, reader: &Reader) -> String {
        let field = &self.owner.fields[reader.field];
        format!(
            "  IF v_key_1 IS NOT NULL THEN\n    PERFORM {}({}, {}, {});\n  END IF;",
            function(self.owner, "mark"),
            literal(field.name),
            field.flagging == Flagging::Commit,
            self.key_variables(),
        )
    }
}
