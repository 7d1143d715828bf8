//! The layer that belongs to the backend. It is outside of all layers of the user. However a batch
//! ends, even by a timeout or a panic of such a layer, its unfinished rows are handed back.

use std::{
    panic::AssertUnwindSafe,
    task::{self, Poll},
    time::Duration,
};

use apalis_core::{error::BoxDynError, task::Task};
use futures_util::{FutureExt, future::BoxFuture};
use tower::{Layer, Service};

use super::batch::Batch;
use crate::calculation;

/// The time for which a failed batch holds up the next one.
const AFTER_FAILURE: Duration = Duration::from_millis(250);

/// A layer that hands back what a batch leaves unfinished.
#[derive(Clone, Copy, Debug)]
pub struct HandBackLayer;

impl<S> Layer<S> for HandBackLayer {
    type Service = HandBack<S>;

    fn layer(&self, inner: S) -> HandBack<S> {
        HandBack { inner }
    }
}

/// The service of [`HandBackLayer`].
#[derive(Clone, Debug)]
pub struct HandBack<S> {
    inner: S,
}

impl<S> Service<Task<Batch>> for HandBack<S>
where
    S: Service<Task<Batch>>,
    S::Future: Send + 'static,
    S::Error: Into<BoxDynError>,
    S::Response: Send,
{
    type Response = S::Response;
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<S::Response, BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Batch>) -> Self::Future {
        let batch = task.args.clone();
        let begun = std::panic::catch_unwind(AssertUnwindSafe(|| self.inner.call(task)));

        Box::pin(async move {
            let ended = match begun {
                Ok(ended) => AssertUnwindSafe(ended)
                    .catch_unwind()
                    .await
                    .map(|ended| ended.map_err(Into::into)),
                Err(panic) => Err(panic),
            };

            let ended = ended.unwrap_or_else(|panic| Err(calculation::message(&*panic).into()));
            batch.hand_back_if_possible().await;
            if let Err(error) = &ended {
                batch.warn(error);
                // The batch keeps its place among the batches in flight meanwhile. So one that
                // fails again and again is not retried all the time.
                tokio::time::sleep(AFTER_FAILURE).await;
            }
            ended
        })
    }
}
