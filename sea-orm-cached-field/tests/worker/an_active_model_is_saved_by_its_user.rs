use sea_orm::IntoActiveModel;

use crate::fragile::*;

#[apply(contract)]
async fn with_the_flag_among_other_changes(db: TestDb) {
    let place = set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;
    let mut active = row(&db, id).await.into_active_model();
    active.flag_opinion_as_stale();
    assert_opinion(&db, id, "feels fine").await;
    active.update(&*db).await.unwrap();
    assert!(row(&db, id).await.opinion_recalculation_needed);
    assert_eq!((db.drain(fragiles()).await, place.times(id)), (1, 2));
    assert_opinion(&db, id, "feels fine").await;
}

#[apply(contract)]
async fn with_a_value_that_is_calculated_from_what_is_not_stored_yet(db: TestDb) {
    set_up_fragiles(&db).await;
    let [id] = rows_of(&db, ["fine"]).await;
    db.drain(fragiles()).await;

    let mut active = row(&db, id).await.into_active_model();
    active.mood = Set("new".to_owned());
    assert_eq!(active.recalculate_opinion(&*db).await.unwrap(), "feels new");
    assert_opinion(&db, id, "feels fine").await;

    active.update(&*db).await.unwrap();
    let saved = row(&db, id).await;
    assert_eq!(
        (saved.cached_opinion.as_deref(), saved.opinion_recalculation_needed),
        (Some("feels new"), true)
    );

    let mut narration = db.narration();
    db.drain(fragiles()).await;
    let said = narration.said();
    assert!(said.contains(&format!("completed fragile.opinion {id}, unchanged")), "{said:?}");
    assert_opinion(&db, id, "feels new").await;
}

#[apply(contract)]
async fn and_cannot_be_calculated_in_parts(db: TestDb) {
    set_up_fragiles(&db).await;
    let mut active = ActiveModel { mood: Set("fine".to_owned()), ..Default::default() };
    let refused = active.recalculate_opinion(&*db).await.expect_err("no row").to_string();
    assert!(refused.contains("id"), "{refused}");
    assert!(active.cached_opinion.is_not_set());
}
