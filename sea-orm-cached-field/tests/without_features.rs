//! What a program is told that has not enabled the feature of its database.
#![cfg(not(feature = "sqlx-sqlite"))]

use sea_orm_cached_field::{CachedFields, Error, InstallError};

#[tokio::test]
async fn an_error_names_the_feature() {
    let db = sea_orm::Database::connect("sqlite::memory:").await.unwrap();

    let refused = CachedFields::all().install(&db).await.unwrap_err();

    let missing = Error::MissingFeature { feature: "sqlx-sqlite" };
    assert_eq!(refused.to_string(), missing.to_string());
    assert!(matches!(refused, InstallError::Fields(Error::MissingFeature { .. })), "{refused}");
    assert!(CachedFields::set_eager_recalculation(true, &db).is_err());
}
