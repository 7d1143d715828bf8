//! Single flight: readers of one stale row, in one process, share one calculation.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};

use crate::{
    Error,
    declaration::{CachedField, Key},
};

type Landed = Result<Arc<dyn Any + Send + Sync>, Arc<Error>>;
type Flight = Shared<BoxFuture<'static, Landed>>;
type Place = (TypeId, Key);
type InTheAir = Arc<Mutex<HashMap<Place, Flight>>>;

/// A value that was calculated, and whether the row was marked again before it was stored.
pub(crate) type CalculatedValue<F> = (<F as CachedField>::Value, bool);

/// The calculations under way for readers, by field and key.
#[derive(Default)]
pub(crate) struct Flights(InTheAir);

impl Flights {
    /// Joins the flight of this field and key, or starts it; and whether it was started. It is a
    /// task of its own: a reader that gives up in the middle leaves no lease behind.
    pub(crate) async fn join<F: CachedField>(
        &self,
        key: &Key,
        start: impl FnOnce() -> BoxFuture<'static, Result<CalculatedValue<F>, Error>>,
    ) -> (Result<CalculatedValue<F>, Error>, bool) {
        let place = (TypeId::of::<F>(), key.clone());
        let mut started = false;
        let flight = {
            let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let launched = || {
                started = true;
                launch(Arc::clone(&self.0), place.clone(), start())
            };
            flights.entry(place.clone()).or_insert_with(launched).clone()
        };
        let landed =
            flight.await.map_err(|error| Arc::try_unwrap(error).unwrap_or_else(Error::Shared));
        let calculated = |landed: Arc<dyn Any + Send + Sync>| {
            landed
                .downcast_ref::<CalculatedValue<F>>()
                .cloned()
                .expect("a field's flights land with values of its type")
        };
        (landed.map(calculated), started)
    }
}

/// Clears a place when its flight ends, however it ends.
struct Runway(InTheAir, Place);

impl Drop for Runway {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

fn launch<T: Send + Sync + 'static>(
    flights: InTheAir,
    place: Place,
    calculation: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Flight {
    let task = tokio::spawn(async move {
        // Not before the first poll: a runtime that ends drops the task at once, while the flights
        // are still locked.
        let _cleared_at_the_end = Runway(flights, place);
        calculation.await
    });
    async move {
        match task.await {
            Ok(Ok(value)) => Ok(Arc::new(value) as Arc<dyn Any + Send + Sync>),
            Ok(Err(error)) => Err(Arc::new(error)),
            Err(stopped) => Err(Arc::new(Error::Worker(stopped.to_string()))),
        }
    }
    .boxed()
    .shared()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flight_that_crashes_clears_its_place() {
        let flights = InTheAir::default();
        let place = (TypeId::of::<()>(), Key::new([1.into()]));
        let crash = async { panic!("a crash") };
        let flight = launch::<i32>(Arc::clone(&flights), place.clone(), crash);
        flights.lock().unwrap().insert(place, flight.clone());
        assert!(flight.await.is_err());
        assert!(flights.lock().unwrap().is_empty(), "the next reader must not get the old error");
    }
}
