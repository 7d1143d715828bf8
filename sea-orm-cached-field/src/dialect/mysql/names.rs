//! How names stand in the text: in backticks, which no `sql_mode` gives another meaning.

use crate::{
    dialect::sql::Sql,
    field::layout::{Owner, Table},
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

/// A string that stands in the text of a trigger. A backslash means what `sql_mode` says, so it is not written.
pub(super) fn literal(text: &str) -> String {
    if text.contains('\\') {
        let bytes: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        return format!("_utf8mb4 X'{bytes}'");
    }
    crate::dialect::sql::literal(text)
}

/// Marks and queue rows of these fields alone: others belong to a newer version of the program.
pub(super) fn known_fields(owner: &Owner, row: &str) -> String {
    one_of(owner, row, 0..owner.fields.len())
}

/// Marks and queue rows of some of them.
pub(super) fn one_of(owner: &Owner, row: &str, fields: impl IntoIterator<Item = usize>) -> String {
    let names: Vec<String> = fields.into_iter().map(|field| literal(owner.fields[field].name)).collect();
    format!("{row}.field IN ({})", names.join(", "))
}
