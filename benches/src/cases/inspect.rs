//! `inspect`: what an operator's questions take beside a large backlog, while workers are at it.

use std::time::Instant;

use anyhow::Result;
use sea_orm::DatabaseConnection;
use sea_orm_cached_field::Key;

use super::{CACHED, Case};
use crate::{bench::Bench, child::Child, measure::Unit, place::Town, schema::Way};

/// The number of times that everything is asked.
const TIMES: usize = 20;

const WORKERS: usize = 2;

const FIELD: &str = "lamppost.slow_full_name";

const QUESTIONS: [&str; 4] = ["status", "failed", "explain", "expirations"];

pub(crate) async fn run(bench: &mut Bench, case: &'static Case) -> Result<()> {
    let rows = bench.pick(case.rows);
    let place = bench.places.with(Town::without_pigeons(rows)).await?;
    Way::OwnColumns.models().install(&place.db).await?;
    for statement in [MARK_ALL, QUEUE_ALL, FAIL_SOME] {
        place.sql(statement).await?;
    }
    place.tidy().await?;

    let workers = (0..WORKERS).map(|_| Child::worker(&place.url, Way::OwnColumns, 1000, 8));
    let workers: Vec<Child> = workers.collect::<Result<_>>()?;
    let mut samples = QUESTIONS.map(|_| Vec::new());
    for time in 0..TIMES {
        for (question, samples) in QUESTIONS.iter().zip(&mut samples) {
            // Over a pool of its own, so that no answer of a moment ago is shared.
            let client = place.client().await?;
            client.ping().await?;
            let started = Instant::now();
            ask(&client, question, time).await?;
            samples.push(started.elapsed().as_secs_f64() * 1000.0);
            client.close().await?;
        }
    }
    for worker in workers {
        worker.stop()?;
    }

    for (question, samples) in QUESTIONS.iter().zip(samples) {
        bench.keep(case.measured(CACHED, rows, Unit::Milliseconds, samples).part(question));
    }
    Ok(())
}

async fn ask(client: &DatabaseConnection, question: &str, time: usize) -> Result<()> {
    let models = Way::OwnColumns.models();
    match question {
        "failed" => drop(models.failed(client).await?),
        "status" => drop(models.status(client).await?),
        "explain" => {
            let key = Key::new([i32::try_from(time + 1)?.into()]);
            drop(models.explain(FIELD, &key, client).await?);
        }
        _ => drop(models.expirations(client).await?),
    }
    Ok(())
}

const MARK_ALL: &str =
    "INSERT INTO _lamppost_cached_marks (key_1, field) SELECT id, 'slow_full_name' FROM lamppost";
const QUEUE_ALL: &str = "INSERT INTO _lamppost_cached_recalculations (key_1, field, generation)
                         SELECT id, 'slow_full_name', 1 FROM lamppost";
const FAIL_SOME: &str = "UPDATE _lamppost_cached_recalculations
                            SET due_at = NULL, last_error = 'no such street'
                          WHERE key_1 % 10 = 0";
