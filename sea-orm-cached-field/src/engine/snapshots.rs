//! Snapshots: what was read a moment ago is not read again.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::Error;

/// The time for which a snapshot is shared.
const SHARED_FOR: Duration = Duration::from_secs(2);

/// What was last read under each key, as of each table, and when.
pub(crate) struct Snapshots<K, T>(Mutex<HashMap<K, Place<T>>>);

/// It is locked while it is read, so that others wait for that answer.
type Place<T> = Arc<tokio::sync::Mutex<Option<Answer<T>>>>;

/// The last answer, and when it came.
struct Answer<T> {
    read: Result<T, Arc<Error>>,
    at: Instant,
}

/// An answer, and when it came.
#[derive(Clone)]
pub(crate) struct Snapshot<T> {
    pub(crate) read: T,
    pub(crate) at: Instant,
}

impl<K, T> Default for Snapshots<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash, T: Clone> Snapshots<K, T> {
    /// Returns the snapshot under this key. It is read if there is none of the last two seconds.
    /// While it is read, others wait for that answer, and take it, whatever it is. An error is not
    /// kept for those who ask later.
    pub(crate) async fn get(
        &self,
        key: &K,
        read: impl AsyncFnOnce() -> Result<T, Error>,
    ) -> Result<Snapshot<T>, Error> {
        let asked = Instant::now();
        let place = {
            let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(places.entry(key.clone()).or_default())
        };

        let mut last = place.lock().await;
        if let Some(Answer { read, at }) = &*last {
            match read {
                Ok(read) if *at > asked || at.elapsed() < SHARED_FOR => {
                    return Ok(Snapshot { read: read.clone(), at: *at });
                }
                Err(error) if *at > asked => return Err(Error::Shared(Arc::clone(error))),
                _ => {}
            }
        }

        let read = read().await.map_err(Arc::new);
        let at = Instant::now();
        *last = Some(Answer { read: read.clone(), at });
        match read {
            Ok(read) => Ok(Snapshot { read, at }),
            Err(error) => Err(Error::Shared(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::future::join_all;

    use super::*;
    use crate::layout::Table;

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

    /// A probe that waits for a slow answer takes it, and does not ask again.
    #[tokio::test(start_paused = true)]
    async fn those_who_wait_take_the_answer_also_if_it_is_late_or_an_error() {
        let snapshots = Snapshots::default();
        let reads = AtomicU32::new(0);
        let ask = async |fails: bool| {
            let read = async || {
                tokio::time::sleep(Duration::from_secs(5)).await;
                reads.fetch_add(1, Ordering::Relaxed);
                if fails { Err(Error::Stopped("refused".to_owned())) } else { Ok(()) }
            };
            snapshots.get(&table("lamppost"), read).await.is_ok()
        };

        assert_eq!(join_all([ask(false), ask(false), ask(false)]).await, [true; 3]);
        assert_eq!(reads.load(Ordering::Relaxed), 1);
        tokio::time::advance(SHARED_FOR).await;
        assert_eq!(join_all([ask(true), ask(true), ask(true)]).await, [false; 3]);
        assert_eq!(reads.load(Ordering::Relaxed), 2);
        assert!(ask(false).await, "an error is not kept");
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
