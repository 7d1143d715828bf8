//! Statements and fragments that are the same on every database.

pub(super) mod activity;
pub(super) mod chunks;
pub(super) mod claim;
pub(super) mod collect;
pub(super) mod complete;
pub(super) mod doctor;
pub(super) mod inspect;
pub(super) mod mark;
pub(super) mod pause;
pub(super) mod read;
pub(super) mod records;
pub(super) mod unique;
pub(super) mod versions;

use sea_orm::DbErr;

use super::sql::tables;
use crate::layout::Owner;
#[cfg(test)]
use crate::{
    backend::{
        example::{Example, Named, named},
        sql::{Sql, versions_beside},
    },
    catalog::Version,
    queue::{Failure, Part},
};
#[cfg(test)]
use inspect::Expiry;

/// The first of the library's tables for this owner, of these other objects, and of the columns
/// that older releases do not have, that an error names.
pub(super) fn object_in<const N: usize>(
    owner: &Owner,
    others: [String; N],
    error: &DbErr,
) -> Option<String> {
    let message = error.to_string();
    let is_named = |name: &String| {
        // The name of another owner's table may end like this one.
        let continues = |before: char| before.is_alphanumeric() || before == '_';
        message.match_indices(name.as_str()).any(|(at, _)| !message[..at].ends_with(continues))
    };
    let tables = tables(owner).into_iter().map(|table| table.name);
    let columns = ["stale_since".to_owned()];
    tables.chain(others).chain(columns).find(is_named)
}

/// What is the same on every database, and sent by workers and readers.
#[cfg(test)]
pub(super) fn examples(of: &Example, sql: impl Fn() -> Sql, expiry: &Expiry) -> Vec<Named> {
    let owner = &of.owner;
    let after = of.chunk.after.as_ref();
    let marked = std::slice::from_ref(&of.chunk);
    let failure = Failure { field: 0, error: Some("no"), is_final: Some(false) };

    [
        named("flag", mark::flag(sql(), owner, 0, &of.keys[0])),
        named("is_given_up", complete::is_given_up(sql(), owner, &of.claims[0])),
        named("is_marked", complete::is_marked(sql(), owner, &of.claims[0])),
        named("delete_mark", chunks::delete_mark(sql(), owner, 1)),
        named("backlog_boundary", chunks::backlog_boundary(sql(), owner, after, 100)),
        named("keys", chunks::keys(sql(), owner, &of.chunk, 100)),
        named("count_rest", chunks::count_rest(sql(), owner, after)),
        named("marked_chunks", chunks::marked_chunks(sql(), owner, 0, &of.chunk)),
        named("unqueued_in", chunks::unqueued_in(sql(), owner, 0, &of.chunk, marked)),
        named("mark_chunk", chunks::mark_chunk(sql(), owner, 0, &of.chunk)),
        named("pauses", pause::pauses(sql(), owner)),
        named("pause", pause::pause(sql(), owner, 0, "ann", "a deploy")),
        named("pause_first", pause::pause_first(sql(), owner, 0, "a fuse", "many rows")),
        named("pause_again", pause::pause_again(sql(), owner, 0, "a fuse", "many rows", 1)),
        named("resume", pause::resume(sql(), owner, 0)),
        named("see_worker", activity::see_worker(sql(), owner, &of.worker())),
        named("forget_worker", activity::forget_worker(sql(), owner, 1)),
        named("forget_lost_workers", activity::forget_lost_workers(sql(), owner, 1)),
        named("workers", activity::workers(sql(), owner)),
        named("record_minute", activity::record_minute(sql(), owner, 1, &of.minute())),
        named("forget_minutes", activity::forget_minutes(sql(), owner, 1)),
        named("activity", activity::activity(sql(), owner, 1)),
        named("look_at_queue", Part::ALL.map(|part| inspect::look_at_queue(sql(), owner, part))),
        named("count_queue", Part::ALL.map(|part| inspect::count_queue(sql(), owner, part))),
        named("count_marks", inspect::count_marks(sql(), owner)),
        named("failed_groups", Part::ALL.map(|part| inspect::failed_groups(sql(), owner, part))),
        named("failed_rows", inspect::failed_rows(sql(), owner, &failure, after, 100)),
        named("rows_to_retry", inspect::rows_to_retry(sql(), owner, &failure, after, 100)),
        named("is_claimed", inspect::is_claimed(sql(), owner, 0)),
        named("retry_failed", claim::retry_failed(sql(), owner)),
        named("row", inspect::row(sql(), owner, 0, &of.keys[0], Some(expiry))),
        named("first_expiry", inspect::first_expiry(sql(), owner, 0, expiry)),
        named("count_expiries", inspect::count_expiries(sql(), owner, 0, expiry)),
        named("place", inspect::place(sql(), owner, 0, &of.keys[0])),
        named("marks_of_row", inspect::marks_of_row(sql(), owner, 0, &of.keys[0])),
        named("is_in_chunk", inspect::is_in_chunk(sql(), owner, 0, &of.keys[0])),
    ]
    .concat()
}

/// What is the same on every database, and sent by installations and the doctor.
#[cfg(test)]
pub(super) fn examples_of_installation(of: &Example, sql: impl Fn() -> Sql) -> Vec<Named> {
    let owner = &of.owner;
    let version = Version {
        field: "full_name".to_owned(),
        calculation: 1,
        inputs: None,
        kept_by: None,
        renewal: None,
        declared_by: None,
    };

    [
        named("versions", versions::versions(sql(), owner)),
        named("declarations", versions::declarations(sql(), &owner.table)),
        named("set_version", versions::set_version([sql(), sql()], owner, &version)),
        named("end_renewal", versions::end_renewal(sql(), owner, 0, 1)),
        named("forget", versions::forget(sql(), &versions_beside(&owner.table))),
        named("has_values", versions::has_values(sql(), owner, 0, true)),
        named("has_values_without_queue", versions::has_values(sql(), owner, 0, false)),
        named("is_any_flagged", doctor::is_any_flagged(sql(), owner, 0)),
        named("unqueued", doctor::unqueued(sql(), owner, 0)),
        named("waiting", doctor::waiting(sql(), owner)),
    ]
    .concat()
}
