use std::fmt;

use crate::queue::COUNTED;

/// A number of rows, as far as it was counted. The figures of a large backlog must not add to its
/// load. So no more than 10,001 rows are counted of each part of the queue: of what is due, of what
/// is due later, and of what has failed for good.
///
/// Displayed, it is `17`, `10,000+` or `unknown`.
///
/// ```
/// use sea_orm_cached_field::Count;
///
/// assert_eq!(Count::Exactly(1_234).to_string(), "1,234");
/// assert_eq!(Count::AtLeast(10_000).to_string(), "10,000+");
/// assert_eq!(Count::Unknown.at_least(), 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Count {
    /// There are so many rows.
    Exactly(u64),
    /// There are so many rows, and perhaps more.
    AtLeast(u64),
    /// No row was seen, but not all were looked at.
    Unknown,
}

impl Count {
    /// Returns what was found. `is_cut`: there were more rows than were looked at.
    pub(super) fn new(found: u64, is_cut: bool) -> Self {
        match found {
            0 if is_cut => Self::Unknown,
            found if is_cut => Self::AtLeast(found.min(COUNTED - 1)),
            found => Self::Exactly(found),
        }
    }

    /// Returns the number of rows that there are at least.
    pub fn at_least(self) -> u64 {
        match self {
            Self::Exactly(rows) | Self::AtLeast(rows) => rows,
            Self::Unknown => 0,
        }
    }

    /// Returns `1 row`, `10,000+ rows`.
    pub(super) fn of(self, what: &str) -> String {
        match self {
            Self::Exactly(1) => format!("1 {what}"),
            count => format!("{count} {what}s"),
        }
    }

    /// Returns whether there is certainly no row.
    pub fn is_zero(self) -> bool {
        self == Self::Exactly(0)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, more) = match self {
            Self::Exactly(rows) => (rows, ""),
            Self::AtLeast(rows) => (rows, "+"),
            Self::Unknown => return f.pad("unknown"),
        };
        let digits = rows.to_string();
        let groups: Vec<&str> = digits
            .as_bytes()
            .rchunks(3)
            .rev()
            .map(|group| std::str::from_utf8(group).unwrap_or_default())
            .collect();
        f.pad(&(groups.join(",") + more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_looked_at_is_not_zero() {
        assert_eq!(Count::new(0, false), Count::Exactly(0));
        assert_eq!(Count::new(0, true), Count::Unknown);
        assert_eq!(Count::new(7, true), Count::AtLeast(7));
        assert_eq!(Count::new(COUNTED, true), Count::AtLeast(10_000));
        assert!(!Count::Unknown.is_zero());
    }

    #[test]
    fn digits_are_grouped_by_three() {
        let shown = [0, 999, 1_000, 1_234_567].map(|rows| Count::Exactly(rows).to_string());
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(format!("{:>9}|", Count::AtLeast(10_000)), "  10,000+|");
    }
}
