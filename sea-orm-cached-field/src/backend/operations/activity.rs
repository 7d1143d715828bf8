//! The records of workers, and of what they did.

use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::{execute, query};
use crate::{
    activity::{BUCKETS, Done, Histogram, Minute, SeenWorker, WorkerRecord},
    backend::{Backend, shared},
    layout::Owner,
};

impl Backend {
    /// Writes the record of a worker, or that it is still there.
    pub(crate) async fn see_worker(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        worker: &WorkerRecord,
    ) -> Result<(), DbErr> {
        execute(db, shared::activity::see_worker(self.sql(), owner, worker)).await?;
        Ok(())
    }

    /// Drops the record of a worker.
    pub(crate) async fn forget_worker(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        id: i64,
    ) -> Result<(), DbErr> {
        execute(db, shared::activity::forget_worker(self.sql(), owner, id)).await?;
        Ok(())
    }

    /// Drops what was recorded before a minute, and the records of workers that were not seen for
    /// so many milliseconds.
    pub(crate) async fn forget_old_activity(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        before: i64,
        unseen_for: i64,
    ) -> Result<(), DbErr> {
        execute(db, shared::activity::forget_minutes(self.sql(), owner, before)).await?;
        execute(db, shared::activity::forget_lost_workers(self.sql(), owner, unseen_for)).await?;
        Ok(())
    }

    /// The workers that have a record.
    pub(crate) async fn workers(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
    ) -> Result<Vec<SeenWorker>, DbErr> {
        let read = |row: &QueryResult| {
            Ok(SeenWorker {
                record: WorkerRecord {
                    id: row.try_get("", "worker")?,
                    host: row.try_get("", "host")?,
                    process: row.try_get("", "process")?,
                    program: row.try_get("", "program")?,
                    version: row.try_get("", "version")?,
                    fields: row.try_get("", "fields")?,
                    concurrency: row.try_get("", "concurrency")?,
                    sets_gauges: row.try_get("", "gauges")?,
                    claims: row.try_get("", "claims")?,
                },
                started_for: row.try_get("", "started_for")?,
                seen_for: row.try_get("", "seen_for")?,
            })
        };
        let workers = query(db, shared::activity::workers(self.sql(), owner)).await?;
        workers.iter().map(read).collect()
    }

    /// Writes what a worker did to a field in a minute.
    pub(crate) async fn record_minute(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        worker: i64,
        minute: &Minute,
    ) -> Result<(), DbErr> {
        execute(db, shared::activity::record_minute(self.sql(), owner, worker, minute)).await?;
        Ok(())
    }

    /// What all workers did since a minute, by the name of the field.
    pub(crate) async fn activity(
        self,
        db: &impl ConnectionTrait,
        owner: &Owner,
        since: i64,
    ) -> Result<Vec<(String, Done)>, DbErr> {
        let number = |row: &QueryResult, column: &str| {
            let number: i64 = row.try_get("", column)?;
            Ok::<_, DbErr>(u64::try_from(number).unwrap_or_default())
        };
        let histogram = |row: &QueryResult, name: &str| {
            let mut histogram: Histogram = [0; BUCKETS];
            for (bucket, count) in histogram.iter_mut().enumerate() {
                *count = number(row, &format!("{name}_{bucket}"))?;
            }
            Ok::<_, DbErr>(histogram)
        };
        let read = |row: &QueryResult| {
            let done = Done {
                changed: number(row, "changed")?,
                unchanged: number(row, "unchanged")?,
                published: number(row, "published")?,
                superseded: number(row, "superseded")?,
                handed_back: number(row, "handed_back")?,
                failed: number(row, "failed")?,
                given_up: number(row, "given_up")?,
                seconds: row.try_get("", "seconds")?,
                stale: histogram(row, "stale")?,
                took: histogram(row, "took")?,
            };
            Ok((row.try_get("", "field")?, done))
        };
        let activity = query(db, shared::activity::activity(self.sql(), owner, since)).await?;
        activity.iter().map(read).collect()
    }
}
