//! Leases on rows of the queue.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};

use super::{execute, query, read_claim};
use crate::{
    backend::{Backend, sizes::claims_in_parts},
    declaration::Key,
    layout::Owner,
    queue::{Claim, Due, LeaseDue, Oldest},
};

impl Backend {
    /// Whether anything of these fields is marked or due.
    pub(crate) async fn due(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        fields: &[usize],
    ) -> Result<Due, DbErr> {
        let found = query(db, statements!(self, claim::work(owner, fields))).await?;
        let Some(row) = found.first() else { return Ok(Due::default()) };
        Ok(Due { marked: row.try_get("", "work")?, wait: row.try_get("", "wait")? })
    }

    /// For how long the oldest mark, due row or expiry of these fields has waited that has not been
    /// claimed.
    pub(crate) async fn oldest(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        fields: &[usize],
    ) -> Result<Oldest, DbErr> {
        let found = query(db, statements!(self, claim::oldest(owner, fields))).await?;
        let Some(row) = found.first() else { return Ok(Oldest::default()) };
        Ok(Oldest { waited: row.try_get("", "waited")?, leased: row.try_get("", "leased")? })
    }

    /// Leases all of these fields that are due of rows of the queue, the oldest first. A field
    /// waits while one is pending that it is calculated from.
    pub(crate) async fn lease_due(
        self,
        db: &DatabaseTransaction,
        owner: &Owner,
        request: &LeaseDue<'_>,
    ) -> Result<Vec<Claim>, DbErr> {
        of_database!(self, operations::lease_due(db, owner, request).await)
    }

    /// Leases a field of these rows for a reader, queueing what is not. When a worker tries next,
    /// and how often it has, stays as it is. `steal`: also from another holder of the lease;
    /// otherwise that lease is shared.
    pub(crate) async fn lease_rows(
        self,
        db: &DatabaseTransaction,
        owner: &Owner,
        field: usize,
        keys: &[Key],
        lease: i64,
        steal: bool,
    ) -> Result<Vec<Claim>, DbErr> {
        let leased =
            query(db, statements!(self, claim::lease_rows(owner, field, keys, lease, steal)));
        let mut claims = Vec::new();
        for row in leased.await? {
            let shared = !row.try_get::<bool>("", "leased")?;
            claims.push(Claim { shared, ..read_claim(owner, &row)? });
        }

        Ok(claims)
    }

    /// Makes leases last for longer, but not of what is held back.
    pub(crate) async fn renew_leases(
        self,
        db: &DatabaseTransaction,
        owner: &Owner,
        claims: &[Claim],
        lease: i64,
    ) -> Result<(), DbErr> {
        for claims in claims_in_parts(owner, claims) {
            execute(db, statements!(self, claim::renew_leases(owner, claims, lease))).await?;
        }
        Ok(())
    }
}
