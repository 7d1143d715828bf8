//! What is done with many rows at a time.

use std::{future::IntoFuture, marker::PhantomData};

use futures_util::future::BoxFuture;
use sea_orm::{Condition, DatabaseExecutor, sea_query::IntoCondition};

use crate::{
    Error,
    field::CachedField,
    invalidation,
    registry::{self, Model},
};

/// Flags, when it is awaited, the rows that meet a condition.
pub fn flag_rows<F: CachedField>(db: DatabaseExecutor<'_>, condition: impl IntoCondition) -> FlagRows<'_, F> {
    FlagRows { condition: condition.into_condition(), db, eager: true, field: PhantomData }
}

/// Rows about to be flagged as stale; they are when this is awaited, which returns how many they were.
///
/// ```standalone_crate
/// # use sea_orm_cached_field::Error;
/// use sea_orm::{ColumnTrait, DatabaseConnection};
///
/// # mod lamppost {
/// #     use sea_orm::entity::prelude::*;
/// #     #[sea_orm_cached_field::cached_fields]
/// #     #[sea_orm::model]
/// #     #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
/// #     #[sea_orm(table_name = "lamppost")]
/// #     pub struct Model {
/// #         #[sea_orm(primary_key)]
/// #         pub id: i32,
/// #         pub country: String,
/// #         #[cached(depends_on(country))]
/// #         pub name: String,
/// #     }
/// #     impl ActiveModelBehavior for ActiveModel {}
/// #     impl Model {
/// #         async fn calculate_name(&self, _: &impl ConnectionTrait) -> Result<String, DbErr> {
/// #             Ok(self.country.clone())
/// #         }
/// #     }
/// # }
/// async fn rename_a_country(db: &DatabaseConnection) -> Result<u64, Error> {
///     lamppost::Name::flag(db, lamppost::Column::Country.eq("Peru")).await
/// }
/// ```
///
/// # Errors
/// [`Error::Database`]; then no row is flagged.
#[must_use = "nothing is flagged until this is awaited"]
#[derive(Debug)]
pub struct FlagRows<'c, F> {
    condition: Condition,
    db: DatabaseExecutor<'c>,
    eager: bool,
    field: PhantomData<fn() -> F>,
}

impl<F> FlagRows<'_, F> {
    /// Whether a worker recalculates the rows in the background, as it does unless told otherwise; if not, the next reader
    /// of each does.
    pub fn and_recalculate(mut self, recalculate: bool) -> Self {
        self.eager = recalculate;
        self
    }
}

impl<'c, F: CachedField> IntoFuture for FlagRows<'c, F> {
    type Output = Result<u64, Error>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { condition, db, eager, .. } = self;
            let model = Model::of::<F::Entity>()?;
            let field = model.owner.field_index(F::NAME).expect("a model lists all of its fields");
            let rows = if eager {
                registry::flag_all::<F::Entity>(&db, F::spec().recalculation_needed, condition).await?
            } else {
                let keys = registry::keys_of::<F::Entity>(&db, condition).await?;
                invalidation::flag_lazily(&db, &model, field, &keys).await?;
                keys.len() as u64
            };
            invalidation::flagged(&db, &model, field, rows)?;
            Ok(rows)
        })
    }
}
