//! How results are written.

use std::{
    cell::Cell,
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// The greatest width of a table, in characters.
const WIDTH: u16 = 100;

/// The number of the form of JSON documents. It changes if a member goes or means something else.
const SCHEMA: u32 = 1;

/// How a command writes its result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    pub(super) is_json: bool,
}

#[derive(Serialize)]
struct Document<'a, T> {
    schema: u32,
    #[serde(flatten)]
    of: std::collections::BTreeMap<&'a str, T>,
}

impl Output {
    /// Writes a result: as a document with this member, or as text.
    pub(super) fn write<T: Serialize>(
        self,
        member: &str,
        result: &T,
        text: impl FnOnce() -> String,
    ) -> std::io::Result<()> {
        let mut stdout = std::io::stdout().lock();
        if self.is_json {
            let of = std::collections::BTreeMap::from([(member, result)]);
            serde_json::to_writer(&mut stdout, &Document { schema: SCHEMA, of })?;
            writeln!(stdout)?;
        } else {
            let text = text();
            stdout.write_all(text.as_bytes())?;
            if !text.is_empty() && !text.ends_with('\n') {
                writeln!(stdout)?;
            }
        }
        stdout.flush()
    }

    /// Clears the terminal, if the result is shown on one.
    pub(super) fn clear(self) -> std::io::Result<()> {
        let mut stdout = std::io::stdout().lock();
        if !self.is_json && stdout.is_terminal() {
            write!(stdout, "\x1b[2J\x1b[H")?;
        }
        Ok(())
    }
}

/// The time between two lines of progress where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// What is shown on stderr of work that takes long: a line that changes on a terminal, elsewhere a
/// line every ten seconds.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    last_line: Cell<Instant>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            match ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Self { bar, last_line: Cell::new(Instant::now()) }
    }

    pub(super) fn show(&self, text: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_message(text());
            bar.tick();
        } else if self.last_line.get().elapsed() >= BETWEEN_LINES {
            eprintln!("{}", text());
            self.last_line.set(Instant::now());
        }
    }
}

/// Writes rows under their headings. Columns that are empty in all rows are left out. Texts are
/// broken only in a table that is too wide, and never those of the first column, which names the
/// row.
pub(super) fn table<const N: usize>(headings: [&str; N], rows: Vec<[String; N]>) -> String {
    let is_empty = |column: usize| rows.iter().all(|row| row[column].is_empty());
    let shown: Vec<usize> = (0..N).filter(|column| !is_empty(*column)).collect();

    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(shown.iter().map(|column| headings[*column]));
    for row in &rows {
        table.add_row(shown.iter().map(|column| row[*column].as_str()));
    }
    let is_wide = |line: String| line.trim_end().chars().count() > usize::from(WIDTH);
    if table.lines().any(is_wide) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(WIDTH);
        if let Some(first) = table.column_mut(0) {
            first.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    lines.collect()
}

/// Writes a duration to the second, or to the millisecond below one: `1m 10s`, `24ms`.
pub(super) fn duration(duration: Duration) -> String {
    let rounded = match duration.as_secs() {
        0 => Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or_default()),
        seconds => Duration::from_secs(seconds),
    };
    humantime::format_duration(rounded).to_string()
}

/// Writes a count, or nothing if it is zero.
pub(super) fn unless_zero(count: crate::Count) -> String {
    if count.is_zero() { String::new() } else { count.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let shown = [0, 24, 999, 1_500, 70_000, 3_600_000].map(Duration::from_millis).map(duration);
        assert_eq!(shown, ["0s", "24ms", "999ms", "1s", "1m 10s", "1h"]);
    }

    #[test]
    fn a_table_has_no_empty_columns() {
        let rows = vec![
            ["a".to_owned(), String::new(), "1".to_owned()],
            ["bb".to_owned(), String::new(), String::new()],
        ];
        let shown = table(["FIELD", "DUE", "FAILED"], rows);
        assert_eq!(shown, " FIELD  FAILED\n a      1\n bb\n");
    }
}
