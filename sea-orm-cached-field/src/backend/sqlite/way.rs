//! The way between the rows of a source and the owners that are calculated from them, as nested
//! queries.

use std::ops::Range;

use super::{DIALECT, names, own_triggers::of_row};
use crate::{
    backend::names::Columns,
    layout::{Move, Owner, Source},
};

/// A condition on the owner's rows: that this row of the source concerns them. `prefix`: of the
/// owner's columns.
pub(super) fn owners_of(owner: &Owner, source: &Source, row: &str, prefix: &str) -> String {
    if source.way_back().is_empty() {
        let near = DIALECT.near(&source.steps[0]).each(|column| format!("{prefix}{column}"));
        let far = DIALECT.far(&source.steps[0]).each(|column| of_row(owner, row, column));
        let linked = near.equal(&far);
        return format!("({linked})");
    }
    let links = DIALECT.far(&source.steps[source.at]).of(row);
    owners(source, &format!("SELECT {links}"), prefix)
}

/// A condition on the owner's rows: that rows of the source concern them, whose link columns this
/// query gives.
pub(super) fn owners(source: &Source, links: &str, prefix: &str) -> String {
    let links = source.way_back().into_iter().fold(links.to_owned(), |links, step| match step {
        Move::Back(step) => back(source, step, &links),
        Move::Around(group) => {
            let columns = Columns::numbered("v", source.steps[group.start].link.len());
            let last = group.end - 1;
            let mut joins =
                join(source, last, &DIALECT.near(&source.steps[group.start]), "r", &columns);
            for step in (group.start + 1..group.end).rev() {
                joins += &join(
                    source,
                    step - 1,
                    &DIALECT.near(&source.steps[step]),
                    &format!("x{step}"),
                    &DIALECT.far(&source.steps[step]),
                );
            }
            let first = group.start;
            let next = DIALECT.far(&source.steps[first]).of(&format!("x{first}"));
            recursion(&links, &columns, &joins, &next)
        }
    });

    let near = DIALECT.near(&source.steps[0]).each(|column| format!("{prefix}{column}"));
    format!("({near}) IN ({links})")
}

/// The links of the step before, over the rows of the table between.
fn back(source: &Source, step: usize, links: &str) -> String {
    let before = step - 1;
    let row = format!("s{before}");
    format!(
        "
    SELECT {selected}
      FROM {table} {row}
     WHERE ({linked}) IN ({links})",
        selected = DIALECT.far(&source.steps[before]).of(&row),
        table = DIALECT.qualified(&source.steps[before].table),
        linked = DIALECT.near(&source.steps[step]).of(&row),
    )
}

/// Joins the table that a step leads to, by columns of what was joined before it.
fn join(
    source: &Source,
    table: usize,
    columns: &Columns,
    left: &str,
    left_columns: &Columns,
) -> String {
    let row = format!("x{table}");
    let linked = columns.of(&row).equal(&left_columns.of(left));
    let name = DIALECT.qualified(&source.steps[table].table);
    format!("\n      JOIN {name} {row} ON {linked}")
}

/// A query of these columns of the source's rows, on the way from a row `t` of the owner that a
/// condition names.
pub(super) fn rows_of(owner: &Owner, source: &Source, row: &str, columns: &Columns) -> String {
    let names = names(owner);
    let mut links = format!(
        "
    SELECT {linked}
      FROM {table} t
     WHERE {row}",
        linked = DIALECT.near(&source.steps[0]).of("t"),
        table = names.table(),
    );

    for step in 0..=source.at {
        if let Some(group) = source.group_from(step) {
            links = around(source, group, &links);
        }
        let kept = source
            .steps
            .get(step + 1)
            .filter(|_| step < source.at)
            .map_or_else(|| columns.clone(), |step| DIALECT.near(step));
        let row = format!("s{step}");
        links = format!(
            "
    SELECT {selected}
      FROM {table} {row}
     WHERE ({linked}) IN ({links})",
            selected = kept.of(&row),
            table = DIALECT.qualified(&source.steps[step].table),
            linked = DIALECT.far(&source.steps[step]).of(&row),
        );
    }

    links
}

/// From the links of a group's first step to those of the same step in all later rounds.
fn around(source: &Source, group: &Range<usize>, links: &str) -> String {
    let columns = Columns::numbered("v", source.steps[group.start].link.len());
    let mut joins =
        join(source, group.start, &DIALECT.far(&source.steps[group.start]), "r", &columns);
    for step in group.start + 1..group.end {
        let before = step - 1;
        joins += &join(
            source,
            step,
            &DIALECT.far(&source.steps[step]),
            &format!("x{before}"),
            &DIALECT.near(&source.steps[step]),
        );
    }

    let last = group.end - 1;
    let last = format!("x{last}");
    recursion(links, &columns, &joins, &DIALECT.near(&source.steps[group.start]).of(&last))
}

/// UNION, so that circles in the data end.
fn recursion(first: &str, columns: &Columns, joins: &str, next: &Columns) -> String {
    format!(
        "
      WITH RECURSIVE r ({columns}) AS ({first}
     UNION
    SELECT {next}
      FROM r{joins})
    SELECT {columns}
      FROM r"
    )
}
