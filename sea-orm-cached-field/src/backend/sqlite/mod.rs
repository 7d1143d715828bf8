//! SQLite 3.37 and later.
//!
//! What stands in the database runs in whatever program writes to it, with the SQLite of that
//! program.
//!
//! There is one writer at a time, so the triggers, one a row, set the flag always: flag = false
//! means fresh, strictly. A completion announces itself to the triggers by a row of the queue with
//! generation 0, which nobody else can see.

mod catalog;
mod claim;
mod collect;
mod complete;
mod mark;
mod own_triggers;
#[cfg(all(test, feature = "sqlx-sqlite"))]
mod plans;
mod query;
mod read;
mod recursion;
mod related_triggers;
mod tables;
mod unique;
mod upgrade;
mod way;

use sea_orm::{
    ColumnType, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode, Statement,
    TransactionOptions, Value, sea_query::ColumnDef,
};

use super::{Dialect, Identity, WakeUp, sql::Sql};
use crate::{
    catalog::{Described, Object, ObjectKind, UniqueIndex},
    declaration::{Chunk, Key},
    layout::{Field, Owner, Source, Table, Upstream},
    queue::{Claim, Enqueued, NextTry, Shape, Which, Written},
};

/// Now, in milliseconds since 1970: the Julian day 2440587.5 is their beginning.
/// `unixepoch('subsec')` is NULL before SQLite 3.42.
const NOW: &str = "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)";

pub(super) struct Sqlite;

fn statement(sql: Sql, text: String) -> Statement {
    sql.statement(text)
}

const SQLITE_READONLY: i32 = 8;

/// The lower byte of an extended code is the primary one.
fn primary_code(error: &DbErr) -> Option<i32> {
    super::error_code(error)?.parse().ok().map(|code: i32| code & 0xff)
}

/// Now, as a Julian day, by the clocks that the field's expiry is written by. SQLite knows no time
/// zones.
fn now_as_expiry(field: &Field) -> String {
    match field.time_zone {
        Some(_) => {
            let ahead = field.ahead_of_utc();
            format!("julianday('now', '{ahead} seconds')")
        }
        None => "julianday('now')".to_owned(),
    }
}

impl Dialect for Sqlite {
    fn sql(&self) -> Sql {
        Sql::sqlite()
    }

    fn backend(&self) -> DbBackend {
        DbBackend::Sqlite
    }

    fn feature(&self) -> (&'static str, bool) {
        ("sqlx-sqlite", cfg!(feature = "sqlx-sqlite"))
    }

    fn identity(&self, db: &DatabaseConnection) -> Identity {
        #[cfg(feature = "sqlx-sqlite")]
        return Identity::of(&db.get_sqlite_connection_pool().connect_options());
        #[cfg(not(feature = "sqlx-sqlite"))]
        return Identity::of(&std::sync::Arc::new(db.clone()));
    }

    fn wake_up(&self) -> WakeUp {
        WakeUp::WatchFile
    }

    fn is_read_only(&self, error: &DbErr) -> bool {
        primary_code(error) == Some(SQLITE_READONLY)
    }

    fn missing_object(&self, owner: &Owner, error: &DbErr) -> Option<String> {
        // SQLite has no code of its own for this.
        let is_missing = error.to_string().contains("no such table: ");
        is_missing.then(|| super::shared::object_in(owner, [], error)).flatten()
    }

    fn refuses_value(&self, error: &DbErr) -> bool {
        // SQLITE_TOOBIG, SQLITE_CONSTRAINT and SQLITE_MISMATCH.
        matches!(primary_code(error), Some(18..=20))
    }

    fn lock_out_installations(&self) -> Option<Statement> {
        None
    }

    fn describe(&self, table: &Table) -> Statement {
        catalog::describe(table)
    }

    fn holds(&self, kind: &ColumnType, found: &str) -> bool {
        catalog::holds(kind, found)
    }

    fn fit_column(&self, table: &Described, column: &mut ColumnDef) {
        if table.strict {
            catalog::make_strict(column);
        }
    }

    fn can_link(&self, _: &str, _: &str) -> bool {
        true
    }

    fn unique_indexes(&self, table: &Table) -> Option<Statement> {
        Some(catalog::unique_indexes(table))
    }

    fn missing_privileges(&self, _: &Described, _: &[Described]) -> Option<Statement> {
        None
    }

    fn objects(&self, owner: &Owner, table: &Described, related: &[Described]) -> Vec<Object> {
        tables::objects(owner, table, related)
    }

    fn upgrade(&self, owner: &Owner, _: &Described, table: &Object, from: u32) -> Vec<String> {
        upgrade::upgrade(owner, table, from)
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

    fn unqueued(&self, owner: &Owner, field: usize) -> Statement {
        super::shared::unqueued(self.sql(), owner, field, &self.sql().is_chunk("m"))
    }

    fn oldest(&self, owner: &Owner, fields: &[usize]) -> Statement {
        claim::oldest(owner, fields)
    }

    fn retry_failed(&self, owner: &Owner) -> Statement {
        super::shared::retry_failed(self.sql(), owner, NOW)
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
        None
    }

    fn sleep_locks(&self, _: &Owner, _: i32) -> Option<(String, String)> {
        None
    }

    fn files(&self) -> Option<Statement> {
        let text = "SELECT file FROM pragma_database_list WHERE file <> ''";
        Some(statement(Sql::sqlite(), text.to_owned()))
    }

    fn transaction(&self, _: bool) -> TransactionOptions {
        TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        }
    }

    fn settings(&self, _: bool, _: bool) -> Option<String> {
        None
    }

    fn work(&self, owner: &Owner, fields: &[usize]) -> Statement {
        claim::work(owner, fields)
    }

    fn expand_marks(&self, _: &Owner, _: &Source, _: u64, _: Option<&Key>) -> Option<Statement> {
        None
    }

    fn collect(
        &self,
        owner: &Owner,
        which: Which<'_>,
        lease: i64,
        leased: Option<usize>,
        lazy: &[usize],
    ) -> Vec<Statement> {
        collect::collect(owner, which, lease, leased, lazy)
    }

    fn take_chunks(&self, owner: &Owner, upstream: &[Upstream], marks: u64) -> Statement {
        collect::take_chunks(owner, upstream, marks)
    }

    fn enqueue_chunk(&self, owner: &Owner, field: usize, chunk: &Chunk) -> Statement {
        collect::enqueue_chunk(owner, field, chunk)
    }

    /// Marks' ids are used again once they are deleted; a random number is not.
    fn generation(&self, _: i64) -> i64 {
        fastrand::i64(1..)
    }

    fn enqueue(&self, owner: &Owner, rows: &[Enqueued], lease: i64) -> Vec<Statement> {
        vec![collect::enqueue(owner, rows, lease)]
    }

    fn flag_missing(&self, _: &Owner, _: usize, _: &[Key]) -> Option<Statement> {
        None
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

    fn announce(&self, owner: &Owner, claims: &[Claim]) -> Option<Statement> {
        Some(complete::announce(owner, claims))
    }

    fn lock_claimed(&self, owner: &Owner, claims: &[Claim]) -> Option<Statement> {
        Some(complete::lock_claimed(owner, claims))
    }

    fn settle(&self, owner: &Owner, done: &[Claim]) -> (Vec<Statement>, Vec<Statement>) {
        let after = complete::flag_marked(owner, done)
            .into_iter()
            .chain([complete::delete_announced(owner, done)]);
        (Vec::new(), after.collect())
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
        vec![complete::hand_back(owner, claims, delay, waves)]
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

    fn cast_to(&self, kind: &ColumnType) -> Option<String> {
        query::cast_to(kind)
    }

    fn write_query(&self, owner: &Owner, claims: &[Claim], done: bool) -> Statement {
        query::write(owner, claims, done)
    }

    fn clock(&self) -> Statement {
        statement(Sql::sqlite(), format!("SELECT {NOW} AS now"))
    }

    fn spelled(&self, owner: &Owner, keys: &[Key]) -> Statement {
        read::spelled(owner, keys)
    }

    fn returns_rows_before_triggers(&self) -> bool {
        true
    }

    fn confirm(&self, owner: &Owner, field: usize, key: &Key, value: Value) -> Option<Statement> {
        let is_own = !owner.fields[field].own_columns.is_empty();
        is_own.then(|| read::confirm(owner, field, key, value))
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
