//! The caveats of the original's README, and its TODOs.

use chrono::{TimeDelta, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::street::*;

#[apply(contract)]
async fn filter_and_order_by_the_stored_column(db: TestDb) {
    set_up(&db).await;
    for name in ["Cid", "Bob"] {
        lamppost(&db, name, "Chad").await;
    }
    drain(&db).await;
    let found = Entity::find()
        .filter(Column::CachedContinent.eq("Africa"))
        .order_by_asc(Column::CachedSlowFullName)
        .all(&*db)
        .await
        .unwrap();
    assert_eq!(found.iter().map(|row| row.first_name.as_str()).collect::<Vec<_>>(), ["Bob", "Cid"]);
}

// Nothing is known by a pattern of its name.
#[apply(contract)]
async fn a_column_named_like_a_flag(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    assert!(ada(&db).await.paint_recalculation_needed, "it is the user's");
    db.sql("UPDATE lamppost SET paint_recalculation_needed = false").await;
    assert_eq!(drain(&db).await, 0);
}

// "Figure out if we can turn temporal_triggers into a job that happens once at the given time."
#[apply(contract)]
async fn a_recalculation_at_the_given_time(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    let mut narration = db.narration();
    let worker = tokio::spawn(lampposts().worker(&db).run());

    ada(&db)
        .await
        .expire_slow_full_name_after(Utc::now() + TimeDelta::milliseconds(200), &*db)
        .await
        .unwrap();

    narration
        .wait_for(|event| event.to_string() == "expired lamppost.slow_full_name of 1 row")
        .await;
    narration
        .wait_for(|event| event.to_string().starts_with("completed lamppost.slow_full_name"))
        .await;
    worker.abort();
}

// "Hook into the pigeons landing", and into everything else that changes a value: no code has to.
#[apply(contract)]
async fn hunting_down_every_change(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    db.sql("UPDATE lamppost SET country = 'Chad'").await;
    assert_eq!(drain(&db).await, 2);
    let ada = ada(&db).await;
    assert_eq!(
        (ada.cached_slow_full_name.as_deref(), ada.cached_continent.as_deref()),
        (Some("The Ada of Chad"), Some("Africa"))
    );
}
