//! For how many rows statements are written. A connection keeps each text that it has sent as a prepared statement, and the
//! servers have only so much room for those: so lists have a few lengths, and what is missing is filled up.

/// Half the way from one size to the next costs less than the statement itself. A worker takes 200 rows at a time, if it is
/// not told otherwise, and 1000 at most.
const SIZES: [usize; 6] = [1, 5, 20, 60, 200, LARGEST];

/// Longer lists are as long as so many of these.
pub(crate) const LARGEST: usize = 1000;

/// The length that a list of so many rows is filled up to.
pub(crate) fn padded(rows: usize) -> usize {
    let size = SIZES.into_iter().find(|size| *size >= rows);
    size.unwrap_or_else(|| rows.next_multiple_of(LARGEST))
}

/// The list, filled up with its last row: where a row may be named twice.
pub(crate) fn repeated<T: Clone>(rows: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut rows: Vec<T> = rows.into_iter().collect();
    if let Some(last) = rows.last().cloned() {
        rows.resize(padded(rows.len()), last);
    }
    rows
}

/// The list in parts, each as long as one of the sizes: where nothing can be filled up.
pub(crate) fn parts<T>(mut rows: &[T]) -> Vec<&[T]> {
    let mut parts = Vec::new();
    while let Some(size) = SIZES.into_iter().rev().find(|size| *size <= rows.len()) {
        let (part, rest) = rows.split_at(size);
        parts.push(part);
        rows = rest;
    }
    parts
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::dialect::{Dialect, example, mysql::MySql, postgres::Postgres, sqlite::Sqlite};

    fn texts(dialect: &dyn Dialect, rows: usize) -> BTreeSet<(&'static str, String)> {
        let statements = example::statements_of(dialect, &example::owner(), i32::try_from(rows).unwrap());
        statements.into_iter().map(|(name, statement)| (name, statement.sql)).collect()
    }

    /// No other than those of these numbers of rows.
    fn assert_few_texts(dialect: &dyn Dialect, sizes: &[usize]) {
        let known: BTreeSet<_> = sizes.iter().flat_map(|size| texts(dialect, *size)).collect();
        for rows in (1..=22).chain([59, 60, 61, 199, 200, 201, 600]) {
            let unknown = texts(dialect, rows).into_iter().find(|text| !known.contains(text));
            if let Some((name, text)) = unknown {
                let end = text.floor_char_boundary(2000);
                panic!("{name} of {rows} rows:\n{}", &text[..end]);
            }
        }
    }

    #[test]
    fn statements_for_mysql_have_few_texts() {
        assert_few_texts(&MySql, &SIZES);
    }

    #[test]
    fn statements_for_postgres_have_one_text_for_many_rows() {
        assert_few_texts(&Postgres, &[1, 2]);
    }

    #[test]
    fn statements_for_sqlite_have_few_texts() {
        assert_few_texts(&Sqlite, &SIZES);
    }

    #[test]
    fn lists_have_few_lengths() {
        let lengths = |of: &[usize]| of.iter().copied().map(padded).collect::<Vec<_>>();
        assert_eq!(lengths(&[0, 1, 2, 5, 6, 200, 201, 1000]), [1, 1, 5, 5, 20, 200, 1000, 1000]);
        assert_eq!(lengths(&[1001, 2000, 2001]), [2000, 2000, 3000]);
        assert_eq!(repeated([1, 2, 3]), [1, 2, 3, 3, 3]);
        assert!(repeated(Vec::<i32>::new()).is_empty());
    }

    #[test]
    fn parts_are_the_whole() {
        for length in 0..2500 {
            let rows: Vec<usize> = (0..length).collect();
            let parts = parts(&rows);
            assert_eq!(parts.concat(), rows);
            assert!(parts.iter().all(|part| SIZES.contains(&part.len())), "{length}");
        }
    }
}
