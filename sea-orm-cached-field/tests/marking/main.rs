//! What the database marks: every real change of a declared input, whoever wrote it, and nothing else.

#[macro_use]
#[path = "../harness/mod.rs"]
mod harness;

mod own_columns_are_seen;
