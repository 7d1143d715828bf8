//! The calculation of one row, for users who write only that of many rows.

use sea_orm::{DatabaseExecutor, EntityName, EntityTrait};

use crate::{
    Error,
    declaration::{CachedField, Calculation},
};

/// Calculates one row by the user's calculation of many rows.
pub fn calculate_one<'a, F: CachedField>(
    model: &'a <F::Entity as EntityTrait>::Model,
    db: &'a DatabaseExecutor<'a>,
) -> Calculation<'a, F::Value> {
    Box::pin(async move {
        let mut values = F::calculate_batch(std::slice::from_ref(model), db).await?;
        let found = values.len();
        match values.pop() {
            Some(value) if found == 1 => Ok(value),
            _ => {
                let table = F::Entity::default().table_name().to_owned();
                Err(Error::WrongLength { table, field: F::NAME, expected: 1, found }.into())
            }
        }
    })
}
