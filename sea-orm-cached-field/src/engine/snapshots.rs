//! Snapshots: what was read a moment ago is not read again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{Error, layout::Table};

/// The time for which a snapshot is shared.
const SHARED_FOR: Duration = Duration::from_secs(2);

/// What was last read of each table, and when.
pub(crate) struct Snapshots<T>(Mutex<HashMap<Table, Place<T>>>);

/// It is locked while the table is read, so that others wait for that answer.
type Place<T> = Arc<tokio::sync::Mutex<Option<Snapshot<T>>>>;

/// An answer, and when it was read.
#[derive(Clone)]
pub(crate) struct Snapshot<T> {
    pub(crate) read: T,
    pub(crate) at: Instant,
}

impl<T> Default for Snapshots<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Snapshots<T> {
    /// Returns the snapshot of a table. It is read if there is none of the last two seconds. While
    /// it is read, others wait for it. An error is not kept.
    pub(crate) async fn get(
        &self,
        table: &Table,
        read: impl AsyncFnOnce() -> Result<T, Error>,
    ) -> Result<Snapshot<T>, Error> {
        let place = {
            let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(places.entry(table.clone()).or_default())
        };

        let mut last = place.lock().await;
        if let Some(last) = last.as_ref().filter(|last| last.at.elapsed() < SHARED_FOR) {
            return Ok(last.clone());
        }
        let at = Instant::now();
        let snapshot = Snapshot { read: read().await?, at };
        *last = Some(snapshot.clone());
        Ok(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::future::join_all;

    use super::*;

    fn table(name: &str) -> Table {
        Table { schema: None, name: name.to_owned() }
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_ask_within_two_seconds_share_one_answer() {
        let snapshots = Snapshots::default();
        let reads = AtomicU32::new(0);
        let ask = async || {
            let read = async || {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok(reads.fetch_add(1, Ordering::Relaxed))
            };
            snapshots.get(&table("lamppost"), read).await.unwrap().read
        };

        let answers = join_all([ask(), ask(), ask()]).await;
        assert_eq!(answers, [0, 0, 0], "others wait for the answer that is under way");

        tokio::time::advance(Duration::from_millis(1_800)).await;
        assert_eq!(ask().await, 0);
        tokio::time::advance(Duration::from_millis(200)).await;
        assert_eq!(ask().await, 1, "two seconds after it was read");

        let of_another = snapshots.get(&table("street"), async || Ok(7)).await.unwrap();
        assert_eq!(of_another.read, 7);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_and_a_caller_that_gives_up_leave_nothing_behind() {
        let snapshots = Snapshots::default();
        let refused = Error::Stopped("refused".to_owned());
        assert!(snapshots.get(&table("lamppost"), async || Err(refused)).await.is_err());

        let lamppost = table("lamppost");
        let never = snapshots.get(&lamppost, async || {
            std::future::pending::<()>().await;
            Ok(1)
        });
        assert!(tokio::time::timeout(Duration::from_secs(1), never).await.is_err());

        assert_eq!(snapshots.get(&table("lamppost"), async || Ok(2)).await.unwrap().read, 2);
    }
}
