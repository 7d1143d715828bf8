//! Lists of fields, which a column of marks has to take.

use crate::{
    backend::{names::Names, sql::list},
    layout::Owner,
};

/// How long a list of fields may be: as long as the name of one.
// So the index over key and list takes every key that it took when a mark had one field.
pub(super) const LIST: usize = 128;

/// These fields, in as many parts as their lists have to be divided into.
pub(super) fn in_lists(owner: &Owner, fields: impl IntoIterator<Item = usize>) -> Vec<Vec<usize>> {
    let mut parts: Vec<Vec<usize>> = Vec::new();
    for field in fields {
        let fits = |part: &&mut Vec<usize>| {
            list(owner, part.iter().copied().chain([field])).chars().count() <= LIST
        };
        match parts.last_mut().filter(fits) {
            Some(part) => part.push(field),
            None => parts.push(vec![field]),
        }
    }
    parts
}

/// Rows of the queue of some fields.
pub(super) fn is_one_of(names: Names<'_>, row: &str, fields: &[usize]) -> String {
    let fields = names.fields(fields.iter().copied());
    format!("{row}.field IN ({fields})")
}
