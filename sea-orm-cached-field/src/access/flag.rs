//! Flagging of one row, or of the rows that meet a condition.

use std::{future::IntoFuture, marker::PhantomData};

use futures_util::future::BoxFuture;
use sea_orm::{Condition, DatabaseExecutor, sea_query::IntoCondition};

use super::{
    Target,
    rows::{CHUNK, FieldRows},
};
use crate::{
    Error,
    declaration::{CachedField, Key},
    protocol,
    registry::{self, Model},
    transaction,
};

/// Returns a future that flags a row when it is awaited.
pub fn flag<F: CachedField>(key: Key, db: DatabaseExecutor<'_>) -> Flag<'_, F> {
    Flag { key, db, eager: None, field: PhantomData }
}

/// A row that is flagged as stale when this is awaited.
#[must_use = "nothing is flagged until this is awaited"]
#[derive(Debug)]
pub struct Flag<'c, F> {
    key: Key,
    db: DatabaseExecutor<'c>,
    eager: Option<bool>,
    field: PhantomData<fn() -> F>,
}

impl<F> Flag<'_, F> {
    /// Sets whether a worker recalculates the row in the background, or else the next reader does.
    /// For this call, it overrides the option `lazy` of the field and
    /// [`CachedFields::set_eager_recalculation`].
    ///
    /// [`CachedFields::set_eager_recalculation`]: crate::CachedFields::set_eager_recalculation
    pub fn and_recalculate(mut self, recalculate: bool) -> Self {
        self.eager = Some(recalculate);
        self
    }
}

impl<'c, F: CachedField> IntoFuture for Flag<'c, F> {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let target = Target::of::<F>(self.key)?;
            protocol::flag(&self.db, &target.model, target.field, &target.key, self.eager).await
        })
    }
}

/// Returns a future that flags the rows that meet a condition when it is awaited.
pub fn flag_rows<F: CachedField>(
    db: DatabaseExecutor<'_>,
    condition: impl IntoCondition,
) -> FlagRows<'_, F> {
    FlagRows { condition: condition.into_condition(), db, eager: None, field: PhantomData }
}

/// Rows that are flagged as stale when this is awaited, which returns their number.
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
///     lamppost::Name::flag(lamppost::Column::Country.eq("Peru"), db).await
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
    eager: Option<bool>,
    field: PhantomData<fn() -> F>,
}

impl<F> FlagRows<'_, F> {
    /// Sets whether a worker recalculates the rows in the background, or else the next reader of
    /// each does. For this call, it overrides the option `lazy` of the field and
    /// [`CachedFields::set_eager_recalculation`].
    ///
    /// [`CachedFields::set_eager_recalculation`]: crate::CachedFields::set_eager_recalculation
    pub fn and_recalculate(mut self, recalculate: bool) -> Self {
        self.eager = Some(recalculate);
        self
    }
}

impl<'c, F: CachedField> IntoFuture for FlagRows<'c, F> {
    type Output = Result<u64, Error>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { condition, db, eager, .. } = self;
            let FieldRows { model, field } = FieldRows::field::<F>()?;
            let rows = match eager {
                None => {
                    registry::flag_all::<F::Entity>(&db, F::spec().recalculation_needed, condition)
                        .await?
                }
                Some(eager) => flag_one_by_one::<F>(&db, &model, field, condition, eager).await?,
            };
            protocol::flagged(&db, &model, field, rows)?;
            Ok(rows)
        })
    }
}

/// Flags all of the rows or none, and returns their number.
async fn flag_one_by_one<F: CachedField>(
    db: &DatabaseExecutor<'_>,
    model: &Model,
    field: usize,
    condition: Condition,
    eager: bool,
) -> Result<u64, Error> {
    let transaction = transaction::begin_writing_within(db).await?;
    let db = DatabaseExecutor::Transaction(&transaction);
    let mut rows = 0;
    let mut after = None;
    loop {
        let keys = registry::keys_of::<F::Entity>(&db, &condition, after.as_ref(), CHUNK).await?;
        let Some(last) = keys.last() else { break };
        protocol::flag_all(&db, model, field, &keys, eager).await?;
        rows += keys.len() as u64;
        after = Some(last.clone());
    }
    transaction.commit().await?;
    Ok(rows)
}
