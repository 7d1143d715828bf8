//! Changes counted: one line for each table.

use std::fmt;

use super::{Change, Changes, report::left_alone};
use crate::error::counted;

/// The greatest number of fields that a line names.
const NAMED: usize = 3;

/// The changes of one table, counted.
pub(super) struct Summary<'c> {
    pub(super) table: &'c str,
    parts: Vec<Part>,
}

/// Changes of one sort, in the order in which the first of each was made.
#[derive(PartialEq, Eq)]
enum Part {
    /// `6 tables, 9 triggers created`
    Objects { done: Done, kinds: Vec<(&'static str, u64)> },
    /// `120 rows flagged for length, width (version 2)`
    Rows { done: Done, rows: u64, version: Option<u32>, fields: Vec<&'static str> },
    /// Nothing was changed, and the user should know why.
    LeftAlone,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Added,
    Created,
    Replaced,
    Upgraded,
    Dropped,
    Enabled,
    Granted,
    Flagged,
    Queued,
    Retried,
}

impl Done {
    fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Created => "created",
            Self::Replaced => "replaced",
            Self::Upgraded => "upgraded",
            Self::Dropped => "dropped",
            Self::Enabled => "enabled",
            Self::Granted => "granted",
            Self::Flagged => "flagged",
            Self::Queued => "queued",
            Self::Retried => "retried",
        }
    }
}

impl Changes {
    /// Returns the changes of each table, in the order in which the tables were changed first.
    pub(super) fn summaries(&self) -> Vec<Summary<'_>> {
        let mut summaries: Vec<Summary<'_>> = Vec::new();
        for change in self.iter() {
            let table = change.table();
            match summaries.iter_mut().find(|summary| summary.table == table) {
                Some(summary) => summary.add(change),
                None => {
                    let mut summary = Summary { table, parts: Vec::new() };
                    summary.add(change);
                    summaries.push(summary);
                }
            }
        }
        summaries
    }
}

impl Summary<'_> {
    fn add(&mut self, change: &Change) {
        match *change {
            Change::Created { kind: "column", .. } => self.count(Done::Added, "column", 1),
            Change::Created { kind, .. } => self.count(Done::Created, kind, 1),
            Change::Replaced { kind, .. } => self.count(Done::Replaced, kind, 1),
            Change::Upgraded { .. } => self.count(Done::Upgraded, "table", 1),
            Change::Dropped { kind, .. } => self.count(Done::Dropped, kind, 1),
            Change::Enabled { .. } => self.count(Done::Enabled, "trigger", 1),
            Change::Granted { .. } => self.count(Done::Granted, "right", 1),
            Change::Retried { rows, .. } => self.count(Done::Retried, "failed row", rows),
            Change::Flagged { field, rows, .. } => {
                self.count_rows(Done::Flagged, rows, None, field);
            }
            Change::Outdated { field, rows, version, .. } => {
                self.count_rows(Done::Flagged, rows, Some(version), field);
            }
            Change::Queued { field, rows, .. } => self.count_rows(Done::Queued, rows, None, field),
            Change::Abandoned { .. } => self.parts.push(Part::LeftAlone),
        }
    }

    fn count(&mut self, what: Done, kind: &'static str, number: u64) {
        for part in &mut self.parts {
            let Part::Objects { done, kinds } = part else { continue };
            if *done != what {
                continue;
            }
            match kinds.iter_mut().find(|(counted, _)| *counted == kind) {
                Some((_, count)) => *count += number,
                None => kinds.push((kind, number)),
            }
            return;
        }
        self.parts.push(Part::Objects { done: what, kinds: vec![(kind, number)] });
    }

    /// Counts rows. Fields of the same rows, for the same reason, are named together.
    fn count_rows(&mut self, what: Done, number: u64, because: Option<u32>, field: &'static str) {
        for part in &mut self.parts {
            let Part::Rows { done, rows, version, fields } = part else { continue };
            if (*done, *rows, *version) == (what, number, because) {
                fields.push(field);
                return;
            }
        }
        let fields = vec![field];
        self.parts.push(Part::Rows { done: what, rows: number, version: because, fields });
    }

    /// Returns to how many objects this was done, or to how many fields of rows; `None` if to none.
    pub(super) fn number(&self, what: Done) -> Option<u64> {
        let numbers = self.parts.iter().map(|part| match part {
            Part::Objects { done, kinds } if *done == what => {
                kinds.iter().map(|(_, number)| number).sum()
            }
            Part::Rows { done, rows, fields, .. } if *done == what => rows * fields.len() as u64,
            _ => 0,
        });
        let number: u64 = numbers.sum();
        Some(number).filter(|number| *number > 0)
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, parts } = self;
        write!(f, "{table}: ")?;
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                f.write_str("; ")?;
            }
            match part {
                Part::Objects { done, kinds } => {
                    let kinds = kinds.iter().map(|(kind, number)| counted(*number, kind));
                    let kinds = kinds.collect::<Vec<_>>().join(", ");
                    write!(f, "{kinds} {}", done.name())?;
                }
                Part::Rows { done, rows, version, fields } => {
                    write!(f, "{} {} for ", counted(*rows, "row"), done.name())?;
                    match fields.len() {
                        0..=NAMED => f.write_str(&fields.join(", "))?,
                        more => f.write_str(&counted(more as u64, "field"))?,
                    }
                    match version {
                        None => {}
                        Some(0) => f.write_str(" (no version)")?,
                        Some(version) => write!(f, " (version {version})")?,
                    }
                }
                Part::LeftAlone => f.write_str(&left_alone(table))?,
            }
        }
        Ok(())
    }
}
