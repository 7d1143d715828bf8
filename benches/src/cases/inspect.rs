//! `inspect`: what an operator's questions and commands take beside a large backlog, while workers
//! are at it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, Schema,
    prelude::{ChronoUtc, DateTimeUtc},
};
use sea_orm_cached_field::{CachedFields, FailedGroup, Key, Retry, WorkerState};

use super::{CACHED, Case};
use crate::{
    bench::Bench,
    child::Child,
    measure::Unit,
    place::{Place, series},
    schema::{Way, expiring},
};

/// The number of times that everything is asked.
const TIMES: usize = 20;

const WORKERS: usize = 2;

const FIELD: &str = "lamppost.slow_full_name";

/// The field that is calculated from it, and expires.
const ABOVE: &str = "lamppost.greeting";

/// What is asked.
pub(super) const QUESTIONS: [&str; 7] =
    ["status", "failed", "failed_rows", "explain", "workers", "activity", "expirations"];

/// What is done. On SQLite it waits for the workers' transactions, as every write does.
const COMMANDS: [&str; 3] = ["retry", "pause", "resume"];

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The time for which the case waits for the first report of each worker.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let rows = bench.pick(case.rows);
    let place = bench.places.blank().await?;
    build(&place, rows).await?;
    let failed = models().failed(&place.db).await?;
    let group = failed.groups.first().context("nothing has failed")?;

    let workers = (0..WORKERS).map(|_| Child::worker(&place.url, Way::Expiring, 1000, 8));
    let workers: Vec<Child> = workers.collect::<Result<_>>()?;
    wait_for_reports(&place).await?;
    let mut samples: Vec<(&str, Vec<f64>)> =
        QUESTIONS.into_iter().chain(COMMANDS).map(|question| (question, Vec::new())).collect();
    for time in 0..TIMES {
        for (question, samples) in &mut samples {
            // Over a pool of its own, so that no answer of a moment ago is shared.
            let client = place.client().await?;
            client.ping().await?;
            let started = Instant::now();
            ask(&client, question, group, rows, time).await?;
            samples.push(started.elapsed().as_secs_f64() * 1000.0);
            client.close().await?;
        }
    }
    let left: i64 = place.scalar(LEFT).await?;
    for worker in workers {
        worker.stop()?;
    }

    for (question, samples) in samples {
        let longest = samples.iter().copied().fold(0.0, f64::max);
        let measured = |samples| case.measured(CACHED, rows, Unit::Milliseconds, samples);
        bench.keep(measured(samples).part(question));
        bench.keep(measured(vec![longest]).part(&format!("{question}, the slowest")));
    }
    bench.keep(case.measured(CACHED, rows, Unit::Rows, vec![left as f64]).part("left"));
    Ok(())
}

fn models() -> CachedFields {
    Way::Expiring.models()
}

async fn ask(
    client: &DatabaseConnection,
    question: &str,
    group: &FailedGroup,
    rows: u64,
    time: usize,
) -> Result<()> {
    let models = models();
    let time = time as u64;
    match question {
        "status" => drop(models.status(client).await?),
        "failed" => drop(models.failed(client).await?),
        "failed_rows" => drop(models.failed_rows(group, None, 1_000, client).await?),
        // Workers come to it late, and it is calculated from a stale value.
        "explain" => drop(models.explain(ABOVE, &key(rows - time)?, client).await?),
        "workers" => drop(models.workers(client).await?),
        "activity" => drop(models.activity(DAY, client).await?),
        "expirations" => drop(models.expirations(client).await?),
        "retry" => {
            let failed = key((time + 1) * FAILED_EACH)?;
            models.retry(Retry::Row(FIELD, &failed), client).await?;
        }
        "pause" => models.pause(ABOVE, "ann", "the deploy of 2.1", client).await?,
        _ => anyhow::ensure!(models.resume(ABOVE, client).await?, "it was not paused"),
    }
    Ok(())
}

fn key(id: u64) -> Result<Key> {
    Ok(Key::new([i32::try_from(id)?.into()]))
}

/// Returns when all workers have said that they are there.
async fn wait_for_reports(place: &Place) -> Result<()> {
    let started = Instant::now();
    loop {
        let client = place.client().await?;
        let mut workers = models().workers(&client).await?;
        client.close().await?;
        workers.retain(|worker| worker.state != WorkerState::Gone);
        if workers.len() == WORKERS {
            return Ok(());
        }
        anyhow::ensure!(started.elapsed() < PATIENCE, "{} workers have reported", workers.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Makes lampposts that are all in the queue, some of them failed, the others marked again. The
/// installation has flagged both fields of all rows, chunk by chunk. The values of the other field
/// expire in the course of a day. Workers have reported since a day.
async fn build(place: &Place, rows: u64) -> Result<()> {
    let schema = Schema::new(place.db.get_database_backend());
    place.db.execute(&schema.create_table_from_entity(expiring::Entity)).await?;
    place.sql(&fill(place, rows)).await?;
    expire(place, rows).await?;
    models().install(&place.db).await?;
    for statement in [MARK_ALL_BUT_FAILED, QUEUE_ALL, FAIL_SOME] {
        place.sql(statement).await?;
    }
    for statement in report_a_day(place) {
        place.sql(&statement).await?;
    }
    place.tidy().await
}

fn fill(place: &Place, rows: u64) -> String {
    format!(
        "INSERT INTO lamppost (id, first_name, country,
                               cached_slow_full_name, slow_full_name_recalculation_needed,
                               cached_greeting, greeting_recalculation_needed)
         SELECT i + 1, 'Name' || i, 'Country' || (i % 200), '', false, 'Hello, ', false
           FROM {}",
        series(place, rows)
    )
}

/// Lets the values of a 24th of the rows expire in each hour, those of the first one an hour ago.
async fn expire(place: &Place, rows: u64) -> Result<()> {
    const EXPIRE: &str = "UPDATE lamppost SET greeting_expires_after = $1
                           WHERE id BETWEEN $2 AND $3";
    let mut moment: DateTimeUtc = ChronoUtc::now() - HOUR;
    for hour in 0..24 {
        let first = i32::try_from(hour * rows / 24 + 1)?;
        let last = i32::try_from((hour + 1) * rows / 24)?;
        let values: [sea_orm::Value; 3] = [moment.into(), first.into(), last.into()];
        place.db.execute_raw(place.statement(EXPIRE, values)).await?;
        moment += HOUR;
    }
    Ok(())
}

/// Returns what a day's reports of the workers are: of each minute and field.
fn report_a_day(place: &Place) -> Vec<String> {
    let this_minute = ChronoUtc::now().timestamp() / 60;
    let counted = "changed, unchanged, published, superseded, handed_back, failed, given_up";
    let durations = ["stale", "took"].map(|histogram| {
        let buckets: Vec<String> = (0..13).map(|bucket| format!("{histogram}_{bucket}")).collect();
        buckets.join(", ")
    });
    let columns = format!("{counted}, seconds, {}", durations.join(", "));
    let ones = vec!["1"; columns.split(", ").count()].join(", ");

    let report = |worker: usize, field: &str| {
        format!(
            "INSERT INTO _lamppost_cached_minutes (minute, field, worker, {columns})
             SELECT {this_minute} - i, '{field}', {worker}, {ones} FROM {}",
            series(place, DAY.as_secs() / 60),
        )
    };
    let workers = 1..=WORKERS;
    workers.flat_map(|worker| ["slow_full_name", "greeting"].map(|of| report(worker, of))).collect()
}

/// One row of so many has failed.
const FAILED_EACH: u64 = 10;

/// Without those that will have failed: a mark would make them due again.
const MARK_ALL_BUT_FAILED: &str = "INSERT INTO _lamppost_cached_marks (key_1, field)
                                   SELECT id, 'slow_full_name' FROM lamppost WHERE id % 10 <> 0";
const QUEUE_ALL: &str = "INSERT INTO _lamppost_cached_recalculations (key_1, field, generation)
                         SELECT id, 'slow_full_name', 1 FROM lamppost";
const FAIL_SOME: &str = "UPDATE _lamppost_cached_recalculations
                            SET due_at = NULL, last_error = 'no such street'
                          WHERE key_1 % 10 = 0";
const LEFT: &str = "SELECT count(*) FROM _lamppost_cached_recalculations";
