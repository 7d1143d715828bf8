//! The shape of an owner (a table with cached fields) as the database sees it: plain data that SQL
//! is rendered from.

use std::{collections::BTreeSet, ops::Range};

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnType, DbErr, QueryResult, Value, sea_query::SelectStatement};

use crate::declaration::{Expiry, Flagging, Key, RollUp, Zone};

/// A table of the user, named as its entity names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Table {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

/// A column, with the casts that SeaORM writes its values through and reads them through. For enums
/// those are `save_as` and `select_as`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) cast: Cast,
    pub(crate) read: Cast,
    /// The text around the column where rows are put in an order. MySQL sorts an enum by its
    /// numbers, and compares it with a text by its letters.
    pub(crate) order: Cast,
}

/// The text before and after a value that is written to a column, or read from it, such as `CAST(`
/// and ` AS "mood")`. The databases differ: SQLite has no enum types, and would make a number of
/// the value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cast {
    pub(crate) postgres: (String, String),
    pub(crate) sqlite: (String, String),
    pub(crate) mysql: (String, String),
}

/// A table with cached fields.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) table: Table,
    pub(crate) key: Vec<Column>,
    pub(crate) key_reader: KeyReader,
    pub(crate) fields: Vec<Field>,
    pub(crate) sources: Vec<Source>,
}

/// A function that reads a key, with the types of its columns, from the columns `key_1`, `key_2`,
/// ... of a result. The names of these columns begin with a prefix.
pub(crate) type KeyReader = fn(&QueryResult, &str) -> Result<Key, DbErr>;

/// A cached field of an owner.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) cached: Column,
    pub(crate) recalculation_needed: String,
    pub(crate) expires_after: Option<String>,
    /// The time from the claim to the expiry that is set with each value, in milliseconds, if any.
    pub(crate) expires_every: Option<i64>,
    /// The time zone that the expiry is written in, if its column has none.
    pub(crate) time_zone: Option<Zone>,
    pub(crate) flagging: Flagging,
    /// Whether the flag's column is indexed.
    pub(crate) index_flag: bool,
    /// The time that a worker waits after the first change, in milliseconds, if any.
    pub(crate) debounce: Option<i64>,
    /// The version of the calculation; 0 is none.
    pub(crate) version: u32,
    /// Whether only readers recalculate.
    pub(crate) lazy: bool,
    /// The query that calculates the field, if any.
    pub(crate) query: Option<Query>,
    /// Whether it may be calculated from the same field of other rows.
    pub(crate) recursive: bool,
    /// Whether the value's column returns each value as it was written, unrounded.
    pub(crate) exact: bool,
    /// The columns of the row itself that the calculation reads or that lead to related rows,
    /// except for the key.
    pub(crate) own_columns: Vec<String>,
}

/// A calculation by one query.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) select: Select,
    /// Whether a row may have no value.
    pub(crate) optional: bool,
    /// The type of the column that the value is for.
    pub(crate) kind: ColumnType,
}

/// The origin of a query.
#[derive(Clone, Debug)]
pub(crate) enum Select {
    /// The user writes it.
    Written(fn() -> SelectStatement),
    /// It follows from a roll-up.
    RolledUp(Box<RollUp>),
}

/// A table on the path from the owner's rows to the inputs of their fields. Each table of a path is
/// a source of its own: a row in the middle that moves takes all rows behind it along.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    /// The path from the owner. If the source is in a repeated group, the path ends with that
    /// group.
    pub(crate) steps: Vec<Step>,
    /// The step that leads to the table of this source.
    pub(crate) at: usize,
    /// The groups of steps that are followed any number of times, but at least once.
    pub(crate) repeated: Vec<Range<usize>>,
    /// The fields that depend on it, by index, each with the columns that it reads or that lead
    /// further.
    pub(crate) readers: Vec<Reader>,
}

/// One step of a path: from the rows of one table to those of another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Step {
    /// The table that it leads to.
    pub(crate) table: Table,
    /// The pairs of columns that are equal.
    pub(crate) link: Vec<Link>,
}

/// A column of the table that a step comes from, and the column of the table that it leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Link {
    pub(crate) near: String,
    pub(crate) far: String,
}

/// Cached fields that a field is calculated from. It waits while they are pending.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    /// The field that waits, by index.
    pub(crate) field: usize,
    /// The source whose rows have the fields that it waits for; none if it is the row itself.
    pub(crate) source: Option<Source>,
    /// The owner of those fields.
    pub(crate) owner: Owner,
    /// Their names.
    pub(crate) fields: Vec<&'static str>,
}

/// A move on the way from a changed row back to the owners. It leads from values of the link of one
/// step to values of the link of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// From the link of this step to that of the step before it, over the rows of the table
    /// between.
    Back(usize),
    /// From the link of a group's first step to that of the same step in all earlier rounds.
    Around(Range<usize>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reader {
    pub(crate) field: usize,
    pub(crate) columns: Vec<String>,
}

impl Field {
    /// Returns the expiry as it is stored.
    pub(crate) fn stored_expiry(&self, expiry: Expiry) -> Value {
        let moment = expiry.moment(self.time_zone);
        match self.time_zone {
            Some(zone) => moment.map(|moment| zone.local(moment)).into(),
            None => moment.into(),
        }
    }

    /// Returns by how many seconds the clocks of the expiry are ahead of UTC now.
    pub(crate) fn ahead_of_utc(&self) -> i64 {
        self.ahead_of_utc_at(Utc::now())
    }

    /// Returns by how many seconds they will be ahead when a value that is calculated now expires
    /// by itself. The clocks may be changed before.
    pub(crate) fn ahead_of_utc_at_expiry(&self) -> i64 {
        let every = TimeDelta::milliseconds(self.expires_every.unwrap_or_default());
        self.ahead_of_utc_at(
            Utc::now().checked_add_signed(every).unwrap_or(DateTime::<Utc>::MAX_UTC),
        )
    }

    fn ahead_of_utc_at(&self, moment: DateTime<Utc>) -> i64 {
        self.time_zone.map_or(0, |zone| zone.ahead_of_utc(moment))
    }
}

impl Owner {
    /// Returns the names of all fields, for messages.
    pub(crate) fn field_names(&self) -> String {
        self.fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn field_index(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// Returns one canonical line for each watched input of a field, and one for its roll-up. Two
    /// different inputs never render to the same line.
    pub(crate) fn inputs(&self, field: usize) -> BTreeSet<String> {
        let Field { cached, own_columns, query, .. } = &self.fields[field];
        let own_columns = own_columns.iter().chain([&cached.name]);
        let mut inputs: BTreeSet<String> =
            own_columns.map(|column| written_column(column)).collect();
        if let Some(Query { select: Select::RolledUp(roll_up), .. }) = query {
            inputs.insert(format!("{ROLL_UP}{}", roll_up.definition()));
        }

        for source in &self.sources {
            for reader in source.readers.iter().filter(|reader| reader.field == field) {
                let way = source.spelled();
                inputs.extend(reader.columns.iter().map(|column| format!("{way} {column:?}")));
                inputs.insert(way);
            }
        }
        inputs
    }

    /// Returns the columns of the row itself whose change makes a field stale.
    pub(crate) fn watched<'a>(&'a self, field: &'a Field) -> impl Iterator<Item = &'a str> {
        let key = self.key.iter().map(|column| &column.name);
        key.chain(&field.own_columns).map(String::as_str)
    }

    /// Returns the fields for which a worker waits after the first change, each with the time in
    /// milliseconds.
    pub(crate) fn debounced(&self) -> impl Iterator<Item = (&Field, i64)> {
        self.fields.iter().filter_map(|field| Some((field, field.debounce?)))
    }

    /// Returns the sources that have to be looked up, because their rows do not hold the owner's
    /// key.
    pub(crate) fn looked_up(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| source.key_columns(self).is_none())
    }

    /// Returns whether a part of the path to a source is followed any number of times.
    pub(crate) fn repeats(&self) -> bool {
        self.sources.iter().any(|source| !source.repeated.is_empty())
    }

    /// Returns the sources through which a field is calculated from the same field of other rows.
    pub(crate) fn recursions(&self, field: usize) -> impl Iterator<Item = &Source> {
        let column = &self.fields[field].cached.name;
        let reads = move |reader: &Reader| reader.field == field && reader.columns.contains(column);
        self.sources
            .iter()
            .filter(move |source| *source.table() == self.table && source.readers.iter().any(reads))
    }

    /// Returns the sources of a source's path by index, one a step. The last of them is the source
    /// itself.
    pub(crate) fn path(&self, source: &Source) -> Vec<usize> {
        let on_the_way = |at: usize| {
            let step = |other: &Source| other.at == at && other.is_on_the_way_to(source);
            self.sources.iter().position(step).expect("each step of a path is a source")
        };
        (0..=source.at).map(on_the_way).collect()
    }

    /// Returns the columns by which a field finds further rows: those of a source, by index, or
    /// those of the row itself.
    pub(crate) fn leading(&self, field: usize, source: Option<usize>) -> Vec<&str> {
        let is_next = |next: &&Source| {
            let before = next.at.checked_sub(1).map(|at| self.path(next)[at]);
            before == source && next.readers.iter().any(|reader| reader.field == field)
        };
        let again = source.and_then(|source| self.sources[source].link_of_next_round());
        let links = self.sources.iter().filter(is_next).map(Source::link).chain(again);
        links.flatten().map(|link| link.near.as_str()).collect()
    }
}

/// The beginning of the line of a roll-up in [`Owner::inputs`].
const ROLL_UP: &str = "= ";

/// Returns the line of the roll-up among [`Owner::inputs`], if there is one.
pub(crate) fn roll_up(inputs: &BTreeSet<String>) -> Option<&String> {
    inputs.iter().find(|line| line.starts_with(ROLL_UP))
}

/// Returns the line of a column of the owner in [`Owner::inputs`].
pub(crate) fn written_column(name: &str) -> String {
    format!("{name:?}")
}

/// Returns the lines of [`Owner::inputs`] that are columns of the owner: one quoted name and
/// nothing else.
pub(crate) fn own_columns(inputs: &str) -> impl Iterator<Item = &str> {
    inputs.lines().filter(|line| {
        let name = line.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        name.is_some_and(|name| !name.replace(r"\\", "").replace(r#"\""#, "").contains('"'))
    })
}

impl Source {
    /// Returns the table that is watched.
    pub(crate) fn table(&self) -> &Table {
        &self.steps[self.at].table
    }

    /// Returns the link of its rows with those of the table before.
    pub(crate) fn link(&self) -> &[Link] {
        &self.steps[self.at].link
    }

    /// Returns the columns of [`Source::link`] in the source's own table.
    pub(crate) fn link_columns(&self) -> impl Iterator<Item = &str> {
        self.link().iter().map(|link| link.far.as_str())
    }

    /// Returns the columns of the source's rows whose change concerns a reader of these columns.
    /// That includes the columns that relate the rows to the table before.
    pub(crate) fn watched<'a>(&'a self, read: &'a [String]) -> impl Iterator<Item = &'a str> {
        self.link_columns().chain(read.iter().map(String::as_str))
    }

    /// Returns the source's columns that hold the owner's key, in the key's order. `None` if the
    /// link is not the whole key.
    pub(crate) fn key_columns(&self, owner: &Owner) -> Option<Vec<&str>> {
        if self.at > 0 || !self.repeated.is_empty() {
            return None;
        }
        let far = |key: &Column| {
            self.link().iter().find(|link| link.near == key.name).map(|link| link.far.as_str())
        };
        let columns: Option<Vec<&str>> = owner.key.iter().map(far).collect();
        columns.filter(|columns| columns.len() == self.link().len())
    }

    /// Returns the way back from a row of the source to the link of the first step, by which the
    /// owners are found.
    pub(crate) fn way_back(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        for at in (0..=self.at).rev() {
            moves.extend(self.group_from(at).cloned().map(Move::Around));
            if at > 0 {
                moves.push(Move::Back(at));
            }
        }
        moves
    }

    /// Returns the path over this source and on to another.
    pub(crate) fn joined(mut self, other: Self) -> Self {
        let length = self.steps.len();
        let shifted = other.repeated.iter().map(|group| group.start + length..group.end + length);
        self.repeated.extend(shifted);
        self.steps.extend(other.steps);
        self.at = length + other.at;
        self
    }

    /// Returns the same path, repeated any number of times. `None` if a part of it is repeated
    /// already.
    pub(crate) fn repeated_as_a_whole(mut self) -> Option<Self> {
        if !self.repeated.is_empty() {
            return None;
        }
        self.repeated.push(0..self.steps.len());
        Some(self)
    }

    /// Returns the repeated group that begins with this step.
    pub(crate) fn group_from(&self, step: usize) -> Option<&Range<usize>> {
        self.repeated.iter().find(|group| group.start == step)
    }

    /// Returns the link by which the end of a repeated group leads back to its beginning. `None` if
    /// no group ends with this source.
    fn link_of_next_round(&self) -> Option<&[Link]> {
        let group = self.repeated.iter().find(|group| group.end == self.at + 1)?;
        Some(&self.steps[group.start].link)
    }

    fn is_on_the_way_to(&self, other: &Self) -> bool {
        let groups = |source: &Self| {
            source
                .repeated
                .iter()
                .filter(|group| group.start <= self.at)
                .cloned()
                .collect::<Vec<_>>()
        };
        other.steps.starts_with(&self.steps) && groups(self) == groups(other)
    }

    /// Returns `"pigeon"("lamppost_id" = "id") ..`, as [`Owner::inputs`] has it.
    fn spelled(&self) -> String {
        let step = |Step { table, link }: &Step| {
            let schema =
                table.schema.as_ref().map(|schema| format!("{schema:?}.")).unwrap_or_default();
            let link: Vec<String> =
                link.iter().map(|Link { near, far }| format!("{far:?} = {near:?}")).collect();
            format!("{schema}{:?}({})", table.name, link.join(", "))
        };
        let steps = self.steps[..=self.at].iter().map(step);
        steps
            .chain(self.repeated.iter().map(|group| format!("{group:?} repeated")))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Returns a name that tells this source from others of the same owner. It is made of the
    /// tables of its path and the columns of their links.
    pub(crate) fn name(&self) -> String {
        let mut names = Vec::new();
        for (at, step) in self.steps[..=self.at].iter().enumerate() {
            names.push(step.table.name.as_str());
            names.extend(step.link.iter().map(|link| link.far.as_str()));
            names.extend(step.link.iter().map(|link| link.near.as_str()));
            if self.repeated.iter().any(|group| group.contains(&at)) {
                names.push("repeated");
            }
        }
        names.join("__")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_columns_are_told_from_those_of_sources() {
        let own = ["name", "a\"b", "c\\", "\""].map(written_column);
        let inputs = format!(
            "{}\n\"pigeon\"(\"lamp_id\" = \"id\")\n\"pigeon\"(\"lamp_id\" = \"id\") \"weight\"",
            own.join("\n")
        );
        assert_eq!(own_columns(&inputs).collect::<Vec<_>>(), own);
    }
}
