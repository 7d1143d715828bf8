//! A Django application that never flags anything edits its rows, while a worker of this library
//! keeps their values right.

mod application;
mod database;

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use django_neighbour::lamppost;
use futures_util::{StreamExt, future::try_join_all};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use sea_orm_cached_field::{CachedFields, Event};
use tokio::sync::oneshot;

use application::Application;
use database::Database;

const EDITORS: usize = 4;
const EDITS: usize = 10_000;

/// The least number of values that have to be stored while Django edits. It is less than the number
/// of edits: many edits of a row are one recalculation.
const STORED: usize = 2_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_every_value_is_right() -> Result<()> {
    let database = Database::create().await?;
    let application = Application::new(&database)?;
    let prepared = application.prepare().await?;
    let left_flagged = database.flagged().await?;
    assert!(left_flagged.iter().all(|rows| *rows > 100), "{left_flagged:?}");

    adopt(&database).await?;
    an_insert_of_ours_needs_no_flag(&database).await?;

    let events = CachedFields::all().events(&database)?;
    let stored = tokio::spawn(events.filter(completes).take(STORED).count());
    let (stop, told) = oneshot::channel();
    let told = async { told.await.unwrap_or_default() };
    let worker = tokio::spawn(CachedFields::all().worker(&database).run_until(told));
    let editors = (0..EDITORS).map(|number| application.edit(number, EDITORS, EDITS / EDITORS));
    let edited = try_join_all(editors).await?;
    eventually("enough values are stored", async || Ok(stored.is_finished())).await?;
    eventually("the worker is done", async || {
        Ok((database.pending().await?, database.flagged().await?) == (0, [0, 0]))
    })
    .await?;
    stop.send(()).expect("the worker should still run");
    worker.await??;

    let edits: usize = edited.iter().map(|edited| edited.edits).sum();
    let stale: usize = edited.iter().map(|edited| edited.stale_copies_saved).sum();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for (kind, count) in edited.iter().flat_map(|edited| &edited.kinds) {
        *kinds.entry(kind).or_default() += count;
    }
    println!("{edits} edits ({kinds:?}), {stale} of them with stale copies of our columns");
    for edited in &edited {
        assert!(edited.failures.is_empty(), "edits of Django failed: {:?}", edited.failures);
    }
    assert!(edits >= EDITS && stale > 500, "too little has happened");
    assert_eq!(database.deadlocks().await?, 0);
    assert_eq!(database.wrong().await?, Vec::<String>::new());

    let rows = application.report().await?;
    assert!(rows.len() > 200, "{} rows", rows.len());
    for row in rows {
        assert_eq!(
            (&row.stored, &row.property),
            (&row.expected, &row.expected),
            "lamppost {}",
            row.id
        );
    }
    let expiry = |id| database.expiry(id);
    assert_eq!((expiry(prepared.expired).await?, expiry(prepared.expires).await?), (false, true));
    Ok(())
}

/// Checks again and again, for at most a minute, until something is true.
async fn eventually(what: &str, is_so: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let so = async {
        while !is_so().await? {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    };
    tokio::time::timeout(Duration::from_secs(60), so)
        .await
        .with_context(|| format!("within a minute: {what}"))?
}

fn completes(event: &Event) -> std::future::Ready<bool> {
    std::future::ready(matches!(event, Event::Completed { .. }))
}

/// Installs on the tables that Django has made and filled.
async fn adopt(database: &Database) -> Result<()> {
    let before = database.picture().await?;
    let changes = CachedFields::all().install(&**database).await?;
    assert!(before == database.picture().await?, "only flags may change");
    let rows = database.lampposts().await?;
    assert_eq!(
        database.flagged().await?,
        [rows, rows],
        "nothing says that Django's values are right: {changes}"
    );
    assert_eq!(database.waiting().await?, [1, 1], "a mark stands for all rows: {changes}");
    assert!(CachedFields::all().install(&**database).await?.is_empty());
    Ok(())
}

/// Inserts a row by SeaORM without a flag: Django gives its columns no defaults.
async fn an_insert_of_ours_needs_no_flag(database: &Database) -> Result<()> {
    let row = lamppost::ActiveModel {
        first_name: Set("ours".into()),
        country: Set("Peru".into()),
        ..Default::default()
    };
    let row = row.insert(&**database).await.context("an insert without flags")?;
    assert!(row.slow_full_name_recalculation_needed && row.load_is_stale);
    assert_eq!(row.slow_full_name(&**database).await?, "The 0 ton ours of Peru");
    lamppost::Entity::delete_by_id(row.id).exec(&**database).await?;
    Ok(())
}
