//! Holes in SQL text, for the torture test to prove that it finds them. Not in any program of a
//! user.

use std::{
    env,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use regex::Regex;

/// One replacement a line: a regular expression, ` => `, and what stands in its place.
const VARIABLE: &str = "CACHED_FIELD_MUTATION";

struct Replacement {
    line: String,
    found: Regex,
    by: String,
    has_matched: AtomicBool,
}

static REPLACEMENTS: LazyLock<Vec<Replacement>> = LazyLock::new(|| {
    let lines = env::var(VARIABLE).unwrap_or_default();
    lines.lines().filter_map(Replacement::read).collect()
});

impl Replacement {
    fn read(line: &str) -> Option<Self> {
        let (found, by) = line.split_once(" => ")?;
        let found = Regex::new(found).expect("a regular expression");

        Some(Self {
            line: line.to_owned(),
            found,
            by: by.to_owned(),
            has_matched: AtomicBool::new(false),
        })
    }

    fn replace(&self, text: String) -> String {
        if !self.found.is_match(&text) {
            return text;
        }
        self.has_matched.store(true, Ordering::Relaxed);

        self.found.replace_all(&text, self.by.as_str()).into_owned()
    }
}

pub(crate) fn mutated(text: &str) -> String {
    REPLACEMENTS.iter().fold(text.to_owned(), |text, replacement| replacement.replace(text))
}

/// The lines of the variable that have replaced something in this process.
pub fn matched() -> impl Iterator<Item = &'static str> {
    let matched =
        REPLACEMENTS.iter().filter(|replacement| replacement.has_matched.load(Ordering::Relaxed));
    matched.map(|replacement| replacement.line.as_str())
}
