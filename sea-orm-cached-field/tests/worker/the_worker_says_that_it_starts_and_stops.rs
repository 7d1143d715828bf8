use std::{cell::Cell, time::Duration};

use apalis_core::{
    error::BoxDynError,
    worker::{builder::WorkerBuilder, context::WorkerContext},
};
use futures_util::{FutureExt, Stream, StreamExt};
use sea_orm::DatabaseConnection;
use sea_orm_cached_field::{
    Event,
    apalis::{Batch, recalculate},
};
use tracing::Instrument;

use crate::{
    fragile::*,
    harness::{
        TestDb, connect,
        log::{Log, logged, without_durations},
    },
};

/// Works over a pool of its own. Returns what the log says meanwhile.
async fn said(
    db: &TestDb,
    work: impl AsyncFnOnce(&DatabaseConnection) + Send + 'static,
) -> Vec<String> {
    let url = db.url.clone();
    let ((), said) = logged(move || async move { work(&connect(&url).await).await }).await;
    said
}

/// Returns the lines of the log above `DEBUG`, without what differs each time, and without the
/// warnings that a pooler is there. Behind one that is busy, the first statement may meet another
/// session.
fn above_debug(said: &[String]) -> Vec<String> {
    let warnings =
        ["WARN a pooler gives the transactions", "unnamed prepared statement does not exist"];
    let is_of_pooler = |said: &&String| warnings.iter().any(|warning| said.contains(warning));
    let lines = said.iter().filter(|said| !said.starts_with("DEBUG ") && !is_of_pooler(said));
    lines.map(|line| without_database(&without_durations(line))).collect()
}

fn without_database(line: &str) -> String {
    let Some((before, rest)) = line.split_once("database=\"") else { return line.to_owned() };
    let (_, after) = rest.split_once('"').expect("the end of a text");
    format!("{before}database=..{after}")
}

/// The rows that are completed or fail from now on.
fn ends(db: &DatabaseConnection) -> impl Stream<Item = Event> + Unpin + use<> {
    let is_end = |event: &Event| {
        std::future::ready(matches!(event, Event::Completed { .. } | Event::Failed { .. }))
    };
    fragiles().events(db).expect("events").filter(is_end)
}

/// Waits until so many rows were completed or have failed.
fn ended(db: &DatabaseConnection, rows: usize) -> impl Future<Output = ()> + use<> {
    let ends = ends(db);
    async move { ends.take(rows).for_each(|_| std::future::ready(())).await }
}

const STARTED: &str = "INFO the worker has started; database=.. models=\"fragile\" \
    cached_fields=1 recalculates=true concurrency=8 batch_size=200 lease_seconds=60.0 \
    calculation_timeout_seconds=30.0 max_attempts=20";

#[apply(contract)]
async fn with_its_settings_and_with_what_it_has_done(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine", "fine", "error"]).await;
    let said = said(&db, async |db| {
        let worker = fragiles().worker(db).concurrency(3).batch_size(50).max_attempts(4);
        let worker = worker.lease(Duration::from_secs(90));
        worker.run_until(ended(db, 3)).await.expect("stopped");
    })
    .await;

    insta::allow_duplicates! {
        insta::assert_snapshot!(above_debug(&said).join("\n"), @r#"
    INFO the worker has started; database=.. models="fragile" cached_fields=1 recalculates=true concurrency=3 batch_size=50 lease_seconds=90.0 calculation_timeout_seconds=30.0 max_attempts=4
    WARN failed fragile.opinion 3, attempt 1, will retry: `opinion` of `fragile` 3 could not be calculated; the whole error is in `last_error` of `_fragile_cached_recalculations`, and `CachedFields::doctor` shows it; table="fragile" field="opinion" key=3 retry_in_seconds=..; in recalculate table="fragile" claims=3
    INFO the worker has stopped; recalculated=2 failed=1 seconds=..
    "#);
    }
}

/// A wrong database is a common mistake. Its password is no business of the log.
#[apply(contract)]
async fn and_where_its_database_is(db: TestDb) {
    set_up_fragiles(&db).await;
    let said = said(&db, async |db| {
        fragiles().worker(db).run_until(std::future::ready(())).await.expect("stopped");
    })
    .await;

    let (_, address) = said[0].split_once("database=\"").expect("the address");
    let (address, _) = address.split_once('"').expect("the end of a text");
    let expected = match db.url.split_once("//").expect("a URL") {
        ("sqlite:", file) => format!("sqlite:{}", file.trim_end_matches("?mode=rwc")),
        (scheme, place) => {
            let (_, place) = place.split_once('@').expect("a user");
            format!("{scheme}//{place}")
        }
    };
    assert_eq!(address, expected);
}

#[apply(contract)]
async fn only_at_the_level_of_debugging_if_its_caller_waits(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine"]).await;
    let said = said(&db, async |db| {
        fragiles().worker(db).run_once().await.expect("done");
        fragiles().worker(db).drain().await.expect("done");
    })
    .await;

    assert_eq!(above_debug(&said), [""; 0]);
    let lives: Vec<String> = said
        .iter()
        .filter(|said| said.contains("the worker has"))
        .map(|line| without_database(&without_durations(line)))
        .collect();
    let started = STARTED.replace("INFO", "DEBUG");
    let stopped =
        |rows| format!("DEBUG the worker has stopped; recalculated={rows} failed=0 seconds=..");
    assert_eq!(lives, [started.clone(), stopped(1), started, stopped(0)]);
}

#[apply(contract)]
async fn also_if_it_is_dropped(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine"]).await;
    let said = said(&db, async |db| {
        let mut worker = Box::pin(fragiles().worker(db).run());
        tokio::select! {
            _ = &mut worker => panic!("it should run"),
            () = ended(db, 1) => {}
        }
        drop(worker);
    })
    .await;

    let lines = above_debug(&said);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], STARTED);
    assert!(lines[1].starts_with("INFO the worker has stopped;"), "{lines:?}");
}

#[apply(contract)]
async fn and_the_error_that_stopped_it(db: TestDb) {
    db.create(Entity).await;
    let said = said(&db, async |db| {
        fragiles().worker(db).run().await.expect_err("nothing is installed");
    })
    .await;
    let lines = above_debug(&said);
    assert_eq!(lines.len(), 2, "{lines:?}");
    let warning = "WARN the worker has stopped, because of an error that it returns to its caller;";
    assert!(lines[1].starts_with(warning), "{lines:?}");
    assert!(lines[1].contains("call `CachedFields::all().install(&db)`"), "{lines:?}");
}

#[apply(contract)]
async fn also_in_an_apalis_worker_of_the_users(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine"]).await;
    let said = said(&db, async |db| {
        let backend = fragiles().worker(db).into_backend().expect("a backend");
        let context = WorkerContext::from("mine");
        let worker = WorkerBuilder::new(context.clone()).backend(backend).build(recalculate);
        let running = worker.run();
        let stop = ended(db, 1).map(|()| context.stop().expect("stopped"));
        let (running, ()) = tokio::join!(running, stop);
        running.expect("it should stop");
    })
    .await;
    let stopped = "INFO the worker has stopped; recalculated=1 failed=0 seconds=..";
    assert_eq!(above_debug(&said), [STARTED, stopped]);
}

thread_local! {
    static HAS_FAILED: Cell<bool> = const { Cell::new(false) };
}

/// A handler of the user's that fails at first.
async fn clumsy(batch: Batch) -> Result<(), BoxDynError> {
    if !HAS_FAILED.replace(true) {
        return Err("a value of a row".into());
    }
    Ok(recalculate(batch).await?)
}

#[apply(contract)]
async fn and_that_a_batch_has_failed(db: TestDb) {
    set_up_fragiles(&db).await;
    rows_of(&db, ["fine"]).await;
    let said = said(&db, async |db| {
        let backend = fragiles().worker(db).into_backend().expect("a backend");
        let context = WorkerContext::from("mine");
        let worker = WorkerBuilder::new(context.clone()).backend(backend).build(clumsy);
        let stop = ended(db, 1).map(|()| context.stop().expect("stopped"));
        let (running, ()) = tokio::join!(worker.run(), stop);
        running.expect("it should stop");
    })
    .await;

    let failed = "WARN a batch has failed; what it has not stored is calculated again; \
        table=\"fragile\" claims=1 error=\"not of this library; its text is logged at level DEBUG\"";
    let stopped = "INFO the worker has stopped; recalculated=1 failed=0 seconds=..";
    assert_eq!(above_debug(&said), [STARTED, failed, stopped]);
    assert!(said.iter().any(|said| said.contains("DEBUG a batch has failed: a value of a row")));
}

/// A worker that cannot listen tries several times a second.
#[apply(on_postgres)]
async fn but_once_only_that_it_cannot_listen(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    let said = said(&db, async move |db| {
        let mut ends = ends(db);
        let changes = async {
            for mood in ["odd", "even", "better"] {
                ends.next().await;
                set_mood(db, id, mood).await;
            }
            ends.next().await;
        };
        let worker = fragiles().worker(db).listen_on("postgres://nobody@127.0.0.1:1/nothing");
        worker.run_until(changes).await.expect("stopped");
    })
    .await;

    let with = |start: &str| said.iter().filter(|said| said.starts_with(start)).count();
    assert_eq!(with("WARN the worker cannot listen for changes;"), 1, "{said:#?}");
    assert!(with("DEBUG the worker still cannot listen for changes;") > 0, "{said:#?}");
}

#[apply(on_sqlite)]
async fn the_span_of_a_batch_has_its_outcome(db: TestDb) {
    let log = Log::everywhere();
    set_up_fragiles(&db).await;
    let fine = ["fine"; 17];
    rows_of(&db, fine).await;
    rows_of(&db, ["error"; 6]).await;
    db.drain(fragiles()).await;
    let spans = log.spans();
    let outcome = "recalculate table=\"fragile\" claims=23 recalculated=17 failed=6 seconds=";
    assert!(spans.iter().any(|span| span.starts_with(outcome)), "{spans:?}");
}

/// With SeaORM's feature `tracing-spans`.
#[apply(contract)]
async fn the_spans_of_statements_are_within(db: TestDb) {
    let log = Log::everywhere();
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["asks"]).await;
    db.drain(fragiles()).await;
    let asked_within = |span: &str| {
        let is_it = |asked: &&String| asked.contains(span) && asked.contains(ASKED);
        log.spans().iter().filter(is_it).count()
    };
    assert!(asked_within("in (recalculate table=\"fragile\" claims=1") >= 1);

    let name = db.name("request");
    let request = tracing::info_span!("request", name);
    let request_of = format!("in (request name={name:?}");
    row(&db, id).await.flag_opinion_as_stale(&*db).await.expect("flagged");
    row(&db, id).await.fresh_opinion(&*db).instrument(request.clone()).await.expect("read");
    assert_eq!(asked_within(&request_of), 1);
    let again = row(&db, id).await;
    again.recalculate_opinion(&*db).instrument(request).await.expect("recalculated");
    assert_eq!(asked_within(&request_of), 2);
}
