//! For how many rows statements are written. A connection keeps each text that it has sent as a
//! prepared statement, and the servers have only so much room for those. So lists have a few
//! lengths, and what is missing is filled up.

use std::slice::Chunks;

use crate::{
    layout::Owner,
    queue::{Shape, Written},
};

/// Half the way from one size to the next costs less than the statement itself. A worker takes 200
/// rows at a time, if it is not told otherwise, and 1000 at most.
const SIZES: [usize; 6] = [1, 5, 20, 60, 200, LARGEST];

/// Longer lists are as long as so many of these.
pub(crate) const LARGEST: usize = 1000;

/// The most values that a statement binds: SQLite takes 32,766, the servers 65,535. A query of the
/// user may add its own.
pub(super) const MOST_VALUES: usize = 32_766;

/// How many of them lists take.
const MOST_OF_LISTS: usize = 30_000;

/// Claims, or what is like them, in parts for a statement each: a model may have many fields, and a
/// key many columns.
pub(crate) fn claims_in_parts<'r, T>(owner: &Owner, rows: &'r [T]) -> Chunks<'r, T> {
    // The key once for each source whose marks may concern the row, and at most: field, generation,
    // lease, time, time of the mark.
    in_parts(rows, owner.key.len() * (2 + owner.looked_up().count()) + 5)
}

/// Rows with their values in parts for a statement each.
pub(crate) fn written_in_parts<'r>(
    owner: &Owner,
    shape: &Shape,
    rows: &'r [Written],
) -> Chunks<'r, Written> {
    // The key, and at most: place, moment, and each value in two assignments.
    in_parts(rows, owner.key.len() + 2 + 2 * shape.0.len())
}

fn in_parts<T>(rows: &[T], values_of_a_row: usize) -> Chunks<'_, T> {
    let fits = |size: &usize| size * values_of_a_row <= MOST_OF_LISTS;
    rows.chunks(SIZES.into_iter().rev().find(fits).unwrap_or(1))
}

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

    use sea_orm::{Statement, sea_query::Values};

    use super::*;
    use crate::backend::{
        Backend,
        example::{self, Example},
    };

    fn texts(backend: Backend, rows: usize) -> BTreeSet<(&'static str, String)> {
        let of = Example::of(example::owner(), i32::try_from(rows).unwrap());
        let statements = example::sent(backend, &of);
        statements.into_iter().map(|(name, statement)| (name, statement.sql)).collect()
    }

    /// No other than those of these numbers of rows.
    fn assert_few_texts(backend: Backend, sizes: &[usize]) {
        let known: BTreeSet<_> = sizes.iter().flat_map(|size| texts(backend, *size)).collect();
        for rows in (1..=22).chain([59, 60, 61, 199, 200, 201, 600]) {
            let unknown = texts(backend, rows).into_iter().find(|text| !known.contains(text));
            if let Some((name, text)) = unknown {
                let end = text.floor_char_boundary(2000);
                panic!("{name} of {rows} rows:\n{}", &text[..end]);
            }
        }
    }

    #[cfg(feature = "sqlx-mysql")]
    #[test]
    fn statements_for_mysql_have_few_texts() {
        assert_few_texts(Backend::MySql, &SIZES);
    }

    #[cfg(feature = "sqlx-postgres")]
    #[test]
    fn statements_for_postgres_have_one_text_for_many_rows() {
        assert_few_texts(Backend::Postgres, &[1, 2]);
    }

    #[cfg(feature = "sqlx-sqlite")]
    #[test]
    fn statements_for_sqlite_have_few_texts() {
        assert_few_texts(Backend::Sqlite, &SIZES);
    }

    /// With a key of many columns, many fields, and sources of which marks have to be looked up.
    fn wide(key: usize, fields: usize, sources: usize) -> Owner {
        let mut owner = example::owner();
        owner.key = vec![owner.key[0].clone(); key];
        for (at, column) in owner.key.iter_mut().enumerate() {
            column.name = format!("id_{at}");
        }
        owner.fields = vec![owner.fields[0].clone(); fields];
        owner.sources = vec![owner.sources[1].clone(); sources];
        owner
    }

    #[test]
    fn no_statement_binds_more_than_a_database_takes() {
        for owner in
            [wide(1, 1, 1), wide(1, 100, 1), wide(1, 2, 20), wide(8, 40, 5), wide(16, 1000, 30)]
        {
            for backend in Backend::ALL {
                let of = Example::of(owner.clone(), LARGEST as i32);
                let statements = example::sent(*backend, &of);
                let bound = statements.into_iter().map(|(name, Statement { values, .. })| {
                    (values.map_or(0, |Values(values)| values.len()), name)
                });
                let (most, name) = bound.max().unwrap();
                assert!(most <= MOST_VALUES, "{name} binds {most} values");
            }
        }
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
