//! The property and the methods that the original adds to a model.

use chrono::{DurationRound, NaiveDate, TimeDelta, Utc};
use sea_orm::{EntityTrait, IntoActiveModel, TransactionTrait};

use crate::street::*;

#[apply(contract)]
async fn property_get(db: TestDb) {
    let loaded = set_up(&db).await;
    let mut narration = db.narration();
    assert_eq!(loaded.slow_full_name(&*db).await.unwrap(), "The Ada of Peru");
    assert_eq!(calculations(&mut narration), 1, "flagged");
    assert_eq!(ada(&db).await.slow_full_name(&*db).await.unwrap(), "The Ada of Peru");
    assert_eq!(calculations(&mut narration), 0, "stored");
    ada(&db)
        .await
        .expire_slow_full_name_after(Utc::now() - TimeDelta::days(1), &*db)
        .await
        .unwrap();
    assert_eq!(ada(&db).await.slow_full_name(&*db).await.unwrap(), "The Ada of Peru");
    assert_eq!(calculations(&mut narration), 1, "expired");
}

#[apply(contract)]
async fn property_set(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    ada(&db).await.set_slow_full_name("by hand".to_owned(), &db).await.unwrap();
    assert_eq!(
        (drain(&db).await, ada(&db).await.slow_full_name(&*db).await.unwrap()),
        (0, "by hand".to_owned())
    );
    db.sql("UPDATE lamppost SET cached_slow_full_name = 'by somebody'").await;
    drain(&db).await;
    assert_eq!(
        ada(&db).await.cached_slow_full_name.as_deref(),
        Some("The Ada of Peru"),
        "a plain write is healed"
    );
}

#[apply(contract)]
async fn calculate_field(db: TestDb) {
    let loaded = set_up(&db).await;
    assert_eq!(loaded.calculate_slow_full_name(&*db).await.unwrap(), "The Ada of Peru");
    assert_eq!(ada(&db).await, loaded, "a preview stores nothing");
}

#[apply(contract)]
async fn recalculate_field(db: TestDb) {
    let loaded = set_up(&db).await;
    loaded.recalculate_slow_full_name(&*db).await.unwrap();
    let mut narration = db.narration();
    assert_eq!(loaded.recalculate_slow_full_name(&*db).await.unwrap(), "The Ada of Peru");
    assert_eq!(calculations(&mut narration), 1, "also if it is fresh");
    assert!(!ada(&db).await.slow_full_name_recalculation_needed);
}

#[apply(contract)]
async fn recalculate_field_without_commit(db: TestDb) {
    let mut active = set_up(&db).await.into_active_model();
    active.first_name = Set("Bea".to_owned());
    assert_eq!(active.recalculate_slow_full_name(&*db).await.unwrap(), "The Bea of Peru");
    assert_eq!(ada(&db).await.cached_slow_full_name, None, "not saved yet");
    active.save(&*db).await.unwrap();
    assert_eq!(ada(&db).await.cached_slow_full_name.as_deref(), Some("The Bea of Peru"));
}

#[apply(contract)]
async fn flag_field_as_stale(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    ada(&db).await.flag_slow_full_name_as_stale(&*db).await.unwrap();
    assert!(ada(&db).await.slow_full_name_recalculation_needed);
    assert_eq!(drain(&db).await, 1);
}

#[apply(contract)]
async fn flag_field_as_stale_and_recalculate(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    ada(&db).await.flag_slow_full_name_as_stale(&*db).and_recalculate(false).await.unwrap();
    assert_eq!((drain(&db).await, ada(&db).await.slow_full_name_recalculation_needed), (0, true));
    ada(&db).await.flag_slow_full_name_as_stale(&*db).and_recalculate(true).await.unwrap();
    assert_eq!((drain(&db).await, ada(&db).await.slow_full_name_recalculation_needed), (1, false));
}

#[apply(contract)]
async fn flag_field_as_stale_without_commit(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    let mut active = ada(&db).await.into_active_model();
    active.flag_slow_full_name_as_stale();
    active.paint_recalculation_needed = Set(false);
    assert!(!ada(&db).await.slow_full_name_recalculation_needed, "not saved yet");
    active.save(&*db).await.unwrap();
    assert!(ada(&db).await.slow_full_name_recalculation_needed);
    assert_eq!(drain(&db).await, 1);
}

#[apply(contract)]
async fn expire_field_after(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    let expire = async |when: sea_orm_cached_field::Expiry| {
        ada(&db).await.expire_slow_full_name_after(when, &*db).await.unwrap();
        drain(&db).await
    };

    assert_eq!(expire((Utc::now() - TimeDelta::hours(1)).into()).await, 1);
    assert_eq!(ada(&db).await.slow_full_name_expires_after, None, "it had passed");
    assert_eq!(expire(NaiveDate::from_ymd_opt(2020, 1, 1).unwrap().into()).await, 1, "a date");

    let ahead = (Utc::now() + TimeDelta::days(30)).duration_trunc(TimeDelta::seconds(1)).unwrap();
    assert_eq!(expire(ahead.into()).await, 0);
    ada(&db).await.recalculate_slow_full_name(&*db).await.unwrap();
    assert_eq!(
        ada(&db).await.slow_full_name_expires_after,
        Some(ahead),
        "it lies ahead, and is kept"
    );
    assert_eq!(expire(None.into()).await, 0);
    assert_eq!(ada(&db).await.slow_full_name_expires_after, None);
}

// The original enqueues on commit since it knows Django 1.9.
#[apply(contract)]
async fn trigger_cache_recalculation(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    for commit in [false, true] {
        let transaction = db.begin().await.unwrap();
        let loaded = Entity::find().one(&transaction).await.unwrap().unwrap();
        loaded.flag_slow_full_name_as_stale(&transaction).await.unwrap();
        if commit {
            transaction.commit().await.unwrap()
        } else {
            transaction.rollback().await.unwrap()
        }
        assert_eq!(drain(&db).await, usize::from(commit));
    }
}
