//! The way between the rows of a source and the owners that are calculated from them, as joins.

use super::{DIALECT, functions::equality, names};
use crate::{
    backend::names::{All, Columns},
    catalog::Described,
    layout::{Link, Move, Owner, Source},
};

/// Values of a step's link on the way, as SQL expressions, and the joins that they come from.
struct Way<'a> {
    source: &'a Source,
    joins: String,
    values: Columns,
    /// By what the columns of each step's link are compared; by `=` if there is none.
    operators: Vec<Vec<&'a str>>,
    /// What the names of the joined tables begin with.
    prefix: &'static str,
}

impl Way<'_> {
    /// Joins rows of the table that a step leads to, by columns that the values of the link of a
    /// step are compared with.
    fn join(&mut self, table: usize, step: usize, columns: &Columns, kept: &Columns) {
        let prefix = self.prefix;
        let alias = format!("{prefix}{table}");
        let name = DIALECT.qualified(&self.source.steps[table].table);
        let linked = self.equal(step, &alias, columns);
        self.joins += &format!("\n  JOIN {name} {alias} ON {linked}");
        self.values = kept.of(&alias);
    }

    fn equal(&self, step: usize, alias: &str, columns: &Columns) -> All {
        let operators =
            self.operators.get(step).into_iter().flatten().copied().chain(std::iter::repeat("="));
        let pairs = columns.iter().zip(self.values.iter()).zip(operators);
        pairs
            .map(|((column, value), operator)| format!("{alias}.{column} {operator} {value}"))
            .collect()
    }

    /// From the link of a step to that of the step before.
    fn back(&mut self, step: usize) {
        let steps = &self.source.steps;
        self.join(step - 1, step, &DIALECT.near(&steps[step]), &DIALECT.far(&steps[step - 1]));
    }

    /// From the link of a step to that of the step after it.
    fn forth(&mut self, step: usize, next: usize) {
        let steps = &self.source.steps;
        self.join(step, step, &DIALECT.far(&steps[step]), &DIALECT.near(&steps[next]));
    }

    /// All values that `round` leads to, in any number of rounds: each once, so that circles in the
    /// data end.
    fn around(&mut self, group: usize, types: Option<&[&str]>, round: impl Fn(&mut Self)) {
        let columns = Columns::numbered("v", self.values.len());
        // The two sides of a recursion must agree in type, length and collation. As text they do.
        let plain = |values: &Columns| match types {
            Some(_) => values.each(|value| format!("{value}::text COLLATE \"C\"")),
            None => values.clone(),
        };

        let typed = |row: &str| -> Columns {
            let columns = columns.iter().enumerate();
            let cast = |at: usize| {
                let kind = types.map(|types| types[at]);
                kind.map(|kind| format!("::{kind}")).unwrap_or_default()
            };
            let typed = columns.map(|(at, column)| (column, cast(at)));
            typed.map(|(column, cast)| format!("{row}.{column}{cast}")).collect()
        };

        let operators = self.operators.clone();
        let mut once = Way {
            source: self.source,
            joins: String::new(),
            values: typed("r"),
            operators,
            prefix: "x",
        };
        round(&mut once);
        self.joins += &format!(
            "\n  CROSS JOIN LATERAL (
    WITH RECURSIVE r ({columns}) AS (
      SELECT {first}
       UNION
      SELECT {next}
        FROM r {joins})
    SELECT * FROM r) a{group}",
            first = plain(&self.values),
            next = plain(&once.values),
            joins = once.joins,
        );

        self.values = typed(&format!("a{group}"));
    }
}

fn types<'a>(table: &'a Described, links: &[Link]) -> Vec<&'a str> {
    links.iter().map(|link| table.columns[&link.far].as_str()).collect()
}

fn operators<'a>(table: &'a Described, links: &[Link]) -> Vec<&'a str> {
    links.iter().map(|link| equality(table, &link.far)).collect()
}

/// The link of a row as it stands in a mark; `columns` are SQL expressions.
pub(super) fn link(columns: &Columns) -> String {
    let columns = columns.each(|column| format!("{column}::text"));
    format!("ARRAY[{columns}]::text")
}

/// Joins that lead from a link, as it stands in a mark, to the owner's rows `t`.
pub(super) fn to_owners(
    owner: &Owner,
    source: &Source,
    related: &[Described],
    link: &str,
) -> String {
    let path = owner.path(source);
    let types = |step: usize| types(&related[path[step]], &source.steps[step].link);
    // With the type that the link was written from: a cast to another could fail for a value that
    // no row there can have.
    let values = (1..).zip(types(source.at));
    let values = values.map(|(at, kind)| format!("({link}::text[])[{at}]::{kind}")).collect();
    let operators = path
        .iter()
        .zip(&source.steps)
        .map(|(table, step)| operators(&related[*table], &step.link))
        .collect();

    back(owner, source, values, operators, |step| Some(types(step)))
}

/// Joins that lead from the source's row `f` to the owner's rows `t`.
pub(super) fn to_readers(owner: &Owner, source: &Source) -> String {
    let values = DIALECT.far(&source.steps[source.at]).of("f");
    back(owner, source, values, Vec::new(), |_| None)
}

/// Joins that lead from values of the source's link to the owner's rows `t`.
fn back<'a>(
    owner: &Owner,
    source: &Source,
    values: Columns,
    operators: Vec<Vec<&'a str>>,
    types: impl Fn(usize) -> Option<Vec<&'a str>>,
) -> String {
    let names = names(owner);
    let mut way = Way { source, joins: String::new(), values, operators, prefix: "s" };
    for step in source.way_back() {
        match step {
            Move::Back(step) => way.back(step),
            Move::Around(group) => {
                way.around(group.start, types(group.start).as_deref(), |round| {
                    round.join(
                        group.end - 1,
                        group.start,
                        &DIALECT.near(&source.steps[group.start]),
                        &DIALECT.far(&source.steps[group.end - 1]),
                    );
                    (group.start + 1..group.end).rev().for_each(|step| round.back(step));
                })
            }
        }
    }

    let linked = way.equal(0, "t", &DIALECT.near(&source.steps[0]));
    let joins = way.joins;
    let table = names.table();
    format!("{joins}\n  JOIN {table} t ON {linked}")
}

/// The way from the owner's row `t` to the rows before the source.
fn before(source: &Source) -> Way<'_> {
    let values = DIALECT.near(&source.steps[0]).of("t");
    let mut way = Way { source, joins: String::new(), values, operators: Vec::new(), prefix: "s" };
    for step in 0..=source.at {
        if let Some(group) = source.group_from(step) {
            way.around(group.start, None, |round| {
                (group.start..group.end - 1).for_each(|step| round.forth(step, step + 1));
                round.forth(group.end - 1, group.start);
            });
        }
        if step < source.at {
            way.forth(step, step + 1);
        }
    }

    way
}

/// A FROM clause of the rows before the source on the way from the owner's row `t`, and the links
/// by which marks name them.
pub(super) fn from_owner(source: &Source) -> (String, String) {
    let way = before(source);
    let joins = way.joins;
    (format!("(SELECT 1) o{joins}"), link(&way.values))
}

/// A FROM clause of the source's rows on the way from the owner's row `t`, and their name in it.
pub(super) fn rows_of(source: &Source) -> (String, String) {
    let mut way = before(source);
    way.join(source.at, source.at, &DIALECT.far(&source.steps[source.at]), &Columns::default());
    let joins = way.joins;
    let at = source.at;
    (format!("(SELECT 1) o{joins}"), format!("s{at}"))
}
