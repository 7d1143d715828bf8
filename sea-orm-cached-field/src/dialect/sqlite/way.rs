//! The way from the rows of a source back to the owners that are calculated from them, as nested queries.

use crate::{
    dialect::sql::{prefixed, qualified, quote_all},
    field::layout::{Move, Source, Step},
};

fn near(step: &Step) -> Vec<String> {
    quote_all(step.link.iter().map(|link| link.near.as_str()))
}

fn far(step: &Step) -> Vec<String> {
    quote_all(step.link.iter().map(|link| link.far.as_str()))
}

/// A condition on the owner's rows: that this version (`OLD` or `NEW`) of a row of the source concerns them.
pub(super) fn owners_of(source: &Source, version: &str) -> String {
    if source.way_back().is_empty() {
        let pairs = near(&source.steps[0]).into_iter().zip(far(&source.steps[0]));
        let pairs: Vec<String> = pairs.map(|(near, far)| format!("{near} = {version}.{far}")).collect();
        return format!("({})", pairs.join(" AND "));
    }
    owners(source, &format!("SELECT {}", prefixed(version, &far(&source.steps[source.at]))))
}

/// A condition on the owner's rows: that rows of the source concern them, whose link columns this query gives.
pub(super) fn owners(source: &Source, links: &str) -> String {
    let links = source.way_back().into_iter().fold(links.to_owned(), |links, step| match step {
        Move::Back(step) => back(source, step, &links),
        Move::Around(group) => {
            let columns: Vec<String> = (1..=source.steps[group.start].link.len()).map(|n| format!("v_{n}")).collect();
            let last = group.end - 1;
            let mut joins = join(source, last, &near(&source.steps[group.start]), "r", &columns);
            for step in (group.start + 1..group.end).rev() {
                joins +=
                    &join(source, step - 1, &near(&source.steps[step]), &format!("x{step}"), &far(&source.steps[step]));
            }
            // UNION, so that circles in the data end.
            format!(
                "WITH RECURSIVE r ({columns}) AS ({links} UNION SELECT {next} FROM r{joins}) SELECT {columns} FROM r",
                columns = columns.join(", "),
                next = prefixed(&format!("x{}", group.start), &far(&source.steps[group.start])),
            )
        }
    });
    format!("({}) IN ({links})", near(&source.steps[0]).join(", "))
}

/// The links of the step before, over the rows of the table between.
fn back(source: &Source, step: usize, links: &str) -> String {
    let before = step - 1;
    format!(
        "SELECT {} FROM {} s{before} WHERE ({}) IN ({links})",
        prefixed(&format!("s{before}"), &far(&source.steps[before])),
        qualified(&source.steps[before].table),
        prefixed(&format!("s{before}"), &near(&source.steps[step])),
    )
}

/// Joins the table that a step leads to, by columns of what was joined before it.
fn join(source: &Source, table: usize, columns: &[String], left: &str, left_columns: &[String]) -> String {
    let pairs = columns.iter().zip(left_columns).map(|(column, other)| format!("x{table}.{column} = {left}.{other}"));
    let pairs: Vec<String> = pairs.collect();
    format!(" JOIN {} x{table} ON {}", qualified(&source.steps[table].table), pairs.join(" AND "))
}
