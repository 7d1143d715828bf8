//! The places where a worker looks for work, and their order.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::lane::Lane;
use crate::{calculation::Limits, protocol::First, registry::Model};

/// The time without a look after which a model comes before the models whose fields it is
/// calculated from.
const PASSED_OVER: Duration = Duration::from_secs(1);

/// The time after which a chunk of rows that an installation has flagged has its turn, although
/// there is a little else to do.
const CHUNKS_PASSED_OVER: Duration = Duration::from_secs(1);

/// The last looks for work, by model and lane.
pub(super) struct Schedule(Mutex<Vec<Look>>);

#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    /// The time of the last look for chunks of rows that an installation has flagged.
    for_chunks_at: Instant,
    /// The kind of work that was taken first, if more was found than could be taken.
    left_some: Option<First>,
}

/// A model, and those of its fields that are looked for.
pub(super) struct Stop {
    /// The model, by its index among those of the worker.
    pub(super) turn: usize,
    pub(super) lane: Option<Lane>,
    pub(super) fields: Vec<usize>,
}

impl Stop {
    /// Returns its index among all models and lanes.
    fn place(&self) -> usize {
        self.turn * Lane::BOTH.len() + self.lane.map_or(0, |lane| lane as usize)
    }
}

impl Schedule {
    /// Returns a schedule for so many models.
    pub(super) fn new(models: usize) -> Self {
        let at = Instant::now();
        let look = Look { at, for_chunks_at: at, left_some: None };
        Self(Mutex::new(vec![look; models * Lane::BOTH.len()]))
    }

    /// Returns the stops at which to look for work, for a batch in one of these lanes, or in any.
    /// The models are in their order, after those that were passed over for long.
    pub(super) fn stops(
        &self,
        models: &[Arc<Model>],
        limits: &Limits,
        lanes: &[Lane],
    ) -> Vec<Stop> {
        let pace = &limits.pace;
        let mut stops = Vec::new();
        for (turn, model) in models.iter().enumerate() {
            let fields = 0..model.owner.fields.len();
            if lanes.is_empty() {
                stops.push(Stop { turn, lane: None, fields: fields.collect() });
            } else if !pace.is_mixed() {
                stops.push(Stop { turn, lane: Some(lanes[0]), fields: fields.collect() });
            } else {
                for lane in lanes {
                    let is_in_lane =
                        |field: &usize| pace.is_slow(model, *field) == (*lane == Lane::Slow);
                    let fields = fields.clone().filter(is_in_lane).collect();
                    stops.push(Stop { turn, lane: Some(*lane), fields });
                }
            }
        }

        stops.retain(|stop| !stop.fields.is_empty());
        let looks = self.looks();
        stops.sort_by_key(|stop| looks[stop.place()].at.elapsed() < PASSED_OVER);
        stops
    }

    /// Begins a look. If the last one has left some work, it returns the kind of work to take
    /// first. Marks and due rows take turns, so that neither waits for ever.
    pub(super) fn begin(&self, stop: &Stop) -> Option<First> {
        let look = &mut self.looks()[stop.place()];
        look.at = Instant::now();
        look.left_some.take().map(|first| match first {
            First::Marks | First::OnlyMarks => First::Due,
            First::Due => First::Marks,
        })
    }

    pub(super) fn is_time_for_chunks(&self, stop: &Stop) -> bool {
        self.looks()[stop.place()].for_chunks_at.elapsed() >= CHUNKS_PASSED_OVER
    }

    /// Ends a look. `left_some`: the kind of work that was taken first, if more was found than
    /// could be taken.
    pub(super) fn end(&self, stop: &Stop, left_some: Option<First>, looked_for_chunks: bool) {
        let look = &mut self.looks()[stop.place()];
        look.left_some = left_some;
        if looked_for_chunks {
            look.for_chunks_at = Instant::now();
        }
    }

    fn looks(&self) -> MutexGuard<'_, Vec<Look>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
