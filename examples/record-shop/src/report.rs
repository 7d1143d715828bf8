//! The output of the program.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use record_shop::entity::{artist, employee, genre, playlist, shop};
use sea_orm::{
    ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::Decimal,
};
use sea_orm_cached_field::Event;
use tokio_stream::{Stream, StreamExt};

/// The number of rows of each field that were recalculated.
pub(crate) type Recalculated = BTreeMap<String, usize>;

/// Prints the figures of the day. They are read from their columns, because no worker has anything
/// left to do.
pub(crate) async fn print(db: &DatabaseConnection) -> Result<()> {
    println!("\nArtists by revenue:");
    let best = artist::Entity::find().order_by_desc(artist::Column::CachedRevenue);
    for artist in best.order_by_asc(artist::Column::Id).limit(5).all(db).await? {
        println!("  {:>8.2}  {}", artist.revenue(db).await?, artist.name);
    }

    println!("Genres by their share:");
    let best = genre::Entity::find()
        .order_by_desc(genre::Column::CachedShare)
        .order_by_asc(genre::Column::Id);
    for genre in best.limit(3).all(db).await? {
        let share = genre.share(db).await?.unwrap_or_default() * Decimal::ONE_HUNDRED;
        println!("  {share:>7.3}%  {}", genre.name);
    }

    for shop in shop::Entity::find().all(db).await? {
        println!("  of the {:.2} that the shop has earned", shop.revenue(db).await?);
    }

    if let Some(playlist) =
        playlist::Entity::find().filter(playlist::Column::Name.eq("Grunge")).one(db).await?
    {
        println!(
            "The playlist {} plays for {} minutes",
            playlist.name,
            playlist.minutes(db).await?
        );
    }

    println!("Teams:");
    teams(db, &employee::Entity::find().order_by_asc(employee::Column::Id).all(db).await?, None, 1)
        .await
}

/// Prints the tree of those who report to this employee.
async fn teams(
    db: &DatabaseConnection,
    all: &[employee::Model],
    above: Option<i32>,
    depth: usize,
) -> Result<()> {
    for employee in all.iter().filter(|employee| employee.reports_to_id == above) {
        let revenue = employee.team_revenue(db).await?;
        println!(
            "{:indent$}{:>8.2}  {}, {}",
            "",
            revenue,
            employee.first_name,
            employee.title,
            indent = depth * 2
        );
        Box::pin(teams(db, all, Some(employee.id), depth + 1)).await?;
    }

    Ok(())
}

/// Counts the completions that the engine has reported so far.
pub(crate) async fn recalculated(events: &mut (impl Stream<Item = Event> + Unpin)) -> Recalculated {
    let mut recalculated = Recalculated::new();
    // The worker is done, so all its events are there: nothing has to be waited for.
    while let Ok(Some(event)) = tokio::time::timeout(Duration::ZERO, events.next()).await {
        if let Event::Completed { table, field, .. } = event {
            *recalculated.entry(format!("{table}.{field}")).or_default() += 1;
        }
    }
    recalculated
}

/// Returns `artist.revenue 1, genre.share 25`.
pub(crate) fn listed(recalculated: &Recalculated) -> String {
    let fields = recalculated.iter().map(|(field, rows)| format!("{field} {rows}"));
    fields.collect::<Vec<_>>().join(", ")
}
