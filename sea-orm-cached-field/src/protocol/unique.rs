//! Unique indexes over cached columns: a row that is to be recalculated gives its value up if
//! another row needs it.
//!
//! Two rows that exchange their values are both stale. The cached column of a stale row may be
//! NULL, as it is before the first calculation. The library waits for no lock: if another
//! transaction holds one, the row is retried later.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use sea_orm::{ConnectionTrait, SqlErr};

use crate::{
    Error,
    catalog::{UniqueIndex, UniqueIndexes, indexed_fields},
    declaration::Key,
    engine::Engine,
    queue::{Shape, Written},
    registry::Model,
};

/// Returns the unique indexes of the model's table, as they were last looked up.
pub(super) async fn unique_of(
    engine: &Engine,
    db: &impl ConnectionTrait,
    model: &Model,
) -> Result<Arc<UniqueIndexes>, Error> {
    match engine.unique(&model.owner.table) {
        Some(known) => Ok(known),
        None => look_up(engine, db, model).await,
    }
}

/// Looks the indexes up, because they may have changed.
pub(super) async fn look_up(
    engine: &Engine,
    db: &impl ConnectionTrait,
    model: &Model,
) -> Result<Arc<UniqueIndexes>, Error> {
    let found = engine.backend.unique_columns(db, &model.owner.table).await?;
    let all = found.len();
    let whole = found.into_values().filter_map(|columns| {
        Some(UniqueIndex { columns: columns.into_iter().collect::<Option<_>>()? })
    });
    let indexes: Vec<UniqueIndex> =
        whole.filter(|index| indexed_fields(&model.owner, index).next().is_some()).collect();
    let unique = UniqueIndexes { others: indexes.len() < all, indexes };
    Ok(engine.know_unique(&model.owner.table, unique))
}

/// Returns whether the database says that a unique index refuses a value.
fn is_refusal(error: &Error) -> bool {
    match error {
        Error::NotUnique { .. } => true,
        Error::Database(error) => {
            matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
        }
        _ => false,
    }
}

/// The rows that were found in the way of values.
#[derive(Default)]
pub(super) struct Room {
    /// The rows whose values belong to other rows that cannot give them up now.
    pub(super) blocked: HashSet<Key>,
    /// Whether a row that is to be recalculated cannot give its value up, because its column may
    /// not be NULL.
    is_kept: bool,
}

/// Makes other rows give up the values that these rows are about to have, if those rows are to be
/// recalculated. This includes rows that are about to be written themselves. With `by_marks`, a
/// mark or a place in the queue is enough for that, which takes a snapshot of its own for each
/// statement. Without, such rows block the value until later.
pub(super) async fn make_room(
    engine: &Engine,
    db: &impl ConnectionTrait,
    model: &Model,
    unique: &UniqueIndexes,
    written: &BTreeMap<Shape, Vec<Written>>,
    by_marks: bool,
) -> Result<Room, Error> {
    let mut room = Room::default();
    for (shape, rows) in written {
        for index in &unique.indexes {
            if indexed_fields(&model.owner, index)
                .all(|(field, _)| shape.0.iter().all(|shaped| shaped.field != field))
            {
                continue;
            }

            let mut holders: HashMap<Key, HashSet<Key>> = HashMap::new();
            for (holder, wanting) in
                engine.backend.holders(db, &model.owner, index, shape, rows).await?
            {
                holders.entry(holder).or_default().insert(wanting);
            }
            if !holders.is_empty() {
                clear(engine, db, model, index, &holders, by_marks, &mut room).await?;
            }
        }
    }
    Ok(room)
}

async fn clear(
    engine: &Engine,
    db: &impl ConnectionTrait,
    model: &Model,
    index: &UniqueIndex,
    holders: &HashMap<Key, HashSet<Key>>,
    by_marks: bool,
    room: &mut Room,
) -> Result<(), Error> {
    let mut left: Vec<Key> = holders.keys().cloned().collect();
    let mut locked = HashSet::new();
    let mut waiting = HashSet::new();

    for (field, nullable) in indexed_fields(&model.owner, index) {
        let mut stale = HashSet::new();
        let mut unflagged = Vec::new();
        for (key, is_flagged) in engine.backend.lock_holders(db, &model.owner, field, &left).await?
        {
            locked.insert(key.clone());
            if is_flagged {
                stale.insert(key);
            } else {
                unflagged.push(key);
            }
        }

        if !unflagged.is_empty() {
            let queued = queued(engine, db, model, field, &unflagged).await?;
            if by_marks {
                stale.extend(queued);
            } else {
                waiting.extend(queued);
            }
        }
        if stale.is_empty() {
            continue;
        }
        if !nullable {
            room.is_kept = true;
            continue;
        }

        let given_up: Vec<Key> = stale.iter().cloned().collect();
        engine.backend.give_up_value(db, &model.owner, field, &given_up).await?;
        left.retain(|key| !stale.contains(key));
        if left.is_empty() {
            break;
        }
    }

    let in_the_way =
        holders.iter().filter(|(holder, _)| !locked.contains(*holder) || waiting.contains(*holder));
    room.blocked.extend(in_the_way.flat_map(|(_, wanting)| wanting.iter().cloned()));
    Ok(())
}

/// Returns those of these locked rows that are marked or in the queue. An expiry that has passed
/// does not count: no worker may have seen it yet.
async fn queued(
    engine: &Engine,
    db: &impl ConnectionTrait,
    model: &Model,
    field: usize,
    keys: &[Key],
) -> Result<Vec<Key>, Error> {
    let mut owner = model.owner.clone();
    owner.fields[field].expires_after = None;
    let status = engine.backend.status(db, &owner, field, keys).await?;
    Ok(status.into_iter().filter(|(_, stale)| *stale).map(|(key, _)| key).collect())
}

impl Room {
    /// Returns the refusal of a value by a unique index, with its remedy. Any other error stays as
    /// it is.
    pub(super) fn explained(
        &self,
        unique: &UniqueIndexes,
        model: &Model,
        field: usize,
        key: &Key,
        error: Error,
    ) -> Error {
        let knows = unique.has(&model.owner, field);
        if !is_refusal(&error) || !(knows || unique.others) {
            return error;
        }
        let source = match error {
            Error::Database(error) => error,
            other => return other,
        };

        let remedy = if self.is_kept {
            "another row that is to be recalculated has it, and its column may not be NULL until \
             then; let the column be NULL, or drop the unique index"
        } else if knows {
            "another row that is not to be recalculated has it; let the calculation give each row \
             a value of its own, or drop the unique index"
        } else {
            "the library cannot tell which row has it, because the unique index is not over the \
             cached column itself; make it one of whole columns, or drop it"
        };

        let table = model.owner.table.name.clone();
        let field = model.owner.fields[field].name;
        Error::NotUnique { table, field, key: key.clone(), remedy, source: Box::new(source) }
    }
}
