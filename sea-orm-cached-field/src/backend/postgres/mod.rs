//! PostgreSQL 13 and later.
//!
//! A trigger only appends marks and never waits. Workers go by keys and `ctid`s with planner
//! settings of their own: our two tables look tiny whenever they were last empty, and a plan made
//! then would be slow for good.

mod append;
mod catalog;
mod claim;
mod collect;
mod complete;
mod functions;
mod mark;
mod own_triggers;
mod own_updates;
#[cfg(test)]
mod plans;
mod query;
mod read;
mod recursion;
mod related_triggers;
mod rights;
mod tables;
mod unique;
mod upgrade;
mod way;

use std::time::Duration;

use sea_orm::{
    ColumnType, DatabaseConnection, DbBackend, DbErr, Statement, TransactionOptions, Value,
};

use super::{Dialect, Identity, Session, WakeUp, sql::Sql};
use crate::{
    catalog::{Described, Object, ObjectKind, UniqueIndex},
    declaration::{Chunk, Key},
    layout::{Field, Owner, Source, Table, Upstream},
    queue::{Claim, Enqueued, NextTry, Shape, Which, Written},
};

/// The channel on which sleeping workers are woken.
const CHANNEL: &str = "cached_fields";

/// Now, in milliseconds since 1970: never later than it is.
const NOW: &str = "CAST(floor(extract(epoch FROM now()) * 1000) AS bigint)";

pub(super) struct Postgres;

fn statement(sql: Sql, text: String) -> Statement {
    sql.statement(text)
}

/// A moment as the field's expiry is written.
fn as_expiry(field: &Field, moment: &str) -> String {
    match field.time_zone {
        Some(zone) => {
            let zone = super::sql::literal(zone.name());
            format!("({moment} AT TIME ZONE {zone})")
        }
        None => moment.to_owned(),
    }
}

/// What our advisory locks begin with.
const OURS: i64 = 0x5e_a0cf << 32;

/// The advisory lock that a sleeping worker holds, as an SQL expression: the upper half is ours,
/// the lower half is the table of marks.
fn sleep_lock(marks: &str) -> String {
    let marks = super::sql::literal(marks);
    format!("{OURS} + {marks}::regclass::oid::bigint")
}

impl Dialect for Postgres {
    fn sql(&self) -> Sql {
        Sql::postgres()
    }

    fn backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    fn feature(&self) -> (&'static str, bool) {
        ("sqlx-postgres", cfg!(feature = "sqlx-postgres"))
    }

    fn identity(&self, db: &DatabaseConnection) -> Identity {
        #[cfg(feature = "sqlx-postgres")]
        return Identity::of(&db.get_postgres_connection_pool().connect_options());
        #[cfg(not(feature = "sqlx-postgres"))]
        return Identity::of(&std::sync::Arc::new(db.clone()));
    }

    fn wake_up(&self) -> WakeUp {
        WakeUp::Listen(CHANNEL)
    }

    fn is_read_only(&self, error: &DbErr) -> bool {
        super::error_code(error).as_deref() == Some("25006")
    }

    fn missing_object(&self, owner: &Owner, error: &DbErr) -> Option<String> {
        // undefined_table and undefined_function.
        let is_missing = matches!(super::error_code(error)?.as_str(), "42P01" | "42883");
        let work = functions::function_name(owner, "work");
        is_missing.then(|| super::shared::object_in(owner, [work], error)).flatten()
    }

    fn refuses_value(&self, error: &DbErr) -> bool {
        // Classes 22, data exception, and 23, integrity constraint violation.
        super::error_code(error)
            .is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
    }

    fn lacks_right(&self, error: &DbErr) -> bool {
        super::error_code(error).as_deref() == Some("42501")
    }

    fn lock_out_installations(&self) -> Option<Statement> {
        Some(statement(
            Sql::postgres(),
            format!("SELECT true AS locked FROM pg_advisory_xact_lock({OURS})"),
        ))
    }

    fn describe(&self, table: &Table) -> Statement {
        catalog::describe(table)
    }

    fn partitions(&self, table: &Table) -> Option<Statement> {
        Some(catalog::partitions(table))
    }

    fn unreadable_columns(&self, table: &Table) -> Option<Statement> {
        Some(catalog::unreadable_columns(table))
    }

    fn holds(&self, kind: &ColumnType, found: &str) -> bool {
        catalog::holds(kind, found)
    }

    fn knows_time_zone(&self, name: &str) -> Option<Statement> {
        Some(catalog::knows_time_zone(name))
    }

    fn can_link(&self, owner: &str, related: &str) -> bool {
        catalog::can_link(owner, related)
    }

    fn unique_indexes(&self, _: &Table) -> Option<Statement> {
        None
    }

    fn missing_privileges(&self, owner: &Described, related: &[Described]) -> Option<Statement> {
        Some(catalog::missing_privileges(owner, related))
    }

    fn missing_rights(&self, owner: &Owner) -> Option<Statement> {
        Some(rights::missing(owner))
    }

    fn objects(&self, owner: &Owner, table: &Described, related: &[Described]) -> Vec<Object> {
        tables::objects(owner, table, related)
    }

    fn upgrade(
        &self,
        owner: &Owner,
        described: &Described,
        table: &Object,
        from: u32,
    ) -> Vec<String> {
        upgrade::upgrade(owner, described, table, from)
    }

    fn installed(&self, owner: &Owner) -> Statement {
        catalog::installed(owner)
    }

    fn tagged(&self, owner: Option<&Table>) -> Statement {
        catalog::tagged(owner)
    }

    fn owner_of(&self, tag: &str) -> Option<Table> {
        tables::owner_of(tag)
    }

    fn drop_object(
        &self,
        beside: &Table,
        kind: ObjectKind,
        name: &str,
        parent: Option<&str>,
    ) -> String {
        catalog::drop_object(beside, kind, name, parent)
    }

    fn flag_chunk(&self, owner: &Owner, field: usize, chunk: &Chunk) -> Vec<Statement> {
        mark::flag_chunk(owner, field, chunk)
    }

    fn sessions_without_triggers(&self) -> Option<Statement> {
        Some(catalog::sessions_without_triggers())
    }

    fn disabled_triggers(&self, owner: &Owner) -> Option<Statement> {
        Some(catalog::disabled_triggers(owner))
    }

    fn unqueued(&self, owner: &Owner, field: usize) -> Statement {
        super::shared::unqueued(self.sql(), owner, field, "m.via IS NOT NULL")
    }

    fn oldest(&self, owner: &Owner, fields: &[usize]) -> Statement {
        claim::oldest(owner, fields)
    }

    fn retry_failed(&self, owner: &Owner) -> Statement {
        super::shared::retry_failed(self.sql(), owner, "now()")
    }

    fn flag_lazily(&self, owner: &Owner, field: usize, key: &Key) -> Vec<Statement> {
        mark::flag_lazily(owner, field, key)
    }

    fn flag_eagerly(&self, owner: &Owner, field: usize, key: &Key) -> Vec<Statement> {
        mark::flag_eagerly(owner, field, key)
    }

    fn flag_expired(&self, owner: &Owner, field: usize, rows: u64) -> Statement {
        mark::flag_expired(owner, field, rows)
    }

    fn wake(&self) -> Option<Statement> {
        Some(mark::wake())
    }

    fn session_number(&self) -> Option<&'static str> {
        Some("SELECT pg_backend_pid()")
    }

    fn sleep_locks(&self, owner: &Owner, session: i32) -> Option<(String, String)> {
        let lock = sleep_lock(&super::sql::qualified(&super::sql::marks(owner)));
        // A shared lock that cannot be had says that another worker sleeps, and will be notified
        // like us.
        let asleep = format!(
            "CASE WHEN pg_try_advisory_lock({lock}) THEN true
                     ELSE NOT pg_try_advisory_xact_lock_shared({lock}) END"
        );
        let is_ours = format!("pg_backend_pid() = {session}");
        Some((
            format!("SELECT {asleep} WHERE {is_ours}"),
            format!("SELECT pg_advisory_unlock_all() WHERE {is_ours}"),
        ))
    }

    fn files(&self) -> Option<Statement> {
        None
    }

    fn transaction(&self, _: bool) -> TransactionOptions {
        TransactionOptions::default()
    }

    fn session(&self) -> Option<Session> {
        Some(claim::session())
    }

    fn external(&self) -> Option<&'static str> {
        Some("SET LOCAL cached_field.internal = off")
    }

    fn settings(&self, internal: bool, writes: bool) -> Option<String> {
        Some(claim::settings(internal, writes))
    }

    fn plan_anew(&self) -> Option<&'static str> {
        Some("SET LOCAL plan_cache_mode = force_custom_plan")
    }

    fn work(&self, owner: &Owner, fields: &[usize]) -> Statement {
        claim::work(owner, fields)
    }

    fn expand_marks(
        &self,
        owner: &Owner,
        source: &Source,
        marks: u64,
        key: Option<&Key>,
    ) -> Option<Statement> {
        Some(collect::expand_marks(owner, source, marks, key))
    }

    fn collect(
        &self,
        owner: &Owner,
        which: Which<'_>,
        lease: i64,
        leased: Option<usize>,
        lazy: &[usize],
    ) -> Vec<Statement> {
        vec![collect::collect(owner, which, lease, leased, lazy)]
    }

    fn take_chunks(&self, owner: &Owner, upstream: &[Upstream], marks: u64) -> Statement {
        collect::take_chunks(owner, upstream, marks)
    }

    fn enqueue_chunk(&self, owner: &Owner, field: usize, chunk: &Chunk) -> Statement {
        collect::enqueue_chunk(owner, field, chunk)
    }

    fn generation(&self, newest_mark: i64) -> i64 {
        newest_mark
    }

    fn enqueue(&self, owner: &Owner, rows: &[Enqueued], lease: i64) -> Vec<Statement> {
        vec![collect::enqueue(owner, rows, lease)]
    }

    fn change_generation(&self, owner: &Owner, rows: &[Enqueued]) -> Vec<Statement> {
        collect::change_generation(owner, rows)
    }

    fn lock_unflagged(&self, owner: &Owner, field: usize, keys: &[Key]) -> Option<Statement> {
        Some(collect::lock_unflagged(owner, field, keys))
    }

    fn flag_missing(&self, owner: &Owner, field: usize, keys: &[Key]) -> Option<Statement> {
        Some(collect::flag_locked(owner, field, keys))
    }

    fn lease_due(
        &self,
        owner: &Owner,
        fields: &[usize],
        upstream: &[Upstream],
        rows: u64,
        lease: i64,
        patience: i64,
    ) -> Statement {
        claim::lease_due(owner, fields, upstream, rows, lease, patience)
    }

    fn lease_rows(
        &self,
        owner: &Owner,
        field: usize,
        keys: &[Key],
        lease: i64,
        steal: bool,
    ) -> Vec<Statement> {
        vec![claim::lease_rows(owner, field, keys, lease, steal)]
    }

    fn renew_leases(&self, owner: &Owner, claims: &[Claim], lease: i64) -> Statement {
        claim::renew_leases(owner, claims, lease)
    }

    fn lock_rows(&self, owner: &Owner, keys: &[Key]) -> Statement {
        complete::lock_rows(owner, keys)
    }

    fn complete(
        &self,
        owner: &Owner,
        field: usize,
        values: &[(&Claim, &Value)],
    ) -> Option<Statement> {
        Some(complete::complete(owner, field, values))
    }

    fn lock_claimed(&self, owner: &Owner, claims: &[Claim]) -> Option<Statement> {
        Some(complete::lock_claimed(owner, claims))
    }

    fn settle(&self, owner: &Owner, done: &[Claim]) -> (Vec<Statement>, Vec<Statement>) {
        (vec![complete::delete_queued(owner, done)], Vec::new())
    }

    fn write(&self, owner: &Owner, shape: &Shape, rows: &[Written]) -> Vec<Statement> {
        vec![complete::write(owner, shape, rows)]
    }

    fn unique_columns(&self, table: &Table) -> Statement {
        unique::columns(table)
    }

    fn holders(
        &self,
        owner: &Owner,
        index: &UniqueIndex,
        shape: &Shape,
        rows: &[Written],
    ) -> Vec<Statement> {
        vec![unique::holders(owner, index, shape, rows)]
    }

    fn lock_holders(&self, owner: &Owner, field: usize, keys: &[Key]) -> Statement {
        unique::lock_holders(owner, field, keys)
    }

    fn give_up_value(&self, owner: &Owner, field: usize, keys: &[Key]) -> Vec<Statement> {
        vec![unique::give_up_value(owner, field, keys)]
    }

    fn hand_back(&self, owner: &Owner, claims: &[Claim], delay: i64, waves: i32) -> Vec<Statement> {
        complete::hand_back(owner, claims, delay, waves)
    }

    fn hold_back(
        &self,
        owner: &Owner,
        claim: &Claim,
        delay: i64,
        error: Option<&str>,
    ) -> Statement {
        complete::hold_back(owner, claim, delay, error)
    }

    fn record_failure(
        &self,
        owner: &Owner,
        claim: &Claim,
        error: &str,
        retry: NextTry,
    ) -> Statement {
        complete::record_failure(owner, claim, error, retry)
    }

    fn see_all(&self) -> Option<Statement> {
        Some(statement(
            Sql::postgres(),
            "SELECT set_config('row_security', 'off', true)".to_owned(),
        ))
    }

    fn drop_gone(&self, owner: &Owner, claims: &[Claim]) -> Vec<Statement> {
        vec![complete::drop_gone(owner, claims)]
    }

    fn store_in_transaction(
        &self,
        owner: &Owner,
        field: usize,
        written: &Written,
    ) -> Vec<Statement> {
        complete::store_in_transaction(owner, field, written)
    }

    fn circular(&self, owner: &Owner, source: &Source, keys: &[Key]) -> Statement {
        recursion::circular(owner, source, keys)
    }

    fn readers(&self, owner: &Owner, source: &Source, key: &Key) -> Statement {
        recursion::readers(owner, source, key)
    }

    fn retry_readers(
        &self,
        owner: &Owner,
        field: usize,
        source: &Source,
        keys: &[Key],
    ) -> Statement {
        recursion::retry_readers(owner, field, source, keys)
    }

    fn read_settings(&self) -> Option<Statement> {
        Some(read::settings())
    }

    fn cast_to(&self, kind: &ColumnType) -> Option<String> {
        query::cast_to(kind)
    }

    fn query_settings(&self, within: Duration) -> Option<String> {
        Some(query::settings(within))
    }

    fn complete_query(&self, owner: &Owner, claims: &[Claim]) -> Option<Statement> {
        query::complete(owner, claims)
    }

    fn clock(&self) -> Statement {
        statement(Sql::postgres(), format!("SELECT {NOW} AS now"))
    }

    fn spelled(&self, owner: &Owner, keys: &[Key]) -> Statement {
        read::spelled(owner, keys)
    }

    fn status(&self, owner: &Owner, field: usize, keys: &[Key]) -> Statement {
        read::status(owner, field, keys)
    }

    fn stale_behind(
        &self,
        owner: &Owner,
        source: &Source,
        keys: &[Key],
        of: &Owner,
        field: usize,
    ) -> Statement {
        read::stale_behind(owner, source, keys, of, field)
    }

    fn stale_anywhere(&self, owner: &Owner, field: usize) -> Statement {
        read::stale_anywhere(owner, field)
    }
}
