//! What a program is told that has not enabled the feature of its database.
#![cfg(not(feature = "sqlx-sqlite"))]

use sea_orm_cached_field::{CachedFields, Error};

#[tokio::test]
async fn an_error_names_the_feature() {
    let db = sea_orm::Database::connect("sqlite::memory:").await.unwrap();

    let refused = CachedFields::all().worker(&db).drain().await.unwrap_err();

    assert!(matches!(refused, Error::MissingFeature { feature: "sqlx-sqlite" }), "{refused}");
    assert!(CachedFields::set_eager_recalculation(&db, true).is_err());
}
