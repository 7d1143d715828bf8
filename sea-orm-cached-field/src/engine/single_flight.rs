//! Single flight: the readers of a stale row, in one process, share one calculation.

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
use tracing::Instrument;

use crate::{
    Error,
    declaration::{CachedField, Key},
};

type Outcome = Result<Arc<dyn Any + Send + Sync>, Arc<Error>>;
type Call = Shared<BoxFuture<'static, Outcome>>;

/// The field's type and the row's key.
type Target = (TypeId, Key);
type Calls = Arc<Mutex<HashMap<Target, Call>>>;

/// A calculated value, and whether the row was marked again before the value was stored.
pub(crate) type CalculatedValue<F> = (<F as CachedField>::Value, bool);

/// The calculations under way for readers, by field and key.
#[derive(Default)]
pub(crate) struct SingleFlight(Calls);

impl SingleFlight {
    /// Waits for the calculation of this field and key, and starts it if none is under way. Returns
    /// its outcome, and whether this call has started it.
    ///
    /// The calculation runs in a task of its own, so that a reader that is dropped while it waits
    /// leaves no lease behind.
    pub(crate) async fn join<F: CachedField>(
        &self,
        key: &Key,
        start: impl FnOnce() -> BoxFuture<'static, Result<CalculatedValue<F>, Error>>,
    ) -> (Result<CalculatedValue<F>, Error>, bool) {
        let target = (TypeId::of::<F>(), key.clone());
        let mut started = false;
        let call = {
            let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let start = || {
                started = true;
                spawn(Arc::clone(&self.0), target.clone(), start())
            };
            calls.entry(target.clone()).or_insert_with(start).clone()
        };

        let outcome =
            call.await.map_err(|error| Arc::try_unwrap(error).unwrap_or_else(Error::Shared));
        let calculated = |value: Arc<dyn Any + Send + Sync>| {
            value
                .downcast_ref::<CalculatedValue<F>>()
                .cloned()
                .expect("the calculations of a field return values of its type")
        };
        (outcome.map(calculated), started)
    }
}

/// Removes a call when its task ends, also by a panic.
struct Guard(Calls, Target);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

fn spawn<T: Send + Sync + 'static>(
    calls: Calls,
    target: Target,
    calculation: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Call {
    let task = async move {
        // The guard is made at the first poll. A runtime that is shutting down drops the task at
        // once, while the caller still holds the lock that the guard takes.
        let _guard = Guard(calls, target);
        calculation.await
    };
    let task = tokio::spawn(task.in_current_span());

    async move {
        match task.await {
            Ok(Ok(value)) => Ok(Arc::new(value) as Arc<dyn Any + Send + Sync>),
            Ok(Err(error)) => Err(Arc::new(error)),
            Err(stopped) => Err(Arc::new(Error::Stopped(stopped.to_string()))),
        }
    }
    .boxed()
    .shared()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_calculation_that_panics_is_removed() {
        let calls = Calls::default();
        let target = (TypeId::of::<()>(), Key::new([1.into()]));
        let panic = async { panic!("a crash") };
        let call = spawn::<i32>(Arc::clone(&calls), target.clone(), panic);
        calls.lock().unwrap().insert(target, call.clone());
        assert!(call.await.is_err());
        assert!(calls.lock().unwrap().is_empty(), "the next reader must not get the old error");
    }
}
