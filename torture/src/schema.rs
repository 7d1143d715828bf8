//! A schema, made from a seed: tables, the links between them, and the cached fields.

use fastrand::Rng;

/// The number of rows in each table that all clients write. They are few, so that all clients meet
/// there.
pub(crate) const ROWS: i64 = 24;

/// Rows that are written only by writes that are rolled back.
pub(crate) const CANARIES: std::ops::Range<i64> = 900..904;

/// The columns that fields are calculated from.
pub(crate) const DATA: [&str; 2] = ["a", "b"];

const NAMES: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

/// The names of the fields that the entities have.
pub(crate) const FIELD_NAMES: [&str; 3] = ["f0", "f1", "f2"];

/// A value of another field is read modulo this number, so that sums of sums do not grow too large.
pub(crate) const SMALL: i64 = 1000;

#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) tables: Vec<Table>,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) links: Vec<Link>,
    pub(crate) fields: Vec<Field>,
}

/// A reference from one table to another, or to itself.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) to: usize,
    /// The action of the foreign key, if there is one.
    pub(crate) on_delete: Option<&'static str>,
}

/// A cached field: a weighted sum of its terms.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) terms: Vec<Term>,
    pub(crate) style: Style,
    pub(crate) flagged_by_the_collector: bool,
    pub(crate) lazy: bool,
    pub(crate) debounced: bool,
}

/// The style of the worker's calculation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Row,
    Batch,
    Query,
    /// The library's own query, for a sum or a number of rows.
    RollUp,
}

#[derive(Debug)]
pub(crate) enum Term {
    /// A sum over all paths that lead along these hops. For the row itself there are none.
    Path(Vec<Hop>, Reads),
    /// A sum over all rows that are reached by this hop, taken any number of times.
    Tree(Hop, Reads),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Hop {
    /// Over a link of this table.
    Up { link: usize },
    /// To the rows of a table whose link leads here.
    Down { table: usize, link: usize },
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Reads {
    /// One of [`DATA`].
    Data(usize),
    /// The stored value of a field.
    Cached(usize),
    /// Only that the row exists.
    Existence,
}

impl Schema {
    /// Makes a schema. The same seed makes the same schema, in every process.
    pub(crate) fn random(seed: u64) -> Self {
        let mut chance = Rng::with_seed(seed);
        let count = chance.usize(1..=NAMES.len());
        let has_foreign_keys = chance.u8(..3) == 0;
        let mut tables: Vec<Table> = NAMES[..count]
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let links = (0..chance.usize(1..=2)).map(|_| {
                    let to = chance.usize(..count);
                    // A foreign key leads to an earlier table, so that there is no circle of
                    // foreign keys with actions.
                    let action = *chance.choice(&["CASCADE", "SET NULL"]).expect("two");
                    Link { to, on_delete: Some(action).filter(|_| has_foreign_keys && to < at) }
                });
                Table { name, links: links.collect(), fields: Vec::new() }
            })
            .collect();

        let wanted = chance.usize(count..=count * 2 + 1);
        for n in 0..wanted {
            let at = if n < count { n } else { chance.usize(..count) };
            if tables[at].fields.len() < FIELD_NAMES.len() {
                let field = Field::random(&mut chance, &tables, at);
                tables[at].fields.push(field);
            }
        }

        Self { tables }
    }

    /// Returns the table that a hop from this one leads to.
    pub(crate) fn end(&self, table: usize, hop: Hop) -> usize {
        end(&self.tables, table, hop)
    }

    /// Returns whether all of its fields take their time, and workers calculate them as soon as
    /// they can. If fields are calculated only when they are read, some holes hardly ever show.
    pub(crate) fn shows_holes(&self) -> bool {
        let is_slow = |field: &Field| matches!(field.style, Style::Row | Style::Batch);
        self.fields().all(|(_, _, field)| !field.lazy && !field.debounced && is_slow(field))
    }

    /// Returns each table and field.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (usize, usize, &Field)> {
        let tables = self.tables.iter().enumerate();
        tables.flat_map(|(at, table)| {
            table.fields.iter().enumerate().map(move |(n, field)| (at, n, field))
        })
    }
}

impl std::fmt::Display for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for table in &self.tables {
            writeln!(f, "  {}: {:?}", table.name, table.links)?;
            for (n, field) in table.fields.iter().enumerate() {
                writeln!(f, "    {}: {field:?}", field_name(n))?;
            }
        }
        Ok(())
    }
}

fn end(tables: &[Table], table: usize, hop: Hop) -> usize {
    match hop {
        Hop::Up { link } => tables[table].links[link].to,
        Hop::Down { table, .. } => table,
    }
}

impl Field {
    /// Makes a field. It reads only fields that exist already, so there are no circles.
    fn random(chance: &mut Rng, tables: &[Table], table: usize) -> Self {
        let terms: Vec<Term> =
            (0..chance.usize(1..=3)).map(|_| Term::random(chance, tables, table)).collect();
        let has_tree = terms.iter().any(|term| matches!(term, Term::Tree(..)));
        let is_roll_up = matches!(&terms[..], [term] if term.is_rolled_up());
        let styles = match (has_tree, is_roll_up) {
            (true, _) => &[Style::Row, Style::Batch][..],
            (false, false) => &[Style::Row, Style::Batch, Style::Query],
            (false, true) => &[Style::Row, Style::Batch, Style::Query, Style::RollUp],
        };

        Self {
            style: *chance.choice(styles).expect("some"),
            flagged_by_the_collector: chance.u8(..3) == 0,
            lazy: chance.u8(..8) == 0,
            debounced: chance.u8(..6) == 0,
            terms,
        }
    }
}

impl Term {
    fn random(chance: &mut Rng, tables: &[Table], table: usize) -> Self {
        let is_to_itself = |hop: &Hop| end(tables, table, *hop) == table;
        let to_itself: Vec<Hop> = hops(tables, table).into_iter().filter(is_to_itself).collect();
        if chance.u8(..6) == 0
            && let Some(hop) = chance.choice(&to_itself)
        {
            return Self::Tree(*hop, Reads::random(chance, None));
        }

        let mut path = Vec::new();
        let mut at = table;
        for _ in 0..*chance.choice(&[0, 1, 1, 1, 2, 2, 3]).expect("some") {
            let Some(hop) = chance.choice(&hops(tables, at)).copied() else { break };
            path.push(hop);
            at = end(tables, at, hop);
        }

        let is_own_row = path.is_empty();
        let reads = Reads::random(chance, Some(&tables[at]));
        let reads =
            if is_own_row && matches!(reads, Reads::Existence) { Reads::Data(0) } else { reads };
        Self::Path(path, reads)
    }

    /// Returns whether a roll-up has the same value.
    fn is_rolled_up(&self) -> bool {
        match self {
            // The value of another field is read modulo a number.
            Self::Path(_, Reads::Cached(_)) | Self::Tree(..) => false,
            Self::Path(hops, _) => !hops.is_empty(),
        }
    }
}

impl Reads {
    fn random(chance: &mut Rng, fields_of: Option<&Table>) -> Self {
        let fields = fields_of.map_or(0, |table| table.fields.len());
        match chance.u8(..6) {
            0 => Self::Existence,
            1..=2 if fields > 0 => Self::Cached(chance.usize(..fields)),
            _ => Self::Data(chance.usize(..DATA.len())),
        }
    }
}

/// Returns all hops that lead further from a table.
fn hops(tables: &[Table], from: usize) -> Vec<Hop> {
    let up = (0..tables[from].links.len()).map(|link| Hop::Up { link });
    let down = tables.iter().enumerate().flat_map(|(table, other)| {
        let links = other.links.iter().enumerate().filter(move |(_, link)| link.to == from);
        links.map(move |(link, _)| Hop::Down { table, link })
    });
    up.chain(down).collect()
}

pub(crate) fn field_name(field: usize) -> &'static str {
    FIELD_NAMES[field]
}
