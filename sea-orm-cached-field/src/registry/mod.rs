//! All cached fields of the program: each model's shape, and the graph between the fields.

mod graph;
mod layout;
mod query;
mod rows;

use std::{
    any::TypeId,
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError},
};

use sea_orm::{
    ColumnType, DatabaseExecutor, DbBackend, DbErr,
    sea_query::{ColumnDef, Table as AlterTable, TableAlterStatement, TableRef},
};

use crate::{
    Error,
    backend::Backend,
    declaration::{CachedModel, Key},
    layout::{Owner, Table},
};

pub(crate) use graph::{Below, Way, check_cycles, field_in, upstream_first, upstreams};
pub use query::select;
#[cfg(test)]
pub(crate) use rows::LoadedOrUnreadable;
pub(crate) use rows::{Loaded, Rows, Unreadable, flag_all, keys_of, load_all, load_one};

/// A type-erased model with cached fields.
pub(crate) struct Model {
    /// The entity, for messages.
    pub(crate) entity: &'static str,
    pub(crate) owner: Owner,
    /// The crate that declares it.
    pub(crate) declared_by: &'static str,
    /// The loader of its rows.
    pub(crate) rows: Box<dyn Rows>,
    columns: fn(DbBackend, usize) -> Vec<FieldColumn>,
    below: OnceLock<Vec<Vec<Below>>>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.owner.table.name)
    }
}

impl Model {
    /// Returns the model of the entity `E`. It is built once, however often it is asked for.
    pub(crate) fn of<E: CachedModel>() -> Result<Arc<Self>, Error> {
        static MODELS: LazyLock<Mutex<HashMap<TypeId, Arc<Model>>>> = LazyLock::new(Mutex::default);
        let mut models = MODELS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = models.get(&TypeId::of::<E>()) {
            return Ok(Arc::clone(model));
        }
        let model = Arc::new(layout::model::<E>()?);
        models.insert(TypeId::of::<E>(), Arc::clone(&model));
        Ok(model)
    }

    /// Returns a model that no entity stands for.
    #[cfg(test)]
    pub(crate) fn plain(owner: Owner, rows: Box<dyn Rows>) -> Self {
        Self {
            owner,
            entity: "",
            declared_by: "",
            rows,
            columns: |_, _| Vec::new(),
            below: OnceLock::new(),
        }
    }

    /// Returns all cached fields that a field is calculated from. A field comes after the fields
    /// that it is calculated from itself.
    pub(crate) fn all_below(self: &Arc<Self>, field: usize) -> &[Below] {
        let of_all_fields = || {
            let models = with_others(std::slice::from_ref(self));
            let fields = 0..self.owner.fields.len();
            fields.map(|field| graph::all_below(&models, (0, field))).collect()
        };
        &self.below.get_or_init(of_all_fields)[field]
    }

    /// Returns the columns of a field: the value, the flag, and the expiry if there is one.
    pub(crate) fn columns(&self, backend: DbBackend, field: usize) -> Vec<FieldColumn> {
        (self.columns)(backend, field)
    }

    /// Loads the rows with these keys.
    pub(crate) async fn load<'a>(
        &'a self,
        db: &'a DatabaseExecutor<'a>,
        keys: &'a [Key],
    ) -> Result<LoadedRows<'a>, DbErr> {
        let (rows, mut unreadable) = self.rows.load(db, keys).await?;
        let mut places: HashMap<Key, usize> =
            (0..rows.len()).map(|place| (rows.key(place), place)).collect();

        let is_missing = |key: &&Key| !places.contains_key(*key) && !unreadable.contains_key(*key);
        let missing: Vec<Key> = keys.iter().filter(is_missing).cloned().collect();
        for (key, own) in self.spelled(db, &missing).await? {
            if let Some(place) = places.get(&own) {
                places.insert(key, *place);
            } else if own != key {
                let reason = format!(
                    "the database finds a row by this key, whose key is then read as {own}, and \
                     is another each time: give the entity's key a type that reads what it writes"
                );
                unreadable.insert(key, DbErr::Custom(reason));
            }
        }

        Ok(LoadedRows { rows, places, unreadable })
    }

    /// Returns the keys of the rows that the database finds by these keys. Each is spelled as in
    /// its row, and is found by the key as it was given.
    pub(crate) async fn spelled(
        &self,
        db: &DatabaseExecutor<'_>,
        keys: &[Key],
    ) -> Result<HashMap<Key, Key>, DbErr> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let backend = Backend::of(db).map_err(|error| DbErr::Custom(error.to_string()))?;
        backend.spelled(db, &self.owner, keys).await
    }
}

/// Loaded rows.
pub(crate) struct LoadedRows<'a> {
    pub(crate) rows: Box<dyn Loaded + 'a>,
    /// The index of the row that the database finds by a key, by the key as it was given. The row
    /// may spell it in another way.
    pub(crate) places: HashMap<Key, usize>,
    pub(crate) unreadable: Unreadable,
}

/// A column of a field as SeaORM makes it.
pub(crate) struct FieldColumn {
    pub(crate) name: String,
    pub(crate) kind: ColumnType,
    pub(crate) definition: ColumnDef,
    table: TableRef,
}

impl FieldColumn {
    /// Returns the statement that adds it to the table, with this definition.
    pub(crate) fn add(&self, mut definition: ColumnDef) -> TableAlterStatement {
        AlterTable::alter().table(self.table.clone()).add_column(&mut definition).to_owned()
    }
}

/// The registration of a model that `#[cached_fields]` generates.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    model: fn() -> Result<Arc<Model>, Error>,
    upkeep: fn() -> Upkeep,
    declared_by: &'static str,
}

impl Registration {
    /// Returns the registration of the entity `E`.
    pub const fn of<E: CachedModel>() -> Self {
        Self {
            model: Model::of::<E>,
            upkeep: layout::upkeep::<E>,
            declared_by: crate_of(E::MODULE),
        }
    }

    pub(crate) fn model(self) -> Result<Arc<Model>, Error> {
        (self.model)()
    }

    fn upkeep(self) -> Upkeep {
        (self.upkeep)()
    }
}

/// The columns of a table that are neither the user's nor a cached value: flags and expiries.
struct Upkeep {
    table: Table,
    columns: Vec<String>,
}

inventory::collect!(Registration);

fn registered() -> impl Iterator<Item = Result<Arc<Model>, Error>> {
    inventory::iter::<Registration>.into_iter().map(|registration| registration.model())
}

/// Returns the crate of a module.
const fn crate_of(module: &'static str) -> &'static str {
    let mut end = 0;
    while end < module.len() && module.as_bytes()[end] != b':' {
        end += 1;
    }
    module.split_at(end).0
}

/// Returns the tables of models with cached fields in the program, each with the crate that
/// declares it.
pub(crate) fn declared() -> Vec<(Table, &'static str)> {
    let registered = inventory::iter::<Registration>.into_iter();
    registered.map(|registration| (registration.upkeep().table, registration.declared_by)).collect()
}

/// Returns all models that the program registers, by table.
pub(crate) fn all() -> Result<Vec<Arc<Model>>, Error> {
    let mut models = one_of_each_table(registered().collect::<Result<_, _>>()?)?;
    models.sort_by(|a, b| {
        (&a.owner.table.schema, &a.owner.table.name)
            .cmp(&(&b.owner.table.schema, &b.owner.table.name))
    });
    Ok(models)
}

/// Returns these models, and after them all others of the program that can be built.
pub(crate) fn with_others(models: &[Arc<Model>]) -> Vec<Arc<Model>> {
    let mut all = models.to_vec();
    for other in registered().filter_map(Result::ok) {
        if !all.iter().any(|model| Arc::ptr_eq(model, &other)) {
            all.push(other);
        }
    }
    all
}

/// Returns the same models, each of them once. Refuses two entities of one table: each would take
/// the other's objects for superfluous.
pub(crate) fn one_of_each_table(models: Vec<Arc<Model>>) -> Result<Vec<Arc<Model>>, Error> {
    let mut kept: Vec<Arc<Model>> = Vec::new();
    for model in models {
        match kept.iter().find(|other| other.owner.table == model.owner.table) {
            Some(other) if Arc::ptr_eq(other, &model) => {}
            Some(other) => return Err(two_entities(other, &model)),
            None => kept.push(model),
        }
    }
    Ok(kept)
}

/// Returns the error for two entities of one table.
pub(crate) fn two_entities(one: &Model, other: &Model) -> Error {
    let fields = |model: &Model| format!("`{}` ({})", model.entity, model.owner.field_names());
    Error::TwoEntities {
        table: one.owner.table.name.clone(),
        entities: [fields(one), fields(other)],
    }
}
