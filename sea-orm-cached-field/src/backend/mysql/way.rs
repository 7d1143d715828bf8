//! The way between the rows of a source and the owners that are calculated from them, as joins. It
//! carries along where it came from, and never looks at the rows of a query around it: MariaDB
//! knows no lateral joins.

use std::ops::Range;

use super::{DIALECT, link, names};
use crate::{
    backend::{
        names::{All, Columns},
        repeated,
        sql::Sql,
    },
    catalog::Described,
    layout::{Move, Owner, Source},
};

/// How many tables are joined in one query; the databases join 61.
const JOINED: usize = 20;

/// Values of a step's link on the way, as SQL expressions, and the columns `l.origin`, in a FROM
/// clause.
struct Way<'a> {
    source: &'a Source,
    origin: Columns,
    from: String,
    values: Columns,
    joined: usize,
}

/// `v_1, ..`, so many.
pub(super) fn values(count: usize) -> Columns {
    Columns::numbered("v", count)
}

/// `s.a AS v_1, ..`
fn as_values(columns: &Columns) -> Columns {
    columns.named(&values(columns.len()))
}

/// `id`: what tells one mark from another.
fn id() -> Columns {
    Columns::from(["id"])
}

impl<'a> Way<'a> {
    /// Begins with a query of the columns `origin`, and of so many values `v_1`, ...
    fn new(source: &'a Source, origin: Columns, count: usize, query: &str) -> Self {
        let from = format!("({query}) l");
        let values = values(count).of("l");
        Self { source, origin, from, values, joined: 0 }
    }

    /// A query of it all.
    fn query(&self) -> String {
        let origin = self.origin.of("l");
        let values = as_values(&self.values);
        let from = &self.from;
        format!(
            "
         SELECT DISTINCT {origin}, {values}
           FROM {from}"
        )
    }

    /// `s.a = l.v_1 AND ...`: what joins a table by these columns.
    fn on(&self, row: &str, columns: &Columns) -> All {
        columns.of(row).equal(&self.values)
    }

    /// Over the rows of the table that a step leads to. STRAIGHT_JOIN: from the few that are known,
    /// whatever the statistics say.
    fn over(&mut self, table: usize, columns: &Columns, kept: &Columns) {
        if self.joined == JOINED {
            let query = self.query();
            *self =
                Self::new(self.source, std::mem::take(&mut self.origin), self.values.len(), &query);
        }
        self.joined += 1;
        let joined = self.joined;
        let row = format!("s{joined}");
        let name = DIALECT.qualified(&self.source.steps[table].table);
        let on = self.on(&row, columns);
        self.from += &format!("\n           STRAIGHT_JOIN {name} {row} ON {on}");
        self.values = kept.of(&row);
    }

    /// From the link of a step to that of the step before.
    fn back(&mut self, step: usize) {
        let steps = &self.source.steps;
        self.over(step - 1, &DIALECT.near(&steps[step]), &DIALECT.far(&steps[step - 1]));
    }

    /// From the link of a step to that of the step after it.
    fn forth(&mut self, step: usize) {
        let steps = &self.source.steps;
        self.over(step, &DIALECT.far(&steps[step]), &DIALECT.near(&steps[step + 1]));
    }

    /// All values that the tables of a round lead to, in any number of rounds: each once, so that
    /// circles in the data end. Of each table the columns that it is found by, and those that lead
    /// on.
    fn around(&mut self, round: &[(usize, Columns, Columns)]) {
        let columns = values(round[0].1.len());
        let mut joins = String::new();
        let mut before = "r".to_owned();
        let mut leading = columns.clone();
        for (table, found_by, lead_on) in round {
            let row = format!("x{table}");
            let name = DIALECT.qualified(&self.source.steps[*table].table);
            let on = found_by.of(&row).equal(&leading.of(&before));
            joins += &format!("\n           STRAIGHT_JOIN {name} {row} ON {on}");
            (before, leading) = (row, lead_on.clone());
        }

        let named = self.origin.clone().and(columns.clone());
        let query = format!(
            "
           WITH RECURSIVE r ({names}) AS (
         SELECT {first}
           FROM ({query}) l
          UNION
         SELECT {origin}, {next}
           FROM r{joins})
         SELECT {kept}
           FROM r",
            first = named.of("l"),
            query = self.query(),
            origin = self.origin.of("r"),
            next = leading.of(&before),
            kept = named.of("r"),
            names = named,
        );

        *self = Self::new(self.source, std::mem::take(&mut self.origin), columns.len(), &query);
    }
}

/// From the link of a group's first step to that of the same step in all earlier rounds.
fn round_back(source: &Source, group: &Range<usize>) -> Vec<(usize, Columns, Columns)> {
    let steps = &source.steps;
    let next = |step: usize| if step + 1 == group.end { group.start } else { step + 1 };
    group
        .clone()
        .rev()
        .map(|step| (step, DIALECT.near(&steps[next(step)]), DIALECT.far(&steps[step])))
        .collect()
}

/// From the link of a group's first step to that of the same step in all later rounds.
fn round_forth(source: &Source, group: &Range<usize>) -> Vec<(usize, Columns, Columns)> {
    let steps = &source.steps;
    let next = |step: usize| if step + 1 == group.end { group.start } else { step + 1 };
    group
        .clone()
        .map(|step| (step, DIALECT.far(&steps[step]), DIALECT.near(&steps[next(step)])))
        .collect()
}

/// How the values of a link stand in a mark.
pub(super) fn encoded(source: &Source, far: &Described, version: &str) -> String {
    encoded_values(source, far, &DIALECT.columns(source.link_columns()).of(version))
}

/// The same of expressions, one a column of the link.
pub(super) fn encoded_values(source: &Source, far: &Described, values: &Columns) -> String {
    let values = source
        .link_columns()
        .zip(values.iter())
        .map(|(column, value)| link::encoded(&far.columns[column], value));
    let values = values.collect::<Columns>().join(", ',', ");
    format!("CONCAT({values})")
}

/// By which the marks of a link are found: the same for all values that a database might call
/// equal, of whatever width or collation. That others share it does no harm.
pub(super) fn hash(values: &Columns) -> String {
    let weights = values.each(|value| {
        let text = format!("CONVERT(TRIM(TRAILING ' ' FROM {value}) USING utf8mb4)");
        format!("HEX(WEIGHT_STRING({text} COLLATE utf8mb4_unicode_ci))")
    });
    format!("CRC32(CONCAT_WS(',', {weights}))")
}

/// Binds a link that [`encoded`] has written.
fn bind(sql: &mut Sql, link: &str, columns: usize) -> Columns {
    let values = link::decoded(link, columns).into_iter();
    values.map(|value| value.map_or_else(|| "NULL".to_owned(), |value| sql.bind(value))).collect()
}

/// A query of the ids of marks, `id`, and the keys, `key_1`, ..., of the owners that their links
/// lead to.
pub(super) fn to_owners(
    sql: &mut Sql,
    owner: &Owner,
    source: &Source,
    marks: &[(i64, String)],
) -> String {
    let typed = as_values(&DIALECT.far(&source.steps[source.at]).of("m"));
    let columns = source.link().len();
    let links = repeated(marks).into_iter();
    let links: Columns = links
        .map(|(id, link)| (sql.bind(*id), bind(sql, link, columns)))
        .map(|(id, link)| format!("({id}, {link})"))
        .collect();

    let first = super::values(&Columns::from(["0 AS id"]).and(typed), source.table(), &links);
    back(owner, Way::new(source, id(), source.link().len(), &first))
}

/// A query of the keys of the owners that values of the source's link lead to, and of where they
/// came from.
fn back(owner: &Owner, mut way: Way<'_>) -> String {
    let names = names(owner);
    let source = way.source;

    for step in source.way_back() {
        match step {
            Move::Back(step) => way.back(step),
            Move::Around(group) => way.around(&round_back(source, &group)),
        }
    }

    format!(
        "
         SELECT DISTINCT {origin}, {keys}
           FROM {from}
           STRAIGHT_JOIN {table} t ON {linked}",
        origin = way.origin.of("l"),
        keys = names.own_key_as_keys("t"),
        from = way.from,
        table = names.table(),
        linked = way.on("t", &DIALECT.near(&source.steps[0])),
    )
}

/// A query of the keys of the rows that are calculated from the source's rows with these keys,
/// which are the owner's.
pub(super) fn readers(owner: &Owner, source: &Source, keys: &str) -> String {
    let names = names(owner);
    let linked = as_values(&DIALECT.far(&source.steps[source.at]).of("f"));
    let row = names.same_row("f", "c");
    let table = DIALECT.qualified(source.table());
    let first = format!(
        "
         SELECT 0 AS id, {linked}
           FROM {keys}
           STRAIGHT_JOIN {table} f FORCE INDEX (PRIMARY) ON {row}"
    );
    back(owner, Way::new(source, id(), source.link().len(), &first))
}

/// Joins that lead from the source's row `f` to the rows `t` that are calculated from it, once
/// around each group.
pub(super) fn joined_readers(owner: &Owner, source: &Source) -> String {
    let names = names(owner);
    let mut joins = String::new();
    let mut before = "f".to_owned();
    for step in (1..=source.at).rev() {
        let steps = &source.steps;
        let at = step - 1;
        let row = format!("s{at}");
        let table = DIALECT.qualified(&steps[at].table);
        let on = DIALECT.near(&steps[step]).of(&row).equal(&DIALECT.far(&steps[step]).of(&before));
        joins += &format!("\n                   STRAIGHT_JOIN {table} {row} ON {on}");
        before = row;
    }

    let first = &source.steps[0];
    let on = DIALECT.near(first).of("t").equal(&DIALECT.far(first).of(&before));
    let table = names.table();
    joins + &format!("\n                   STRAIGHT_JOIN {table} t ON {on}")
}

/// The way from the owner's rows `t` of a FROM clause to the rows before the source.
fn before<'a>(owner: &Owner, source: &'a Source, rows: &str) -> Way<'a> {
    let names = names(owner);
    let keys = names.own_key_as_keys("t");
    let linked = as_values(&DIALECT.near(&source.steps[0]).of("t"));
    let first = format!(
        "
         SELECT {keys}, {linked}
           FROM {rows}"
    );

    let mut way = Way::new(source, names.keys(), source.steps[0].link.len(), &first);
    for step in 0..=source.at {
        if let Some(group) = source.group_from(step) {
            way.around(&round_forth(source, group));
        }
        if step < source.at {
            way.forth(step);
        }
    }

    way
}

/// A query of the keys of owners, and of the hashes, `link_hash`, by which marks of the source may
/// name them. `rows`: a FROM clause of the owners' rows `t`.
pub(super) fn hashes(owner: &Owner, source: &Source, rows: &str) -> String {
    let way = before(owner, source, rows);
    format!(
        "
         SELECT DISTINCT {origin},
                {hash} AS link_hash
           FROM {from}",
        origin = way.origin.of("l"),
        hash = hash(&way.values),
        from = way.from,
    )
}

/// A query of the keys of owners, and of these columns, as `v_1`, ..., of the source's rows that
/// they are calculated from.
pub(super) fn rows_of(owner: &Owner, source: &Source, rows: &str, columns: &Columns) -> String {
    let mut way = before(owner, source, rows);
    way.over(source.at, &DIALECT.far(&source.steps[source.at]), columns);
    way.query()
}
