//! From a claim to its end.

use std::collections::{HashMap, HashSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement, Value};

use super::{execute, keys, query, read_field, read_key, value};
use crate::{
    backend::{
        Backend, shared,
        sizes::{claims_in_parts, written_in_parts},
    },
    declaration::Key,
    layout::Owner,
    queue::{Claim, Locked, NextTry, Written, by_shape},
};

impl Backend {
    /// Whether [`Backend::store`] is a single statement for these values, and so needs no
    /// transaction around it.
    pub(crate) fn stores_at_once(self, values: &[(&Claim, &Value)]) -> bool {
        let field = values.first().map(|(claim, _)| claim.field);
        self.completes_at_once() && values.iter().all(|(claim, _)| Some(claim.field) == field)
    }

    /// Whether one statement locks, judges and writes.
    fn completes_at_once(self) -> bool {
        self.kind() == DbBackend::Postgres
    }

    /// Locks the row and the place in the queue of each claim. Where both could be locked it writes
    /// the value; where nothing was marked since the claim, it ends flag and place, too. Returns
    /// what it has found of each claim.
    pub(crate) async fn store(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        values: &[(&Claim, &Value)],
    ) -> Result<Vec<Locked>, DbErr> {
        #[cfg(feature = "sqlx-postgres")]
        if self.stores_at_once(values) {
            return crate::backend::postgres::operations::store_at_once(db, owner, values).await;
        }

        let claims: Vec<Claim> = values.iter().map(|(claim, _)| (*claim).clone()).collect();
        let locked = self.lock(db, owner, &claims).await?;
        let done = done(&claims, &locked);
        self.begin_writing(db, owner, &done).await?;
        let written = values
            .iter()
            .zip(&locked)
            .filter_map(|((claim, value), locked)| Some((*claim, *value, locked.writes()?)));
        for (shape, rows) in by_shape(written) {
            for rows in written_in_parts(owner, &shape, &rows) {
                execute(db, statements!(self, complete::write(owner, &shape, rows))).await?;
            }
        }
        self.end_writing(db, owner, &done).await?;
        Ok(locked)
    }

    /// Locks the row and the place in the queue of each claim, skipping what another transaction
    /// holds locked.
    pub(in crate::backend) async fn lock(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        claims: &[Claim],
    ) -> Result<Vec<Locked>, DbErr> {
        of_database!(self, operations::lock(db, owner, claims).await)
    }

    /// What has to be done with the queue's rows of completed claims before their values are
    /// written.
    pub(in crate::backend) async fn begin_writing(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        done: &[Claim],
    ) -> Result<(), DbErr> {
        for done in claims_in_parts(owner, done) {
            execute(db, statements!(self, complete::delete_queued(owner, done))).await?;
        }
        Ok(())
    }

    /// What has to be done with them afterwards.
    pub(in crate::backend) async fn end_writing(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        done: &[Claim],
    ) -> Result<(), DbErr> {
        for done in claims_in_parts(owner, done) {
            execute(db, statements!(self, Sqlite => complete::after_writing(owner, done))).await?;
        }
        Ok(())
    }

    /// Ends the lease of these claims. They are due again after `delay` milliseconds, with that
    /// many waves more.
    pub(crate) async fn hand_back(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        claims: &[Claim],
        delay: i64,
        waves: i32,
    ) -> Result<(), DbErr> {
        for claims in claims_in_parts(owner, claims) {
            execute(db, statements!(self, complete::hand_back(owner, claims, delay, waves)))
                .await?;
        }
        Ok(())
    }

    /// Whether there are marks that name the claim's row, also if another transaction is about to
    /// collect them.
    pub(crate) async fn is_marked(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        claim: &Claim,
    ) -> Result<bool, DbErr> {
        let marked = shared::complete::is_marked(self.sql(), owner, claim);
        Ok(value(db, marked, "marked").await?.unwrap_or_default())
    }

    /// Keeps a claim from all after one wave more. That is for four times as long as it was held,
    /// but at least `delay` milliseconds; or, with the error, until it is marked again. As long as
    /// it is not, its waves are negative.
    pub(crate) async fn hold_back(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        claim: &Claim,
        delay: i64,
        error: Option<&str>,
    ) -> Result<(), DbErr> {
        execute(db, statements!(self, complete::hold_back(owner, claim, delay, error))).await?;
        Ok(())
    }

    /// Keeps a failure. A row that was marked again meanwhile is due at once.
    pub(crate) async fn record_failure(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        claim: &Claim,
        error: &str,
        retry: NextTry,
    ) -> Result<(), DbErr> {
        execute(db, statements!(self, complete::record_failure(owner, claim, error, retry)))
            .await?;
        Ok(())
    }

    /// Whether the claim's place in the queue is due only when it is marked again.
    pub(crate) async fn is_given_up(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        claim: &Claim,
    ) -> Result<bool, DbErr> {
        let given_up = shared::complete::is_given_up(self.sql(), owner, claim);
        Ok(value(db, given_up, "given_up").await?.unwrap_or_default())
    }

    /// Makes it an error for the rest of the transaction if a policy would hide rows from the
    /// library.
    pub(crate) async fn see_all(self, db: &DatabaseTransaction) -> Result<(), DbErr> {
        execute(db, statements!(self, Postgres => complete::see_all())).await?;
        Ok(())
    }

    /// Drops the queue's rows of these claims if their row is gone, and no other has come under its
    /// key.
    pub(crate) async fn drop_gone(
        self,
        db: &DatabaseTransaction,
        owner: &Owner,
        claims: &[Claim],
    ) -> Result<(), DbErr> {
        for claims in claims_in_parts(owner, claims) {
            execute(db, statements!(self, complete::drop_gone(owner, claims))).await?;
        }
        Ok(())
    }

    // ---- In a user's transaction

    /// Locks a row, unless another transaction holds it. Returns whether it could.
    pub(crate) async fn lock_row(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        key: &Key,
    ) -> Result<bool, DbErr> {
        let lock = statements!(self, complete::lock_rows(owner, std::slice::from_ref(key)));
        Ok(!keys(db, owner, lock).await?.is_empty())
    }

    /// Marks what is calculated from fields that others have stored since the snapshot of the
    /// transaction. That transaction has locked the row. Where a snapshot shows no other values
    /// than a write does, there is nothing to do.
    pub(crate) async fn mark_stored_since(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        fields: &[usize],
        key: &Key,
    ) -> Result<(), DbErr> {
        execute(db, statements!(self, MySql => complete::mark_stored_since(owner, fields, key)))
            .await?;
        Ok(())
    }

    /// Writes a value to a row that is locked, so that no calculation under way can undo it.
    pub(crate) async fn write_locked(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        field: usize,
        written: &Written,
    ) -> Result<(), DbErr> {
        execute(db, statements!(self, complete::write_locked(owner, field, written))).await?;
        Ok(())
    }
}

/// The claims since which nothing was marked.
pub(in crate::backend) fn done(claims: &[Claim], locked: &[Locked]) -> Vec<Claim> {
    let locked = claims.iter().zip(locked);
    locked
        .filter(|(_, locked)| locked.writes() == Some(true))
        .map(|(claim, _)| claim.clone())
        .collect()
}

/// What was locked of claims: their rows, and their places in the queue.
#[derive(Default)]
pub(in crate::backend) struct LockedClaims {
    rows: HashSet<Key>,
    /// The generation, and whether a mark is visible.
    places: HashMap<(Key, usize), (i64, bool)>,
}

impl LockedClaims {
    /// Locks claims by this statement: rows `key_1`, ... (spelled as given), `field`, `held`
    /// (whether the row is locked), `generation` (null if the place is not), `marked`.
    pub(in crate::backend) async fn add(
        &mut self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        lock: Statement,
    ) -> Result<(), DbErr> {
        for row in query(db, lock).await? {
            let key = read_key(owner, &row)?;
            if let Some(generation) = row.try_get("", "generation")? {
                let place = (key.clone(), read_field(owner, &row)?);
                self.places.insert(place, (generation, row.try_get("", "marked")?));
            }
            if row.try_get("", "held")? {
                self.rows.insert(key);
            }
        }

        Ok(())
    }

    /// Rows that are locked.
    pub(in crate::backend) fn add_rows(&mut self, rows: Vec<Key>) {
        self.rows.extend(rows);
    }

    /// What of this claim was locked.
    pub(in crate::backend) fn of(&self, claim: &Claim) -> Locked {
        let place = self.places.get(&(claim.key.clone(), claim.field));
        let is_unchanged =
            |(generation, marked): &(i64, bool)| *generation == claim.generation && !marked;
        Locked { row: self.rows.contains(&claim.key), unchanged: place.map(is_unchanged) }
    }
}
