//! What the database marks: every real change of a declared input, whoever wrote it, and nothing else.

#[macro_use]
#[path = "../harness/mod.rs"]
mod harness;
mod support;

mod an_attachment_that_the_change_could_not_see_is_not_lost;
mod bulk_writes_are_seen;
mod changes_behind_belongs_to_are_seen;
mod changes_behind_has_many_are_seen;
mod changes_behind_has_one_are_seen;
mod own_columns_are_seen;
mod upserts_are_seen;
