//! Lanes: slow fields have batches of their own, so that they do not keep the others waiting.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::backend::BATCHES_IN_FLIGHT;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    Quick,
    Slow,
}

impl Lane {
    pub(super) const BOTH: [Self; 2] = [Self::Quick, Self::Slow];
}

/// The places for batches in flight, of each lane.
pub(super) struct Places([Arc<Semaphore>; 2]);

/// The places that were free, and are kept now.
pub(super) struct Free(Vec<(Lane, OwnedSemaphorePermit)>);

impl Places {
    pub(super) fn new() -> Self {
        Self(Lane::BOTH.map(|_| Arc::new(Semaphore::new(BATCHES_IN_FLIGHT))))
    }

    fn lane(&self, lane: Lane) -> Arc<Semaphore> {
        Arc::clone(&self.0[lane as usize])
    }

    /// Waits for a place in a lane.
    pub(super) async fn free_in(&self, lane: Lane) -> Free {
        let place = self.lane(lane).acquire_owned().await.expect("it is never closed");
        Free(vec![(lane, place)])
    }

    /// Waits for a place in any lane, and takes one in the other, too, if there is one.
    pub(super) async fn free(&self) -> Free {
        let mut free = tokio::select! {
            biased;
            free = self.free_in(Lane::Quick) => free,
            free = self.free_in(Lane::Slow) => free,
        };
        for lane in Lane::BOTH
            .into_iter()
            .filter(|lane| !free.lanes().any(|free| free == *lane))
            .collect::<Vec<_>>()
        {
            free.0.extend(self.lane(lane).try_acquire_owned().ok().map(|place| (lane, place)));
        }
        free
    }
}

impl Free {
    pub(super) fn lanes(&self) -> impl Iterator<Item = Lane> + '_ {
        self.0.iter().map(|(lane, _)| *lane)
    }

    /// Returns the place in this lane. The others are given back.
    pub(super) fn in_lane(self, wanted: Lane) -> Option<OwnedSemaphorePermit> {
        self.0.into_iter().find(|(lane, _)| *lane == wanted).map(|(_, place)| place)
    }
}
