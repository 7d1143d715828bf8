//! How names stand in the text: in backticks, which no `sql_mode` gives another meaning.

use crate::{
    backend::sql::{Sql, list},
    layout::{Owner, Table},
};

pub(super) fn quote(identifier: &str) -> String {
    Sql::mysql().quote(identifier)
}

pub(super) fn quote_all<'a>(identifiers: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    identifiers.into_iter().map(quote).collect()
}

pub(super) fn qualified(table: &Table) -> String {
    Sql::mysql().qualified(table)
}

pub(super) fn owner_key(owner: &Owner) -> Vec<String> {
    Sql::mysql().owner_key(owner)
}

/// A string that stands in the text of a trigger. A backslash means what `sql_mode` says, so it is
/// not written.
pub(super) fn literal(text: &str) -> String {
    if text.contains('\\') {
        let bytes: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        return format!("_utf8mb4 X'{bytes}'");
    }
    crate::backend::sql::literal(text)
}

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
pub(super) fn one_of(owner: &Owner, row: &str, fields: impl IntoIterator<Item = usize>) -> String {
    let names: Vec<String> =
        fields.into_iter().map(|field| literal(owner.fields[field].name)).collect();
    let names = names.join(", ");
    format!("{row}.field IN ({names})")
}
