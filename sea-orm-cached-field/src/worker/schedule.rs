//! Where a worker looks for work, and in which order.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::lane::Lane;
use crate::{calculation::Limits, protocol::First, registry::Model};

/// After this time without a look, a model has its turn before those whose fields it is calculated
/// from.
const PASSED_OVER: Duration = Duration::from_secs(1);

/// After this time a chunk of what an installation has flagged has its turn, though there is a
/// little else to do.
const CHUNKS_PASSED_OVER: Duration = Duration::from_secs(1);

/// When a worker has last looked for work, by model and lane.
pub(super) struct Schedule(Mutex<Vec<Look>>);

#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    /// The last look for chunks of rows that an installation has flagged.
    for_chunks_at: Instant,
    /// What was taken first, if more was found than could be taken.
    left_some: Option<First>,
}

/// A model, and which of its fields are looked for.
pub(super) struct Stop {
    /// The model, by its place among those of the worker.
    pub(super) turn: usize,
    pub(super) lane: Option<Lane>,
    pub(super) fields: Vec<usize>,
}

impl Stop {
    /// Its place among all models and lanes.
    fn place(&self) -> usize {
        self.turn * Lane::BOTH.len() + self.lane.map_or(0, |lane| lane as usize)
    }
}

impl Schedule {
    /// For so many models.
    pub(super) fn new(models: usize) -> Self {
        let at = Instant::now();
        let look = Look { at, for_chunks_at: at, left_some: None };
        Self(Mutex::new(vec![look; models * Lane::BOTH.len()]))
    }

    /// Where work is looked for, for a batch in one of these lanes, or in any: the models in their
    /// order, after those that were passed over for long.
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

    /// Begins a look. If the last one has left some, there is more, and this is to be taken first:
    /// now marks and now what is due, so that neither waits for ever.
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

    /// Ends a look. `left_some`: what was taken first, if more was found than could be taken.
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
