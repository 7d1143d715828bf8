//! All SQL text. The only room that asks which database it is; each database has the same files.
//!
//! A [`Dialect`] renders statements and decides nothing: what they are for, and in which order they
//! run, is written in `installation/` and `protocol/`.

mod apart;
mod bound;
#[cfg(test)]
mod example;
#[cfg(feature = "mutations")]
pub(crate) mod mutation;
mod mysql;
mod postgres;
mod query;
mod shared;
mod sizes;
pub(crate) mod sql;
mod sqlite;
#[cfg(test)]
pub(crate) mod words;

use std::{sync::Arc, time::Duration};

use sea_orm::{
    ColumnType, DatabaseConnection, DbBackend, DbErr, Statement, TransactionOptions, Value,
    sea_query::ColumnDef,
};

use crate::{
    Error,
    catalog::{Cascade, Described, Object, ObjectKind, UniqueIndex, Version},
    declaration::{Chunk, Key},
    layout::{Owner, Source, Table, Upstream},
    queue::{Claim, Enqueued, Mark, NextTry, Shape, Which, Written},
};

use sql::Sql;

pub(crate) use sizes::{claims_in_parts, repeated, written_in_parts};

/// The dialect of this database.
pub(crate) fn of(backend: DbBackend) -> Result<&'static dyn Dialect, Error> {
    match backend {
        DbBackend::Postgres => Ok(&postgres::Postgres),
        DbBackend::Sqlite => Ok(&sqlite::Sqlite),
        DbBackend::MySql => Ok(&mysql::MySql),
        other => Err(Error::UnsupportedDatabase { database: other.as_str() }),
    }
}

/// What tells a connection pool from the others of the process: the options that it shares with all
/// its clones.
pub(crate) struct Identity {
    pub(crate) address: usize,
    /// Whether the pool still exists. Until this is dropped its address is not used again.
    pub(crate) is_alive: Box<dyn Fn() -> bool + Send>,
}

impl Identity {
    fn of<T: Send + Sync + 'static>(options: &Arc<T>) -> Self {
        let weak = Arc::downgrade(options);
        Self {
            address: Arc::as_ptr(options).addr(),
            is_alive: Box::new(move || weak.strong_count() > 0),
        }
    }
}

/// How a sleeping worker learns at once that something was marked.
pub(crate) enum WakeUp {
    /// By a notification on this channel. While the worker sleeps it holds, on the listening
    /// connection, the lock that the triggers try: only who finds it held has to notify.
    Listen(&'static str),
    /// By a change of the database's files.
    WatchFile,
    /// Not at all: it looks.
    Poll,
}

/// How a worker's own sessions are set, so that its transactions need not be.
pub(crate) struct Session {
    /// Names and values.
    pub(crate) settings: Vec<(&'static str, &'static str)>,
    /// A row `stands`: whether they are set, which a proxy may have kept from us.
    pub(crate) check: Statement,
}

/// The SQL of one database.
pub(crate) trait Dialect: Send + Sync {
    fn backend(&self) -> DbBackend;

    /// A statement in the making.
    fn sql(&self) -> Sql;

    /// Whether a list of values can stand where a table can.
    fn supports_values_lists(&self) -> bool {
        true
    }

    /// The feature of this library that this database needs, and whether it is enabled.
    fn feature(&self) -> (&'static str, bool);

    /// What tells this database's pool from the others of the process.
    fn identity(&self, db: &DatabaseConnection) -> Identity;

    fn wake_up(&self) -> WakeUp;

    /// Whether this error says that the connection may only read.
    fn is_read_only(&self, error: &DbErr) -> bool;

    /// The table or function of the library for this owner that does not exist, if that is what the
    /// error says.
    fn missing_object(&self, owner: &Owner, error: &DbErr) -> Option<String>;

    /// Whether this error is about a value, not about the moment or the connection.
    fn refuses_value(&self, error: &DbErr) -> bool;

    // ---- schema: what stands in the database

    /// Whether each statement that changes the schema commits what was done before it.
    fn commits_schema_changes(&self) -> bool {
        false
    }

    /// Keeps other installations out until the transaction ends, where its beginning does not: a
    /// row `locked` (bool).
    fn lock_out_installations(&self) -> Option<Statement>;

    /// Lets other installations in, where the end of the transaction does not: the lock is the
    /// session's. Sets the session as it was, too.
    fn let_installations_in(&self) -> Vec<Statement> {
        Vec::new()
    }

    /// Rows `schema`, `kind` (`table`, or what else it is), `owned_by` (as of [`Described`], or
    /// null), `by_row` and `strict` (as of [`Described`], 0 or 1), `name`, `type`, `collated` (its
    /// collation as of [`Described`], or null), `equality` (an operator, or null), `nullable` and
    /// `is_generated` (0 or 1), `key` (its place in the primary key, or 0) of a table's columns;
    /// none if there is no such table.
    fn describe(&self, table: &Table) -> Statement;

    /// Rows `schema`, `name`, `kind` of the partitions that hold a table's rows.
    fn partitions(&self, _: &Table) -> Option<Statement> {
        None
    }

    /// Rows `name`, `behind` (null if there is none) of the columns of a table that triggers read
    /// as NULL, whatever their value: one row for each column that such a column is computed from.
    fn unreadable_columns(&self, _: &Table) -> Option<Statement> {
        None
    }

    /// Whether a column of the type that the database names so can hold, and SeaORM reads from it,
    /// values of this type; also if that cannot be told.
    fn holds(&self, kind: &ColumnType, found: &str) -> bool;

    /// A row `known` (bool): whether the database knows this time zone, where it has to.
    fn knows_time_zone(&self, _name: &str) -> Option<Statement> {
        None
    }

    /// Gives a column that is to be added a type that the table takes.
    fn fit_column(&self, _table: &Described, _column: &mut ColumnDef) {}

    /// Whether triggers can tell that columns of these types are equal, whatever stands in them.
    fn can_link(&self, owner: &str, related: &str) -> bool;

    /// Whether a value of a linked column stands for all keys that it equals when it is written to
    /// a column of the key's type.
    fn can_name(&self, _key: &str, _linked: &str) -> bool {
        true
    }

    /// Rows `name`, `column`, `parent_schema`, `parent`, `parent_column`, `on_delete`, `on_update`
    /// (as of [`Action`]) of the foreign keys of a table whose actions call no triggers.
    fn foreign_keys(&self, _: &Table) -> Option<Statement> {
        None
    }

    /// Whether a change of the table at the end of these foreign keys changes rows of that at their
    /// beginning.
    fn has_effect(&self, _: &[Cascade]) -> bool {
        false
    }

    /// Rows `name`, `column`, `collation` of the unique indexes of a table that a replacing insert
    /// could hit.
    fn unique_indexes(&self, table: &Table) -> Option<Statement>;

    /// Rows `privilege`, `remedy`: what the database's user lacks to install on these tables.
    fn missing_privileges(&self, owner: &Described, related: &[Described]) -> Option<Statement>;

    /// Rows `role`, `privilege`, `remedy` (a statement), `ours` (bool: whether `install` may run
    /// it): what roles lack that work on the tables of this owner, where they may lack something.
    fn missing_rights(&self, _: &Owner) -> Option<Statement> {
        None
    }

    /// Everything that has to stand in the database for this owner. `owner.table` has its real
    /// schema.
    fn objects(&self, owner: &Owner, table: &Described, related: &[Described]) -> Vec<Object>;

    /// What brings a table of the library, with its rows, from an older schema, with the
    /// [name](sql::name_in_schema) that it had there, to this one.
    fn upgrade(
        &self,
        owner: &Owner,
        described: &Described,
        table: &Object,
        from: u32,
    ) -> Vec<String>;

    /// Rows `kind`, `name`, `parent` (what [`Dialect::drop_object`] has to know of a trigger's
    /// place), `on_table` (the name of the table that a trigger or an index stands on, or null),
    /// `tag` of all that was ever installed for this owner.
    fn installed(&self, owner: &Owner) -> Statement;

    /// Rows as of [`Dialect::installed`], with `schema` (where the object stands) and `droppable`
    /// (bool: whether this user may): all that has a tag of ours in this database, or, of one
    /// owner, in any.
    fn tagged(&self, owner: Option<&Table>) -> Statement;

    /// Whether a table that the database's user may not use looks as if there were none.
    fn hides_tables(&self) -> bool {
        false
    }

    /// The table that an object with this tag serves.
    fn owner_of(&self, tag: &str) -> Option<Table>;

    /// What drops an object that stands beside this table, or, if it is an index, on it.
    fn drop_object(
        &self,
        beside: &Table,
        kind: ObjectKind,
        name: &str,
        parent: Option<&str>,
    ) -> String;

    /// The upper key of the next chunk of rows, in the key's order: rows `key_1`, ...
    fn backlog_boundary(&self, owner: &Owner, after: Option<&Key>, rows: u64) -> Statement {
        shared::backlog_boundary(self.sql(), owner, after, rows)
    }

    /// A row `found` (bool): whether any row has a value of this field that is not flagged, or is
    /// about to get one.
    fn has_values(&self, owner: &Owner, field: usize) -> Statement {
        shared::has_values(self.sql(), owner, field)
    }

    /// A row `flagged` (bool): whether any row is.
    fn is_any_flagged(&self, owner: &Owner, field: usize) -> Statement {
        shared::is_any_flagged(self.sql(), owner, field)
    }

    /// A row `found`: how many rows come after this key.
    fn count_rest(&self, owner: &Owner, after: Option<&Key>) -> Statement {
        shared::count_rest(self.sql(), owner, after)
    }

    /// A row `found`: how many flagged rows of a chunk are neither marked nor in the queue, beside
    /// those of other chunks, which are marked.
    fn unqueued_in(
        &self,
        owner: &Owner,
        field: usize,
        chunk: &Chunk,
        marked: &[Chunk],
    ) -> Statement {
        shared::unqueued_in(self.sql(), owner, field, chunk, marked)
    }

    /// Rows `has_after`, `after_key_1`, ..., `has_to`, `to_key_1`, ... of marked chunks that have
    /// rows in common with this one.
    fn marked_chunks(&self, owner: &Owner, field: usize, chunk: &Chunk) -> Statement {
        shared::marked_chunks(self.sql(), owner, field, chunk)
    }

    /// Appends a mark that stands for all flagged rows of a chunk.
    fn mark_chunk(&self, owner: &Owner, field: usize, chunk: &Chunk) -> Statement {
        shared::mark_chunk(self.sql(), owner, field, chunk)
    }

    /// Forgets what is written down of all fields in an owner's table of versions.
    fn forget(&self, versions: &Table) -> Statement {
        shared::forget(self.sql(), versions)
    }

    /// Rows `inputs` and `declared_by`, as of [`Version`], of an owner of which no more is known.
    fn declarations(&self, owner: &Table) -> Statement {
        shared::declarations(self.sql(), owner)
    }

    /// Rows `field`, `version` (of the calculation), `inputs`, `kept_by`, `renewal`, `declared_by`,
    /// as of [`Version`].
    fn versions(&self, owner: &Owner) -> Statement {
        shared::versions(self.sql(), owner)
    }

    fn set_version(&self, owner: &Owner, version: &Version) -> [Statement; 2] {
        shared::set_version([self.sql(), self.sql()], owner, version)
    }

    /// Unless somebody else has begun another since.
    fn end_renewal(&self, owner: &Owner, field: usize, renewal: i64) -> Statement {
        shared::end_renewal(self.sql(), owner, field, renewal)
    }

    /// Sets the flags of a chunk of rows. It marks only those that another transaction holds locked
    /// and those that stand in the queue, or passes them over.
    fn flag_chunk(&self, owner: &Owner, field: usize, chunk: &Chunk) -> Vec<Statement>;

    /// Rows `key_1`, ..., `marked_at` (now): those that [`Dialect::flag_chunk`] has passed over,
    /// where it does.
    fn passed_over(&self, _owner: &Owner, _field: usize, _chunk: &Chunk) -> Option<Statement> {
        None
    }

    // ---- doctor

    /// Rows `sessions`: in which no trigger fires.
    fn sessions_without_triggers(&self) -> Option<Statement> {
        None
    }

    /// Rows `name`, `remedy` (a statement) of the owner's triggers that do not fire.
    fn disabled_triggers(&self, _: &Owner) -> Option<Statement> {
        None
    }

    /// Rows `name`, `account` of the owner's triggers that run as an account that is gone. The tag
    /// that [`Dialect::installed`] tells of them is none that has to stand there.
    fn orphaned_triggers(&self, _: &Owner) -> Option<Statement> {
        None
    }

    /// A row `found`: how many rows are flagged that are neither marked nor in the queue.
    fn unqueued(&self, owner: &Owner, field: usize) -> Statement;

    /// Rows `field`, `state` (`due`, `failing`, `failed`), `found`, `error`: how many rows of the
    /// queue and marks there are, how many of them wait after a failure, and how many have failed
    /// for good.
    fn waiting(&self, owner: &Owner) -> Statement {
        shared::waiting(self.sql(), owner)
    }

    /// A row `waited` (milliseconds, or null), `leased` (bool): for how long the oldest mark, due
    /// row or expiry of these fields has waited that has not been claimed, and whether anything is
    /// leased.
    fn oldest(&self, owner: &Owner, fields: &[usize]) -> Statement;

    /// Makes what has failed due again.
    fn retry_failed(&self, owner: &Owner) -> Statement;

    // ---- mark

    /// Sets the flag; the triggers mark.
    fn flag(&self, owner: &Owner, field: usize, key: &Key) -> Statement {
        shared::flag(self.sql(), owner, field, key)
    }

    /// Sets the flag so that no worker recalculates the row, while a calculation under way still
    /// misses.
    fn flag_lazily(&self, owner: &Owner, field: usize, key: &Key) -> Vec<Statement>;

    /// Sets the flag so that a worker recalculates the row, whatever the field says.
    fn flag_eagerly(&self, owner: &Owner, field: usize, key: &Key) -> Vec<Statement>;

    /// Flags rows whose expiry has passed.
    fn flag_expired(&self, owner: &Owner, field: usize, rows: u64) -> Statement;

    fn set_expiry(&self, owner: &Owner, field: usize, key: &Key, moment: Value) -> Statement {
        shared::set_expiry(self.sql(), owner, field, key, moment)
    }

    /// Wakes sleeping workers of other processes.
    fn wake(&self) -> Option<Statement>;

    /// A query of the number that tells the session from all others of the server, where a session
    /// can be lost unseen.
    fn session_number(&self) -> Option<&'static str> {
        None
    }

    /// Tries to take the lock of [`WakeUp::Listen`] for this owner, and gives up all such locks of
    /// the session. Nothing happens, and no row comes, in another session than that with this
    /// number.
    fn sleep_locks(&self, owner: &Owner, session: i32) -> Option<(String, String)>;

    /// Rows `file` of the files that [`WakeUp::WatchFile`] watches.
    fn files(&self) -> Option<Statement>;

    // ---- collect and claim

    /// How a transaction of the library begins; `writes`: also where the session is read-only.
    fn transaction(&self, writes: bool) -> TransactionOptions;

    /// What the sessions of a worker's own connections can set once and for all, instead of
    /// [`Dialect::settings`].
    fn session(&self) -> Option<Session> {
        None
    }

    /// Makes the writes of a transaction of such a session foreign ones.
    fn external(&self) -> Option<&'static str> {
        None
    }

    /// What such a transaction sets for itself; `internal` tells its writes of flags and values
    /// from foreign ones.
    fn settings(&self, internal: bool, writes: bool) -> Option<String>;

    /// Has the statements that follow in a transaction planned for the tables as they are now:
    /// those that follow a path through the user's tables, which may have grown since a plan was
    /// made.
    fn plan_anew(&self) -> Option<&'static str> {
        None
    }

    /// Whether the database says that this role lacks a right on a table.
    fn lacks_right(&self, _error: &DbErr) -> bool {
        false
    }

    /// Whether the row that a statement returns of what it writes (`RETURNING`) does not show the
    /// flags that triggers then set.
    fn returns_rows_before_triggers(&self) -> bool {
        false
    }

    /// A row `confirmed` (bool): whether the row is not stale and has this value. `None` if no
    /// write of the row itself makes the field stale, so that what was loaded can be relied on.
    fn confirm(
        &self,
        _owner: &Owner,
        _field: usize,
        _key: &Key,
        _value: Value,
    ) -> Option<Statement> {
        None
    }

    /// Whether anything of these fields is marked or due: `work` (bool), and `wait` (milliseconds
    /// until something is due, or null).
    fn work(&self, owner: &Owner, fields: &[usize]) -> Statement;

    /// Turns marks of a looked-up source into marks of the owners; with a key, only those that
    /// concern this row.
    fn expand_marks(
        &self,
        owner: &Owner,
        source: &Source,
        marks: u64,
        key: Option<&Key>,
    ) -> Option<Statement>;

    /// Locks marks of a looked-up source, where [`Dialect::expand_marks`] does not expand them:
    /// rows `id`, `field`, `link`, `link_hash`.
    fn take_links(
        &self,
        _owner: &Owner,
        _source: &Source,
        _marks: u64,
        _key: Option<&Key>,
    ) -> Option<Statement> {
        None
    }

    /// Locks other marks of this source that have the same `link_hash`, at most so many: rows as of
    /// [`Dialect::take_links`].
    fn take_links_like(
        &self,
        _owner: &Owner,
        _source: &Source,
        _hashes: &[u32],
        _marks: u64,
    ) -> Option<Statement> {
        None
    }

    /// Rows `field`, `key_1`, ..., `marked_at` (milliseconds): the marks of owners that those stand
    /// for which [`Dialect::take_links`] has locked; of owners after one key, up to another, and at
    /// most so many.
    fn marks_behind_links(
        &self,
        _owner: &Owner,
        _source: &Source,
        _links: &[(i64, String)],
        _range: [Option<&Key>; 2],
        _limit: Option<u64>,
    ) -> Statement {
        unreachable!("marks of related rows are expanded in another way")
    }

    fn append_marks(&self, _owner: &Owner, _marks: &[Mark]) -> Vec<Statement> {
        Vec::new()
    }

    /// Takes marks away and queues what they are of, where that needs no more than what the
    /// database knows: statements, the first with rows `key_1`, ..., `field`, `generation`,
    /// `attempts`, `waves`, `claimed_at`, `leased` (by this statement), `eager`, `marks` (taken in
    /// all, beside the rows that the last statement deletes). What is only lazily marked is not
    /// queued: marks that say so, or that say nothing and are of one of the fields `lazy`.
    /// `leased`: only this field is leased.
    fn collect(
        &self,
        _owner: &Owner,
        _which: Which<'_>,
        _lease: i64,
        _leased: Option<usize>,
        _lazy: &[usize],
    ) -> Vec<Statement> {
        Vec::new()
    }

    /// Takes the oldest marks away, or locks them, where [`Dialect::collect`] does not: rows
    /// `key_1`, ..., `id`, `field`, `eager` (or null).
    fn take_marks(&self, _owner: &Owner, _marks: u64) -> Option<Statement> {
        None
    }

    /// Takes marks of these keys away, or locks them, at most so many; rows as of
    /// [`Dialect::take_marks`].
    fn take_marks_of(&self, _owner: &Owner, _keys: &[Key], _marks: u64) -> Option<Statement> {
        None
    }

    /// Deletes marks that were taken, where the taking does not.
    fn delete_marks(&self, _owner: &Owner, _ids: &[i64]) -> Vec<Statement> {
        Vec::new()
    }

    /// Locks the oldest marks of chunks, at most so many, but none of a field that is calculated
    /// from others of which chunks are marked: rows `id`, `field`, and as of
    /// [`Dialect::marked_chunks`].
    fn take_chunks(&self, owner: &Owner, upstream: &[Upstream], marks: u64) -> Statement;

    /// Queues the flagged rows of a chunk that stand in no queue yet.
    fn enqueue_chunk(&self, owner: &Owner, field: usize, chunk: &Chunk) -> Statement;

    /// Deletes a mark of a chunk.
    fn delete_mark(&self, owner: &Owner, id: i64) -> Statement {
        shared::delete_mark(self.sql(), owner, id)
    }

    /// The generation of something newly queued, from the newest of its marks.
    fn generation(&self, newest_mark: i64) -> i64;

    /// Queues what was collected: statements, the last with rows `key_1`, ..., `field`,
    /// `generation`, `attempts`, `waves`, `claimed_at`, `leased` (by these statements).
    fn enqueue(&self, owner: &Owner, rows: &[Enqueued], lease: i64) -> Vec<Statement>;

    /// Gives rows that are queued already another generation, and leaves all else: of lazily marked
    /// rows.
    fn change_generation(&self, owner: &Owner, rows: &[Enqueued]) -> Vec<Statement> {
        vec![shared::change_generation(self.sql(), owner, rows)]
    }

    /// Locks those of these rows that are not flagged, skipping what somebody holds locked, where
    /// [`Dialect::flag_missing`] does not look for them: rows `key_1`, ...
    fn lock_unflagged(&self, _owner: &Owner, _field: usize, _keys: &[Key]) -> Option<Statement> {
        None
    }

    /// Flags these rows if they are not, skipping those that somebody holds locked.
    fn flag_missing(&self, owner: &Owner, field: usize, keys: &[Key]) -> Option<Statement>;

    /// Leases, or locks, all of these fields that are due of rows of the queue, the oldest first:
    /// rows `key_1`, ..., `field`, `generation`, `attempts`, `waves`, `claimed_at`. A field waits
    /// while one is pending that it is calculated from, for at most `patience` milliseconds.
    fn lease_due(
        &self,
        owner: &Owner,
        fields: &[usize],
        upstream: &[Upstream],
        rows: u64,
        lease: i64,
        patience: i64,
    ) -> Statement;

    /// Leases what [`Dialect::lease_due`] has found, where that only locks it.
    fn lease(&self, _owner: &Owner, _claims: &[Claim], _lease: i64) -> Option<Statement> {
        None
    }

    /// Leases a field of these rows for a reader, queueing what is not: statements as of
    /// [`Dialect::enqueue`]. When a worker tries next, and how often it has, stays as it is.
    /// `steal`: also from who holds it.
    fn lease_rows(
        &self,
        owner: &Owner,
        field: usize,
        keys: &[Key],
        lease: i64,
        steal: bool,
    ) -> Vec<Statement>;

    /// Not of what is held back.
    fn renew_leases(&self, owner: &Owner, claims: &[Claim], lease: i64) -> Statement;

    // ---- complete

    /// Locks, judges and stores values of one field, where one statement can do it all: rows
    /// `key_1`, ..., `held` and `generation` as of [`Dialect::lock_claimed`], `done` (whether value
    /// and flag are written, and the queue's row is gone). A row that is held and queued but not
    /// done has its value written.
    fn complete(
        &self,
        _owner: &Owner,
        _field: usize,
        _values: &[(&Claim, &Value)],
    ) -> Option<Statement> {
        None
    }

    /// Announces to the triggers which of these claims are done, where one statement can tell: rows
    /// `key_1`, ..., `field`.
    fn announce(&self, _owner: &Owner, _claims: &[Claim]) -> Option<Statement> {
        None
    }

    /// Locks the rows, skipping those that somebody holds locked: rows `key_1`, ..., spelled as
    /// given.
    fn lock_rows(&self, owner: &Owner, keys: &[Key]) -> Statement;

    /// Locks the rows, and those of the queue, of these claims, skipping what somebody holds
    /// locked, where one statement can do both: rows `key_1`, ... (spelled as given), `field`,
    /// `held` (whether the row is locked), `generation` (if the queue's row is), `marked`.
    fn lock_claimed(&self, _owner: &Owner, _claims: &[Claim]) -> Option<Statement> {
        None
    }

    /// Locks the queue's rows of these claims, whose rows are locked, where
    /// [`Dialect::lock_claimed`] does not: rows as it has.
    fn lock_queued(&self, _owner: &Owner, _claims: &[Claim]) -> Option<Statement> {
        None
    }

    /// What has to be done with the queue's rows of completed claims, before and after the values
    /// are written.
    fn settle(&self, owner: &Owner, done: &[Claim]) -> (Vec<Statement>, Vec<Statement>);

    /// Writes values and flags of rows that are all of one shape.
    fn write(&self, owner: &Owner, shape: &Shape, rows: &[Written]) -> Vec<Statement>;

    /// Rows `name` (of the index), `column` (null if it is an expression or a part of one),
    /// `collation` (as of [`IndexedColumn`]), `nullable` (0 or 1) of the unique indexes of a table,
    /// but for the primary key.
    fn unique_columns(&self, table: &Table) -> Statement;

    /// Rows `place` (of a row among these), `key_1`, ...: the other rows that have, in all columns
    /// of the index, what that row is about to have. Nothing is locked.
    fn holders(
        &self,
        owner: &Owner,
        index: &UniqueIndex,
        shape: &Shape,
        rows: &[Written],
    ) -> Vec<Statement>;

    /// Locks rows, skipping those that another transaction holds locked: rows `key_1`, ..., spelled
    /// as given, and `flagged` (bool).
    fn lock_holders(&self, owner: &Owner, field: usize, keys: &[Key]) -> Statement;

    /// Makes the cached column of these rows NULL and sets their flag. The rows are locked, and are
    /// to be recalculated.
    fn give_up_value(&self, owner: &Owner, field: usize, keys: &[Key]) -> Vec<Statement>;

    /// Ends the lease of these claims; they are due again after `delay` milliseconds, with that
    /// many waves more.
    fn hand_back(&self, owner: &Owner, claims: &[Claim], delay: i64, waves: i32) -> Vec<Statement>;

    /// A row `marked` (bool): whether there are marks that name the claim's row, also if somebody
    /// is about to collect them.
    fn is_marked(&self, owner: &Owner, claim: &Claim) -> Statement {
        shared::is_marked(self.sql(), owner, claim)
    }

    /// After one wave more: keeps a claim from everybody for a while, which is four times as long
    /// as it was held, but at least `delay` milliseconds; or, with the error, until it is marked
    /// again. As long as it is not, its waves are negative.
    fn hold_back(&self, owner: &Owner, claim: &Claim, delay: i64, error: Option<&str>)
    -> Statement;

    /// Keeps a failure. Marked again meanwhile: due at once.
    fn record_failure(
        &self,
        owner: &Owner,
        claim: &Claim,
        error: &str,
        retry: NextTry,
    ) -> Statement;

    /// Rows `given_up` (bool): whether the claim's place in the queue is due only when it is marked
    /// again.
    fn is_given_up(&self, owner: &Owner, claim: &Claim) -> Statement {
        shared::is_given_up(self.sql(), owner, claim)
    }

    /// Makes it an error for the rest of the transaction if a policy would hide rows from us.
    fn see_all(&self) -> Option<Statement> {
        None
    }

    /// Drops the queue's rows of these claims if their row is gone, and no other has come under its
    /// key.
    fn drop_gone(&self, owner: &Owner, claims: &[Claim]) -> Vec<Statement>;

    /// Marks, in a user's transaction that has locked a row, what is calculated from those of its
    /// fields that others have stored since the snapshot of the transaction. Where a snapshot shows
    /// no other values than a write does, there is nothing to do.
    fn mark_stored_since(&self, _owner: &Owner, _fields: &[usize], _key: &Key) -> Vec<Statement> {
        Vec::new()
    }

    /// Writes a value inside a user's transaction, without waiting, so that no calculation under
    /// way can undo it: the statements, the first of which returns a row if the row could be had.
    fn store_in_transaction(
        &self,
        owner: &Owner,
        field: usize,
        written: &Written,
    ) -> Vec<Statement>;

    // ---- fields that are calculated from the same field of other rows, behind this source

    /// Whether [`Dialect::circular`] tells; if not, each row's readers have to be followed.
    fn detects_cycles(&self, _: &Source) -> bool {
        true
    }

    /// Those of these rows that are calculated, over others, from themselves: rows `key_1`, ...,
    /// spelled as given.
    fn circular(&self, owner: &Owner, source: &Source, keys: &[Key]) -> Statement;

    /// The rows that are calculated from this one: rows `key_1`, ...
    fn readers(&self, owner: &Owner, source: &Source, key: &Key) -> Statement;

    /// Makes those rows due that are calculated from these, and wait after a failure.
    fn retry_readers(
        &self,
        owner: &Owner,
        field: usize,
        source: &Source,
        keys: &[Key],
    ) -> Statement;

    // ---- fields that are calculated by a query

    /// The name of a column's type in a cast, where what an expression brings may be of another
    /// type.
    fn cast_to(&self, kind: &ColumnType) -> Option<String>;

    /// Calculates a field of these rows by its query: rows `key_1`, ..., `value`, `found` (true) of
    /// what the query says, and others of all that there are (null, and false); of other rows, too,
    /// where the key has several columns.
    fn select(&self, owner: &Owner, field: usize, keys: &[Key]) -> Statement {
        query::select(self, owner, field, keys)
    }

    /// Whether a query's values are stored by the statement that calculates them:
    /// [`Dialect::complete_query`] or [`Dialect::write_query`].
    fn stores_queries(&self) -> bool {
        true
    }

    /// What a transaction sets for itself before the query, which may take so long.
    fn query_settings(&self, _within: Duration) -> Option<String> {
        None
    }

    /// As [`Dialect::complete`], but the values are those of the query: rows as it has, and
    /// `changed` (whether the value is another one). Of a row without a value, or with several,
    /// there is none, and nothing is written.
    fn complete_query(&self, _owner: &Owner, _claims: &[Claim]) -> Option<Statement> {
        None
    }

    /// Calculates a field of these rows, which are locked, by its query, and writes it, with the
    /// flag's end or without: rows `key_1`, ..., `changed` of what was written, where
    /// [`Dialect::complete_query`] does not.
    fn write_query(&self, _owner: &Owner, _claims: &[Claim], _done: bool) -> Statement {
        unreachable!("the values of queries are stored in another way")
    }

    // ---- read

    /// What a transaction of questions sets for itself, where the planner takes more time for them
    /// than they do.
    fn read_settings(&self) -> Option<Statement> {
        None
    }

    /// A row `now`: the time, in milliseconds since 1970.
    fn clock(&self) -> Statement;

    /// The rows of the owner that the database finds by these keys: rows `place` (of the key among
    /// them, from 0 on), and `key_1`, ... as the row spells it, for a collation or a type may call
    /// two spellings equal.
    fn spelled(&self, owner: &Owner, keys: &[Key]) -> Statement;

    /// Rows `key_1`, ..., `stale` (bool: flagged, expired, marked or queued) of those of these rows
    /// that there are.
    fn status(&self, owner: &Owner, field: usize, keys: &[Key]) -> Statement;

    /// The rows behind this source, as seen from these rows of the owner, of which the field of
    /// another owner is stale: rows `key_1`, ...
    fn stale_behind(
        &self,
        owner: &Owner,
        source: &Source,
        keys: &[Key],
        of: &Owner,
        field: usize,
    ) -> Statement;

    /// All rows of the owner's table whose field is stale: rows `key_1`, ...
    fn stale_anywhere(&self, owner: &Owner, field: usize) -> Statement;
}

/// The database's own code of an error.
fn error_code(error: &DbErr) -> Option<String> {
    #[cfg(any(feature = "sqlx-sqlite", feature = "sqlx-postgres", feature = "sqlx-mysql"))]
    if let DbErr::Exec(sea_orm::RuntimeErr::SqlxError(error))
    | DbErr::Query(sea_orm::RuntimeErr::SqlxError(error)) = error
    {
        return error.as_database_error()?.code().map(Into::into);
    }
    let _ = error;
    None
}
