//! A day in the record shop, on every database. After each step a worker drains, and every value of
//! every cached field of every row is held against one query over the plain data.

mod afternoon;
mod evening;
mod fresh;
mod kept;
mod morning;
mod noon;
mod place;
mod shop;
mod truth;

use std::{
    pin::Pin,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::{place::Place, shop::Shop, truth::Values};

type Act = Rc<dyn for<'a> Fn(&'a Shop) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>>>;

/// Something that happens in the shop.
struct Step {
    name: &'static str,
    act: Act,
    changes: bool,
    reads: bool,
}

/// Returns a step: its name, and its action.
fn step(name: &'static str, act: impl AsyncFn(&Shop) -> Result<()> + 'static) -> Step {
    let act = Rc::new(act);
    let act: Act = Rc::new(move |shop| {
        let act = Rc::clone(&act);
        Box::pin(async move { act(shop).await })
    });
    Step { name, act, changes: true, reads: false }
}

/// Returns a step: its name, and the statement that does it.
fn sql(name: &'static str, statement: &'static str) -> Step {
    step(name, async move |shop: &Shop| shop.sql(statement).await)
}

impl Step {
    /// Expects that no figure changes.
    fn changing_nothing(self) -> Self {
        Self { changes: false, ..self }
    }

    /// Reads the figures fresh before a worker has seen the change.
    fn read_at_once(self) -> Self {
        Self { reads: true, ..self }
    }
}

fn day() -> Vec<Step> {
    [morning::steps(), noon::steps(), afternoon::steps(), evening::steps()]
        .into_iter()
        .flatten()
        .collect()
}

/// The counts of a day.
#[derive(Default)]
struct Tally {
    steps: usize,
    values: usize,
    recalculated: usize,
    recalculating: Duration,
}

async fn live_through(shop: &Shop) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut before = shop.open().await?;
    for (number, step) in day().into_iter().enumerate() {
        let place = || format!("{:?}, step {}, “{}”", shop.place, number + 1, step.name);
        before = live_through_one(shop, &step, &before, &mut tally).await.with_context(place)?;
    }
    Ok(tally)
}

async fn live_through_one(
    shop: &Shop,
    step: &Step,
    before: &Values,
    tally: &mut Tally,
) -> Result<Values> {
    (step.act)(shop).await?;
    let truth = truth::all(shop).await?;
    let changed = truth.iter().any(|(figure, rows)| before[figure] != *rows);
    ensure!(
        changed == step.changes,
        "the step should {}change figures",
        if step.changes { "" } else { "not " }
    );
    if step.reads {
        let some = truth::changed_and_some_others(before, &truth);
        truth::compare(&some, &fresh::read(&shop.db, &some).await?)
            .context("read fresh, before the worker came")?;
    }

    let started = Instant::now();
    tally.recalculated += shop.drain().await?;
    tally.recalculating += started.elapsed();
    kept::nothing_is_pending(shop).await.context("after the worker")?;
    truth::compare(&truth, &kept::all(shop).await?).context("after the worker")?;

    tally.steps += 1;
    tally.values += truth.values().map(|rows| rows.len()).sum::<usize>();

    Ok(truth)
}

async fn on(place: Place) {
    let started = Instant::now();
    let shop = Shop::make(place).await.expect("a shop");
    let lived = live_through(&shop).await;
    shop.close().await.expect("closed");
    let tally = lived.unwrap_or_else(|error| panic!("{error:#}"));

    println!(
        "{place:?}: {} steps, {} values compared, {} figures recalculated in {:.1?}, {:.1?} in all",
        tally.steps,
        tally.values,
        tally.recalculated,
        tally.recalculating,
        started.elapsed()
    );
}

mod a_day_on {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        on(Place::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        on(Place::Postgres).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn mariadb() {
        on(Place::MariaDb).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn mysql() {
        on(Place::MySql).await;
    }
}
