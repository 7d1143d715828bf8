//! Triggers on tables that others refer to: the actions of foreign keys change rows without calling
//! the triggers of their table. A trigger on the table that is referred to looks for the rows that
//! are going to change, before they do.
//!
//! It reads them as they are now and locks them, as the action is about to: a snapshot could hide
//! some. A cursor appends mark by mark: an `INSERT .. SELECT` may hold up all others who mark,
//! until the user's statement ends.

use super::{DIALECT, lists::in_lists, names, own_triggers::differs, tables, way};
use crate::{
    backend::{
        names::{Any, Columns},
        sql::list,
    },
    catalog::{Action, Cascade, Described, Object},
    layout::{Owner, Source, Table},
};

/// What the actions do to rows of the table that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Effect {
    Deleted,
    /// Columns, and the expressions of their new values; none is null.
    Changed(Vec<(String, Option<String>)>),
}

impl Effect {
    /// What a foreign key makes of it in the rows that refer to those.
    fn over(self, key: &Cascade) -> Option<Self> {
        match (self, key.on_delete, key.on_update) {
            (Self::Deleted, Action::Cascade, _) => Some(Self::Deleted),
            (Self::Deleted, Action::SetNull, _) => Some(Self::Changed(nulled(key))),
            (Self::Changed(changed), _, Action::SetNull)
                if touches(&changed, &key.parent_columns) =>
            {
                Some(Self::Changed(nulled(key)))
            }
            (Self::Changed(changed), _, Action::Cascade)
                if touches(&changed, &key.parent_columns) =>
            {
                let columns = key.columns.iter().zip(&key.parent_columns);
                let new = |parent: &String| {
                    changed.iter().find(|(column, _)| column == parent).map(|(_, new)| new)
                };
                Some(Self::Changed(
                    columns
                        .filter_map(|(column, parent)| Some((column.clone(), new(parent)?.clone())))
                        .collect(),
                ))
            }
            _ => None,
        }
    }
}

fn nulled(key: &Cascade) -> Vec<(String, Option<String>)> {
    key.columns.iter().map(|column| (column.clone(), None)).collect()
}

fn touches(changed: &[(String, Option<String>)], columns: &[String]) -> bool {
    changed.iter().any(|(column, _)| columns.contains(column))
}

/// What a change of the table at the end of these foreign keys does at their beginning. What this
/// library need not see is none.
fn effect(way: &[Cascade], event: Event) -> Option<Effect> {
    let last = way.last()?;
    let first = match event {
        Event::Delete => Effect::Deleted,
        Event::Update => {
            let new = |column: &String| {
                let quoted = DIALECT.quote(column);
                (column.clone(), Some(format!("NEW.{quoted}")))
            };
            Effect::Changed(last.parent_columns.iter().map(new).collect())
        }
    };
    way.iter().rev().try_fold(first, Effect::over)
}

/// Whether a change of the table at the end of these foreign keys does anything at their beginning.
pub(crate) fn has_effect(way: &[Cascade]) -> bool {
    [Event::Delete, Event::Update].into_iter().any(|event| effect(way, event).is_some())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Delete,
    Update,
}

/// The triggers that see what foreign keys do to the owner's own rows.
pub(super) fn of_owner(owner: &Owner, table: &Described) -> Vec<Object> {
    let key: Vec<String> = owner.key.iter().map(|column| column.name.clone()).collect();
    let fields = owner.fields.iter().enumerate();
    let watched = Watched {
        owner,
        name: "own".to_owned(),
        described: table,
        link: key.clone(),
        source: None,
        readers: fields
            .map(|(at, field)| (at, [key.as_slice(), &field.own_columns].concat()))
            .collect(),
    };

    watched.objects(|way| owner.sources.iter().any(|source| follows_link(source, &way[0])))
}

/// The triggers that see what foreign keys do to the rows of a source.
pub(super) fn of_source(owner: &Owner, source: &Source, far: &Described) -> Vec<Object> {
    let link: Vec<String> = source.link_columns().map(str::to_owned).collect();
    let readers = source.readers.iter();
    let watched = Watched {
        owner,
        name: source.name(),
        described: far,
        link: link.clone(),
        source: Some(source),
        readers: readers
            .map(|reader| (reader.field, [link.as_slice(), &reader.columns].concat()))
            .collect(),
    };

    watched.objects(|way| is_link(owner, source, &way[0]))
}

/// Whether this foreign key is the source's own link: what happens to the rows that it refers to is
/// seen there.
fn is_link(owner: &Owner, source: &Source, key: &Cascade) -> bool {
    let before =
        source.at.checked_sub(1).map_or(&owner.table, |before| &source.steps[before].table);
    let mut pairs = key.columns.iter().zip(&key.parent_columns);
    key.parent == *before
        && key.columns.len() == source.link().len()
        && pairs.all(|(far, near)| {
            source.link().iter().any(|link| link.far == *far && link.near == *near)
        })
}

/// Whether the owner's foreign key follows, on an update, the link to this source, whose new value
/// is marked there.
fn follows_link(source: &Source, key: &Cascade) -> bool {
    let mut pairs = key.columns.iter().zip(&key.parent_columns);
    source.at == 0
        && key.on_delete == Action::Nothing
        && key.on_update == Action::Cascade
        && key.parent == *source.table()
        && pairs.all(|(near, far)| {
            source.link().iter().any(|link| link.far == *far && link.near == *near)
        })
}

/// A table whose changes concern the owner.
struct Watched<'a> {
    owner: &'a Owner,
    name: String,
    described: &'a Described,
    /// The columns by which a mark names a row of it.
    link: Vec<String>,
    /// None is the owner's own table.
    source: Option<&'a Source>,
    /// The fields, and the columns that each of them reads.
    readers: Vec<(usize, Vec<String>)>,
}

impl Watched<'_> {
    fn objects(&self, is_seen: impl Fn(&[Cascade]) -> bool) -> Vec<Object> {
        let ways = self.described.cascades.iter().filter(|way| !is_seen(way));
        ways.flat_map(|way| [Event::Delete, Event::Update].map(|event| self.trigger(way, event)))
            .flatten()
            .collect()
    }

    fn trigger(&self, way: &[Cascade], event: Event) -> Option<Object> {
        let last = way.last()?;
        let effect = effect(way, event)?;
        let fields: Vec<usize> = self
            .readers
            .iter()
            .filter(|reader| self.is_read(reader, &effect))
            .map(|r| r.0)
            .collect();
        if fields.is_empty() {
            return None;
        }

        let constraints: Vec<&str> = way.iter().map(|key| key.name.as_str()).collect();
        let (suffix, event) = match event {
            Event::Delete => ("bd", "BEFORE DELETE"),
            Event::Update => ("bu", "BEFORE UPDATE"),
        };
        let name = &self.name;
        let constraints = constraints.join("__");
        let suffix = format!("{name}__{constraints}_{suffix}");
        let body = self.body(way, &effect, &fields, event);

        Some(tables::trigger(self.owner, &suffix, &last.parent, event, &body))
    }

    /// The owner's row itself is gone with all that is known of it.
    fn is_read(&self, (_, columns): &(usize, Vec<String>), effect: &Effect) -> bool {
        match effect {
            Effect::Deleted => self.source.is_some(),
            Effect::Changed(changed) => touches(changed, columns),
        }
    }

    fn body(&self, way: &[Cascade], effect: &Effect, fields: &[usize], event: &str) -> Vec<String> {
        let (columns, types) = self.mark_columns();
        let variables = Columns::numbered("cached_field", types.len());
        let mut body: Vec<String> = variables
            .iter()
            .zip(types)
            .map(|(variable, kind)| format!("  DECLARE {variable} {kind};"))
            .collect();

        let condition: Any = match event {
            "BEFORE UPDATE" => way
                .last()
                .into_iter()
                .flat_map(|key| &key.parent_columns)
                .map(|c| differs(c))
                .collect(),
            _ => Any::from_iter(["TRUE".to_owned()]),
        };

        let mark = |fields: Vec<usize>| {
            format!(
                "        INSERT INTO {marks} (field, {columns})
        VALUES ({list}, {values});",
                marks = names(self.owner).marks(),
                list = DIALECT.literal(&list(self.owner, fields)),
                values = variables,
            )
        };

        let marks: Vec<String> =
            in_lists(self.owner, fields.iter().copied()).into_iter().map(mark).collect();
        body.push(format!(
            "  DECLARE cached_field_done BOOLEAN DEFAULT FALSE;
  DECLARE cached_field_rows CURSOR FOR {rows};
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET cached_field_done = TRUE;
  IF {condition} THEN
    OPEN cached_field_rows;
    cached_field_each: LOOP
      FETCH cached_field_rows INTO {variables};
      IF cached_field_done THEN LEAVE cached_field_each; END IF;
      IF {are_found} IS NOT NULL THEN
{marks}
      END IF;
    END LOOP;
    CLOSE cached_field_rows;
  END IF;",
            rows = self.rows(way, effect),
            are_found = variables.join(" IS NOT NULL AND "),
            marks = marks.join("\n"),
        ));

        body
    }

    /// The columns of a mark that name a row, and their types.
    fn mark_columns(&self) -> (Columns, Vec<String>) {
        match self.key() {
            Some(key) => {
                let types =
                    key.iter().map(|column| self.described.columns[column].clone()).collect();
                (names(self.owner).keys(), types)
            }
            None => {
                let types = [
                    "VARCHAR(64) CHARACTER SET utf8mb4",
                    "LONGTEXT CHARACTER SET ascii",
                    "INT UNSIGNED",
                ];
                (tables::link_columns(), types.map(str::to_owned).to_vec())
            }
        }
    }

    /// The columns that hold the owner's key, if they do.
    fn key(&self) -> Option<Vec<String>> {
        match self.source {
            None => Some(self.link.clone()),
            Some(source) => source
                .key_columns(self.owner)
                .map(|columns| columns.into_iter().map(str::to_owned).collect()),
        }
    }

    /// A query of what marks name the rows by, as they are and, if that changes, as they will be.
    fn rows(&self, way: &[Cascade], effect: &Effect) -> String {
        let found = self.level(way, 0, &self.link);
        let kept = |column: &str| {
            let column = DIALECT.quote(column);
            Some(format!("g.{column}"))
        };
        let old = self.named(kept);
        let new = match effect {
            Effect::Changed(changed) if touches(changed, &self.link) => {
                let new = |column: &str| match changed.iter().find(|(name, _)| name == column) {
                    Some((_, new)) => new.clone(),
                    None => kept(column),
                };
                self.named(new)
            }
            _ => None,
        };

        let selects = old
            .into_iter()
            .chain(new)
            .map(|columns| format!("\n    SELECT DISTINCT {columns}\n      FROM ({found}) g"));
        selects.collect::<Vec<_>>().join("\n     UNION")
    }

    /// What a mark names a row by; `None` if a column of it is going to be null.
    fn named(&self, value: impl Fn(&str) -> Option<String>) -> Option<Columns> {
        let columns = self.key().unwrap_or_else(|| self.link.clone());
        let values: Columns = columns.iter().map(|column| value(column)).collect::<Option<_>>()?;
        let Some(source) = self.source.filter(|_| self.key().is_none()) else {
            return Some(values);
        };
        let via = DIALECT.literal(&tables::via(source));
        let link = way::encoded_values(source, self.described, &values);
        let hash = way::hash(&values);
        Some(Columns::from_iter([via, link, hash]))
    }

    /// A query of these columns of the rows that refer, over the foreign keys from this one on, to
    /// the row at hand.
    fn level(&self, way: &[Cascade], at: usize, columns: &[String]) -> String {
        let key = &way[at];
        let cascades = self.cascades_to_itself(&key.table);

        let mut needed = columns.to_vec();
        needed.extend(cascades.iter().flat_map(|key| key.parent_columns.clone()));
        needed.sort();
        needed.dedup();

        let names = DIALECT.columns(needed.iter().map(String::as_str));
        let selected = names.of("x");
        let table = DIALECT.qualified(&key.table);
        let pairs = |other: &str, key: &Cascade| {
            let columns = DIALECT.columns(key.columns.iter().map(String::as_str));
            let parents = DIALECT.columns(key.parent_columns.iter().map(String::as_str));
            columns.of("x").equal(&parents.of(other))
        };

        // Not FOR UPDATE: MySQL counts it as a write to a table that the user's statement may use
        // (error 1442).
        let first = if at + 1 == way.len() {
            let linked = pairs("OLD", key);
            format!(
                "
            SELECT {selected}
              FROM {table} x
             WHERE {linked}
              LOCK IN SHARE MODE"
            )
        } else {
            let above = self.level(way, at + 1, &key.parent_columns);
            let linked = pairs("u", key);
            format!(
                "
            SELECT {selected}
              FROM ({above}) u
              STRAIGHT_JOIN {table} x ON {linked}
              LOCK IN SHARE MODE"
            )
        };
        if cascades.is_empty() {
            return first;
        }

        let rounds = cascades.iter().map(|key| {
            let linked = pairs("r", key);
            format!(
                "
             UNION (
            SELECT {selected}
              FROM r
              STRAIGHT_JOIN {table} x ON {linked}
              LOCK IN SHARE MODE)"
            )
        });
        let rounds = rounds.collect::<String>();
        format!(
            "
              WITH RECURSIVE r ({names}) AS (({first}){rounds})
            SELECT {names}
              FROM r"
        )
    }

    /// The foreign keys by which rows of a table take others of it along when they are deleted.
    fn cascades_to_itself(&self, table: &Table) -> Vec<&Cascade> {
        let mut found: Vec<&Cascade> = Vec::new();
        for key in self.described.cascades.iter().flatten() {
            let is_such =
                key.table == *table && key.parent == *table && key.on_delete == Action::Cascade;
            if is_such && !found.contains(&key) {
                found.push(key);
            }
        }
        found
    }
}
