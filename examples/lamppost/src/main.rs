//! The lamppost of django-cached-field's README. It has a name that is slow to calculate, and
//! pigeons.
//!
//! ```sh
//! cargo run -p lamppost                                            # on SQLite, in a temporary folder
//! DATABASE_URL=postgres://user@host/database cargo run -p lamppost # on PostgreSQL, or on another SQLite file
//! ```
//!
//! In your own database it creates the tables `lamppost` and `pigeon`, and leaves them there for
//! you to look at. It drops those of an earlier run. It refuses to run if there are tables of these
//! names that are not its own.

mod ackermann;
mod database;
mod entity;
mod story;
mod transcript;

use anyhow::{Context, Result};
use sea_orm_cached_field::CachedFields;
use tokio::sync::oneshot;

use crate::transcript::{chapter, run, title};

#[tokio::main]
async fn main() -> Result<()> {
    let (db, place, _folder) = database::open().await?;
    title(&format!("A lamppost with a slow name, on {place}"));
    database::make_tables(&db).await?;
    let db = &db;

    story::the_model();
    story::install(db).await?;
    story::a_lamppost_is_put_up(db).await?;
    story::its_name_is_read_twice(db).await?;

    chapter("A worker starts, in the background");
    let (close, closed) = oneshot::channel();
    let mut events = CachedFields::all().events(db)?;
    run!(let worker = CachedFields::all().worker(db).run_until(async { closed.await.unwrap_or_default() }));
    run!(let worker = tokio::spawn(worker));

    story::a_pigeon_lands(db, &mut events).await?;
    story::the_country_changes(db, &mut events).await?;
    story::what_if_it_moved(db).await?;
    story::the_pigeons_die(db, &mut events).await?;
    story::it_is_renamed(db, &mut events).await?;

    chapter(
        "The worker is told to stop: what it has begun it finishes, what it has only claimed it hands back",
    );
    run!(close.send(())).ok().context("the worker has ended already")?;
    run!(worker.await??);
    story::nothing_is_lost(db, &mut events).await
}
