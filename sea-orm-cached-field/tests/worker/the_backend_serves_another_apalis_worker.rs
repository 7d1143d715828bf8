use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use apalis_core::{
    error::BoxDynError,
    worker::{builder::WorkerBuilder, context::WorkerContext},
};
use futures_util::future::BoxFuture;
use sea_orm_cached_field::{Event, apalis::recalculate};
use tower::{Layer, Service};

use crate::{fragile::*, harness::TestDb};

/// A layer of the user whose first calls go wrong.
#[derive(Clone)]
struct Clumsy<S> {
    inner: S,
    panics: bool,
    left: Arc<AtomicUsize>,
}

struct ClumsyLayer {
    panics: bool,
    left: Arc<AtomicUsize>,
}

impl<S> Layer<S> for ClumsyLayer {
    type Service = Clumsy<S>;

    fn layer(&self, inner: S) -> Clumsy<S> {
        Clumsy { inner, panics: self.panics, left: Arc::clone(&self.left) }
    }
}

impl<S, T> Service<T> for Clumsy<S>
where
    S: Service<T, Error = BoxDynError>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<S::Response, BoxDynError>>;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, task: T) -> Self::Future {
        let fails = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok();
        let panics = self.panics;
        let call = self.inner.call(task);
        Box::pin(async move {
            assert!(!(fails && panics), "clumsy");
            if fails { Err("clumsy".into()) } else { call.await }
        })
    }
}

/// Runs the backend in an apalis worker behind a layer that goes wrong this often at first.
async fn works_behind(db: &TestDb, panics: bool, times: usize) {
    set_up_fragiles(db).await;
    let [id] = rows_of(db, ["fine"]).await;
    let mut narration = db.narration();
    let backend = fragiles().worker(db).lease(Duration::from_secs(3600)).into_backend().unwrap();
    let context = WorkerContext::from("mine");
    let left = Arc::new(AtomicUsize::new(times));
    let worker =
        WorkerBuilder::new(context.clone()).backend(backend).layer(ClumsyLayer { panics, left });

    let running = tokio::spawn(worker.build(recalculate).run());
    for _ in 0..times {
        narration.wait_for(|event| matches!(event, Event::HandedBack { .. })).await;
    }

    narration.wait_for(completes(id)).await;
    context.stop().unwrap();
    tokio::time::timeout(Duration::from_secs(20), running)
        .await
        .expect("it should stop")
        .unwrap()
        .unwrap();
    assert_opinion(db, id, "feels fine").await;
}

#[apply(contract)]
async fn that_does_nothing_else(db: TestDb) {
    works_behind(&db, false, 0).await;
}

#[apply(contract)]
async fn with_a_layer_that_fails(db: TestDb) {
    works_behind(&db, false, 2).await;
}

#[apply(contract)]
async fn with_a_layer_that_panics(db: TestDb) {
    works_behind(&db, true, 2).await;
}
