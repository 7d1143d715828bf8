//! The story, a chapter a function.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, EntityTrait, TransactionTrait,
    prelude::{ChronoUtc, Expr},
};
use sea_orm_cached_field::{CachedFields, Event};
use tokio_stream::Stream;

use crate::{
    entity::{lamppost, pigeon},
    transcript::{aside, chapter, read, run, watch},
};

pub(crate) async fn install(db: &DatabaseConnection) -> Result<()> {
    chapter("Cached fields are installed: one line in a migration");
    let changes = run!(CachedFields::install(db).await?);
    for change in changes.iter() {
        aside(change);
    }
    Ok(())
}

pub(crate) async fn a_lamppost_is_put_up(db: &DatabaseConnection) -> Result<()> {
    chapter("A lamppost is put up, with two pigeons on it");
    let lamppost = lamppost::ActiveModel::builder().set_first_name("Lucius").set_country("Latvia");
    let two = [350, 320].map(|weight| pigeon::ActiveModel::builder().set_weight(weight));
    run!(lamppost.add_pigeon(two[0].clone()).add_pigeon(two[1].clone()).insert(db).await?);
    Ok(())
}

pub(crate) async fn its_name_is_read_twice(db: &DatabaseConnection) -> Result<()> {
    chapter("The first read is slow: it calculates, and stores what comes out");
    let lamppost = the_lamppost(db).await?;
    is("The 670 g Lucius of Latvia", &read!(lamppost.slow_full_name(db).await?))?;

    chapter("From then on it is there with the row");
    let lamppost = run!(lamppost::Entity::find().one(db).await?).context("the lamppost is gone")?;
    is("The 670 g Lucius of Latvia", &read!(lamppost.slow_full_name(db).await?))
}

pub(crate) async fn a_pigeon_lands(
    db: &DatabaseConnection,
    events: &mut (impl Stream<Item = Event> + Unpin),
) -> Result<()> {
    chapter("A pigeon lands; nobody says anything to the lamppost");
    let lamppost = the_lamppost(db).await?;
    run!(pigeon::ActiveModel::builder().set_weight(510).set_lamppost_id(lamppost.id).insert(db).await?);
    watch(events, is_completed).await?;
    is("The 1180 g Lucius of Latvia", &read!(lamppost.fresh_slow_full_name(db).await?))
}

pub(crate) async fn the_country_changes(
    db: &DatabaseConnection,
    events: &mut (impl Stream<Item = Event> + Unpin),
) -> Result<()> {
    chapter("Somebody changes the country in SQL, past the ORM");
    let lamppost = the_lamppost(db).await?;
    run!(db.execute_unprepared("UPDATE lamppost SET country = 'Lesotho'").await?);
    watch(events, is_completed).await?;
    is("The 1180 g Lucius of Lesotho", &read!(lamppost.fresh_slow_full_name(db).await?))
}

pub(crate) async fn what_if_it_moved(db: &DatabaseConnection) -> Result<()> {
    chapter("What if it moved to Lapland? A preview stores nothing");
    let lamppost = the_lamppost(db).await?;
    let moved = run!(lamppost::Model { country: "Lapland".into(), ..lamppost.clone() });
    is("The 1180 g Lucius of Lapland", &read!(moved.calculate_slow_full_name(db).await?))?;
    is("The 1180 g Lucius of Lesotho", &read!(lamppost.fresh_slow_full_name(db).await?))
}

pub(crate) async fn the_pigeons_die(
    db: &DatabaseConnection,
    events: &mut (impl Stream<Item = Event> + Unpin),
) -> Result<()> {
    chapter("All pigeons die, two seconds from now: no row changes then, but the name does");
    let lamppost = the_lamppost(db).await?;
    let moment = run!(ChronoUtc::now() + Duration::from_secs(2));
    let transaction = run!(db.begin().await?);
    run!(pigeon::Entity::update_many().col_expr(pigeon::Column::DiesAt, Expr::value(moment)).exec(&transaction).await?);
    run!(lamppost.expire_slow_full_name_after(&transaction, moment).await?);
    run!(transaction.commit().await?);
    watch(events, |event| matches!(event, Event::Expired { .. })).await?;
    watch(events, is_completed).await?;
    is("The 0 g Lucius of Lesotho", &read!(lamppost.fresh_slow_full_name(db).await?))
}

pub(crate) async fn it_is_renamed(
    db: &DatabaseConnection,
    events: &mut (impl Stream<Item = Event> + Unpin),
) -> Result<()> {
    chapter("It is renamed just before closing time");
    run!(db.execute_unprepared("UPDATE lamppost SET first_name = 'Ludmila'").await?);
    watch(events, |event| matches!(event, Event::Claimed { .. })).await
}

pub(crate) async fn nothing_is_left_undone(
    db: &DatabaseConnection,
    events: &mut (impl Stream<Item = Event> + Unpin),
) -> Result<()> {
    watch(events, is_completed).await?;
    let lamppost = the_lamppost(db).await?;
    is("The 0 g Ludmila of Lesotho", &read!(lamppost.slow_full_name(db).await?))
}

async fn the_lamppost(db: &DatabaseConnection) -> Result<lamppost::Model> {
    lamppost::Entity::find().one(db).await?.context("the lamppost is gone")
}

fn is_completed(event: &Event) -> bool {
    matches!(event, Event::Completed { .. })
}

/// What a chapter was about to show.
fn is(expected: &str, name: &str) -> Result<()> {
    ensure!(name == expected, "the name should be {expected:?} but is {name:?}");
    Ok(())
}
