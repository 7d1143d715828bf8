//! Holes in SQL text, for the torture test to prove that it finds them. Not in any program of a user.

use std::{env, sync::LazyLock};

use regex::Regex;

/// One replacement a line: a regular expression, ` => `, and what stands in its place.
const VARIABLE: &str = "CACHED_FIELD_MUTATION";

static REPLACEMENTS: LazyLock<Vec<(Regex, String)>> = LazyLock::new(|| {
    let lines = env::var(VARIABLE).unwrap_or_default();
    let replacements = lines.lines().filter_map(|line| line.split_once(" => "));
    replacements.map(|(found, by)| (Regex::new(found).expect("a regular expression"), by.to_owned())).collect()
});

pub(crate) fn mutated(text: &str) -> String {
    REPLACEMENTS.iter().fold(text.to_owned(), |text, (found, by)| found.replace_all(&text, by.as_str()).into_owned())
}
