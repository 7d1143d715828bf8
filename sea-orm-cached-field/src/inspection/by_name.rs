//! What is done to a field that is known by its name, as on a command line.

use std::{str::FromStr, sync::Arc};

use sea_orm::{ColumnType, DatabaseConnection, DatabaseExecutor, Value};

use super::{PAGE, ask, check_key, find};
use crate::{
    Error, access,
    declaration::{Chunk, Key},
    engine::Engine,
    installation, protocol,
    registry::Model,
};

/// Reads a key from texts, one for each key column.
pub(crate) fn parse_key(models: &[Arc<Model>], name: &str, texts: &[&str]) -> Result<Key, Error> {
    let (model, _) = find(models, name)?;
    let table = &model.owner.table.name;
    let columns = model.rows.key_columns();
    if texts.len() != columns.len() {
        let key = Key::new(texts.iter().map(|text| Value::from(*text)));
        return Err(Error::WrongKey { table: table.clone(), key, columns: columns.len() });
    }

    let value = |(text, (column, kind)): (&&str, &(String, ColumnType))| {
        parse(text, kind).map_err(|expected| Error::InvalidKey {
            table: table.clone(),
            column: column.clone(),
            text: (*text).to_owned(),
            expected,
        })
    };
    let values: Vec<Value> = texts.iter().zip(&columns).map(value).collect::<Result<_, _>>()?;
    Ok(Key::new(values))
}

/// Returns the value, or what the text has to be.
fn parse(text: &str, kind: &ColumnType) -> Result<Value, String> {
    match kind {
        ColumnType::TinyInteger => number::<i8>(text),
        ColumnType::SmallInteger => number::<i16>(text),
        ColumnType::Integer => number::<i32>(text),
        ColumnType::BigInteger => number::<i64>(text),
        ColumnType::TinyUnsigned => number::<u8>(text),
        ColumnType::SmallUnsigned => number::<u16>(text),
        ColumnType::Unsigned => number::<u32>(text),
        ColumnType::BigUnsigned => number::<u64>(text),
        ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text => Ok(text.into()),
        ColumnType::Enum { variants, .. } => {
            let names: Vec<String> = variants.iter().map(ToString::to_string).collect();
            let is_one = names.iter().any(|name| name == text);
            is_one.then(|| text.into()).ok_or_else(|| format!("one of {}", names.join(", ")))
        }
        #[cfg(feature = "cli")]
        ColumnType::Uuid => {
            let uuid = sea_orm::prelude::Uuid::from_str(text);
            uuid.map(Value::from).map_err(|_| "a UUID".to_owned())
        }
        other => Err(format!(
            "a value of the type {other:?}, which cannot be read from text: use \
             `CachedFields` in a program"
        )),
    }
}

fn number<T: FromStr + Into<Value>>(text: &str) -> Result<Value, String> {
    let name = std::any::type_name::<T>();
    text.parse().map(T::into).map_err(|_| format!("a whole number that fits into {name}"))
}

/// Returns the keys of the first rows after one key, and up to another.
pub(crate) async fn keys(
    db: &DatabaseConnection,
    models: &[Arc<Model>],
    name: &str,
    [after, to]: [Option<&Key>; 2],
    limit: u64,
) -> Result<Vec<Key>, Error> {
    let (model, _) = find(models, name)?;
    for key in after.into_iter().chain(to) {
        check_key(&model.owner, key)?;
    }

    let engine = Engine::of(db)?;
    let chunk = Chunk { after: after.cloned(), to: to.cloned() };
    let keys = async |transaction: &DatabaseExecutor<'_>| {
        let limit = limit.min(PAGE);
        Ok(engine.backend.keys(transaction, &model.owner, &chunk, limit).await?)
    };
    ask(&engine, db, &model, keys).await
}

/// Flags rows of a field, or all if there are no keys. Returns their number.
pub(crate) async fn flag(
    db: &DatabaseConnection,
    models: &[Arc<Model>],
    name: &str,
    keys: Option<&[Key]>,
) -> Result<u64, Error> {
    let (model, field) = find(models, name)?;
    for key in keys.into_iter().flatten() {
        check_key(&model.owner, key)?;
    }

    let executor = DatabaseExecutor::Connection(db);
    let flag = async || {
        let Some(keys) = keys else {
            return installation::flag_field(&executor, &model, field).await;
        };
        let keys = access::existing(db, &model, keys).await?;
        for key in &keys {
            protocol::flag(&executor, &model, field, key, None).await?;
        }
        Ok(keys.len() as u64)
    };
    let backend = Engine::of(db)?.backend;
    flag().await.map_err(|error| protocol::explained(backend, [&model.owner], error))
}

/// Calculates and stores a field of these rows now. Returns their number.
pub(crate) async fn recalculate(
    db: &DatabaseConnection,
    models: &[Arc<Model>],
    name: &str,
    keys: &[Key],
) -> Result<u64, Error> {
    let (model, field) = find(models, name)?;
    for key in keys {
        check_key(&model.owner, key)?;
    }
    let backend = Engine::of(db)?.backend;
    let keys = access::existing(db, &model, keys).await;
    let keys = keys.map_err(|error| protocol::explained(backend, [&model.owner], error))?;
    access::recalculate_keys(db, model, field, &keys).await?;
    Ok(keys.len() as u64)
}
