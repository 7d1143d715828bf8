//! The original's settings; `CACHED_FIELD_USE_TIMEZONE` is in `time_zones`.

use sea_orm::TransactionTrait;
use sea_orm_cached_field::CachedFields;

use crate::street::*;

#[apply(contract)]
async fn cached_field_eager_recalculation(db: TestDb) {
    set_up(&db).await;
    CachedFields::set_eager_recalculation(false, &db).unwrap();
    ada(&db).await.flag_slow_full_name_as_stale(&*db).await.unwrap();
    assert_eq!((drain(&db).await, ada(&db).await.slow_full_name_recalculation_needed), (0, true));
    assert_eq!(ada(&db).await.slow_full_name(&*db).await.unwrap(), "The Ada of Peru");
    assert!(!ada(&db).await.slow_full_name_recalculation_needed);
    ada(&db).await.flag_slow_full_name_as_stale(&*db).and_recalculate(true).await.unwrap();
    assert_eq!(drain(&db).await, 1, "a call has its own say");
}

// The original has the name of this setting, and does not read it.
#[apply(contract)]
async fn cached_field_transaction_aware(db: TestDb) {
    set_up(&db).await;
    drain(&db).await;
    let transaction = db.begin().await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(
        &transaction,
        "UPDATE lamppost SET first_name = 'Bea'",
    )
    .await
    .unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!((drain(&db).await, db.pending("lamppost").await), (0, 0));
}
