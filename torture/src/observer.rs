//! The observer: the invariants of every snapshot. It calculates by itself, from the rows, without
//! SQL.

use std::collections::{BTreeSet, HashMap};

use crate::{
    schema::{CANARIES, Hop, Reads, SMALL, Schema, Term, field_name},
    snapshot::{Row, Snapshot},
};

/// Looks at one snapshot.
pub(crate) struct Observer<'a> {
    schema: &'a Schema,
    snapshot: &'a Snapshot,
    /// For each table and link, the rows that link to a row.
    linking: Vec<Vec<HashMap<i64, Vec<i64>>>>,
    /// Whether the flag follows every change at once.
    flag_is_exact: bool,
    /// Whether cached fields count with their right values, instead of the stored ones.
    looks_at_data_alone: bool,
}

impl<'a> Observer<'a> {
    pub(crate) fn new(schema: &'a Schema, snapshot: &'a Snapshot, flag_is_exact: bool) -> Self {
        let linking = schema.tables.iter().zip(&snapshot.tables).map(|(table, rows)| {
            let links = (0..table.links.len()).map(|link| {
                let mut linking: HashMap<i64, Vec<i64>> = HashMap::new();
                for (n, row) in rows {
                    if let Some(to) = row.links[link] {
                        linking.entry(to).or_default().push(*n);
                    }
                }
                linking
            });
            links.collect()
        });

        Self {
            schema,
            snapshot,
            linking: linking.collect(),
            flag_is_exact,
            looks_at_data_alone: false,
        }
    }

    /// Returns an observer that knows the right values of all fields, whatever is stored.
    pub(crate) fn of_data(schema: &'a Schema, snapshot: &'a Snapshot) -> Self {
        Self { looks_at_data_alone: true, ..Self::new(schema, snapshot, false) }
    }

    /// Checks the invariants that hold at any time: I4, I5 and I6.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (table, field, definition) in self.schema.fields() {
            for (n, row) in &self.snapshot.tables[table] {
                let stored = row.fields[field];
                let expected = self.expected(table, field, *n);
                let queued = self.snapshot.queued[table].contains(&(*n, field));
                let marked = self.snapshot.marked[table].contains(&(*n, field))
                    || self.snapshot.marked_elsewhere[table].contains(&field);

                let wrong = stored.value != Some(expected);
                let say = |what: &str| {
                    let name = self.schema.tables[table].name;
                    let field = field_name(field);
                    Err(format!(
                        "{what}: {name} {n}, {field}: {stored:?}, expected {expected}, queued: {queued}, marked: {marked}; {row:?}"
                    ))
                };

                if wrong && !stored.flagged && !marked && !queued {
                    return say("I4, a wrong value that nothing tells of");
                }
                if wrong && !stored.flagged && self.flag_is_exact {
                    return say("I4, a wrong value without a flag");
                }
                if stored.flagged && !marked && !queued && !definition.lazy {
                    return say("I4, a flag that no worker will see");
                }
                let marked_itself = self.snapshot.marked[table].contains(&(*n, field));
                if CANARIES.contains(n)
                    && !definition.lazy
                    && (wrong || stored.flagged || marked_itself || queued)
                {
                    return say("I6, a change that was rolled back has left something behind");
                }
            }
        }

        self.check_turns()
    }

    /// Checks that only the columns of the fields are written: all counts of the clients are there.
    fn check_turns(&self) -> Result<(), String> {
        for (table, rows) in self.schema.tables.iter().zip(&self.snapshot.tables) {
            for (n, row) in rows {
                let taken = self.snapshot.ledger.get(&row.born).copied().unwrap_or(0);
                if row.turns != taken {
                    return Err(format!(
                        "I5, a column of the user was written: {} {n} counts {} turns of {taken}",
                        table.name, row.turns
                    ));
                }
            }
        }
        Ok(())
    }

    /// Checks the invariants that hold when all writers have stopped, and nothing is left to do: I1
    /// and I3.
    pub(crate) fn check_at_rest(&self) -> Result<(), String> {
        self.check()?;

        for (table, field, definition) in self.schema.fields() {
            for (n, row) in &self.snapshot.tables[table] {
                let stored = row.fields[field];
                let expected = self.expected(table, field, *n);
                let is_right = stored.value == Some(expected) && !stored.flagged;
                let is_told = definition.lazy && stored.flagged;
                if !is_right && !is_told {
                    let table = self.schema.tables[table].name;
                    let field = field_name(field);
                    return Err(format!(
                        "I1, a change without a recalculation: {table} {n}, {field}: {stored:?}, expected {expected}"
                    ));
                }
            }
        }

        Ok(())
    }

    fn row(&self, table: usize, n: i64) -> Option<&Row> {
        self.snapshot.tables[table].get(&n)
    }

    pub(crate) fn expected(&self, table: usize, field: usize, n: i64) -> i64 {
        let terms = (1..).zip(&self.schema.tables[table].fields[field].terms);
        terms.map(|(weight, term)| weight * self.value(table, n, term)).sum()
    }

    fn value(&self, table: usize, n: i64, term: &Term) -> i64 {
        match term {
            Term::Path(hops, reads) => {
                let mut at = table;
                let mut rows = vec![n];
                for hop in hops {
                    rows = rows.iter().flat_map(|n| self.follow(at, *n, *hop)).collect();
                    at = self.schema.end(at, *hop);
                }
                rows.iter().map(|n| self.read(at, *n, *reads)).sum()
            }
            Term::Tree(hop, reads) => {
                let mut reached = BTreeSet::new();
                let mut open = vec![n];
                while let Some(n) = open.pop() {
                    open.extend(
                        self.follow(table, n, *hop)
                            .into_iter()
                            .filter(|next| reached.insert(*next)),
                    );
                }
                reached.iter().map(|n| self.read(table, *n, *reads)).sum()
            }
        }
    }

    fn follow(&self, table: usize, n: i64, hop: Hop) -> Vec<i64> {
        match hop {
            Hop::Up { link } => {
                let to = self.row(table, n).and_then(|row| row.links[link]);
                let far = self.schema.tables[table].links[link].to;
                to.into_iter().filter(|to| self.row(far, *to).is_some()).collect()
            }
            Hop::Down { table, link } => {
                self.linking[table][link].get(&n).cloned().unwrap_or_default()
            }
        }
    }

    fn read(&self, table: usize, n: i64, reads: Reads) -> i64 {
        let Some(row) = self.row(table, n) else { return 0 };
        match reads {
            Reads::Data(column) => row.data[column],
            Reads::Cached(field) if self.looks_at_data_alone => {
                self.expected(table, field, n) % SMALL
            }
            Reads::Cached(field) => row.fields[field].value.unwrap_or(0) % SMALL,
            Reads::Existence => 1,
        }
    }
}
