//! The fields that are slow to calculate, as far as a worker has seen.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{layout::Table, registry::Model};

/// The time after which a calculation counts as slow.
pub(super) const SLOW: Duration = Duration::from_millis(100);

/// The record of each field: whether its last calculation was slow.
#[derive(Debug, Default)]
pub(crate) struct Pace(HashMap<Table, Vec<AtomicBool>>);

impl Pace {
    pub(crate) fn of(models: &[Arc<Model>]) -> Self {
        let fields =
            |model: &Model| model.owner.fields.iter().map(|_| AtomicBool::default()).collect();
        Self(models.iter().map(|model| (model.owner.table.clone(), fields(model))).collect())
    }

    fn field(&self, model: &Model, field: usize) -> Option<&AtomicBool> {
        self.0.get(&model.owner.table)?.get(field)
    }

    pub(crate) fn is_slow(&self, model: &Model, field: usize) -> bool {
        self.field(model, field).is_some_and(|slow| slow.load(Ordering::Relaxed))
    }

    /// Whether some fields are slow and others are not.
    pub(crate) fn is_mixed(&self) -> bool {
        let mut fields = self.0.values().flatten().map(|slow| slow.load(Ordering::Relaxed));
        fields.next().is_some_and(|first| fields.any(|other| other != first))
    }

    /// Drives a calculation. If it is slow, that is recorded and `is_slow` is called before it
    /// ends.
    pub(super) async fn observe<T>(
        &self,
        model: &Model,
        field: usize,
        calculation: impl Future<Output = T>,
        is_slow: impl FnOnce(),
    ) -> T {
        let Some(slow) = self.field(model, field) else { return calculation.await };
        let started = Instant::now();
        let mut calculation = pin!(calculation);
        let ended = tokio::select! {
            biased;
            ended = &mut calculation => ended,
            () = tokio::time::sleep(SLOW) => {
                slow.store(true, Ordering::Relaxed);
                is_slow();
                calculation.await
            }
        };

        // Far below the limit, so that the record does not change all the time.
        if started.elapsed() < SLOW / 2 {
            slow.store(false, Ordering::Relaxed);
        }
        ended
    }
}
