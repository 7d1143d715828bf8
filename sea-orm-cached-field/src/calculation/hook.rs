//! The user's hooks after a value was stored.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};
use sea_orm::DatabaseExecutor;

use super::{Limits, run::drive};
use crate::{
    declaration::Key,
    engine::Engine,
    event::{Event, NOT_RECORDED},
    registry::{Loaded, LoadedRows, Model},
};

/// Calls the user's hooks for these fields of rows, whose values were just stored, with the rows as
/// they are now. Returns whether all have ended well. A hook that fails is reported, and changes
/// nothing.
pub(crate) async fn after_recalculation(
    engine: &Engine,
    db: &DatabaseExecutor<'_>,
    model: &Model,
    stored: Vec<(Key, usize)>,
    limits: &Limits,
) -> bool {
    let mut rows: HashMap<Key, Vec<usize>> = HashMap::new();
    for (key, field) in stored {
        if model.rows.has_hook(field) {
            rows.entry(key).or_default().push(field);
        }
    }
    if rows.is_empty() {
        return true;
    }

    let keys: Vec<Key> = rows.keys().cloned().collect();
    let LoadedRows { rows: loaded, places, unreadable } = match model.load(db, &keys).await {
        Ok(loaded) => loaded,
        Err(error) => {
            for (key, fields) in &rows {
                fields.iter().for_each(|field| {
                    publish(engine, model, key, *field, UNREADABLE, error.to_string())
                });
            }
            return false;
        }
    };

    for (key, error) in &unreadable {
        rows.remove(key)
            .iter()
            .flatten()
            .for_each(|field| publish(engine, model, key, *field, UNREADABLE, error.to_string()));
    }

    // A row that is gone by now has no value any more that a hook could follow.
    let mut hooks = Vec::new();
    for (key, fields) in rows {
        let Some(place) = places.get(&key).copied() else { continue };
        for field in fields {
            hooks.push(Hook { engine, db, model, loaded: &*loaded, limits, place, field }.call());
        }
    }

    let ended: Vec<bool> = stream::iter(hooks).buffer_unordered(limits.concurrency).collect().await;
    unreadable.is_empty() && ended.into_iter().all(|well| well)
}

/// The reason why the hook of a row that cannot be loaded has failed.
const UNREADABLE: &str = "the row cannot be read";

fn publish(engine: &Engine, model: &Model, key: &Key, field: usize, cause: &str, error: String) {
    let table = model.owner.table.name.clone();
    let field = model.owner.fields[field].name;
    let failed = Event::HookFailed { table, field, key: key.clone(), error };
    engine.warn(failed, cause, NOT_RECORDED);
}

/// The hook of a field of a loaded row.
struct Hook<'a> {
    engine: &'a Engine,
    db: &'a DatabaseExecutor<'a>,
    model: &'a Model,
    loaded: &'a (dyn Loaded + 'a),
    limits: &'a Limits,
    place: usize,
    field: usize,
}

impl Hook<'_> {
    async fn call(self) -> bool {
        let Self { engine, db, model, loaded, limits, place, field } = self;
        let Some(hook) = loaded.after_recalculation(place, field, db) else { return true };
        let permit = limits.permits.acquire().await;
        let ended = drive(Some(limits.timeout), hook).await;
        drop(permit);

        if let Err(failure) = &ended {
            publish(
                engine,
                model,
                &loaded.key(place),
                field,
                &failure.without_values(),
                failure.to_string(),
            );
        }
        ended.is_ok()
    }
}
