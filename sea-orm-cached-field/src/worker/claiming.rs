use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_util::FutureExt;
use tokio::{
    runtime::Handle,
    task::{JoinError, JoinHandle},
};

use crate::engine::Engine;

/// A task that claims. It goes on if this is dropped, because a claim that is half made could not
/// be handed back. The finished claim is then dropped with the result of the task, and so handed
/// back.
pub(super) struct Claiming<T: Send + 'static> {
    engine: Arc<Engine>,
    task: Option<JoinHandle<T>>,
}

impl<T: Send + 'static> Claiming<T> {
    pub(super) fn start(
        engine: &Arc<Engine>,
        claim: impl Future<Output = T> + Send + 'static,
    ) -> Self {
        Self { engine: Arc::clone(engine), task: Some(tokio::spawn(claim)) }
    }
}

impl<T: Send + 'static> Future for Claiming<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ended =
            ready!(self.task.as_mut().expect("it is not polled after its end").poll_unpin(cx));
        self.task = None;
        Poll::Ready(ended)
    }
}

impl<T: Send + 'static> Drop for Claiming<T> {
    fn drop(&mut self) {
        if let (Some(task), Ok(runtime)) = (self.task.take(), Handle::try_current()) {
            self.engine.hand_backs.spawn_on(async move { drop(task.await) }, &runtime);
        }
    }
}
