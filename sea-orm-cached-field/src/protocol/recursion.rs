//! Recursion: fields that are calculated from the same field of other rows, such as totals of a
//! tree.

use std::collections::{HashMap, HashSet, VecDeque};

use sea_orm::DatabaseExecutor;

use super::query_recursive;
use crate::{Error, backend::Backend, declaration::Key, layout::Source, registry::Model};

/// Finds the rows that are calculated, over others, from themselves, so that the calculation would
/// never end. Returns each with the error that names the circle.
pub(crate) async fn find_circles(
    db: &DatabaseExecutor<'_>,
    model: &Model,
    field: usize,
    keys: &[Key],
) -> Result<HashMap<Key, Error>, Error> {
    if keys.is_empty() || model.owner.recursions(field).next().is_none() {
        return Ok(HashMap::new());
    }
    query_recursive(db, async |db| find_circles_now(db, model, field, keys).await).await
}

async fn find_circles_now(
    db: &DatabaseExecutor<'_>,
    model: &Model,
    field: usize,
    keys: &[Key],
) -> Result<HashMap<Key, Error>, Error> {
    let backend = Backend::of(db)?;
    let mut circles = HashMap::new();

    for source in model.owner.recursions(field) {
        let suspects = backend.suspects(db, &model.owner, source, keys).await?;
        let spelled = model.spelled(db, &suspects).await?;
        for key in suspects {
            let own = spelled.get(&key).unwrap_or(&key);
            if let Some(path) = circle(backend, db, model, source, own).await? {
                let table = model.owner.table.name.clone();
                let field = model.owner.fields[field].name;
                circles.insert(key, Error::DataCycle { table, field, path });
            }
        }
    }
    Ok(circles)
}

/// Finds the shortest way from a row over its readers back to itself, by breadth-first search. A
/// reader is a row that is calculated from it. Returns `None` if there is no circle, or if it was
/// broken meanwhile.
async fn circle(
    backend: Backend,
    db: &DatabaseExecutor<'_>,
    model: &Model,
    source: &Source,
    start: &Key,
) -> Result<Option<Vec<Key>>, Error> {
    let mut ways = VecDeque::from([vec![start.clone()]]);
    let mut seen = HashSet::new();

    while let Some(way) = ways.pop_front() {
        let last = way.last().unwrap_or(start);
        for reader in backend.readers(db, &model.owner, source, last).await? {
            let longer = [way.as_slice(), std::slice::from_ref(&reader)].concat();
            if reader == *start {
                return Ok(Some(longer));
            }
            if seen.insert(reader) {
                ways.push_back(longer);
            }
        }
    }
    Ok(None)
}
