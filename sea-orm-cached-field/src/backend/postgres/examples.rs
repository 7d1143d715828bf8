//! Every statement, by the file that it stands in, with the example as its owner.

use super::{catalog, claim, collect, complete, mark, query, read, recursion, sql, unique};
use crate::backend::{
    Backend,
    example::{Example, Named},
    query as queries, shared,
};

/// Those of workers and readers.
pub(crate) fn sent(of: &Example) -> Vec<(&'static str, Vec<Named>)> {
    vec![
        ("claim", claim::examples(of)),
        ("collect", collect::examples(of)),
        ("complete", complete::examples(of)),
        ("mark", mark::examples(of)),
        ("query", query::examples(of)),
        ("read", read::examples(of)),
        ("recursion", recursion::examples(of)),
        ("unique", unique::examples(of)),
        ("select", queries::examples(of, Backend::Postgres)),
        ("shared", shared::examples(of, sql)),
    ]
}

/// Those of installations and the doctor.
pub(crate) fn of_installation(of: &Example) -> Vec<(&'static str, Vec<Named>)> {
    vec![
        ("catalog", catalog::examples(of)),
        ("installation", shared::examples_of_installation(of, sql)),
    ]
}

#[test]
fn each_statement_is_as_written() {
    let of = Example::new();
    for (file, examples) in sent(&of).into_iter().chain(of_installation(&of)) {
        crate::backend::example::assert_as_written("postgres", file, examples);
    }
}

#[test]
fn what_is_installed_is_as_written() {
    let of = Example::new();
    let objects = super::tables::objects(&of.owner, &of.table, &of.related);
    crate::backend::example::assert_installed_as_written("postgres", &objects);
}
