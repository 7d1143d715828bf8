//! MySQL 8.0.19 and later, MariaDB 10.6 and later.
//!
//! Triggers, one a row, set the flag on the row at hand and append marks; they touch no other table
//! of the user, so that no statement of his fails for using that table itself (error 1442). The
//! flags of other rows are set by the worker, who also looks up the owners. Neither database has
//! all of RETURNING, LATERAL, functions without special privileges and plans that can be asked for:
//! a worker selects what it takes and then deletes or updates that, by keys, in an order of joins
//! that is fixed.

mod cascades;
mod catalog;
mod claim;
mod collect;
mod complete;
mod link;
mod mark;
mod names;
mod own_triggers;
#[cfg(all(test, feature = "sqlx-mysql"))]
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
    AccessMode, ColumnType, DatabaseConnection, DbBackend, DbErr, IsolationLevel, Statement,
    TransactionOptions, Value,
};

use super::{
    Dialect, Identity, WakeUp, repeated, shared, sizes,
    sql::{Sql, equal, key_columns, marks, prefixed, recalculations},
};
use crate::{
    catalog::{Cascade, Described, Object, ObjectKind, UniqueIndex},
    declaration::{Chunk, Key},
    layout::{Field, Owner, Source, Table, Upstream},
    queue::{Claim, Enqueued, Mark, NextTry, Shape, Written},
};

/// A flag that our own write ends. See [`own_triggers`].
const DONE: u8 = 100;

/// A flag that our own write sets or keeps, so that no mark is needed.
const KEPT: u8 = 101;

/// The end of a lease that is none.
const NEVER: &str = "'1970-01-01 00:00:00'";

pub(super) struct MySql;

fn statement(sql: Sql, text: String) -> Statement {
    sql.statement(text)
}

/// A query of these columns of a table, which give them their types and collations, and of rows of
/// values. MySQL wants `ROW` before each row. MariaDB does not know it there, and reads it as a
/// comment.
fn values(columns: &str, table: &Table, rows: &[String]) -> String {
    let table = names::qualified(table);
    let first = format!("SELECT {columns} FROM {table} m WHERE FALSE");
    if rows.is_empty() {
        return first;
    }
    let rows: Vec<String> = rows.iter().map(|row| format!("/*!80019 ROW*/{row}")).collect();
    let rows = rows.join(", ");
    format!(
        "
                {first}
                UNION ALL
                VALUES {rows}"
    )
}

/// A table `c` of these keys, `key_1`, ..., each with what `rest` binds for the columns `more` of
/// the library's table `like`. The list is filled up with its last row: a NULL would make a text of
/// the whole column.
///
/// It is joined with STRAIGHT_JOIN. So the server looks up each row by its whole key, and locks no
/// other, not even for the moment in which another transaction would skip it. For a list of keys in
/// a condition it may read a range, or the whole table.
fn keyed<T>(
    sql: &mut Sql,
    owner: &Owner,
    like: &Table,
    more: &[&str],
    rows: &[T],
    key: impl Fn(&T) -> &Key,
    rest: impl Fn(&mut Sql, &T) -> Vec<String>,
) -> String {
    let columns =
        [key_columns(owner), more.iter().map(|&column| column.to_owned()).collect()].concat();
    let rows: Vec<&T> = repeated(rows);
    let rows = sql.tuple_list(owner, &rows, |row| key(row), |sql, row| rest(sql, row));
    let values = values(&prefixed("m", &columns), like, &rows);
    format!("({values}) c")
}

/// The keys alone.
fn keys(sql: &mut Sql, owner: &Owner, keys: &[Key]) -> String {
    keyed(sql, owner, &marks(owner), &[], keys, |key| key, |_, _| Vec::new())
}

/// The owner's rows `t` with these keys.
fn rows_of_keys(sql: &mut Sql, owner: &Owner, of: &[Key]) -> String {
    let keys = keys(sql, owner, of);
    let row = equal("t", &names::owner_key(owner), "c", &key_columns(owner));
    let table = names::qualified(&owner.table);
    format!(
        "{keys}
           STRAIGHT_JOIN {table} t FORCE INDEX (PRIMARY) ON {row}"
    )
}

/// The queue's rows `q` of these claims.
fn queued(sql: &mut Sql, owner: &Owner, claims: &[Claim]) -> String {
    let queue = recalculations(owner);
    let field = |sql: &mut Sql, claim: &Claim| vec![sql.bind(owner.fields[claim.field].name)];
    let claims = keyed(sql, owner, &queue, &["field"], claims, |claim| &claim.key, field);
    let row = equal("q", &key_columns(owner), "c", &key_columns(owner));
    let queue = names::qualified(&queue);
    format!(
        "{claims}
           STRAIGHT_JOIN {queue} q FORCE INDEX (PRIMARY)
             ON {row}
            AND q.field = c.field"
    )
}

/// Keeps the time of a statement, by which the next one tells what it has done.
fn remember_now() -> Statement {
    statement(Sql::mysql(), "SET @cached_field_now = UTC_TIMESTAMP(6)".to_owned())
}

/// The time that was kept.
fn now() -> String {
    "CAST(@cached_field_now AS DATETIME(6))".to_owned()
}

/// A moment so many milliseconds after another, or a hundred years.
fn after(moment: &str, milliseconds: &str) -> String {
    format!("({moment} + INTERVAL (LEAST({milliseconds}, 3153600000000) * 1000) MICROSECOND)")
}

/// A moment in milliseconds since 1970.
fn milliseconds(moment: &str) -> String {
    format!("(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', {moment}) DIV 1000)")
}

/// The moment so many milliseconds after the beginning of 1970.
fn moment(milliseconds: &str) -> String {
    after("CAST('1970-01-01 00:00:00' AS DATETIME(6))", milliseconds)
}

/// A moment in UTC, by the clocks that the field's expiry is written by. Servers know time zones
/// only if they were told.
fn as_expiry(field: &Field, moment: &str) -> String {
    match field.time_zone {
        Some(_) => {
            let ahead = field.ahead_of_utc();
            format!("({moment} + INTERVAL {ahead} SECOND)")
        }
        None => moment.to_owned(),
    }
}

/// The moment, in UTC, that an expiry means.
fn of_expiry(field: &Field, expiry: &str) -> String {
    match field.time_zone {
        Some(_) => {
            let ahead = field.ahead_of_utc();
            format!("({expiry} - INTERVAL {ahead} SECOND)")
        }
        None => expiry.to_owned(),
    }
}

/// Assigns a moment to an expiry, cut off to what its column can tell: MySQL rounds, MariaDB does
/// not, and no value may expire later than it is said to. An assignment sees those before it. So
/// what was rounded up in a column of milliseconds, or of seconds, is set once more.
fn expires(column: &str, moment: &str) -> String {
    let earlier = |by: u32| {
        format!(
            "{column} = IF({column} > {moment}, {moment} - INTERVAL {by} MICROSECOND, {column})"
        )
    };
    let (milliseconds, seconds) = (earlier(500), earlier(500_000));
    format!(
        "{column} = {moment},
                {milliseconds},
                {seconds}"
    )
}

impl Dialect for MySql {
    fn sql(&self) -> Sql {
        Sql::mysql()
    }

    fn backend(&self) -> DbBackend {
        DbBackend::MySql
    }

    /// MySQL has them, and MariaDB has others.
    fn supports_values_lists(&self) -> bool {
        false
    }

    fn feature(&self) -> (&'static str, bool) {
        ("sqlx-mysql", cfg!(feature = "sqlx-mysql"))
    }

    fn identity(&self, db: &DatabaseConnection) -> Identity {
        #[cfg(feature = "sqlx-mysql")]
        return Identity::of(&db.get_mysql_connection_pool().connect_options());
        #[cfg(not(feature = "sqlx-mysql"))]
        return Identity::of(&std::sync::Arc::new(db.clone()));
    }

    fn wake_up(&self) -> WakeUp {
        WakeUp::Poll
    }

    fn is_read_only(&self, error: &DbErr) -> bool {
        // The server, the transaction, and the storage engine.
        matches!(catalog::error_number(error), Some(1290 | 1792 | 1836))
    }

    fn missing_object(&self, owner: &Owner, error: &DbErr) -> Option<String> {
        // ER_NO_SUCH_TABLE.
        let is_missing = catalog::error_number(error) == Some(1146);
        is_missing.then(|| super::shared::object_in(owner, [], error)).flatten()
    }

    fn refuses_value(&self, error: &DbErr) -> bool {
        // Classes 22, data exception, and 23, integrity constraint violation; what a trigger
        // signals; and what has a class of its own on one of the databases: truncated data, a wrong
        // string, a violated check.
        let class = super::error_code(error);
        class.is_some_and(|class| {
            ["22", "23", "45"].iter().any(|refusal| class.starts_with(refusal))
        }) || matches!(catalog::error_number(error), Some(1265 | 1366 | 3819))
    }

    fn lacks_right(&self, error: &DbErr) -> bool {
        // Of a table, and of a column.
        matches!(catalog::error_number(error), Some(1142 | 1143))
    }

    fn commits_schema_changes(&self) -> bool {
        true
    }

    fn lock_out_installations(&self) -> Option<Statement> {
        Some(catalog::lock_out_installations())
    }

    fn let_installations_in(&self) -> Vec<Statement> {
        vec![
            catalog::let_installations_in(),
            statement(Sql::mysql(), tables::RESTORE_SQL_MODE.to_owned()),
        ]
    }

    fn describe(&self, table: &Table) -> Statement {
        catalog::describe(table)
    }

    fn holds(&self, kind: &ColumnType, found: &str) -> bool {
        catalog::holds(kind, found)
    }

    fn can_link(&self, owner: &str, related: &str) -> bool {
        catalog::can_link(owner, related)
    }

    fn can_name(&self, key: &str, linked: &str) -> bool {
        catalog::can_name(key, linked)
    }

    fn foreign_keys(&self, table: &Table) -> Option<Statement> {
        Some(catalog::foreign_keys(table))
    }

    fn has_effect(&self, way: &[Cascade]) -> bool {
        cascades::has_effect(way)
    }

    fn unique_indexes(&self, _: &Table) -> Option<Statement> {
        None
    }

    fn missing_privileges(&self, _: &Described, _: &[Described]) -> Option<Statement> {
        None
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

    fn orphaned_triggers(&self, owner: &Owner) -> Option<Statement> {
        Some(catalog::orphaned_triggers(owner))
    }

    fn installed(&self, owner: &Owner) -> Statement {
        catalog::installed(owner)
    }

    fn tagged(&self, owner: Option<&Table>) -> Statement {
        catalog::tagged(owner)
    }

    fn hides_tables(&self) -> bool {
        true
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
        vec![mark::flag_chunk(owner, field, chunk)]
    }

    fn passed_over(&self, owner: &Owner, field: usize, chunk: &Chunk) -> Option<Statement> {
        Some(mark::passed_over(owner, field, chunk))
    }

    fn unqueued(&self, owner: &Owner, field: usize) -> Statement {
        super::shared::unqueued(self.sql(), owner, field, "m.via IS NOT NULL")
    }

    fn oldest(&self, owner: &Owner, fields: &[usize]) -> Statement {
        claim::oldest(owner, fields)
    }

    fn retry_failed(&self, owner: &Owner) -> Statement {
        super::shared::retry_failed(self.sql(), owner, "UTC_TIMESTAMP(6)")
    }

    fn flag_lazily(&self, owner: &Owner, field: usize, key: &Key) -> Vec<Statement> {
        mark::flag_lazily(owner, field, key)
    }

    fn flag_eagerly(&self, owner: &Owner, field: usize, key: &Key) -> Vec<Statement> {
        vec![
            shared::flag(Sql::mysql(), owner, field, key),
            super::shared::append_mark(self.sql(), owner, field, key, Some(true)),
        ]
    }

    fn flag_expired(&self, owner: &Owner, field: usize, rows: u64) -> Statement {
        mark::flag_expired(owner, field, rows)
    }

    /// As a `DATETIME`: of a `TIMESTAMP` after 2038, as which SQLx binds it, MariaDB makes NULL.
    fn set_expiry(&self, owner: &Owner, field: usize, key: &Key, moment: Value) -> Statement {
        let moment = match moment {
            Value::ChronoDateTimeUtc(moment) => {
                Value::ChronoDateTime(moment.map(|moment| moment.naive_utc()))
            }
            other => other,
        };
        mark::set_expiry(owner, field, key, moment)
    }

    fn wake(&self) -> Option<Statement> {
        None
    }

    fn sleep_locks(&self, _: &Owner, _: i32) -> Option<(String, String)> {
        None
    }

    fn files(&self) -> Option<Statement> {
        None
    }

    /// With any other isolation the gaps between the keys that a worker looks for would be locked,
    /// too.
    fn transaction(&self, writes: bool) -> TransactionOptions {
        TransactionOptions {
            isolation_level: Some(IsolationLevel::ReadCommitted),
            access_mode: writes.then_some(AccessMode::ReadWrite),
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

    fn take_links(
        &self,
        owner: &Owner,
        source: &Source,
        marks: u64,
        key: Option<&Key>,
    ) -> Option<Statement> {
        Some(collect::take_links(owner, source, marks, key))
    }

    fn take_links_like(
        &self,
        owner: &Owner,
        source: &Source,
        hashes: &[u32],
        marks: u64,
    ) -> Option<Statement> {
        Some(collect::take_links_like(owner, source, hashes, marks))
    }

    fn marks_behind_links(
        &self,
        owner: &Owner,
        source: &Source,
        links: &[(i64, String)],
        range: [Option<&Key>; 2],
        limit: Option<u64>,
    ) -> Statement {
        collect::marks_behind_links(owner, source, links, range, limit)
    }

    fn append_marks(&self, owner: &Owner, marks: &[Mark]) -> Vec<Statement> {
        sizes::parts(marks).into_iter().map(|part| collect::append_marks(owner, part)).collect()
    }

    fn take_marks(&self, owner: &Owner, marks: u64) -> Option<Statement> {
        Some(collect::take_marks(owner, marks))
    }

    fn take_marks_of(&self, owner: &Owner, keys: &[Key], marks: u64) -> Option<Statement> {
        Some(collect::take_marks_of(owner, keys, marks))
    }

    fn delete_marks(&self, owner: &Owner, ids: &[i64]) -> Vec<Statement> {
        ids.chunks(sizes::LARGEST).map(|part| collect::delete_marks(owner, part)).collect()
    }

    /// A random number: an id, as of a mark, cannot be had without making one.
    fn take_chunks(&self, owner: &Owner, upstream: &[Upstream], marks: u64) -> Statement {
        collect::take_chunks(owner, upstream, marks)
    }

    fn enqueue_chunk(&self, owner: &Owner, field: usize, chunk: &Chunk) -> Statement {
        collect::enqueue_chunk(owner, field, chunk)
    }

    fn generation(&self, _: i64) -> i64 {
        fastrand::i64(1..)
    }

    fn enqueue(&self, owner: &Owner, rows: &[Enqueued], lease: i64) -> Vec<Statement> {
        collect::enqueue(owner, rows, lease)
    }

    fn change_generation(&self, owner: &Owner, rows: &[Enqueued]) -> Vec<Statement> {
        collect::change_generation(owner, rows)
    }

    fn flag_missing(&self, owner: &Owner, field: usize, keys: &[Key]) -> Option<Statement> {
        Some(collect::flag_missing(owner, field, keys))
    }

    fn lease_due(
        &self,
        owner: &Owner,
        fields: &[usize],
        upstream: &[Upstream],
        rows: u64,
        _: i64,
        patience: i64,
    ) -> Statement {
        claim::lease_due(owner, fields, upstream, rows, patience)
    }

    fn lease(&self, owner: &Owner, claims: &[Claim], lease: i64) -> Option<Statement> {
        Some(claim::lease(owner, claims, lease))
    }

    fn lease_rows(
        &self,
        owner: &Owner,
        field: usize,
        keys: &[Key],
        lease: i64,
        steal: bool,
    ) -> Vec<Statement> {
        claim::lease_rows(owner, field, keys, lease, steal)
    }

    fn renew_leases(&self, owner: &Owner, claims: &[Claim], lease: i64) -> Statement {
        claim::renew_leases(owner, claims, lease)
    }

    fn lock_rows(&self, owner: &Owner, keys: &[Key]) -> Statement {
        complete::lock_rows(owner, keys)
    }

    fn lock_queued(&self, owner: &Owner, claims: &[Claim]) -> Option<Statement> {
        Some(complete::lock_queued(owner, claims))
    }

    fn settle(&self, owner: &Owner, done: &[Claim]) -> (Vec<Statement>, Vec<Statement>) {
        (vec![complete::delete_queued(owner, done)], Vec::new())
    }

    fn write(&self, owner: &Owner, shape: &Shape, rows: &[Written]) -> Vec<Statement> {
        complete::write(owner, shape, rows)
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
        unique::holders(owner, index, shape, rows)
    }

    fn lock_holders(&self, owner: &Owner, field: usize, keys: &[Key]) -> Statement {
        unique::lock_holders(owner, field, keys)
    }

    fn give_up_value(&self, owner: &Owner, field: usize, keys: &[Key]) -> Vec<Statement> {
        unique::give_up_value(owner, field, keys)
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
        complete::drop_gone(owner, claims)
    }

    fn mark_stored_since(&self, owner: &Owner, fields: &[usize], key: &Key) -> Vec<Statement> {
        complete::mark_stored_since(owner, fields, key)
    }

    fn store_in_transaction(
        &self,
        owner: &Owner,
        field: usize,
        written: &Written,
    ) -> Vec<Statement> {
        complete::store_in_transaction(owner, field, written)
    }

    fn detects_cycles(&self, source: &Source) -> bool {
        recursion::detects_cycles(source)
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

    fn cast_to(&self, kind: &ColumnType) -> Option<String> {
        query::cast_to(kind)
    }

    fn stores_queries(&self) -> bool {
        false
    }

    fn clock(&self) -> Statement {
        let now = milliseconds("UTC_TIMESTAMP(6)");
        statement(Sql::mysql(), format!("SELECT {now} AS now"))
    }

    fn spelled(&self, owner: &Owner, keys: &[Key]) -> Statement {
        read::spelled(owner, keys)
    }

    fn status(&self, owner: &Owner, field: usize, keys: &[Key]) -> Statement {
        read::status(owner, field, keys)
    }
}
