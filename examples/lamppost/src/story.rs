//! The story, one function for each chapter.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, EntityTrait, TransactionTrait,
    prelude::{ChronoUtc, Expr},
};
use sea_orm_cached_field::{CachedFields, Event};

use crate::{
    entity::{lamppost, pigeon, pigeon::Column::DiesAt},
    transcript::{Events, aside, chapter, code, read, run, watch},
};

pub(crate) fn the_model() {
    chapter("The model says what its name is calculated from");
    let model =
        include_str!("entity/lamppost.rs").lines().skip_while(|line| !line.contains("#[cached("));
    for line in model.take_while(|line| *line != "}") {
        code(line.trim());
    }
}

pub(crate) async fn install(db: &DatabaseConnection) -> Result<()> {
    chapter("What keeps it right is installed, by one line in a migration");
    run!(let changes = CachedFields::all().install(db).await?);
    aside(changes.to_string().trim_end());
    Ok(())
}

pub(crate) async fn a_lamppost_is_put_up(db: &DatabaseConnection) -> Result<()> {
    chapter("A lamppost is put up, and two pigeons sit down on it");
    let weighing = |grams| pigeon::ActiveModel::builder().set_weight(grams);
    run!(let lamppost = lamppost::ActiveModel::builder().set_first_name("Lucius").set_country("Latvia"));
    run!(lamppost.add_pigeon(weighing(350)).add_pigeon(weighing(320)).insert(db).await?);
    Ok(())
}

pub(crate) async fn its_name_is_read_twice(db: &DatabaseConnection) -> Result<()> {
    chapter("The first read is slow: it calculates, and stores what comes out");
    let lamppost = the_lamppost(db).await?;
    is("The 670 g Lucius of Latvia", &read!(lamppost.slow_full_name(db).await?))?;

    chapter("From then on it comes with the row, without any query of its own");
    run!(let lamppost = lamppost::Entity::find().one(db).await?.context("no lamppost")?);
    is("The 670 g Lucius of Latvia", &read!(lamppost.slow_full_name(db).await?))
}

pub(crate) async fn a_pigeon_lands(
    db: &DatabaseConnection,
    events: &mut impl Events,
) -> Result<()> {
    chapter("A pigeon lands; nobody says anything to the lamppost");
    let lamppost = the_lamppost(db).await?;
    run!(
        pigeon::ActiveModel::builder()
            .set_weight(510)
            .set_lamppost_id(lamppost.id)
            .insert(db)
            .await?
    );
    watch(events, is_completed).await?;

    is("The 1180 g Lucius of Latvia", &read!(lamppost.fresh_slow_full_name(db).await?))
}

pub(crate) async fn the_country_changes(
    db: &DatabaseConnection,
    events: &mut impl Events,
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
    run!(let moved = lamppost::Model { country: "Lapland".into(), ..lamppost.clone() });
    is("The 1180 g Lucius of Lapland", &read!(moved.calculate_slow_full_name(db).await?))?;
    is("The 1180 g Lucius of Lesotho", &read!(lamppost.fresh_slow_full_name(db).await?))
}

pub(crate) async fn the_pigeons_die(
    db: &DatabaseConnection,
    events: &mut impl Events,
) -> Result<()> {
    chapter("All pigeons die two seconds from now: no row changes then, but the name does");
    let lamppost = the_lamppost(db).await?;
    run!(let moment = ChronoUtc::now() + Duration::from_secs(2));
    run!(let txn = db.begin().await?);
    run!(pigeon::Entity::update_many().col_expr(DiesAt, Expr::value(moment)).exec(&txn).await?);
    run!(lamppost.expire_slow_full_name_after(moment, &txn).await?);
    run!(txn.commit().await?);
    watch(events, |event| matches!(event, Event::Expired { .. })).await?;
    watch(events, is_completed).await?;

    is("The 0 g Lucius of Lesotho", &read!(lamppost.fresh_slow_full_name(db).await?))
}

pub(crate) async fn it_is_renamed(db: &DatabaseConnection, events: &mut impl Events) -> Result<()> {
    chapter("It is renamed just before closing time");
    run!(db.execute_unprepared("UPDATE lamppost SET first_name = 'Ludmila'").await?);
    watch(events, |event| matches!(event, Event::Claimed { .. })).await
}

/// Shows that nothing is lost when a worker stops. It finishes the rows that it has begun, and
/// hands back those that it has only claimed.
pub(crate) async fn nothing_is_lost(
    db: &DatabaseConnection,
    events: &mut impl Events,
) -> Result<()> {
    watch(events, |event| is_completed(event) || matches!(event, Event::HandedBack { .. })).await?;
    let lamppost = the_lamppost(db).await?;
    is("The 0 g Ludmila of Lesotho", &read!(lamppost.fresh_slow_full_name(db).await?))?;
    let left = CachedFields::all().worker(db).drain().await?;
    ensure!(left == 0, "{left} names were left undone");
    Ok(())
}

async fn the_lamppost(db: &DatabaseConnection) -> Result<lamppost::Model> {
    lamppost::Entity::find().one(db).await?.context("the lamppost is gone")
}

fn is_completed(event: &Event) -> bool {
    matches!(event, Event::Completed { .. })
}

/// Checks the result that a chapter should show.
fn is(expected: &str, name: &str) -> Result<()> {
    ensure!(name == expected, "the name should be {expected:?} but is {name:?}");
    Ok(())
}
