//! Fields that are calculated by a query of the user.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use sea_orm::{DatabaseExecutor, DbErr, EntityTrait, QueryResult, TryGetError, TryGetable};

use super::Model;
use crate::{
    backend::{Backend, Calculated},
    declaration::{BoxError, CachedField, Calculation, Key},
};

/// Calculates a field of these rows by its query.
pub fn select<'a, F: CachedField<Value: TryGetable>>(
    models: &'a [<F::Entity as EntityTrait>::Model],
    db: &'a DatabaseExecutor<'a>,
) -> Calculation<'a, Vec<F::Value>> {
    Box::pin(async move {
        let keys: Vec<Key> = models.iter().map(Key::of::<F::Entity>).collect();
        let values = values::<F>(&keys, db).await?;
        let gone = |key| DbErr::RecordNotFound(format!("the row {key} does not exist any more"));
        keys.iter().map(|key| values.get(key).cloned().ok_or_else(|| gone(key).into())).collect()
    })
}

async fn values<F: CachedField<Value: TryGetable>>(
    keys: &[Key],
    db: &DatabaseExecutor<'_>,
) -> Result<HashMap<Key, F::Value>, BoxError> {
    let model = Model::of::<F::Entity>()?;
    let field = model.owner.field_index(F::NAME).expect("a model lists all of its fields");
    let calculated = Backend::of(db)?.calculate(db, &model.owner, field, keys).await?;
    let wanted: HashSet<&Key> = keys.iter().collect();
    let mut values = HashMap::with_capacity(keys.len());
    let mut rows = Vec::with_capacity(keys.len());

    for Calculated { key, found, row } in calculated {
        if !wanted.contains(&key) {
            continue;
        }
        if !found {
            rows.push((key, row));
        } else if values.insert(key.clone(), value(&row, &key)?).is_some() {
            return Err(format!(
                "its query has several rows for {key}: it has to select each key once"
            )
            .into());
        }
    }

    for (key, row) in rows {
        if let Entry::Vacant(place) = values.entry(key) {
            let value = value(&row, place.key())?;
            place.insert(value);
        }
    }
    Ok(values)
}

fn value<T: TryGetable>(row: &QueryResult, key: &Key) -> Result<T, BoxError> {
    T::try_get_by(row, "value").map_err(|error| match error {
        TryGetError::Null(_) => format!(
            "its query has no value for {key}: it has to select one for each row, or the field be \
             an `Option`"
        )
        .into(),
        TryGetError::DbErr(error) => error.into(),
    })
}
